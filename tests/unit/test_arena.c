#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

Test(arena, gives_zeroed_aligned_memory_that_does_not_overlap)
{
    struct mx_arena *arena = mx_arena_new();
    unsigned char   *pieces[300];

    cr_assert(arena);
    for (size_t i = 0; i < 300; i++) {
        size_t bytes = i * i;

        pieces[i] = mx_arena_alloc(arena, i, i);
        cr_assert(pieces[i]);
        cr_assert_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < bytes; k++)
            cr_assert_eq(pieces[i][k], 0);
        memset(pieces[i], (int)i, bytes);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < i * i; k++)
            cr_assert_eq(pieces[i][k], (unsigned char)i);
    cr_expect(mx_arena_ok(arena));
    mx_arena_free(arena);
}

Test(arena, remembers_an_allocation_that_cannot_be_met)
{
    struct mx_arena *arena = mx_arena_new();

    cr_assert(arena);
    cr_expect_null(mx_arena_alloc(arena, SIZE_MAX / 2, 3));
    cr_expect_not(mx_arena_ok(arena));
    cr_expect_not_null(mx_arena_alloc(arena, 1, 1));
    cr_expect_not(mx_arena_ok(arena));
    mx_arena_free(arena);
    arena = mx_arena_new();
    cr_expect_null(mx_arena_alloc(arena, SIZE_MAX - 8, 1));
    cr_expect_not(mx_arena_ok(arena));
    mx_arena_free(arena);
    mx_arena_free(NULL);
}

Test(arena, copies_text_with_its_end)
{
    struct mx_arena *arena = mx_arena_new();

    cr_assert(arena);
    cr_expect_str_eq(mx_arena_text(arena, "resnet8", 6), "resnet");
    cr_expect_str_eq(mx_arena_text(arena, "", 0), "");
    mx_arena_free(arena);
}
