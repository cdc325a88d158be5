#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "sweep/estimate.h"
#include "sweep/plan.h"
#include "sweep/plan_print.h"
#include "tests/unit/draw_config.h"

static struct mx_estimate estimate_of(const struct build *b)
{
    struct mx_grid    *grid = mx_grid_new(&b->config, NULL);
    struct mx_estimate estimate;

    cr_assert_not_null(grid);
    cr_assert_eq(mx_estimate(&b->config, grid, 2, &estimate, NULL), 0);
    mx_grid_free(grid);
    return estimate;
}

static int no_fingerprint(void *user, const struct worker_params *params, uint64_t *fingerprint,
                          struct mx_err *err)
{
    (void)user;
    (void)params;
    (void)err;
    *fingerprint = 0;
    return 0;
}

/* A plan keeps every cell and every stage key; the estimate must count alike. */
static uint64_t compare_with_plan(const struct build *b, uint32_t seed)
{
    struct mx_grid    *grid = mx_grid_new(&b->config, NULL);
    struct mx_plan    *plan = mx_plan_new(&b->config, grid, no_fingerprint, NULL, NULL);
    struct mx_estimate estimate = estimate_of(b);
    struct mx_counts   counts;
    uint64_t           planned[WORKER_STAGE_KINDS] = {0}, uses[WORKER_STAGE_KINDS] = {0};

    cr_assert_eq(mx_estimate_counts(&b->config, grid, &counts, NULL), 0);
    cr_assert_eq(memcmp(&counts, &estimate.counts, sizeof counts), 0);
    cr_assert_eq(counts.points, counts.cells + counts.excluded + counts.folded);
    cr_assert_eq(plan == NULL, counts.cells == 0, "config %u", seed);
    for (uint32_t s = 0; plan && s < plan->nstages; s++) {
        planned[plan->stages[s].kind]++;
        uses[plan->stages[s].kind] += plan->stages[s].nuses;
    }
    if (plan) {
        cr_assert_eq(counts.cells, plan->cells);
        cr_assert_eq(counts.folded, plan->folded);
        cr_assert_eq(counts.trials, plan->ntrials);
    }
    for (size_t k = 0; k < WORKER_STAGE_KINDS; k++) {
        cr_assert_eq(estimate.kinds[k].planned, planned[k], "config %u kind %zu", seed, k);
        cr_assert_eq(estimate.kinds[k].uses, uses[k], "config %u kind %zu", seed, k);
        cr_assert_not(estimate.kinds[k].estimated);
    }
    mx_plan_free(plan);
    mx_grid_free(grid);
    return uses[WORKER_STAGE_TRAIN] - planned[WORKER_STAGE_TRAIN];
}

Test(estimate, counts_what_a_plan_would_hold)
{
    uint64_t shared = 0;

    for (uint32_t seed = 0; seed < 300; seed++) {
        struct mx_rng rng = mx_rng_at(mx_stream_make(21, 0, MX_PURPOSE_ORDER, 0), seed, 0, 0);
        struct build *b = draw_config(&rng);

        b->config.base[KEY_REPEATS] = build_int(1 + seed % 3);
        shared += compare_with_plan(b, seed);
        build_free(b);
    }
    cr_expect_gt(shared, 100, "the configurations must make trials share networks");
}

/* lr x weight decay x n: `n` million cells. */
static struct build *millions(double n)
{
    struct build *b = build_new();

    build_linear(b, KEY_TRAIN_LR, 0.001, 0.1, 1000);
    build_linear(b, KEY_TRAIN_WEIGHT_DECAY, 1e-4, 1e-2, (uint64_t)(n * 500));
    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_MIXUP),
               build_choice(WORKER_MIX_CUTMIX));
    return b;
}

Test(estimate, of_a_million_cells_takes_little_time_and_memory)
{
    struct build      *b = millions(1);
    struct rusage      before, after;
    struct mx_estimate estimate;
    double             seconds;

    getrusage(RUSAGE_SELF, &before);
    estimate = estimate_of(b);
    getrusage(RUSAGE_SELF, &after);
    seconds = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
              (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6;
    cr_expect_eq(estimate.counts.cells, 1000000);
    cr_expect_eq(estimate.kinds[WORKER_STAGE_TRAIN].planned, 1000000);
    cr_expect_not(estimate.kinds[WORKER_STAGE_TRAIN].estimated);
#ifndef __SANITIZE_ADDRESS__
    cr_expect(seconds <= 3, "%g s of CPU time", seconds);
    cr_expect_lt(after.ru_maxrss - before.ru_maxrss, 64 * 1024, "KiB");
#else
    (void)seconds;
#endif
    build_free(b);
}

Test(estimate, of_more_stages_than_are_counted_says_so)
{
    struct build         *b = millions(1.2);
    struct mx_estimate    estimate = estimate_of(b);
    struct mx_kind_counts train = estimate.kinds[WORKER_STAGE_TRAIN];

    cr_expect_eq(estimate.counts.cells, 1200000);
    cr_expect_eq(train.uses, 1200000);
    cr_expect(train.estimated);
    cr_expect(fabs((double)train.planned / 1.2e6 - 1) <= 0.02, "%lu", (unsigned long)train.planned);
    cr_expect_leq(train.planned, train.uses);
    build_free(b);
}

Test(estimate, of_too_many_points_gives_their_number_only)
{
    struct build      *b = build_new();
    struct mx_estimate estimate;

    build_linear(b, KEY_DATA_TRAIN_LIMIT, 1, 100000001, 100000001);
    estimate = estimate_of(b);
    cr_expect_not(estimate.counts.counted);
    cr_expect_not(estimate.timed);
    cr_expect_eq(estimate.counts.points, 100000001);
    cr_expect_str_eq(estimate.basis, "more than 100000000 points: not walked through, so only "
                                     "their number is known");
    build_free(b);
}

/* Ten times the epochs take nearly ten times as long, on any machine. */
Test(estimate, of_time_grows_with_the_work_and_shrinks_with_executors)
{
    struct build      *b = build_new();
    struct mx_grid    *grid = mx_grid_new(&b->config, NULL);
    struct mx_estimate few, many, wide;

    b->config.base[KEY_DATA_SYNTHETIC_N] = build_int(50000);
    b->config.base[KEY_MODEL_ARCH] = build_choice(WORKER_ARCH_RESNET8);
    b->config.base[KEY_REPEATS] = build_int(4);
    b->config.base[KEY_TRAIN_EPOCHS] = build_int(10);
    cr_assert_eq(mx_estimate(&b->config, grid, 1, &few, NULL), 0);
    cr_assert_eq(mx_estimate(&b->config, grid, 4, &wide, NULL), 0);
    b->config.base[KEY_TRAIN_EPOCHS] = build_int(100);
    cr_assert_eq(mx_estimate(&b->config, grid, 1, &many, NULL), 0);
    cr_expect(few.timed && wide.timed && many.timed);
    cr_expect(fabs(many.hours_mid / few.hours_mid - 10) <= 0.5, "%g",
              many.hours_mid / few.hours_mid);
    cr_expect(fabs(few.hours_mid / wide.hours_mid - 4) <= 1e-9);
    cr_expect(few.hours_low < few.hours_mid && few.hours_mid < few.hours_high);
    cr_expect_gt(few.memory_bytes, 1 << 20);
    cr_expect_str_eq(few.basis, "1 executor of one CPU each, assumed to train at 150, 75 and 20 "
                                "GFLOP/s; nothing was measured");
    mx_grid_free(grid);
    build_free(b);
}

/* puzzlemix trains with one more pass, forward and back: five units of work, not
 * three. Of two trials side by side the longer one counts. */
Test(estimate, of_time_and_memory_knows_what_each_cell_s_strategy_costs)
{
    struct build      *b = build_new();
    struct mx_estimate none, both;

    b->config.base[KEY_DATA_SYNTHETIC_N] = build_int(50000);
    b->config.base[KEY_MODEL_ARCH] = build_choice(WORKER_ARCH_RESNET8);
    b->config.base[KEY_TRAIN_EPOCHS] = build_int(100);
    none = estimate_of(b);
    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE),
               build_choice(WORKER_MIX_PUZZLEMIX));
    both = estimate_of(b);
    cr_expect(fabs(both.hours_mid / none.hours_mid - 5 / 3.0) <= 0.05, "%g",
              both.hours_mid / none.hours_mid);
    cr_expect_gt(both.memory_bytes, none.memory_bytes);
    build_free(b);
}

/* Means of gradients and averages of weights take room. Of several trainings that
 * of the largest counts. */
Test(estimate, of_memory_knows_what_an_optimizer_keeps)
{
    struct build      *b = build_new();
    struct mx_estimate plain, adamw, average;

    b->config.base[KEY_MODEL_ARCH] = build_choice(WORKER_ARCH_RESNET18);
    plain = estimate_of(b);
    BUILD_LIST(b, KEY_TRAIN_OPTIMIZER, build_choice(WORKER_OPTIMIZER_SGD),
               build_choice(WORKER_OPTIMIZER_ADAMW));
    adamw = estimate_of(b);
    BUILD_LIST(b, KEY_TRAIN_EMA, build_real(0), build_real(0.9));
    average = estimate_of(b);
    cr_expect_gt(adamw.memory_bytes, plain.memory_bytes + 4 * 11000000);
    cr_expect_gt(average.memory_bytes, adamw.memory_bytes + 4 * 11000000);
    build_free(b);
}

Test(estimate, of_disk_leaves_out_weights_that_are_not_kept)
{
    struct build      *b = build_new();
    struct mx_estimate kept, dropped;

    b->config.base[KEY_MODEL_ARCH] = build_choice(WORKER_ARCH_RESNET8);
    kept = estimate_of(b);
    b->config.base[KEY_SCHEDULE_KEEP] = build_choice(0); /* results */
    dropped = estimate_of(b);
    cr_expect_eq(kept.files, dropped.files + 1);
    cr_expect_gt(kept.disk_bytes, dropped.disk_bytes + 4 * 70000);
    build_free(b);
}

Test(estimate, refuses_cells_that_differ_only_in_their_place)
{
    struct build    *b = build_new();
    struct mx_grid  *grid;
    struct mx_counts counts;
    struct mx_err    err = {0};

    BUILD_LIST(b, KEY_DATA_SET, build_choice(WORKER_DATA_SYNTHETIC),
               build_choice(WORKER_DATA_MNIST));
    BUILD_LIST(b, KEY_DATA_PATH, build_text("a"), build_text("b"));
    grid = mx_grid_new(&b->config, NULL);
    cr_expect_eq(mx_estimate_counts(&b->config, grid, &counts, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_not_null(strstr(err.text, ": number 2 (data.set=mnist data.path=a) and number 3 "
                                        "(data.set=mnist data.path=b); data.path is no part"));
    mx_grid_free(grid);
    build_free(b);
}

Test(estimate, names_each_missing_data_set_once)
{
    struct build   *b = build_new();
    struct mx_grid *grid;
    struct mx_buf   out = {0};

    BUILD_LIST(b, KEY_DATA_SET, build_choice(WORKER_DATA_SYNTHETIC),
               build_choice(WORKER_DATA_MNIST));
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2));
    BUILD_LIST(b, KEY_DATA_PATH, build_text("not/there"), build_text("/"));
    grid = mx_grid_new(&b->config, NULL);
    cr_assert_eq(mx_estimate_missing_data(&b->config, grid, &out, NULL), 0);
    cr_expect_str_eq(mx_buf_str(&out), "sweep.yaml: warning: data set mnist is not at "
                                       "/configs/not/there; put it there or set data.path\n");
    mx_buf_free(&out);
    mx_grid_free(grid);
    build_free(b);
}

static const struct mx_estimate sample = {
    .counts = {true, 1234, 1000, 34, 200, 3000, 0},
    .kinds =
        {[WORKER_STAGE_TRAIN] = {3000, 3000, false}, [WORKER_STAGE_FEATURES] = {12, 1200000, true}},
    .timed = true,
    .hours_low = 0.01,
    .hours_mid = 2.5,
    .hours_high = 100,
    .basis = "a guess",
    .disk_bytes = 1500000,
    .files = 3011,
    .memory_bytes = 123456789,
};

Test(plan_print, aligns_the_table)
{
    struct build   *b = build_new();
    struct mx_grid *grid = mx_grid_new(&b->config, NULL);
    struct mx_sink  sink = {.file = NULL};

    b->config.base[KEY_REPEATS] = build_int(3);
    cr_assert_eq(mx_plan_print_text(&b->config, grid, &sample, 0, &sink, NULL), 0);
    cr_expect_str_eq(
        mx_buf_str(&sink.buf),
        "plan of sweep (sweep.yaml)\n"
        "\n"
        "points              1,234\n"
        "  folded              200   differ from an earlier one only in keys they do not use\n"
        "  excluded             34\n"
        "cells               1,000\n"
        "trials              3,000   3 for each cell\n"
        "\n"
        "stages            planned   used by trials\n"
        "  train             3,000            3,000\n"
        "  features             12        1,200,000   planned is an estimate (within 2 %)\n"
        "\n"
        "time       2.5 h, from 36 s to 4.2 days\n"
        "           a guess\n"
        "disk       1.5 MB in 3,011 files\n"
        "memory     123 MB an executor\n");
    mx_buf_free(&sink.buf);
    mx_grid_free(grid);
    build_free(b);
}

/* All work on one GPU, and the longest way through it. */
Test(plan_print, on_gpus_tells_their_hours)
{
    struct build      *b = build_new();
    struct mx_grid    *grid = mx_grid_new(&b->config, NULL);
    struct mx_sink     sink = {.file = NULL};
    struct mx_estimate estimate = sample;

    for (size_t k = 0; k < MX_ESTIMATE_SPEEDS; k++) {
        estimate.on_gpu[k].all_s = 3600.0 * (double)(8 << k);
        estimate.on_gpu[k].longest_s = k == 2 ? 3 * 3600 : 60;
    }
    mx_estimate_on_gpus(&estimate, 16);
    cr_expect_float_eq(estimate.hours_low, 0.5, 1e-12);
    cr_expect_float_eq(estimate.hours_mid, 1, 1e-12);
    cr_expect_float_eq(estimate.hours_high, 3, 1e-12, "as long as one trial takes");
    cr_assert_eq(mx_plan_print_text(&b->config, grid, &estimate, 0, &sink, NULL), 0);
    cr_expect(strstr(mx_buf_str(&sink.buf),
                     "time       60 min, from 30 min to 3.0 h\n"
                     "           16 GPUs with an executor each, assumed to train at 60, 15 and 3 "
                     "TFLOP/s; nothing was measured\n"
                     "           16 GPU hours, from 8 to 32\n"),
              "is\n%s", mx_buf_str(&sink.buf));
    mx_buf_clear(&sink.buf);
    cr_assert_eq(mx_plan_print_json(&b->config, grid, &estimate, 0, &sink, NULL), 0);
    cr_expect(strstr(mx_buf_str(&sink.buf), "\"gpu_hours\":{\"low\":8,\"mid\":16,\"high\":32}"));
    mx_buf_free(&sink.buf);
    mx_grid_free(grid);
    build_free(b);
}

Test(plan_print, groups_thousands)
{
    char out[MX_GROUPED_SIZE];

    cr_expect_str_eq(mx_print_grouped(0, out), "0");
    cr_expect_str_eq(mx_print_grouped(999, out), "999");
    cr_expect_str_eq(mx_print_grouped(1000, out), "1,000");
    cr_expect_str_eq(mx_print_grouped(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static json_t *json_of(const struct build *b, const struct mx_estimate *estimate, uint64_t limit)
{
    struct mx_grid *grid = mx_grid_new(&b->config, NULL);
    struct mx_sink  sink = {.file = NULL};
    json_t         *json;

    cr_assert_eq(mx_plan_print_json(&b->config, grid, estimate, limit, &sink, NULL), 0);
    json = json_loadb(mx_buf_str(&sink.buf), sink.buf.len, 0, NULL);
    cr_assert_not_null(json);
    mx_buf_free(&sink.buf);
    mx_grid_free(grid);
    return json;
}

static json_int_t number(const json_t *json, const char *key)
{
    cr_assert(json_is_integer(json_object_get(json, key)), "%s", key);
    return json_integer_value(json_object_get(json, key));
}

Test(plan_print, gives_json_with_every_name_of_the_contract)
{
    struct build *b = build_new();
    json_t       *json = json_of(b, &sample, 0), *stages = json_object_get(json, "stages");
    json_t       *hours = json_object_get(json, "hours");

    cr_expect_eq(number(json, "points"), 1234);
    cr_expect_eq(number(json, "cells"), 1000);
    cr_expect_eq(number(json, "excluded"), 34);
    cr_expect_eq(number(json, "folded"), 200);
    cr_expect_eq(number(json, "trials"), 3000);
    cr_expect_eq(number(json_object_get(stages, "train"), "planned"), 3000);
    cr_expect_eq(number(json_object_get(stages, "train"), "uses"), 3000);
    cr_expect_null(json_object_get(json_object_get(stages, "train"), "estimated"));
    cr_expect(json_is_true(json_object_get(json_object_get(stages, "features"), "estimated")));
    cr_expect_null(json_object_get(stages, "head"));
    cr_expect_eq(json_number_value(json_object_get(hours, "low")), 0.01);
    cr_expect_eq(json_number_value(json_object_get(hours, "mid")), 2.5);
    cr_expect_eq(json_number_value(json_object_get(hours, "high")), 100);
    cr_expect_str_eq(json_string_value(json_object_get(hours, "basis")), "a guess");
    cr_expect_eq(number(json, "disk_bytes"), 1500000);
    cr_expect_eq(number(json, "files"), 3011);
    cr_expect_eq(number(json, "memory_bytes_per_executor"), 123456789);
    cr_expect_eq(number(json, "memory_bytes_shared"), 0);
    cr_expect_null(json_object_get(json, "cells_listed"));
    json_decref(json);
    build_free(b);
}

Test(plan_print, tells_what_executors_share_and_nothing_of_data_that_is_not_there)
{
    struct build      *b = build_new();
    struct mx_grid    *grid = mx_grid_new(&b->config, NULL);
    struct mx_sink     sink = {.file = NULL};
    struct mx_estimate estimate = sample;

    estimate.shared_bytes = 100000000;
    cr_assert_eq(mx_plan_print_text(&b->config, grid, &estimate, 0, &sink, NULL), 0);
    cr_expect_not_null(
        strstr(mx_buf_str(&sink.buf),
               "\nmemory     123 MB an executor, of which 100 MB decoded images that "
               "all of a node share\n"));
    mx_buf_clear(&sink.buf);
    estimate.timed = false;
    cr_assert_eq(mx_plan_print_text(&b->config, grid, &estimate, 0, &sink, NULL), 0);
    cr_expect_not_null(strstr(mx_buf_str(&sink.buf), "\ntime       a guess\ndisk       unknown\n"));
    cr_expect_null(strstr(mx_buf_str(&sink.buf), "memory"));
    mx_buf_free(&sink.buf);
    mx_grid_free(grid);
    build_free(b);
}

Test(plan_print, gives_null_for_what_is_not_known)
{
    static const struct mx_estimate unknown = {.counts = {.points = 200000000},
                                               .basis = "too many"};
    static const char *const        names[] = {"cells",
                                               "excluded",
                                               "folded",
                                               "trials",
                                               "files",
                                               "disk_bytes",
                                               "memory_bytes_per_executor",
                                               "memory_bytes_shared"};
    struct build                   *b = build_new();
    json_t                         *json = json_of(b, &unknown, 0);

    cr_expect_eq(number(json, "points"), 200000000);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_expect(json_is_null(json_object_get(json, names[i])), "%s", names[i]);
    cr_expect(json_is_null(json_object_get(json_object_get(json, "hours"), "mid")));
    json_decref(json);
    build_free(b);
}

Test(plan_print, lists_cells_in_grid_order)
{
    struct build *b = build_new();
    json_t       *json, *list, *first, *point;

    BUILD_LIST(b, KEY_MIX_ALPHA, build_real(0.2), build_real(0.4));
    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE), build_choice(WORKER_MIX_MIXUP));
    json = json_of(b, &sample, 2);
    list = json_object_get(json, "cells_listed");
    cr_assert_eq(json_array_size(list), 2);
    first = json_array_get(list, 0);
    point = json_object_get(first, "point");
    cr_expect_eq(strlen(json_string_value(json_object_get(first, "cell"))), 16);
    cr_expect_str_eq(json_string_value(json_object_get(point, "mix.strategy")), "none");
    cr_expect_null(json_object_get(point, "mix.alpha"), "not used under none");
    cr_expect_null(json_object_get(point, "model.weights"), "has no value");
    cr_expect_str_eq(json_string_value(json_object_get(point, "data.train_limit")), "all");
    cr_expect_eq(json_integer_value(json_object_get(point, "train.epochs")), 30);
    cr_expect(json_is_false(json_object_get(point, "train.nesterov")));
    point = json_object_get(json_array_get(list, 1), "point");
    cr_expect_eq(json_number_value(json_object_get(point, "mix.alpha")), 0.2);
    json_decref(json);
    json = json_of(b, &sample, 100);
    cr_expect_eq(json_array_size(json_object_get(json, "cells_listed")), 3);
    json_decref(json);
    build_free(b);
}
