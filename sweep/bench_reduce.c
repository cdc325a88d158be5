/* bench_reduce.c - one reduction of a result table over the tree, in memory. */
#include "base/clock.h"
#include "base/rng.h"
#include "reduce/tree.h"
#include "sweep/bench.h"

enum {
    ROWS = 2000,
    METRICS = 10,
    PARTICIPANTS = 8,
    REPEATS = 101
};

/* What each contributes, and all of it together. */
struct table {
    struct reduce_slots *of[PARTICIPANTS], *all;
};

static void free_table(struct table *table)
{
    for (unsigned p = 0; p < PARTICIPANTS; p++)
        reduce_slots_free(table->of[p]);
    reduce_slots_free(table->all);
}

/* Each row, as a trial does, comes from one participant, in no order. */
static int fill_table(struct table *table, struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);

    *table = (struct table){.all = reduce_slots_new(err)};
    if (!table->all)
        return -1;
    for (unsigned p = 0; p < PARTICIPANTS; p++)
        if (!(table->of[p] = reduce_slots_new(err)))
            return -1;
    for (uint64_t slot = 0, p = 0; slot < (uint64_t)ROWS * METRICS; slot++) {
        const uint64_t bits = (uint64_t)mx_rng_u32(&rng) << 32 | slot;

        if (slot % METRICS == 0)
            p = mx_rng_below(&rng, PARTICIPANTS);
        if (reduce_slots_set(table->of[p], slot, bits, err) ||
            reduce_slots_set(table->all, slot, bits, err))
            return -1;
    }
    return 0;
}

/* Give all that a participant can send to its parent. */
static int carry(struct reduce_part **parts, unsigned from, struct mx_buf *message,
                 struct mx_err *err)
{
    struct reduce_part *parent = parts[reduce_parent(from, PARTICIPANTS)];
    int                 rc;

    while ((rc = reduce_part_emit(parts[from], message, err)) == 1) {
        if (reduce_part_take(parent, from, message->data, message->len, err))
            return -1;
        mx_buf_clear(message);
    }
    return rc;
}

/* The leaves first, so that each has all that it needs when its turn comes. */
static int reduce(struct reduce_part **parts, struct mx_buf *message, const struct table *table,
                  struct mx_err *err)
{
    uint64_t slot, sum, wanted;
    unsigned there;

    for (unsigned p = 0; p < PARTICIPANTS; p++)
        if (!(parts[p] =
                  reduce_part_new(table->of[p], (uint64_t)ROWS * METRICS, p, PARTICIPANTS, 0, err)))
            return -1;
    for (unsigned p = PARTICIPANTS - 1; p > 0; p--)
        if (carry(parts, p, message, err))
            return -1;
    if (!reduce_part_finished(parts[0]) ||
        reduce_part_compare(parts[0], table->all, &slot, &sum, &wanted, &there))
        return mx_fail(err, MX_EINTERNAL, "the reduced table differs from what was given");
    return 0;
}

static int measure(const struct table *table, double *us, struct mx_err *err)
{
    struct reduce_part *parts[PARTICIPANTS] = {NULL};
    struct mx_buf       message = {0};
    const double        start_s = mx_clock_monotonic_s();
    int                 rc = reduce(parts, &message, table, err);

    *us = 1e6 * (mx_clock_monotonic_s() - start_s);
    for (unsigned p = 0; p < PARTICIPANTS; p++)
        reduce_part_free(parts[p]);
    mx_buf_free(&message);
    return rc;
}

int mx_bench_reduce(const struct mx_bench_options *options, struct mx_bench_results *results,
                    struct mx_err *err)
{
    struct table table;
    double       us[REPEATS];
    int          rc = fill_table(&table, err);

    (void)options;
    for (unsigned r = 0; rc == 0 && r < REPEATS; r++)
        rc = measure(&table, &us[r], err);
    if (rc == 0)
        mx_bench_add(results, "reduce.tree", "us", us, REPEATS);
    free_table(&table);
    return rc;
}
