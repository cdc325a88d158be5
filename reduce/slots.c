#include "reduce/slots.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM_LOG2 = 4,
    ROOM_STEP = 4 /* values that a page grows by */
};

struct page {
    uint64_t  key;   /* the page's number + 1; 0: this place is free */
    uint64_t  there; /* bit k: slot k of the page was contributed; 0: an emptied page */
    uint64_t *values;
};

/* Open addressing by the number of the page, probed in order. */
struct reduce_slots {
    struct page *pages; /* (1 << room_log2), or NULL */
    unsigned     room_log2;
    size_t       used; /* places with a key, emptied pages among them */
    uint64_t     count;
};

static int nomem(const struct reduce_slots *slots, struct mx_err *err)
{
    return mx_fail(err, MX_ENOMEM, "no memory for slots of a table beside %llu",
                   (unsigned long long)slots->count);
}

struct reduce_slots *reduce_slots_new(struct mx_err *err)
{
    struct reduce_slots *slots = calloc(1, sizeof *slots);

    if (!slots)
        mx_fail(err, MX_ENOMEM, "no memory for slots of a table");
    return slots;
}

static size_t places(const struct reduce_slots *slots)
{
    return slots->pages ? (size_t)1 << slots->room_log2 : 0;
}

void reduce_slots_free(struct reduce_slots *slots)
{
    if (!slots)
        return;
    for (size_t p = 0; p < places(slots); p++)
        free(slots->pages[p].values);
    free(slots->pages);
    free(slots);
}

static unsigned count_bits(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

/* Where the value of slot `bit` is among the packed ones. */
static unsigned rank_of(uint64_t there, unsigned bit)
{
    return count_bits(there & ((UINT64_C(1) << bit) - 1));
}

/* The place of a page, or the free one where it would be. */
static struct page *place(struct page *pages, unsigned room_log2, uint64_t number)
{
    size_t last = ((size_t)1 << room_log2) - 1;
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> (64 - room_log2));

    while (pages[at].key != 0 && pages[at].key != number + 1)
        at = (at + 1) & last;
    return &pages[at];
}

static struct page *find(const struct reduce_slots *slots, uint64_t number)
{
    struct page *page = slots->pages ? place(slots->pages, slots->room_log2, number) : NULL;

    return page && page->key != 0 ? page : NULL;
}

static size_t count_pages(const struct reduce_slots *slots)
{
    size_t n = 0;

    for (size_t p = 0; p < places(slots); p++)
        n += slots->pages[p].there != 0;
    return n;
}

/* Leave emptied pages behind, and twice the places if that frees too few. */
static int make_room(struct reduce_slots *slots, struct mx_err *err)
{
    size_t       n = count_pages(slots);
    unsigned     grown = 2 * n >= places(slots);
    unsigned     room_log2 = slots->pages ? slots->room_log2 + grown : FIRST_ROOM_LOG2;
    struct page *pages = calloc((size_t)1 << room_log2, sizeof pages[0]);

    if (!pages)
        return nomem(slots, err);
    for (size_t p = 0; p < places(slots); p++)
        if (slots->pages[p].there != 0)
            *place(pages, room_log2, slots->pages[p].key - 1) = slots->pages[p];
    free(slots->pages);
    slots->pages = pages;
    slots->room_log2 = room_log2;
    slots->used = n;
    return 0;
}

/* The page of that number, added if it is new. */
static struct page *find_or_add(struct reduce_slots *slots, uint64_t number, struct mx_err *err)
{
    struct page *page = find(slots, number);

    if (page)
        return page;
    if (4 * (slots->used + 1) > 3 * places(slots) && make_room(slots, err))
        return NULL;
    page = place(slots->pages, slots->room_log2, number);
    page->key = number + 1;
    slots->used++;
    return page;
}

/* Values that there is memory for in a page of n: with the allocator's own word
 * a whole number of its steps. */
static size_t room_for(unsigned n)
{
    return n / ROOM_STEP * ROOM_STEP + ROOM_STEP - 1u;
}

int reduce_slots_set(struct reduce_slots *slots, uint64_t slot, uint64_t bits, struct mx_err *err)
{
    const unsigned bit = (unsigned)(slot % REDUCE_PAGE_SLOTS);
    struct page   *page = find_or_add(slots, slot / REDUCE_PAGE_SLOTS, err);
    unsigned       n, rank;

    if (!page)
        return -1;
    n = count_bits(page->there);
    rank = rank_of(page->there, bit);
    if (!(page->there >> bit & 1)) {
        if (n == 0 || n % ROOM_STEP == ROOM_STEP - 1) {
            uint64_t *values = realloc(page->values, room_for(n + 1) * sizeof values[0]);

            if (!values)
                return nomem(slots, err);
            page->values = values;
        }
        memmove(page->values + rank + 1, page->values + rank, (n - rank) * sizeof bits);
        page->there |= UINT64_C(1) << bit;
        slots->count++;
    }
    page->values[rank] = bits;
    return 0;
}

/* Take back the slots of a page that `gone` names. */
static void clear_in_page(struct reduce_slots *slots, struct page *page, uint64_t gone)
{
    unsigned from = 0, to = 0;

    for (uint64_t left = page->there; left != 0; left &= left - 1, from++)
        if (!(left & -left & gone))
            page->values[to++] = page->values[from];
    slots->count -= from - to;
    page->there &= ~gone;
    if (page->there == 0) {
        free(page->values);
        page->values = NULL;
    }
}

/* The slots of page `number` that are in [first .. last]. */
static uint64_t in_range(uint64_t number, uint64_t first, uint64_t last)
{
    uint64_t mask = UINT64_MAX;

    if (number < first / REDUCE_PAGE_SLOTS || number > last / REDUCE_PAGE_SLOTS)
        return 0;
    if (number == first / REDUCE_PAGE_SLOTS)
        mask &= UINT64_MAX << first % REDUCE_PAGE_SLOTS;
    if (number == last / REDUCE_PAGE_SLOTS)
        mask &= UINT64_MAX >> (REDUCE_PAGE_SLOTS - 1 - last % REDUCE_PAGE_SLOTS);
    return mask;
}

void reduce_slots_clear(struct reduce_slots *slots, uint64_t first, uint64_t count)
{
    uint64_t last = count - 1 > UINT64_MAX - first ? UINT64_MAX : first + (count - 1);
    uint64_t number = first / REDUCE_PAGE_SLOTS;

    if (count == 0)
        return;
    if (last / REDUCE_PAGE_SLOTS - number >= places(slots)) {
        for (size_t p = 0; p < places(slots); p++)
            if (slots->pages[p].key != 0)
                clear_in_page(slots, &slots->pages[p],
                              in_range(slots->pages[p].key - 1, first, last));
        return;
    }
    for (; number <= last / REDUCE_PAGE_SLOTS; number++) {
        struct page *page = find(slots, number);

        if (page)
            clear_in_page(slots, page, in_range(number, first, last));
    }
}

bool reduce_slots_get(const struct reduce_slots *slots, uint64_t slot, uint64_t *bits)
{
    const unsigned     bit = (unsigned)(slot % REDUCE_PAGE_SLOTS);
    const struct page *page = find(slots, slot / REDUCE_PAGE_SLOTS);

    if (!page || !(page->there >> bit & 1))
        return false;
    *bits = page->values[rank_of(page->there, bit)];
    return true;
}

uint64_t reduce_slots_count(const struct reduce_slots *slots)
{
    return slots->count;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

uint64_t *reduce_slots_pages(const struct reduce_slots *slots, size_t *n, struct mx_err *err)
{
    uint64_t *numbers = malloc((slots->used + 1) * sizeof numbers[0]);

    *n = 0;
    if (!numbers) {
        nomem(slots, err);
        return NULL;
    }
    for (size_t p = 0; p < places(slots); p++)
        if (slots->pages[p].there != 0)
            numbers[(*n)++] = slots->pages[p].key - 1;
    qsort(numbers, *n, sizeof numbers[0], compare_numbers);
    return numbers;
}

const uint64_t *reduce_slots_page(const struct reduce_slots *slots, uint64_t number,
                                  uint64_t *there)
{
    const struct page *page = find(slots, number);

    *there = page ? page->there : 0;
    return page ? page->values : NULL;
}

int reduce_slots_put_page(struct reduce_slots *slots, uint64_t number, uint64_t there,
                          const uint64_t *values, struct mx_err *err)
{
    const unsigned n = count_bits(there);
    struct page   *page = find_or_add(slots, number, err);
    uint64_t      *copy = page ? malloc(room_for(n) * sizeof copy[0]) : NULL;

    if (!page)
        return -1;
    if (!copy)
        return nomem(slots, err);
    memcpy(copy, values, n * sizeof copy[0]);
    free(page->values);
    slots->count += n;
    slots->count -= count_bits(page->there);
    page->there = there;
    page->values = copy;
    return 0;
}

/* The first slot of a page that differs from what the other says of it; 64 if
 * none does. */
static unsigned first_difference(const struct page *page, const struct reduce_slots *other)
{
    uint64_t        there;
    const uint64_t *values = reduce_slots_page(other, page->key - 1, &there);
    uint64_t        either = page->there | there;

    if (page->there == there &&
        memcmp(page->values, values, count_bits(there) * sizeof values[0]) == 0)
        return REDUCE_PAGE_SLOTS;
    for (; either != 0; either &= either - 1) {
        const unsigned bit = (unsigned)__builtin_ctzll(either);

        if (!(page->there >> bit & there >> bit & 1) ||
            page->values[rank_of(page->there, bit)] != values[rank_of(there, bit)])
            return bit;
    }
    return REDUCE_PAGE_SLOTS;
}

bool reduce_slots_differ(const struct reduce_slots *a, const struct reduce_slots *b, uint64_t *slot)
{
    const struct reduce_slots *sides[] = {a, b};
    bool                       differ = false;

    /* Both ways, since each may have pages that the other has not. */
    for (size_t s = 0; s < 2; s++)
        for (size_t p = 0; p < places(sides[s]); p++) {
            const struct page *page = &sides[s]->pages[p];
            unsigned           bit;

            if (page->key == 0 || (bit = first_difference(page, sides[1 - s])) == REDUCE_PAGE_SLOTS)
                continue;
            if (!differ || (page->key - 1) * REDUCE_PAGE_SLOTS + bit < *slot)
                *slot = (page->key - 1) * REDUCE_PAGE_SLOTS + bit;
            differ = true;
        }
    return differ;
}
