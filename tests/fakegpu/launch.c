/* What a launch may touch, and whether it does touch no more. */
#include <string.h>

#include "tests/fakegpu/fake.h"

enum {
    FRINGE = 64 /* bytes on each side of a span that are looked at */
};

/* Byte of address `at` of fringe k: float32 and bfloat16 that are no numbers, and of the kind that calculating
 * turns into another one, so that writing what was made of them shows; others in each fringe, so that copying does. */
static unsigned char nothing(int k, const char *at)
{
    return (uintptr_t)at % 2 ? 0xFF : (unsigned char)(0xA0 | k % 32);
}

struct fake_reach {
    struct fake_span *spans;
    int               n;
    bool              open;
};

static void reached(struct fake_reach *reach, struct fake_span span)
{
    if (reach->n == FAKE_SPANS)
        fake_misuse(span.argument, "a kernel that touches more than %d ranges", (int)FAKE_SPANS);
    reach->spans[reach->n++] = span;
}

void fake_reads(struct fake_reach *reach, const char *argument, const void *at, size_t bytes)
{
    reached(reach, (struct fake_span){argument, at, bytes, 4 < bytes ? 4 : 1, false});
}

void fake_writes(struct fake_reach *reach, const char *argument, const void *at, size_t bytes)
{
    reached(reach, (struct fake_span){argument, at, bytes, 4 < bytes ? 4 : 1, true});
}

void fake_leads_into(struct fake_reach *reach, const char *argument, const void *at)
{
    fake_reads(reach, argument, at, 1);
    reach->open = true;
}

int fake_launch_spans(const struct fake_kernel *kernel, const void *args,
                      struct fake_span spans[FAKE_SPANS], bool *open)
{
    struct fake_reach reach = {.spans = spans};

    kernel->reach(args, &reach);
    *open = reach.open;
    return reach.n;
}

/* Bytes beside a span, in its block and in no span. */
struct fringe {
    const char *argument;
    char       *at;
    size_t      bytes;
    char        kept[FRINGE];
};

/* From `from` up to `to`, as far as no span lies there; `back`: from `to` down. */
static struct fringe beside(const struct fake_span *spans, int n, const char *argument, char *from,
                            char *to, bool back)
{
    for (int k = 0; k < n; k++) {
        char *first = (char *)spans[k].at, *end = first + spans[k].bytes;

        if (end <= from || first >= to)
            continue;
        if (back)
            from = end < to ? end : to;
        else
            to = first > from ? first : from;
    }
    return (struct fringe){argument, from, (size_t)(to - from), {0}};
}

static void put_aside(struct fringe *fringe, int number)
{
    memcpy(fringe->kept, fringe->at, fringe->bytes);
    for (size_t k = 0; k < fringe->bytes; k++)
        fringe->at[k] = (char)nothing(number, &fringe->at[k]);
}

static void bring_back(const struct fringe *fringe, int number, const char *kernel)
{
    for (size_t k = 0; k < fringe->bytes; k++)
        if ((unsigned char)fringe->at[k] != nothing(number, &fringe->at[k]))
            fake_misuse_in(
                kernel, fringe->argument,
                "something beside it is written, which its row of reach_*.c does not tell");
    memcpy(fringe->at, fringe->kept, fringe->bytes);
}

/* Both sides of a span of device memory. */
static int fringes_of(const struct fake_span *spans, int n, int k, struct fringe *fringes)
{
    char *first = (char *)spans[k].at, *end = first + spans[k].bytes, *low, *high;

    if (!fake_is_device(first))
        return 0;
    fake_block_ends(fake_block_of(spans[k].argument, first, spans[k].bytes, -1), &low, &high);
    fringes[0] = beside(spans, n, spans[k].argument, first - low < FRINGE ? low : first - FRINGE,
                        first, true);
    fringes[1] =
        beside(spans, n, spans[k].argument, end, high - end < FRINGE ? high : end + FRINGE, false);
    return 2;
}

void fake_launch_run(const struct fake_kernel *kernel, const void *args)
{
    struct fake_span spans[FAKE_SPANS];
    struct fringe    fringes[2 * FAKE_SPANS];
    bool             open;
    const int        n = fake_launch_spans(kernel, args, spans, &open);
    int              beside_n = 0;

    for (int k = 0; k < n && !open; k++)
        for (int more = fringes_of(spans, n, k, &fringes[beside_n]); more > 0; more--) {
            put_aside(&fringes[beside_n], beside_n);
            beside_n++;
        }
    kernel->run(args);
    while (beside_n-- > 0) /* one may lie over an earlier one */
        bring_back(&fringes[beside_n], beside_n, kernel->name);
}
