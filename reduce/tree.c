#include "reduce/tree.h"

#include <stdlib.h>
#include <string.h>

#include "reduce/block.h"

struct child {
    unsigned             position;
    uint64_t             next; /* the block that it has to send next */
    struct reduce_block *front, *back;
};

struct reduce_part {
    const struct reduce_slots *slots;
    uint64_t                  *pages;        /* (npages) of slots, ascending */
    size_t                     npages, page; /* page: the first that was not added yet */
    uint64_t                   nslots, nblocks;
    uint64_t                   next; /* the block to be summed next */
    unsigned                   position;
    uint32_t                   round;
    struct child               children[REDUCE_MAX_CHILDREN];
    size_t                     nchildren;
    struct reduce_slots       *total; /* at the root: the sum */
    uint64_t                   bytes;
    struct reduce_sum          sum; /* of block `next` */
};

int reduce_parent(unsigned position, unsigned count)
{
    (void)count;
    return position == 0 ? REDUCE_NO_PARENT : (int)(position & (position - 1));
}

size_t reduce_children(unsigned position, unsigned count, unsigned children[REDUCE_MAX_CHILDREN])
{
    size_t n = 0;

    /* Each bit below the lowest that is set in position gives a child. */
    for (unsigned bit = 1; bit != 0 && !(position & bit) && bit < count - position; bit <<= 1)
        children[n++] = position + bit;
    return n;
}

static void free_queue(struct child *child)
{
    while (child->front) {
        struct reduce_block *block = child->front;

        child->front = block->behind;
        free(block);
    }
}

void reduce_part_free(struct reduce_part *part)
{
    if (!part)
        return;
    for (size_t c = 0; c < part->nchildren; c++)
        free_queue(&part->children[c]);
    reduce_slots_free(part->total);
    free(part->pages);
    free(part);
}

/* How many blocks from `next` on are empty in all that is summed here: 0 if the
 * next one is not. False if a child's has not come, or all is summed. */
static bool ready(const struct reduce_part *part, uint64_t *empty)
{
    *empty =
        (part->page < part->npages ? part->pages[part->page] / REDUCE_BLOCK_PAGES : part->nblocks) -
        part->next;
    for (size_t c = 0; c < part->nchildren; c++) {
        const struct reduce_block *block = part->children[c].front;
        uint64_t                   left;

        if (!block)
            return false;
        left = block->empty ? block->first + block->blocks - part->next : 0;
        if (left < *empty)
            *empty = left;
    }
    return part->next < part->nblocks;
}

/* Blocks are done with: go on to the one behind them. */
static void pass(struct reduce_part *part, uint64_t blocks)
{
    part->next += blocks;
    for (size_t c = 0; c < part->nchildren; c++) {
        struct child        *child = &part->children[c];
        struct reduce_block *block = child->front;

        if (block->first + block->blocks <= part->next) {
            child->front = block->behind;
            free(block);
        }
    }
}

/* Add a page, its values packed, to the sum. */
static int add_page(struct reduce_part *part, size_t page, uint64_t there, const uint64_t *values,
                    unsigned contributor, struct mx_err *err)
{
    const uint64_t twice = part->sum.there[page] & there;
    uint64_t      *to = part->sum.values + page * REDUCE_PAGE_SLOTS;

    if (twice != 0)
        return mx_fail(err, MX_EINTERNAL,
                       "slot %llu of the result table was contributed twice, the second time by "
                       "participant %u or one behind it",
                       (unsigned long long)(part->next * REDUCE_BLOCK_SLOTS +
                                            page * REDUCE_PAGE_SLOTS +
                                            (unsigned)__builtin_ctzll(twice)),
                       contributor);
    part->sum.there[page] |= there;
    for (; there != 0; there &= there - 1)
        to[__builtin_ctzll(there)] += *values++;
    return 0;
}

static int add_own(struct reduce_part *part, struct mx_err *err)
{
    for (; part->page < part->npages; part->page++) {
        const uint64_t  number = part->pages[part->page];
        uint64_t        there;
        const uint64_t *values;

        if (number / REDUCE_BLOCK_PAGES != part->next)
            break;
        values = reduce_slots_page(part->slots, number, &there);
        if (add_page(part, number % REDUCE_BLOCK_PAGES, there, values, part->position, err))
            return -1;
    }
    return 0;
}

static int add_child(struct reduce_part *part, const struct child *child, struct mx_err *err)
{
    const struct reduce_block *block = child->front;
    const uint64_t            *values = block->values;

    for (size_t p = 0; !block->empty && p < REDUCE_BLOCK_PAGES; p++) {
        if (add_page(part, p, block->there[p], values, child->position, err))
            return -1;
        values += __builtin_popcountll(block->there[p]);
    }
    return 0;
}

/* Sum the next block: our own slots, then the children's in their order. */
static int sum_block(struct reduce_part *part, struct mx_err *err)
{
    memset(&part->sum, 0, sizeof part->sum);
    if (add_own(part, err))
        return -1;
    for (size_t c = 0; c < part->nchildren; c++)
        if (add_child(part, &part->children[c], err))
            return -1;
    return 0;
}

/* Put the sum of a block into the root's total. */
static int keep_block(struct reduce_part *part, struct mx_err *err)
{
    for (size_t p = 0; p < REDUCE_BLOCK_PAGES; p++) {
        uint64_t packed[REDUCE_PAGE_SLOTS], left = part->sum.there[p];

        if (left == 0)
            continue;
        for (size_t k = 0; left != 0; left &= left - 1)
            packed[k++] = part->sum.values[p * REDUCE_PAGE_SLOTS + (size_t)__builtin_ctzll(left)];
        if (reduce_slots_put_page(part->total, part->next * REDUCE_BLOCK_PAGES + p,
                                  part->sum.there[p], packed, err))
            return -1;
    }
    return 0;
}

/* At the root: sum all blocks that have come. */
static int sum_ready(struct reduce_part *part, struct mx_err *err)
{
    uint64_t empty;

    while (ready(part, &empty)) {
        if (empty == 0 && (sum_block(part, err) || keep_block(part, err)))
            return -1;
        pass(part, empty > 0 ? empty : 1);
    }
    return 0;
}

static int check_last_slot(const struct reduce_part *part, struct mx_err *err)
{
    uint64_t there, last;

    if (part->npages == 0)
        return 0;
    reduce_slots_page(part->slots, part->pages[part->npages - 1], &there);
    last =
        part->pages[part->npages - 1] * REDUCE_PAGE_SLOTS + 63u - (unsigned)__builtin_clzll(there);
    return last < part->nslots
               ? 0
               : mx_fail(err, MX_EINTERNAL, "slot %llu was contributed to a result table of %llu",
                         (unsigned long long)last, (unsigned long long)part->nslots);
}

struct reduce_part *reduce_part_new(const struct reduce_slots *slots, uint64_t nslots,
                                    unsigned position, unsigned count, uint32_t round,
                                    struct mx_err *err)
{
    struct reduce_part *part = calloc(1, sizeof *part);
    unsigned            children[REDUCE_MAX_CHILDREN];

    if (!part) {
        mx_fail(err, MX_ENOMEM, "no memory for a part in a reduction");
        return NULL;
    }
    part->slots = slots;
    part->nslots = nslots;
    part->nblocks = reduce_blocks(nslots);
    part->position = position;
    part->round = round;
    part->nchildren = reduce_children(position, count, children);
    for (size_t c = 0; c < part->nchildren; c++)
        part->children[c].position = children[c];
    if (!(part->pages = reduce_slots_pages(slots, &part->npages, err)) ||
        check_last_slot(part, err))
        goto fail;
    if (position == 0 && (!(part->total = reduce_slots_new(err)) || sum_ready(part, err)))
        goto fail;
    return part;
fail:
    reduce_part_free(part);
    return NULL;
}

static struct child *find_child(struct reduce_part *part, unsigned position)
{
    for (size_t c = 0; c < part->nchildren; c++)
        if (part->children[c].position == position)
            return &part->children[c];
    return NULL;
}

/* Put a child's block behind those that wait; it is ours from here on. */
static int queue_block(struct reduce_part *part, struct child *child, struct reduce_block *block,
                       struct mx_err *err)
{
    if (block->first != child->next) {
        mx_fail(err, MX_EINTERNAL,
                "participant %u of the reduction sent block %llu where block %llu should come",
                child->position, (unsigned long long)block->first, (unsigned long long)child->next);
        free(block);
        return -1;
    }
    child->next += block->blocks;
    if (child->front)
        child->back->behind = block;
    else
        child->front = block;
    child->back = block;
    return part->total ? sum_ready(part, err) : 0;
}

int reduce_part_take(struct reduce_part *part, unsigned child, const void *body, size_t len,
                     struct mx_err *err)
{
    struct mx_wire       wire = {.at = body, .end = (const unsigned char *)body + len};
    const uint32_t       round = mx_take_u32(&wire);
    struct child        *from = find_child(part, child);
    struct reduce_block *block;

    if (wire.failed)
        return mx_fail(err, MX_EINTERNAL, "a message of the reduction from participant %u is cut",
                       child);
    if (round < part->round)
        return 1;
    if (round > part->round)
        return mx_fail(err, MX_EINTERNAL,
                       "participant %u of the reduction is in round %u, participant %u in round %u",
                       child, round, part->position, part->round);
    if (!from)
        return mx_fail(err, MX_EINTERNAL,
                       "participant %u of the reduction sent a block to participant %u, which is "
                       "not its parent",
                       child, part->position);
    if (!(block = reduce_take_block(&wire, part->nslots, err)))
        return mx_err_prefix(err, "from participant %u", child);
    part->bytes += len;
    return queue_block(part, from, block, err);
}

int reduce_part_emit(struct reduce_part *part, struct mx_buf *out, struct mx_err *err)
{
    const size_t before = out->len;
    uint64_t     empty;

    if (part->total || !ready(part, &empty))
        return 0;
    if (empty > 0) {
        reduce_put_empty(out, part->round, part->next, empty);
    } else {
        if (sum_block(part, err))
            return -1;
        reduce_put_block(out, part->round, part->next, reduce_block_size(part->nslots, part->next),
                         &part->sum);
    }
    if (!mx_buf_ok(out))
        return mx_fail(err, MX_ENOMEM, "no memory for a message of the reduction");
    part->bytes += out->len - before;
    pass(part, empty > 0 ? empty : 1);
    return 1;
}

bool reduce_part_finished(const struct reduce_part *part)
{
    return part->next == part->nblocks;
}

uint64_t reduce_part_bytes(const struct reduce_part *part)
{
    return part->bytes;
}

int reduce_part_compare(const struct reduce_part *part, const struct reduce_slots *expected,
                        uint64_t *slot, uint64_t *sum, uint64_t *wanted, unsigned *there)
{
    if (!reduce_slots_differ(part->total, expected, slot))
        return 0;
    *sum = *wanted = 0;
    *there = reduce_slots_get(part->total, *slot, sum) ? 1 : 0;
    *there |= reduce_slots_get(expected, *slot, wanted) ? 2 : 0;
    return 1;
}
