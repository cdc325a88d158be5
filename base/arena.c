#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 32 << 10,
    ALIGNMENT = sizeof(max_align_t)
};

struct block {
    struct block *next;
    size_t        used, room;
    max_align_t   data[];
};

struct mx_arena {
    struct block *blocks; /* the first one is being filled */
    bool          failed;
};

struct mx_arena *mx_arena_new(void)
{
    return calloc(1, sizeof(struct mx_arena));
}

void mx_arena_free(struct mx_arena *arena)
{
    struct block *next;

    if (!arena)
        return;
    for (struct block *block = arena->blocks; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

static struct block *add_block(struct mx_arena *arena, size_t bytes)
{
    size_t        room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct block *block = room > SIZE_MAX - sizeof *block ? NULL : calloc(1, sizeof *block + room);

    if (!block)
        return NULL;
    block->room = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *mx_arena_alloc(struct mx_arena *arena, size_t count, size_t size)
{
    struct block *block = arena->blocks;
    size_t        bytes;
    char         *memory;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT)
        goto fail;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if ((!block || block->room - block->used < bytes) && !(block = add_block(arena, bytes)))
        goto fail;
    memory = (char *)block->data + block->used;
    block->used += bytes;
    return memory;
fail:
    arena->failed = true;
    return NULL;
}

char *mx_arena_text(struct mx_arena *arena, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? mx_arena_alloc(arena, len + 1, 1) : NULL;

    if (copy)
        memcpy(copy, text, len);
    return copy;
}

bool mx_arena_ok(const struct mx_arena *arena)
{
    return !arena->failed;
}
