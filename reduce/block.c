#include "reduce/block.h"

#include <stdlib.h>

enum {
    SPARSE_BYTES = 4 + 8, /* of a slot in a sparse block */
    VALUE_BYTES = 8
};

uint64_t reduce_blocks(uint64_t nslots)
{
    return nslots / REDUCE_BLOCK_SLOTS + (nslots % REDUCE_BLOCK_SLOTS != 0);
}

size_t reduce_block_size(uint64_t nslots, uint64_t number)
{
    uint64_t left = nslots - number * REDUCE_BLOCK_SLOTS;

    return left < REDUCE_BLOCK_SLOTS ? (size_t)left : REDUCE_BLOCK_SLOTS;
}

static size_t pages_of(size_t size)
{
    return (size + REDUCE_PAGE_SLOTS - 1) / REDUCE_PAGE_SLOTS;
}

static void put_head(struct mx_buf *out, uint32_t round, uint64_t first, enum reduce_form form)
{
    mx_put_u32(out, round);
    mx_put_u64(out, first);
    mx_put_u8(out, (uint8_t)form);
}

void reduce_put_empty(struct mx_buf *out, uint32_t round, uint64_t first, uint64_t blocks)
{
    put_head(out, round, first, REDUCE_EMPTY);
    mx_put_u64(out, blocks);
}

static size_t count_slots(const uint64_t *there, size_t pages)
{
    size_t n = 0;

    for (size_t p = 0; p < pages; p++)
        n += (size_t)__builtin_popcountll(there[p]);
    return n;
}

void reduce_put_block(struct mx_buf *out, uint32_t round, uint64_t number, size_t size,
                      const struct reduce_sum *sum)
{
    const size_t pages = pages_of(size), n = count_slots(sum->there, pages);
    const bool   sparse = 4 + n * SPARSE_BYTES < pages * 8 + n * VALUE_BYTES;

    put_head(out, round, number, sparse ? REDUCE_SPARSE : REDUCE_DENSE);
    if (sparse)
        mx_put_u32(out, (uint32_t)n);
    for (size_t p = 0; !sparse && p < pages; p++)
        mx_put_u64(out, sum->there[p]);
    for (size_t p = 0; p < pages; p++)
        for (uint64_t left = sum->there[p]; left != 0; left &= left - 1) {
            const size_t offset = p * REDUCE_PAGE_SLOTS + (size_t)__builtin_ctzll(left);

            if (sparse)
                mx_put_u32(out, (uint32_t)offset);
            mx_put_u64(out, sum->values[offset]);
        }
}

static size_t bytes_left(const struct mx_wire *wire)
{
    return wire->failed ? 0 : (size_t)(wire->end - wire->at);
}

/* A block with room for n values. */
static struct reduce_block *new_block(uint64_t first, size_t n, struct mx_err *err)
{
    struct reduce_block *block = calloc(1, sizeof *block + n * sizeof block->values[0]);

    if (!block) {
        mx_fail(err, MX_ENOMEM, "no memory for a block of %zu slots of the reduction", n);
        return NULL;
    }
    block->first = first;
    block->blocks = 1;
    return block;
}

static struct reduce_block *malformed(struct reduce_block *block, uint64_t number,
                                      struct mx_err *err)
{
    mx_fail(err, MX_EINTERNAL, "a message of the reduction, of block %llu, is not well-formed",
            (unsigned long long)number);
    free(block);
    return NULL;
}

static struct reduce_block *take_empty(struct mx_wire *wire, uint64_t first, uint64_t nblocks,
                                       struct mx_err *err)
{
    const uint64_t       blocks = mx_take_u64(wire);
    struct reduce_block *block;

    if (!mx_wire_done(wire) || blocks == 0 || blocks > nblocks - first)
        return malformed(NULL, first, err);
    if ((block = new_block(first, 0, err))) {
        block->blocks = blocks;
        block->empty = true;
    }
    return block;
}

static struct reduce_block *take_dense(struct mx_wire *wire, uint64_t number, size_t size,
                                       struct mx_err *err)
{
    uint64_t             there[REDUCE_BLOCK_PAGES];
    const size_t         pages = pages_of(size);
    const unsigned       beyond = (unsigned)(pages * REDUCE_PAGE_SLOTS - size);
    struct reduce_block *block;
    size_t               n;

    for (size_t p = 0; p < pages; p++)
        there[p] = mx_take_u64(wire);
    n = count_slots(there, pages);
    /* The length is right before memory is asked for. */
    if (n == 0 || bytes_left(wire) != n * VALUE_BYTES ||
        (there[pages - 1] & ~(UINT64_MAX >> beyond)) != 0)
        return malformed(NULL, number, err);
    if (!(block = new_block(number, n, err)))
        return NULL;
    for (size_t p = 0; p < pages; p++)
        block->there[p] = there[p];
    for (size_t k = 0; k < n; k++)
        block->values[k] = mx_take_u64(wire);
    return block;
}

static struct reduce_block *take_sparse(struct mx_wire *wire, uint64_t number, size_t size,
                                        struct mx_err *err)
{
    const size_t         n = mx_take_u32(wire);
    struct reduce_block *block;
    size_t               next = 0; /* the least offset that may come */

    if (n == 0 || n > size || bytes_left(wire) != n * SPARSE_BYTES)
        return malformed(NULL, number, err);
    if (!(block = new_block(number, n, err)))
        return NULL;
    for (size_t k = 0; k < n; k++) {
        const size_t offset = mx_take_u32(wire);

        if (offset < next || offset >= size)
            return malformed(block, number, err);
        block->there[offset / REDUCE_PAGE_SLOTS] |= UINT64_C(1) << offset % REDUCE_PAGE_SLOTS;
        block->values[k] = mx_take_u64(wire);
        next = offset + 1;
    }
    return block;
}

struct reduce_block *reduce_take_block(struct mx_wire *wire, uint64_t nslots, struct mx_err *err)
{
    const uint64_t first = mx_take_u64(wire);
    const unsigned form = mx_take_u8(wire);

    if (wire->failed || first >= reduce_blocks(nslots))
        return malformed(NULL, first, err);
    switch (form) {
    case REDUCE_EMPTY:
        return take_empty(wire, first, reduce_blocks(nslots), err);
    case REDUCE_DENSE:
        return take_dense(wire, first, reduce_block_size(nslots, first), err);
    case REDUCE_SPARSE:
        return take_sparse(wire, first, reduce_block_size(nslots, first), err);
    default:
        return malformed(NULL, first, err);
    }
}
