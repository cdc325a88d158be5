/* slots.h - sparse slots as pages of 64, for the tree that sums them.
 *
 * A page is kept only while one of its slots is there: a mask, and the values
 * of the slots that are there, packed, in the order of the slots. What users of
 * struct reduce_slots need is in reduce/tree.h.
 */
#ifndef REDUCE_SLOTS_H
#define REDUCE_SLOTS_H

#include "reduce/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    REDUCE_PAGE_SLOTS = 64
};

/* The numbers (slot / REDUCE_PAGE_SLOTS) of the pages that hold a slot,
 * ascending. Returns an array to be freed, with *n; or NULL with MX_ENOMEM. */
uint64_t *reduce_slots_pages(const struct reduce_slots *slots, size_t *n, struct mx_err *err);

/* The values of a page and, in *there, whose they are (bit k: slot k of the
 * page). Lent until slots change. *there is 0 if the page holds nothing. */
const uint64_t *reduce_slots_page(const struct reduce_slots *slots, uint64_t number,
                                  uint64_t *there);

/* Contribute a page, as reduce_slots_page() gives it, of one slot or more; what
 * was there is replaced. -1 with MX_ENOMEM. */
int reduce_slots_put_page(struct reduce_slots *slots, uint64_t number, uint64_t there,
                          const uint64_t *values, struct mx_err *err);

/* True if a slot is in one only, or differs; *slot is the first such. */
bool reduce_slots_differ(const struct reduce_slots *a, const struct reduce_slots *b,
                         uint64_t *slot);

#ifdef __cplusplus
}
#endif

#endif
