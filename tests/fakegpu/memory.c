/* Device memory: pages that nobody may touch but a stand-in while it works; addresses are
 * never given out twice. A block ends as near to a page that is never there as its alignment
 * allows, and the bytes in between are looked at. Pinned memory is the host's, closed to it
 * while work that it has not waited for touches whole pages of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fakegpu/fake.h"

enum {
    PAGE = 4096,
    GUARD = 0xA5,  /* beside a block */
    POISON = 0xFF, /* in a new one: floats that are no numbers */
};

#define RESERVED ((size_t)1 << 42)
#define POISONED ((size_t)256 << 20) /* larger blocks keep their zeroes: no time for more */

struct fake_block {
    char                *pages; /* first page */
    char                *base;
    size_t               bytes, mapped; /* as asked for; pages, in bytes */
    int                  device;        /* -1: pinned */
    bool                 alive;
    const char          *maker, *end;
    struct fake_accesses accesses;
};

struct region {
    char               *start;
    size_t              used;
    struct fake_block **blocks; /* by address */
    size_t              n, room;
};

static struct {
    struct region device, pinned;
    size_t        used[FAKE_DEVICES];
    int           open;
} memory;

static size_t whole(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static struct fake_block *block_new(struct region *region, size_t bytes, int device)
{
    struct fake_block *block = calloc(1, sizeof *block);
    size_t             mapped = whole(bytes, PAGE);

    if (!region->start) {
        void *start =
            mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (start == MAP_FAILED)
            fake_misuse("fakegpu", "no addresses for memory");
        region->start = start;
    }
    if (region->n == region->room) {
        region->room = region->room ? 2 * region->room : 64;
        region->blocks = realloc(region->blocks, region->room * sizeof(struct fake_block *));
    }
    if (!block || !region->blocks || region->used + mapped + 2 * PAGE > RESERVED)
        fake_misuse("fakegpu", "no memory for its notes, or no addresses left");
    region->used += PAGE; /* before the first block as well */
    block->pages = region->start + region->used;
    block->base = block->pages + mapped - whole(bytes, FAKE_ALIGN);
    region->used += mapped;
    block->bytes = bytes;
    block->mapped = mapped;
    block->device = device;
    block->alive = true;
    block->maker = fake_call();
    region->blocks[region->n++] = block;
    if (mprotect(block->pages, mapped, PROT_READ | PROT_WRITE))
        fake_misuse("fakegpu", "the machine has no memory for it");
    memset(block->pages, GUARD, (size_t)(block->base - block->pages));
    memset(block->base + bytes, GUARD, (size_t)(block->pages + mapped - block->base) - bytes);
    return block;
}

/* The block that starts last at or before an address; NULL: none does. */
static struct fake_block *block_at(const struct region *region, const void *at)
{
    size_t low = 0, high = region->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (region->blocks[middle]->base <= (const char *)at)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? region->blocks[low - 1] : NULL;
}

static bool in_region(const struct region *region, const void *at)
{
    return region->start && (const char *)at >= region->start &&
           (const char *)at < region->start + RESERVED;
}

static void check_guard(const struct fake_block *block)
{
    const char *after = block->base + block->bytes, *end = block->pages + block->mapped;

    for (const char *at = block->pages; at < end; at++) {
        if (at == block->base)
            at = after;
        if (at < end && (unsigned char)*at != GUARD)
            fake_misuse_in(block->maker, "memory",
                           "something wrote %zu bytes %s a block of %zu bytes",
                           (size_t)(at < after ? block->base - at : at - after + 1),
                           at < after ? "before" : "past the end of", block->bytes);
    }
}

/* A block that begins at an address, or a misuse. */
static struct fake_block *block_to_free(struct region *region, const char *argument, void *at,
                                        const char *what)
{
    struct fake_block *block = in_region(region, at) ? block_at(region, at) : NULL;

    if (!block || block->base != at)
        fake_misuse(argument, "is not the beginning of %s memory", what);
    if (!block->alive)
        fake_misuse(argument, "was freed before, by %s", block->end);
    return block;
}

static void block_free(struct fake_block *block)
{
    mprotect(block->pages, block->mapped, PROT_READ | PROT_WRITE);
    check_guard(block);
    madvise(block->pages, block->mapped, MADV_DONTNEED);
    mprotect(block->pages, block->mapped, PROT_NONE);
    block->alive = false;
    block->end = fake_call();
    free(block->accesses.list);
    memset(&block->accesses, 0, sizeof block->accesses);
}

void *fake_memory_new(int device, size_t bytes)
{
    struct fake_block *block;

    if (bytes > fake_machine()->memory - memory.used[device])
        return NULL;
    block = block_new(&memory.device, bytes, device);
    memory.used[device] += bytes;
    if (bytes <= POISONED)
        memset(block->base, POISON, bytes);
    if (!memory.open)
        mprotect(block->pages, block->mapped, PROT_NONE);
    return block->base;
}

void fake_memory_free(const char *argument, void *at)
{
    struct fake_block *block = block_to_free(&memory.device, argument, at, "device");

    fake_touch_by_host(&block->accesses, argument, block->base, block->bytes, true);
    block_free(block);
    memory.used[block->device] -= block->bytes;
}

void fake_memory_info(int device, size_t *free_bytes, size_t *total)
{
    *total = fake_machine()->memory;
    *free_bytes = *total - memory.used[device];
}

void *fake_pinned_new(size_t bytes)
{
    struct fake_block *block = block_new(&memory.pinned, bytes, -1);

    memset(block->base, POISON, bytes);
    return block->base;
}

void fake_pinned_free(const char *argument, void *at)
{
    struct fake_block *block = block_to_free(&memory.pinned, argument, at, "pinned");

    fake_touch_by_host(&block->accesses, argument, block->base, block->bytes, true);
    block_free(block);
}

/* Is the range in the living block, or what is wrong with it? */
static void check_range(const struct fake_block *block, const char *argument, const void *at,
                        size_t bytes, const char *what)
{
    size_t offset;

    if (!block)
        fake_misuse(argument, "lies before all %s memory", what);
    offset = (size_t)((const char *)at - block->base);
    if (offset > block->bytes || (offset == block->bytes && bytes > 0))
        fake_misuse(argument, "lies in no block of %s memory", what);
    if (!block->alive)
        fake_misuse(argument, "%s memory that %s freed", what, block->end);
    if (bytes > block->bytes - offset)
        fake_misuse(argument, "%zu bytes, of which only %zu are in its block of %zu bytes", bytes,
                    block->bytes - offset, block->bytes);
}

struct fake_block *fake_block_of(const char *argument, const void *at, size_t bytes, int device)
{
    struct fake_block *block;

    if (!at)
        fake_misuse(argument, "is NULL, not device memory");
    if (!in_region(&memory.device, at))
        fake_misuse(argument, "is host memory, not device memory");
    block = block_at(&memory.device, at);
    check_range(block, argument, at, bytes, "device");
    if (device >= 0 && block->device != device)
        fake_misuse(argument, "is memory of device %d, not of device %d", block->device, device);
    return block;
}

struct fake_block *fake_pinned_of(const char *argument, const void *at, size_t bytes)
{
    struct fake_block *block;

    if (!in_region(&memory.pinned, at))
        return NULL;
    block = block_at(&memory.pinned, at);
    check_range(block, argument, at, bytes, "pinned");
    return block;
}

bool fake_is_device(const void *at)
{
    return in_region(&memory.device, at);
}

struct fake_accesses *fake_block_accesses(struct fake_block *block)
{
    return &block->accesses;
}

void fake_block_ends(const struct fake_block *block, char **first, char **end)
{
    *first = block->base;
    *end = block->base + block->bytes;
}

void fake_check_host(const char *argument, const void *at, size_t bytes)
{
    if (!at)
        fake_misuse(argument, "is NULL, not host memory");
    if (in_region(&memory.device, at))
        fake_misuse(argument, "is device memory, not host memory");
    (void)fake_pinned_of(argument, at, bytes);
}

/* Pages of a pinned block that work may still touch. */
static void close_pinned(const struct fake_block *block)
{
    const uint64_t *host = fake_host_clock();

    for (size_t k = 0; k < block->accesses.n; k++) {
        const struct fake_access *access = &block->accesses.list[k];
        uintptr_t                 first = whole((uintptr_t)access->start, PAGE);
        uintptr_t                 last = ((uintptr_t)access->start + access->bytes) / PAGE * PAGE;

        if (access->seq > host[access->slot] && last > first)
            mprotect(block->base + (first - (uintptr_t)block->base), last - first,
                     access->write ? PROT_NONE : PROT_READ);
    }
}

static void protect(int device_rights)
{
    for (size_t k = 0; k < memory.device.n; k++)
        if (memory.device.blocks[k]->alive)
            mprotect(memory.device.blocks[k]->pages, memory.device.blocks[k]->mapped,
                     device_rights);
    for (size_t k = 0; k < memory.pinned.n; k++) {
        const struct fake_block *block = memory.pinned.blocks[k];

        if (!block->alive)
            continue;
        mprotect(block->pages, block->mapped, PROT_READ | PROT_WRITE);
        if (device_rights == PROT_NONE)
            close_pinned(block);
    }
}

void fake_open(void)
{
    if (memory.open++ == 0)
        protect(PROT_READ | PROT_WRITE);
}

void fake_close(void)
{
    if (--memory.open == 0)
        protect(PROT_NONE);
}

bool fake_explain_fault(const void *at, char *text, size_t size)
{
    bool device = in_region(&memory.device, at), pinned = in_region(&memory.pinned, at);

    if (!device && !pinned)
        return false;
    if (memory.open)
        snprintf(text, size, "work of %s touches memory outside of every living block",
                 fake_working());
    else
        snprintf(text, size,
                 device
                     ? "host code touches device memory"
                     : "host code touches pinned memory that work uses and it has not waited for");
    return true;
}

void fake_check_guards(void)
{
    fake_open();
    for (size_t k = 0; k < memory.device.n; k++)
        if (memory.device.blocks[k]->alive)
            check_guard(memory.device.blocks[k]);
    for (size_t k = 0; k < memory.pinned.n; k++)
        if (memory.pinned.blocks[k]->alive)
            check_guard(memory.pinned.blocks[k]);
    fake_close();
}

void fake_memory_leaks(void)
{
    const struct region *regions[] = {&memory.device, &memory.pinned};

    for (int r = 0; r < 2; r++)
        for (size_t k = 0; k < regions[r]->n; k++)
            if (regions[r]->blocks[k]->alive)
                fake_misuse_in("exit", "leak", "%zu bytes of %s were never freed",
                               regions[r]->blocks[k]->bytes, regions[r]->blocks[k]->maker);
}
