#include <criterion/criterion.h>

#include "batch_cases.h"

static struct batch_host run_on_cpu(const struct batch_case *c, unsigned lane_flip)
{
    struct batch_host      host = batch_host_make(c, c->n + c->width);
    struct kern_backend    backend = *kern_cpu();
    struct kern_batch_args args = batch_host_args(c, &host);

    backend.lane_flip = lane_flip;
    cr_assert_eq(backend.batch(&backend, &args, NULL), 0);
    return host;
}

Test(batch_body, equals_a_plain_reference_in_awkward_shapes)
{
    for (int k = 0; k < BATCH_CASES; k++) {
        struct batch_host host = run_on_cpu(&batch_cases[k], 0);

        cr_expect(batch_host_right(&batch_cases[k], &host), "case %d", k);
        batch_host_free(&host);
    }
}

Test(batch_body, has_the_same_bits_in_any_order_of_lanes)
{
    for (int k = 0; k < BATCH_CASES; k++)
        for (unsigned flip = 1; flip < 32; flip = 2 * flip + 1) {
            struct batch_host straight = run_on_cpu(&batch_cases[k], 0);
            struct batch_host flipped = run_on_cpu(&batch_cases[k], flip);

            cr_expect(!memcmp(straight.out, flipped.out,
                              (straight.values + 2 * BATCH_GUARD) * sizeof(float)),
                      "case %d flip %u", k, flip);
            batch_host_free(&straight);
            batch_host_free(&flipped);
        }
}

/* A row of 8 pixels shrunk to 2: the antialiased values, which four-tap sampling
 * would lose (0 and 0). */
Test(batch_body, shrinks_with_a_filter_that_loses_no_pixel)
{
    static const uint8_t     pixels[2][8] = {{0}, {0, 0, 0, 255, 0, 0, 0, 0}};
    float                    table[256], out[16];
    struct kern_batch_sample samples[2] = {{.partner = 1,
                                            .y1 = 1,
                                            .x1 = 2,
                                            .outside = {1, 0},
                                            .inside = {0, 1},
                                            .patch_height = 1,
                                            .patch_width = 2},
                                           {.image = 1, .outside = {1, 0}, .inside = {1, 0}}};
    struct kern_batch_args   args = {.n = 2,
                                     .channels = 1,
                                     .height = 1,
                                     .width = 8,
                                     .pixels = pixels[0],
                                     .table = table,
                                     .samples = samples,
                                     .out = out};

    for (int byte = 0; byte < 256; byte++)
        table[byte] = (float)byte;
    cr_assert_eq(kern_cpu()->batch(kern_cpu(), &args, NULL), 0);
    cr_expect(fabs((double)out[0] - 45.5357) <= 1e-3, "%g", (double)out[0]);
    cr_expect(fabs((double)out[1] - 27.3214) <= 1e-3, "%g", (double)out[1]);
    for (int x = 2; x < 8; x++)
        cr_expect_eq(out[x], 0);
}

Test(backend, gives_aligned_memory_and_copies_back_what_it_took)
{
    const struct kern_backend *cpu = kern_cpu();
    char                       back[100], text[100] = "bytes";
    void                      *memory = cpu->alloc(sizeof text, NULL);

    cr_assert_not_null(memory);
    cr_expect_eq((uintptr_t)memory % 64, 0);
    cr_expect_eq(cpu->to_device(memory, text, sizeof text, NULL), 0);
    cr_expect_eq(cpu->to_host(back, memory, sizeof back, NULL), 0);
    cr_expect_eq(cpu->sync(NULL), 0);
    cr_expect_arr_eq(back, text, sizeof text);
    cpu->release(memory);
    cpu->release(NULL);
}

Test(backend, says_when_memory_cannot_be_had)
{
    struct mx_err err = {0};

    cr_assert_null(kern_cpu()->alloc(SIZE_MAX - 1, &err));
    cr_expect_eq(err.code, MX_ENOMEM);
    cr_expect_str_eq(err.text, "no memory for 18446744073709551614 bytes");
}

Test(batch_cases, take_neither_a_nan_nor_a_written_guard_for_right)
{
    const struct batch_case c = {2, 1, 3, 2, 1};
    struct batch_host       host = run_on_cpu(&c, 0);

    host.out[0] = 0;
    cr_expect_not(batch_host_right(&c, &host));
    host.out[0] = -12345.0f;
    cr_assert(batch_host_right(&c, &host));
    host.out[BATCH_GUARD + 3] = NAN;
    cr_expect_not(batch_host_right(&c, &host));
    batch_host_free(&host);
}
