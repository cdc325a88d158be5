/* What early stopping leaves of a sweep's time: against sweeps that are played with the rule itself. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "sweep/cost_early.h"
#include "sweep/early.h"
#include "sweep/plan_early.h"

static struct mx_config config_of(enum mx_early_stop rule, int64_t min_epochs, int64_t reduction,
                                  int64_t brackets)
{
    struct mx_config config = {.file = NULL};

    config.base[KEY_SCHEDULE_EARLY_STOP].choice = rule;
    config.base[KEY_SCHEDULE_MIN_EPOCHS].integer = min_epochs;
    config.base[KEY_SCHEDULE_REDUCTION_FACTOR].integer = reduction;
    config.base[KEY_SCHEDULE_BRACKETS].integer = brackets;
    config.base[KEY_SEARCH_METRIC].text = "val.accuracy";
    return config;
}

static struct mx_cost_early_shares shares_of(const struct mx_config *config, uint32_t n,
                                             uint32_t epochs)
{
    struct mx_cost_early early = {{0}, {0}};

    for (uint32_t i = 0; i < n; i++)
        mx_cost_early_take(&early, config, epochs, epochs);
    return mx_cost_early_shares(&early, config, n);
}

/* The same of trainings that are judged, each as good as it happens to be from the first epoch on. */
static struct mx_cost_early_shares played(const struct mx_config *config, uint32_t n,
                                          uint32_t epochs)
{
    const struct mx_early_rule  rule = mx_plan_early_rule(config);
    struct mx_early_training   *list = calloc(n, sizeof list[0]);
    double                     *worth = calloc(n, sizeof worth[0]);
    struct mx_rng               rng = mx_rng_at(mx_stream_make(n, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);
    struct mx_err               err = {0};
    struct mx_early            *early;
    struct mx_early_decision    decision;
    struct mx_cost_early_shares of = {0, 0};
    uint32_t                    until;
    bool                        goes_on = true;

    for (uint32_t i = 0; i < n; i++) {
        list[i].epochs = epochs;
        worth[i] = mx_rng_uniform(&rng);
    }
    cr_assert(early = mx_early_new(&rule, list, n, &err), "%s", err.text);
    while (goes_on) {
        goes_on = false;
        for (uint32_t i = 0; i < n; i++)
            if (!mx_early_is_stopped(early, i) && (until = mx_early_until(early, i)) > 0)
                goes_on |= mx_early_reached(early, i, until, worth[i]);
        while (mx_early_next(early, &decision))
            of.seconds += decision.go_on ? 0 : decision.epoch;
    }
    for (uint32_t i = 0; i < n; i++)
        of.ended += !mx_early_is_stopped(early, i);
    of.seconds = (of.seconds + of.ended * epochs) / ((double)n * epochs);
    of.ended /= n;
    mx_early_free(early);
    free(list);
    free(worth);
    return of;
}

Test(cost_early, is_what_sha_leaves_of_any_number_of_trainings)
{
    static const uint32_t numbers[] = {1, 2, 3, 9, 10, 27, 81, 500, 2187},
                          epochs[] = {1, 2, 27, 28, 100};

    for (int64_t r = 2; r <= 4; r++)
        for (size_t a = 0; a < sizeof numbers / sizeof numbers[0]; a++)
            for (size_t b = 0; b < sizeof epochs / sizeof epochs[0]; b++) {
                const struct mx_config            config = config_of(MX_EARLY_STOP_SHA, 1, r, 1);
                const struct mx_cost_early_shares x = shares_of(&config, numbers[a], epochs[b]),
                                                  y = played(&config, numbers[a], epochs[b]);

                /* Shares of whole trainings are rounded down at each rung. */
                cr_expect(x.seconds >= y.seconds - 1e-12 && x.seconds <= 1.45 * y.seconds,
                          "%u trainings of %u epochs by %d: %g, %g", numbers[a], epochs[b], (int)r,
                          x.seconds, y.seconds);
                cr_expect(x.ended >= y.ended - 1e-12 &&
                              x.ended * numbers[a] <= y.ended * numbers[a] + 1,
                          "%u trainings of %u epochs by %d: %g, %g", numbers[a], epochs[b], (int)r,
                          x.ended, y.ended);
            }
}

Test(cost_early, is_exact_where_numbers_divide)
{
    const struct mx_config            config = config_of(MX_EARLY_STOP_SHA, 1, 3, 1);
    const struct mx_cost_early_shares of = shares_of(&config, 9, 27);

    /* 9 of 1 epoch, 3 of 2 more, 1 of 6 more, which comes to the end with 18 more */
    cr_expect(fabs(of.seconds - (9 + 6 + 6 + 18) / 243.0) <= 1e-12, "%g", of.seconds);
    cr_expect(fabs(of.ended - 1 / 9.0) <= 1e-12, "%g", of.ended);
}

Test(cost_early, median_lets_the_better_half_go_on)
{
    static const uint32_t numbers[] = {1, 3, 4, 10, 100};

    for (size_t a = 0; a < sizeof numbers / sizeof numbers[0]; a++) {
        const struct mx_config            config = config_of(MX_EARLY_STOP_MEDIAN, 2, 3, 1);
        const struct mx_cost_early_shares x = shares_of(&config, numbers[a], 20),
                                          y = played(&config, numbers[a], 20);

        cr_expect(fabs(x.seconds - y.seconds) <= 0.01, "%u: %g, %g", numbers[a], x.seconds,
                  y.seconds);
        cr_expect(fabs(x.ended - y.ended) <= 0.01, "%u: %g, %g", numbers[a], x.ended, y.ended);
    }
}

Test(cost_early, brackets_that_begin_later_take_longer)
{
    double before = 0;

    for (int64_t brackets = 1; brackets <= 4; brackets++) {
        const struct mx_config            config = config_of(MX_EARLY_STOP_ASHA, 1, 3, brackets);
        const struct mx_cost_early_shares of = shares_of(&config, 10000, 81);

        cr_expect(of.seconds > before && of.seconds < 1, "%g", of.seconds);
        before = of.seconds;
    }
}

Test(cost_early, is_everything_without_a_rule_or_without_trainings)
{
    const struct mx_config      none = config_of(MX_EARLY_STOP_NONE, 1, 3, 1);
    const struct mx_config      sha = config_of(MX_EARLY_STOP_SHA, 1, 3, 1);
    struct mx_cost_early_shares of = shares_of(&none, 9, 27);

    cr_expect(fabs(of.seconds - 1) <= 0 && fabs(of.ended - 1) <= 0);
    of = shares_of(&sha, 0, 27);
    cr_expect(fabs(of.seconds - 1) <= 0 && fabs(of.ended - 1) <= 0);
    of = shares_of(&sha, 9, 0);
    cr_expect(fabs(of.seconds - 1) <= 0 && fabs(of.ended - 1) <= 0);
}
