/* tree.h - result tables summed over the living, without a collective.
 *
 * A table is a long row of slots of 64 bits, each there or not. Every slot is
 * contributed by exactly one participant, so that the sum of the bits as
 * unsigned integers is exact for every value. Slots travel up a binomial tree
 * of the participants, numbered 0 .. count-1, 0 the root, block by block: a
 * participant adds the blocks of its children, in their order, to its own and
 * passes the sum on to its parent. A block that nobody of a subtree
 * contributes to is a few bytes.
 *
 * This is the arithmetic and the messages; it sends nothing itself. The caller
 * carries bytes (over MPI, or in memory in the tests), keeps deadlines, and
 * starts again with those that live, in a new round, when one was lost.
 */
#ifndef REDUCE_TREE_H
#define REDUCE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    REDUCE_BLOCK_SLOTS = 4096,
    REDUCE_MAX_CHILDREN = 32,
    REDUCE_NO_PARENT = -1
};

/* Slots that a participant contributes, sparse: kept in pages of 64, so that
 * memory goes with what was contributed. A slot costs 9 bytes where all of a
 * page are there, about 16 where runs of ten are, and 70 alone in its page. Set,
 * get and clear take the same time for any number of slots. */
struct reduce_slots;

struct reduce_slots *reduce_slots_new(struct mx_err *err);
void                 reduce_slots_free(struct reduce_slots *slots); /* NULL is allowed */

/* Contribute a slot; what was there is replaced. -1 with MX_ENOMEM. */
int reduce_slots_set(struct reduce_slots *slots, uint64_t slot, uint64_t bits, struct mx_err *err);

/* Take back slots [first .. first + count): an answer that came too late. */
void reduce_slots_clear(struct reduce_slots *slots, uint64_t first, uint64_t count);

bool     reduce_slots_get(const struct reduce_slots *slots, uint64_t slot, uint64_t *bits);
uint64_t reduce_slots_count(const struct reduce_slots *slots);

/* The tree: parent of a participant (REDUCE_NO_PARENT for 0), and its children
 * in the order in which they are added. Returns the number of children. */
int    reduce_parent(unsigned position, unsigned count);
size_t reduce_children(unsigned position, unsigned count, unsigned children[REDUCE_MAX_CHILDREN]);

/* One participant's part in one round.
 *
 * Blocks of children that are ahead of the others are kept until those have
 * sent theirs: 8 bytes a slot and 0.5 KiB a block, in the worst case all that a
 * child's subtree contributes. A caller that wants less takes no more messages
 * from such a child for a while. The root also keeps the sum, as struct
 * reduce_slots. */
struct reduce_part;

/* nslots: of the whole table, the same for all; round: raised with each new
 * start, messages of older rounds are ignored. slots are lent until the part
 * is freed and must not change meanwhile. NULL with MX_ENOMEM, or MX_EINTERNAL
 * if a slot is not one of nslots. */
struct reduce_part *reduce_part_new(const struct reduce_slots *slots, uint64_t nslots,
                                    unsigned position, unsigned count, uint32_t round,
                                    struct mx_err *err);
void                reduce_part_free(struct reduce_part *part); /* NULL is allowed */

/* A message body from a child (see reduce_part_emit()). Returns 0; 1 if it is of
 * an older round: ignored, whoever sent it; or -1 with MX_EINTERNAL: not a
 * message of ours, of a newer round, out of order, from none of our children,
 * or (at the root, which adds as blocks come) two contributed the same slot,
 * which is named; or MX_ENOMEM. After -1 a part can only be freed. */
int reduce_part_take(struct reduce_part *part, unsigned child, const void *body, size_t len,
                     struct mx_err *err);

/* The next message for the parent, appended to *out as a body without a frame;
 * at most REDUCE_BLOCK_SLOTS slots. Returns 1; 0 if the children's blocks for it
 * have not all come, or all is sent, or this is the root; or -1 with MX_EINTERNAL
 * if two contributed the same slot, which is named, or MX_ENOMEM. */
int reduce_part_emit(struct reduce_part *part, struct mx_buf *out, struct mx_err *err);

/* All is sent, or at the root, summed. */
bool reduce_part_finished(const struct reduce_part *part);

/* Bytes of messages of this round that came and went so far. */
uint64_t reduce_part_bytes(const struct reduce_part *part);

/* At the root, finished: compare with what should be there. Returns 0 if they
 * are equal bit for bit and slot for slot; 1 and *slot, the first that is not,
 * with what each side has (*there says who has it: bit 0 the sum, bit 1
 * expected). */
int reduce_part_compare(const struct reduce_part *part, const struct reduce_slots *expected,
                        uint64_t *slot, uint64_t *sum, uint64_t *wanted, unsigned *there);

#ifdef __cplusplus
}
#endif

#endif
