#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "sweep/report.h"

static char folder[] = "/tmp/mx_report_XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

TestSuite(report, .init = make_folder, .fini = remove_folder);

struct sweep {
    struct mx_config  *config;
    struct mx_grid    *grid;
    struct mx_plan    *plan;
    struct mx_results *results;
};

static int no_data(void *user, const struct worker_params *params, uint64_t *fingerprint,
                   struct mx_err *err)
{
    (void)user, (void)params, (void)err;
    *fingerprint = 0;
    return 0;
}

static struct sweep begin(const char *yaml)
{
    struct sweep            s = {0};
    struct mx_config_report told = {{0}, 0, 0};
    struct mx_err           err = {0};
    char                   *path = mx_path_join(folder, "config.yaml");

    cr_assert(path);
    cr_assert_eq(mx_file_write(path, yaml, strlen(yaml), NULL), 0);
    s.config = mx_config_read(path, NULL, 0, false, &told, &err);
    cr_assert(s.config, "%s\n%s", err.text, mx_buf_str(&told.text));
    s.grid = mx_grid_new(s.config, &err);
    s.plan = mx_plan_new(s.config, s.grid, no_data, NULL, &err);
    cr_assert(s.plan, "%s", err.text);
    s.results = mx_results_new(s.config, s.plan, &err);
    cr_assert(s.results, "%s", err.text);
    mx_buf_free(&told.text);
    free(path);
    return s;
}

static void end(struct sweep *s)
{
    mx_results_free(s->results);
    mx_plan_free(s->plan);
    mx_grid_free(s->grid);
    mx_config_free(s->config);
}

static void done(struct sweep *s, uint32_t trial, double val, double test)
{
    const struct mx_trial     *t = &s->plan->trials[trial];
    const uint32_t             stage = s->plan->stage_of[t->first_stage + t->nstages - 1];
    const struct worker_metric metrics[] = {{"val.accuracy", val}, {"test.accuracy", test}};

    cr_assert_eq(mx_results_stage(s->results, stage, metrics, 2, NULL, NULL), 0);
    mx_results_trial(s->results, trial, MX_STATE_DONE, MX_REASON_NONE);
}

static void failed(struct sweep *s, uint32_t trial, const char *text)
{
    const struct mx_trial   *t = &s->plan->trials[trial];
    const uint32_t           stage = s->plan->stage_of[t->first_stage + t->nstages - 1];
    const struct mx_run_info run = {.attempts = 3, .host = "h", .device = "d", .text = text};

    cr_assert_eq(mx_results_stage(s->results, stage, NULL, 0, &run, NULL), 0);
    mx_results_trial(s->results, trial, MX_STATE_FAILED, MX_REASON_CRASHED);
}

/* The page, to be freed. */
static struct mx_buf page_of(const struct sweep *s)
{
    const struct mx_report_sweep sweep = {
        folder, s->config, s->plan, s->results, {true, 7200, 3.6e6}};
    struct mx_err err = {0};
    struct mx_buf text = {0};
    char         *path = mx_path_join(folder, "report.html");

    cr_assert_eq(mx_report_write(&sweep, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(mx_file_read(path, 64 << 20, &text, NULL), 0);
    free(path);
    return text;
}

static bool says(const struct mx_buf *page, const char *what)
{
    return strstr(mx_buf_str(page), what) != NULL;
}

#define HEAD                                                                                       \
    "name: r\ndata: {set: synthetic, size: 8, synthetic: {n: 20, classes: 2}}\n"                   \
    "model: {arch: linear}\nscore: {metrics: [accuracy]}\n"

/* Five repeats: .5 .5 .5 .5 .5 of none; mixup is .1 above with differences .08 to .12. */
Test(report, marks_the_best_where_the_interval_of_the_difference_leaves_out_0)
{
    static const double above[] = {0.08, 0.09, 0.1, 0.11, 0.12};
    struct sweep        s = begin(HEAD "repeats: 5\ngrid: {mix.strategy: [none, mixup]}\n");
    struct mx_buf       page;

    for (uint32_t k = 0; k < 5; k++) {
        done(&s, k, 0.5 + 0.01 * k, 0.5);
        done(&s, 5 + k, 0.5 + 0.01 * k + above[k], 0.5 + above[k]);
    }
    page = page_of(&s);
    cr_expect(says(&page, "The first cell is marked best"));
    cr_expect(says(&page, "<dt>took</dt><dd>2 GPU hours, 1 kWh</dd>"));
    cr_expect(says(&page, "<span class=\"tag good\">best</span> 1</td><td>mixup</td>"));
    cr_expect(says(&page, "<span class=\"tag soft\">control</span>"));
    /* t = .1 / (.0158114 / sqrt 5) = 14.142, 4 degrees: p = .000145. */
    cr_expect(says(&page, "<td class=\"nw\">0.0001451</td>"), "%s", mx_buf_str(&page));
    mx_buf_free(&page);
    end(&s);
}

Test(report, marks_nothing_where_it_does_not_and_tests_nothing_with_few_repeats)
{
    struct sweep  s = begin(HEAD "repeats: 3\ngrid: {mix.strategy: [none, mixup]}\n");
    struct mx_buf page;

    for (uint32_t k = 0; k < 3; k++) {
        done(&s, k, 0.5 + 0.1 * k, 0.5);
        done(&s, 3 + k, 0.5 + 0.1 * (2 - k) + 0.01, 0.5);
    }
    page = page_of(&s);
    cr_expect(says(&page, "No cell is marked best: for 1 other the 95 % interval"));
    cr_expect_not(says(&page, "tag good"));
    cr_expect(says(&page, "not told from #1"));
    cr_expect(says(&page, "<span class=\"note\">too few</span>"));
    cr_expect(says(&page, "With fewer than 5 repeats there are too few to test."));
    mx_buf_free(&page);
    end(&s);
}

/* Maximise {nan, .5, .7, inf, missing}: .7. */
Test(report, what_is_not_finite_never_wins)
{
    struct sweep  s = begin(HEAD "grid: {train.lr: [0.1, 0.2, 0.3, 0.4, 0.5]}\n");
    struct mx_buf page;

    done(&s, 0, NAN, NAN);
    done(&s, 1, 0.5, 0.5);
    done(&s, 2, 0.7, 0.7);
    done(&s, 3, INFINITY, INFINITY);
    failed(&s, 4, "exit status 3");
    page = page_of(&s);
    cr_expect(says(&page, "<td class=\"n nw\">1</td><td>0.3</td>"), "%s", mx_buf_str(&page));
    cr_expect(says(&page, "<td class=\"n nw\">2</td><td>0.2</td>"));
    cr_expect_not(says(&page, "<td class=\"n nw\">3</td>"));
    cr_expect(says(&page, "3 of 5 cells are not complete and take no part in rankings"));
    mx_buf_free(&page);
    end(&s);
}

Test(report, failures_that_differ_in_numbers_alone_are_one_kind)
{
    struct sweep  s = begin(HEAD "repeats: 4\n");
    struct mx_buf page;

    failed(&s, 0, "process 12 ended with <signal> 9");
    failed(&s, 1, "process 377 ended with <signal> 9");
    failed(&s, 2, "no memory");
    failed(&s, 3, "process 5 ended with <signal> 11");
    page = page_of(&s);
    cr_expect(says(&page,
                   "<td class=\"n\">3</td><td>failed</td><td>crashed</td><td>process 12 ended "
                   "with &lt;signal&gt; 9</td>"),
              "%s", mx_buf_str(&page));
    cr_expect(
        says(&page, "<td class=\"n\">1</td><td>failed</td><td>crashed</td><td>no memory</td>"));
    cr_expect(says(&page, "No cell is complete: there is no best one."));
    mx_buf_free(&page);
    end(&s);
}

Test(report, a_sweep_that_has_not_begun_has_a_page)
{
    struct sweep  s = begin(HEAD);
    struct mx_buf page = page_of(&s);

    cr_expect(says(&page, "<li><b>1</b>pending</li>"));
    cr_expect(says(&page, "goes on.</p>"));
    cr_expect(says(&page, "</html>"));
    mx_buf_free(&page);
    end(&s);
}

Test(report, ten_thousand_trials_fit_below_ten_megabytes)
{
    struct sweep s =
        begin(HEAD "grid:\n  train.lr: {linear: [0.001, 1], count: 500}\n"
                   "  train.momentum: [0.5, 0.9]\n  mix.strategy: [none, mixup, cutmix]\n"
                   "  mix.alpha: {linear: [0.1, 1], count: 5}\n");
    struct mx_buf page;

    cr_assert_geq(s.plan->ntrials, 10000);
    for (uint32_t t = 0; t < s.plan->ntrials; t++)
        if (t % 97 == 0)
            failed(&s, t, "exit status 3");
        else
            done(&s, t, 0.5 + 0.3 * (t * 7919 % 1000) / 1000,
                 0.5 + 0.3 * (t * 104729 % 1000) / 1000);
    page = page_of(&s);
    cr_expect_lt(page.len, 10 << 20);
    cr_expect(says(&page, "Showing 200 of "));
    mx_buf_free(&page);
    end(&s);
}

/* Two repeats: t = 12.7, and the interval reaches far beyond both ends. */
Test(report, cuts_intervals_where_the_metric_ends_and_keeps_their_digits)
{
    struct sweep  s = begin(HEAD "repeats: 2\ngrid: {mix.strategy: [none, mixup]}\n");
    struct mx_buf page;

    done(&s, 0, 0.5, 0.5);
    done(&s, 1, 1, 0.5);
    done(&s, 2, 0.25, 0);
    done(&s, 3, 0.25, 0.5);
    page = page_of(&s);
    /* .75 - 12.7062 * .25 and .75 + 12.7062 * .25. */
    cr_expect(says(&page, "<data value=\"0.75\">0.7500</data> <span class=\"interval\">["
                          "<data value=\"-2.426551185\">0"),
              "%s", mx_buf_str(&page));
    cr_expect(says(&page, "<data value=\"3.926551185\">1</data>]</span>"));
    cr_expect(says(&page, "An interval ends where the metric does"));
    mx_buf_free(&page);
    end(&s);
}

Test(report, shows_no_interval_of_values_that_are_all_the_same)
{
    struct sweep  s = begin(HEAD "repeats: 2\ngrid: {mix.strategy: [none, mixup]}\n");
    struct mx_buf page;

    for (uint32_t k = 0; k < 4; k++)
        done(&s, k, 0.25, 0.5);
    page = page_of(&s);
    cr_expect(says(&page, "<data value=\"0.25\">0.2500</data>"));
    cr_expect_not(says(&page, "class=\"interval\">["));
    mx_buf_free(&page);
    end(&s);
}

Test(report, speaks_of_controls_only_where_something_is_compared_with_one)
{
    struct sweep  s = begin(HEAD "grid: {train.lr: [0.1, 0.2]}\n");
    struct mx_buf page;

    done(&s, 0, 0.5, 0.5);
    done(&s, 1, 0.6, 0.5);
    page = page_of(&s);
    cr_expect_not(says(&page, "control"));
    cr_expect_not(says(&page, "Holm"));
    cr_expect_not(says(&page, "Ours"));
    cr_expect_not(says(&page, "<b>random</b>"));
    mx_buf_free(&page);
    end(&s);
}

Test(report, shows_the_columns_that_were_asked_for_when_all_trials_failed)
{
    struct sweep  s = begin(HEAD "grid: {train.lr: [0.1, 0.2]}\n");
    struct mx_buf page;

    failed(&s, 0, "no");
    failed(&s, 1, "no");
    page = page_of(&s);
    cr_expect(says(&page, "<td class=\"nw\" data-metric=\"val.accuracy\">\xE2\x80\x93</td>"));
    cr_expect(says(&page, "<td class=\"nw\" data-metric=\"test.accuracy\">\xE2\x80\x93</td>"), "%s",
              mx_buf_str(&page));
    mx_buf_free(&page);
    end(&s);
}

static double cpu_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* 2,000 cells with 5 repeats each, of which a trial in fifty failed. */
Test(report, of_ten_thousand_trials_takes_less_than_30_seconds_and_10_megabytes)
{
    struct sweep  s = begin(HEAD "repeats: 5\n"
                                  "grid:\n"
                                  "  train.lr: {linear: [0.01, 1], count: 100}\n"
                                  "  mix.strategy: [mixup, cutmix]\n"
                                  "  mix.alpha: [0.1, 0.2, 0.4, 0.8, 1]\n"
                                  "  mix.labels: [mixed, dominant]\n");
    struct mx_buf page;
    double        begun;

    cr_assert_eq(s.plan->ntrials, 10000);
    for (uint32_t t = 0; t < s.plan->ntrials; t++)
        if (t % 50 == 7)
            failed(&s, t, "exit status 3");
        else
            done(&s, t, 0.5 + 1e-5 * (t * 7919 % 10007), 0.4 + 1e-5 * (t * 104729 % 10007));
    begun = cpu_seconds();
    page = page_of(&s);
    cr_expect_lt(cpu_seconds() - begun, 30);
    cr_expect_lt(page.len, 10000000);
    cr_expect(says(&page, "Showing 200 of 2000 cells"));
    cr_expect(says(&page, "<b>200</b>failed"));
    mx_buf_free(&page);
    end(&s);
}
