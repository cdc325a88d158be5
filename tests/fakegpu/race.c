/* Who touched what: two accesses to the same bytes, one of them a write, must be in an order
 * that streams, events or waits of the host make. */
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

static bool overlap(const struct fake_access *a, const struct fake_access *b)
{
    return a->start < b->start + b->bytes && b->start < a->start + a->bytes;
}

static bool within(const struct fake_access *a, const struct fake_access *b)
{
    return a->start >= b->start && a->start + a->bytes <= b->start + b->bytes;
}

/* Does the new access say all that the old one did? */
static bool replaces(const struct fake_access *new, const struct fake_access *old)
{
    return old->slot == new->slot && (new->write || !old->write) && within(old, new);
}

void fake_touch(struct fake_accesses *all, const char *argument, struct fake_access access,
                const uint64_t clock[FAKE_STREAMS])
{
    const uint64_t *host = fake_host_clock();
    size_t          kept = 0;

    for (size_t k = 0; k < all->n; k++) {
        const struct fake_access *old = &all->list[k];

        if (old->seq <= host[old->slot])
            continue; /* nothing can be unordered with it any more */
        if ((old->write || access.write) && overlap(old, &access) && old->seq > clock[old->slot])
            fake_misuse(argument,
                        "%s memory that %s %s on another stream: no event, stream or host waits "
                        "in between",
                        access.write ? "writes" : "reads", old->call,
                        old->write ? "writes" : "reads");
        if (!replaces(&access, old))
            all->list[kept++] = *old;
    }
    all->n = kept;
    if (all->n == all->room) {
        all->room = all->room ? all->room * 2 : 16;
        all->list = realloc(all->list, all->room * sizeof *all->list);
        if (!all->list)
            fake_misuse("fakegpu", "no memory for its notes");
    }
    all->list[all->n++] = access;
}

void fake_touch_by_host(struct fake_accesses *all, const char *argument, const void *start,
                        size_t bytes, bool write)
{
    const uint64_t    *host = fake_host_clock();
    struct fake_access access = {.start = start, .bytes = bytes, .write = write};

    for (size_t k = 0; k < all->n; k++) {
        const struct fake_access *old = &all->list[k];

        /* After an error that sticks nothing can be waited for, nor is anything done. */
        if (fake_sticking() == cudaSuccess && old->seq > host[old->slot] && (old->write || write) &&
            overlap(old, &access))
            fake_misuse(argument, "the host %s it while %s that was not waited for %s it",
                        write ? "writes or frees" : "reads", old->call,
                        old->write ? "writes" : "reads");
    }
}
