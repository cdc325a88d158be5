#include "reduce/patterns.h"

#include <stdlib.h>
#include <string.h>

#include "reduce/block.h"

static size_t pages_of(size_t n)
{
    return (n + REDUCE_PAGE_SLOTS - 1) / REDUCE_PAGE_SLOTS;
}

size_t reduce_piece_words(size_t n)
{
    return n + pages_of(n) + 1;
}

/* The values of a page at their places; packed[] has those that are there. */
static void spread(uint64_t *to, uint64_t there, const uint64_t *packed)
{
    for (; there != 0; there &= there - 1)
        to[__builtin_ctzll(there)] = *packed++;
}

void reduce_piece_fill(const struct reduce_slots *slots, uint64_t first, size_t n, uint64_t *words)
{
    uint64_t *mask = words + n, *count = mask + pages_of(n);

    memset(words, 0, reduce_piece_words(n) * sizeof *words);
    for (size_t p = 0; p < pages_of(n); p++) {
        const uint64_t *packed = reduce_slots_page(slots, first / REDUCE_PAGE_SLOTS + p, &mask[p]);

        if (n - p * REDUCE_PAGE_SLOTS < REDUCE_PAGE_SLOTS) /* what lies beyond is no slot */
            mask[p] &= ~(UINT64_MAX << (n - p * REDUCE_PAGE_SLOTS));
        spread(words + p * REDUCE_PAGE_SLOTS, mask[p], packed);
        *count += (unsigned)__builtin_popcountll(mask[p]);
    }
}

/* Values of a page that are there, one behind the other. */
static void pack(uint64_t packed[REDUCE_PAGE_SLOTS], uint64_t there, const uint64_t *from)
{
    for (; there != 0; there &= there - 1)
        *packed++ = from[__builtin_ctzll(there)];
}

int reduce_piece_take(const uint64_t *words, uint64_t first, size_t n, struct reduce_slots *slots,
                      struct mx_err *err)
{
    const uint64_t *mask = words + n, *count = mask + pages_of(n);
    uint64_t        packed[REDUCE_PAGE_SLOTS], there = 0;

    for (size_t p = 0; p < pages_of(n); p++)
        there += (unsigned)__builtin_popcountll(mask[p]);
    if (there != *count)
        return mx_fail(err, MX_EINTERNAL,
                       "of slots %llu to %llu of the result table some were contributed twice: "
                       "%llu contributions to %llu slots",
                       (unsigned long long)first, (unsigned long long)(first + n - 1),
                       (unsigned long long)*count, (unsigned long long)there);
    for (size_t p = 0; p < pages_of(n); p++) {
        if (mask[p] == 0)
            continue;
        pack(packed, mask[p], words + p * REDUCE_PAGE_SLOTS);
        if (reduce_slots_put_page(slots, first / REDUCE_PAGE_SLOTS + p, mask[p], packed, err))
            return -1;
    }
    return 0;
}

/* A block of what is there; false: it is empty. */
static bool make_block(const struct reduce_slots *slots, uint64_t number, struct reduce_sum *block)
{
    bool any = false;

    memset(block, 0, sizeof *block);
    for (size_t p = 0; p < REDUCE_BLOCK_PAGES; p++) {
        const uint64_t *packed =
            reduce_slots_page(slots, number * REDUCE_BLOCK_PAGES + p, &block->there[p]);

        spread(block->values + p * REDUCE_PAGE_SLOTS, block->there[p], packed);
        any = any || block->there[p] != 0;
    }
    return any;
}

int reduce_sum_emit(const struct reduce_slots *sum, uint64_t nslots, uint32_t round,
                    uint64_t *block, size_t most, struct mx_buf *out, struct mx_err *err)
{
    struct mx_buf     message = {0};
    struct reduce_sum values;

    for (; *block < reduce_blocks(nslots) && out->len < most; ++*block) {
        if (!make_block(sum, *block, &values))
            continue;
        mx_buf_clear(&message);
        reduce_put_block(&message, round, *block, reduce_block_size(nslots, *block), &values);
        if (!mx_buf_ok(&message))
            break;
        mx_put_bytes(out, message.data, message.len);
    }
    if (!mx_buf_ok(&message) || !mx_buf_ok(out)) {
        mx_buf_free(&message);
        return mx_fail(err, MX_ENOMEM, "no memory for a message of the reduction");
    }
    mx_buf_free(&message);
    return *block < reduce_blocks(nslots);
}

static int take_block(const void *body, size_t len, uint64_t nslots, uint32_t round,
                      struct reduce_slots *sum, struct mx_err *err)
{
    struct mx_wire       wire = {.at = body, .end = (const unsigned char *)body + len};
    const uint32_t       theirs = mx_take_u32(&wire);
    struct reduce_block *block;
    const uint64_t      *values;
    int                  rc = 0;

    if (theirs != round && !wire.failed)
        return 0;
    if (!(block = reduce_take_block(&wire, nslots, err)))
        return -1;
    values = block->values;
    for (size_t p = 0; p < REDUCE_BLOCK_PAGES && !block->empty && rc == 0; p++) {
        if (block->there[p] != 0)
            rc = reduce_slots_put_page(sum, block->first * REDUCE_BLOCK_PAGES + p, block->there[p],
                                       values, err);
        values += __builtin_popcountll(block->there[p]);
    }
    free(block);
    return rc;
}

int reduce_sum_take(const void *bytes, size_t len, uint64_t nslots, uint32_t round,
                    struct reduce_slots *sum, struct mx_err *err)
{
    struct mx_wire wire = {.at = bytes, .end = (const unsigned char *)bytes + len};

    while (wire.at < wire.end) {
        size_t      size;
        const void *body = mx_take_bytes(&wire, &size);

        if (wire.failed)
            return mx_fail(err, MX_EINTERNAL, "a message of the reduction is cut");
        if (take_block(body, size, nslots, round, sum, err))
            return -1;
    }
    return 0;
}

int reduce_slots_join(struct reduce_slots *to, const struct reduce_slots *from, struct mx_err *err)
{
    size_t    n;
    uint64_t *pages = reduce_slots_pages(from, &n, err);
    int       rc = pages ? 0 : -1;

    for (size_t k = 0; k < n && rc == 0; k++) {
        uint64_t        there, before, packed[REDUCE_PAGE_SLOTS], values[REDUCE_PAGE_SLOTS] = {0};
        const uint64_t *ours = reduce_slots_page(from, pages[k], &there);
        const uint64_t *theirs = reduce_slots_page(to, pages[k], &before);

        spread(values, there, ours);
        if (there & before) {
            rc = mx_fail(err, MX_EINTERNAL, "slot %llu of the result table was contributed twice",
                         (unsigned long long)(pages[k] * REDUCE_PAGE_SLOTS +
                                              (unsigned)__builtin_ctzll(there & before)));
            break;
        }
        spread(values, before, theirs);
        pack(packed, there | before, values);
        rc = reduce_slots_put_page(to, pages[k], there | before, packed, err);
    }
    free(pages);
    return rc;
}
