/* patterns.h - slots of a result table as words that a library can add.
 *
 * A piece of the table is an array of 64-bit words: the bits of the values, 0
 * where a slot is not there; a mask, 64 slots a word; and how many slots are
 * there. Each slot is contributed by one participant at most, so that the sums of
 * these words over the participants, as unsigned integers, are the values and the mask of all,
 * exactly. Where two contributed the same slot, a bit of the mask is carried on,
 * and the mask holds fewer slots than the number behind it says.
 */
#ifndef REDUCE_PATTERNS_H
#define REDUCE_PATTERNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "reduce/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Slots of a piece, at most: a whole number of pages and blocks. */
enum {
    REDUCE_PIECE_SLOTS = 1 << 18
};

/* How many words a piece of n slots has. */
size_t reduce_piece_words(size_t n);

/* Fill words[0 .. reduce_piece_words(n)) with the slots [first .. first + n) of what is
 * contributed; first is a multiple of REDUCE_PIECE_SLOTS. */
void reduce_piece_fill(const struct reduce_slots *slots, uint64_t first, size_t n, uint64_t *words);

/* Take the sum of a piece into slots. Returns 0; -1 with MX_EINTERNAL if two contributed the
 * same slot, or MX_ENOMEM. */
int reduce_piece_take(const uint64_t *words, uint64_t first, size_t n, struct reduce_slots *slots,
                      struct mx_err *err);

/* Append what a sum holds as messages of reduce/block.h, each behind its length
 * (mx_put_bytes()), while *out has fewer than `most` bytes; *block is where to go on, from 0.
 * Returns 1 while something is left, 0 at the end, -1 with MX_ENOMEM. */
int reduce_sum_emit(const struct reduce_slots *sum, uint64_t nslots, uint32_t round,
                    uint64_t *block, size_t most, struct mx_buf *out, struct mx_err *err);

/* Take such messages; those of other rounds are left out. Returns 0; -1 with MX_EINTERNAL if
 * they are not well-formed, MX_ENOMEM. */
int reduce_sum_take(const void *bytes, size_t len, uint64_t nslots, uint32_t round,
                    struct reduce_slots *sum, struct mx_err *err);

/* Contribute all of `from` to `to`. -1 with MX_EINTERNAL if a slot, which is named, is in both, or
 * MX_ENOMEM; `to` is then only good to be freed. */
int reduce_slots_join(struct reduce_slots *to, const struct reduce_slots *from, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
