/* results_fixture.h - a sweep's results, made from a configuration, for tests. */
#ifndef MX_TESTS_RESULTS_FIXTURE_H
#define MX_TESTS_RESULTS_FIXTURE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/results.h"

static char folder[] = "/tmp/mx_results_XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

TestSuite(results, .init = make_folder, .fini = remove_folder);

struct fixture {
    struct mx_config      *config;
    struct mx_grid        *grid;
    struct mx_plan        *plan;
    struct mx_results     *results;
    struct mx_sched_counts counts;
};

static int no_data(void *user, const struct worker_params *params, uint64_t *fingerprint,
                   struct mx_err *err)
{
    (void)user;
    (void)params;
    (void)err;
    *fingerprint = 0;
    return 0;
}

static struct fixture begin(const char *yaml)
{
    struct fixture          f = {0};
    struct mx_config_report report = {0};
    struct mx_err           err = {0};
    char                   *path = mx_path_join(folder, "config.yaml");

    cr_assert(path);
    cr_assert_eq(mx_file_write(path, yaml, strlen(yaml), NULL), 0);
    f.config = mx_config_read(path, NULL, 0, false, &report, &err);
    cr_assert(f.config, "%s\n%s", err.text, mx_buf_str(&report.text));
    f.grid = mx_grid_new(f.config, &err);
    cr_assert(f.grid, "%s", err.text);
    f.plan = mx_plan_new(f.config, f.grid, no_data, NULL, &err);
    cr_assert(f.plan, "%s", err.text);
    f.results = mx_results_new(f.config, f.plan, &err);
    cr_assert(f.results, "%s", err.text);
    f.counts.planned = f.counts.by_state[MX_STATE_PENDING] = f.plan->ntrials;
    mx_buf_free(&report.text);
    free(path);
    return f;
}

static void end(struct fixture *f)
{
    mx_results_free(f->results);
    mx_plan_free(f->plan);
    mx_grid_free(f->grid);
    mx_config_free(f->config);
}

static uint32_t last_stage(const struct fixture *f, uint32_t trial)
{
    const struct mx_trial *t = &f->plan->trials[trial];

    return f->plan->stage_of[t->first_stage + t->nstages - 1];
}

static void set_state(struct fixture *f, uint32_t trial, enum mx_state state, enum mx_reason reason)
{
    mx_results_trial(f->results, trial, state, reason);
    f->counts.by_state[MX_STATE_PENDING]--;
    f->counts.by_state[state]++;
}

static void put(struct fixture *f, uint32_t trial, const char *name, double value)
{
    struct worker_metric metric = {.value = value};

    strcpy(metric.name, name);
    cr_assert_eq(mx_results_stage(f->results, last_stage(f, trial), &metric, 1, NULL, NULL), 0);
}

static void done(struct fixture *f, uint32_t trial, double val, double test)
{
    put(f, trial, "val.accuracy", val);
    put(f, trial, "test.accuracy", test);
    set_state(f, trial, MX_STATE_DONE, MX_REASON_NONE);
}

static inline void expect_file(const struct fixture *f, const char *name, const char *expected)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(folder, name);
    struct mx_err err = {0};

    cr_assert_eq(mx_results_write(f->results, folder, &err), 0, "%s", err.text);
    cr_assert_eq(mx_file_read(path, 1 << 20, &text, NULL), 0);
    cr_expect_str_eq(mx_buf_str(&text), expected, "%s is\n%s", name, mx_buf_str(&text));
    mx_buf_free(&text);
    free(path);
}

static inline void expect_print(const struct fixture *f, size_t rows, unsigned width,
                                const char *expected)
{
    struct mx_buf out = {0};

    mx_results_print(f->results, &f->counts, rows, width, &out);
    cr_expect_str_eq(mx_buf_str(&out), expected, "printed\n%s", mx_buf_str(&out));
    mx_buf_free(&out);
}

/* The metrics' columns of results.csv, behind the seed's. */
static inline void expect_columns(const struct fixture *f, const char *expected)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(folder, "results.csv"), *at, *end;

    cr_assert_eq(mx_results_write(f->results, folder, NULL), 0);
    cr_assert_eq(mx_file_read(path, 1 << 20, &text, NULL), 0);
    at = strstr(text.data, ",seed,") + strlen(",seed,");
    end = strstr(at, "run.attempts");
    *end = '\0';
    cr_expect_str_eq(at, expected);
    mx_buf_free(&text);
    free(path);
}

static inline void expect_printed(const struct fixture *f, const char *part)
{
    struct mx_buf out = {0};

    mx_results_print(f->results, &f->counts, 20, 0, &out);
    cr_expect_not_null(strstr(mx_buf_str(&out), part), "printed\n%s", mx_buf_str(&out));
    mx_buf_free(&out);
}

#endif
