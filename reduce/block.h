/* block.h - a block of a result table, or a run of empty ones, as a message.
 *
 * Body: u32 round, u64 number of the first block, u8 form, and
 *
 *   REDUCE_EMPTY   u64 number of blocks, of which nobody contributed a slot
 *   REDUCE_DENSE   a mask of the slots that are there (u64 for each 64 slots
 *                  of the block), then their values (u64), in order
 *   REDUCE_SPARSE  u32 number of slots, then for each its offset (u32) and
 *                  value (u64), in order
 */
#ifndef REDUCE_BLOCK_H
#define REDUCE_BLOCK_H

#include "base/wire.h"
#include "reduce/slots.h"

#ifdef __cplusplus
extern "C" {
#endif

enum reduce_form {
    REDUCE_EMPTY,
    REDUCE_DENSE,
    REDUCE_SPARSE
};

enum {
    REDUCE_BLOCK_PAGES = REDUCE_BLOCK_SLOTS / REDUCE_PAGE_SLOTS
};

/* A block as it came, or a run of empty ones. */
struct reduce_block {
    struct reduce_block *behind; /* for the user: a queue */
    uint64_t             first;  /* number of the block, or of the first of the run */
    uint64_t             blocks; /* 1, or more in a run */
    bool                 empty;
    uint64_t             there[REDUCE_BLOCK_PAGES];
    uint64_t             values[]; /* of slots that are there, packed */
};

/* A block with every value at its place, zero where none is. */
struct reduce_sum {
    uint64_t there[REDUCE_BLOCK_PAGES];
    uint64_t values[REDUCE_BLOCK_SLOTS];
};

/* How many blocks there are in a table, and slots in one of its blocks. */
uint64_t reduce_blocks(uint64_t nslots);
size_t   reduce_block_size(uint64_t nslots, uint64_t number);

/* Append the message of a run of empty blocks, or of one block in whichever
 * form is shorter. */
void reduce_put_empty(struct mx_buf *out, uint32_t round, uint64_t first, uint64_t blocks);
void reduce_put_block(struct mx_buf *out, uint32_t round, uint64_t number, size_t size,
                      const struct reduce_sum *sum);

/* Take the rest of a message, behind its round. Returns a block to be freed with
 * free(); or NULL with MX_EINTERNAL if it is not well-formed, MX_ENOMEM. */
struct reduce_block *reduce_take_block(struct mx_wire *wire, uint64_t nslots, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
