#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "sweep/early.h"

enum {
    MOST = 40,
    MOST_RUNGS = 16,
    NEVER = -1,
};

/* What will happen to trainings, if nobody stops them. */
struct world {
    struct mx_early_rule     rule;
    uint32_t                 n;
    struct mx_early_training list[MOST];
    uint32_t                 nrungs[MOST], epochs[MOST][MOST_RUNGS];
    double                   values[MOST][MOST_RUNGS];
    int                      fails[MOST]; /* on the way to this rung, or NEVER */
};

/* What is known so far: by the test itself, without the code under test. */
struct state {
    int      reached[MOST], stopped[MOST]; /* rungs; the rung, or NEVER */
    bool     waits[MOST], ended[MOST];
    uint32_t arrivals;
};

/* Those that a rule could take for one another. */
static double odd_value(struct mx_rng *rng)
{
    static const double odd[] = {NAN,   INFINITY, -INFINITY, DBL_MAX, -DBL_MAX,
                                 2e300, 1e300,    -1e300,    -0.0,    4.9e-324};

    return odd[mx_rng_below(rng, sizeof odd / sizeof odd[0])];
}

static struct world make_world(uint64_t seed, enum mx_early_stop rule)
{
    struct mx_rng  rng = mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);
    struct world   w = {.rule = {.rule = rule,
                                 .min_epochs = 1 + (uint32_t)mx_rng_below(&rng, 2),
                                 .reduction = 2 + (uint32_t)mx_rng_below(&rng, 3),
                                 .smaller = mx_rng_below(&rng, 2) == 1},
                        .n = 1 + (uint32_t)mx_rng_below(&rng, MOST)};
    const uint64_t odd = seed % 3; /* values of two: none, one, both */

    for (uint32_t i = 0; i < w.n; i++) {
        w.list[i].epochs = mx_rng_below(&rng, 10) == 0 ? 0 : 1 + (uint32_t)mx_rng_below(&rng, 16);
        w.list[i].repeat = (uint32_t)mx_rng_below(&rng, 2);
        w.list[i].bracket = rule == MX_EARLY_STOP_MEDIAN ? 0 : (uint32_t)mx_rng_below(&rng, 2);
        w.nrungs[i] = mx_early_rungs(&w.rule, &w.list[i], MOST_RUNGS, w.epochs[i]);
        w.fails[i] = mx_rng_below(&rng, 8) == 0 ? (int)mx_rng_below(&rng, 4) : NEVER;
        for (uint32_t k = 0; k < MOST_RUNGS; k++) {
            w.values[i][k] = (double)mx_rng_below(&rng, 8) / 8; /* ties are common */
            if (mx_rng_below(&rng, 2) < odd)
                w.values[i][k] = odd_value(&rng);
        }
    }
    return w;
}

static double seen(const struct world *w, uint32_t i, int k)
{
    const double value = w->values[i][k];

    return isnan(value) ? -INFINITY : w->rule.smaller ? -value : value;
}

static bool same_pool(const struct world *w, uint32_t i, uint32_t j)
{
    return w->list[i].repeat == w->list[j].repeat && w->list[i].bracket == w->list[j].bracket;
}

static double in_a_mean(double value)
{
    return value > 1e300 ? 1e300 : value < -1e300 ? -1e300 : value;
}

/* How many of the pool that came to rung k are better than training i. */
static uint32_t count_better(const struct world *w, const struct state *s, uint32_t i, int k)
{
    uint32_t better = 0;

    for (uint32_t j = 0; j < w->n; j++)
        better += j != i && same_pool(w, i, j) && s->reached[j] > k &&
                  (seen(w, j, k) > seen(w, i, k) || (seen(w, j, k) == seen(w, i, k) && j < i));
    return better;
}

static bool is_closed(const struct world *w, const struct state *s, uint32_t i, int k)
{
    for (uint32_t j = 0; j < w->n; j++)
        if (same_pool(w, i, j) && s->stopped[j] == NEVER && !s->ended[j] && s->reached[j] <= k &&
            k < (int)w->nrungs[j])
            return false;
    return true;
}

/* Of the pool at rung k: came there, or failed on the way to it. */
static uint32_t count_there(const struct world *w, const struct state *s, uint32_t i, int k)
{
    uint32_t n = 0;

    for (uint32_t j = 0; j < w->n; j++)
        n += same_pool(w, i, j) &&
             (s->reached[j] > k || (s->ended[j] && s->stopped[j] == NEVER && !s->waits[j] &&
                                    s->reached[j] == k && k < (int)w->nrungs[j]));
    return n;
}

static double mean_to(const struct world *w, const struct state *s, uint32_t j, int k)
{
    int    n = s->reached[j] < k + 1 ? s->reached[j] : k + 1;
    double sum = 0;

    for (int m = 0; m < n; m++)
        sum += in_a_mean(seen(w, j, m));
    return sum / n;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static bool above_median(const struct world *w, const struct state *s, uint32_t i, int k)
{
    double   others[MOST], best = -INFINITY;
    uint32_t n = 0;

    for (uint32_t j = 0; j < w->n; j++)
        if (j != i && same_pool(w, i, j) && s->reached[j] > 0)
            others[n++] = mean_to(w, s, j, k);
    for (int m = 0; m <= k; m++)
        best = fmax(best, in_a_mean(seen(w, i, m)));
    if (n < 3)
        return true;
    qsort(others, n, sizeof others[0], by_value);
    return best >= (n % 2 ? others[n / 2] : (others[n / 2 - 1] + others[n / 2]) / 2);
}

/* By the words of early.h: whether it is decided about training i, which waits, and how. */
static bool naive(const struct world *w, const struct state *s, uint32_t i, bool *go_on)
{
    const int  k = s->reached[i] - 1;
    const bool closed = is_closed(w, s, i, k);
    uint32_t   most;

    if (w->rule.rule == MX_EARLY_STOP_MEDIAN) {
        *go_on = closed && above_median(w, s, i, k);
        return closed;
    }
    most = count_there(w, s, i, k) / w->rule.reduction;
    if (closed && most == 0)
        most = 1;
    *go_on = count_better(w, s, i, k) < most;
    return closed || (w->rule.rule == MX_EARLY_STOP_ASHA && *go_on);
}

struct play {
    struct world     w;
    struct state     s;
    struct mx_early *early;
    struct mx_err    err;
};

static void begin(struct play *p, uint64_t seed, enum mx_early_stop rule)
{
    *p = (struct play){.w = make_world(seed, rule)};
    for (uint32_t i = 0; i < MOST; i++)
        p->s.stopped[i] = NEVER;
    p->early = mx_early_new(&p->w.rule, p->w.list, p->w.n, &p->err);
    cr_assert(p->early, "%s", p->err.text);
}

/* All that follows: as many decisions as the words say, and those. */
static void decide(struct play *p)
{
    struct mx_early_decision d;
    bool                     go_on;

    while (mx_early_next(p->early, &d)) {
        cr_assert(p->s.waits[d.training], "training %u does not wait", d.training);
        cr_assert(naive(&p->w, &p->s, d.training, &go_on) && go_on == d.go_on,
                  "training %u at rung %u: %s", d.training, d.rung,
                  d.go_on ? "goes on" : "is stopped");
        cr_assert_eq(d.epoch, p->w.epochs[d.training][d.rung]);
        cr_assert_eq((int)d.rung, p->s.reached[d.training] - 1);
        p->s.waits[d.training] = false;
        if (!d.go_on)
            p->s.stopped[d.training] = (int)d.rung;
        p->s.ended[d.training] |= !d.go_on;
    }
    cr_assert_eq(mx_early_check(p->early, &p->err), 0, "%s", p->err.text);
    for (uint32_t i = 0; i < p->w.n; i++) {
        cr_assert_eq(mx_early_waits(p->early, i), p->s.waits[i]);
        cr_assert(!p->s.waits[i] || !naive(&p->w, &p->s, i, &go_on),
                  "training %u waits for nothing", i);
    }
}

/* A training that trains comes to what is next for it. */
static void advance(struct play *p, uint32_t i)
{
    const uint32_t until = mx_early_until(p->early, i), k = (uint32_t)p->s.reached[i];

    if (p->w.fails[i] == p->s.reached[i] || k == p->w.nrungs[i]) {
        cr_assert(k < p->w.nrungs[i] || until == 0);
        p->s.ended[i] = true;
        mx_early_gone(p->early, i);
    } else {
        cr_assert_eq(until, p->w.epochs[i][k]);
        cr_assert_not(mx_early_reached(p->early, i, until + 1, 0), "not where it waits");
        cr_assert(mx_early_reached(p->early, i, until, p->w.values[i][k]));
        cr_assert_not(mx_early_reached(p->early, i, until, 0), "it waits already");
        p->s.reached[i]++;
        p->s.waits[i] = true;
    }
}

static bool trains(const struct play *p, uint32_t i)
{
    return !p->s.ended[i] && !p->s.waits[i];
}

/* Until all have ended; in an order of its own. */
static void play(struct play *p, uint64_t order)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(order, 1, MX_PURPOSE_ORDER, 0), 0, 0, 0);

    decide(p);
    for (;;) {
        uint32_t n = 0, chosen = 0;

        for (uint32_t i = 0; i < p->w.n; i++)
            if (trains(p, i) && mx_rng_below(&rng, ++n) == 0)
                chosen = i;
        if (n == 0)
            break;
        advance(p, chosen);
        decide(p);
    }
    for (uint32_t i = 0; i < p->w.n; i++)
        cr_assert(p->s.ended[i], "training %u has not ended", i);
}

Test(early, decides_as_its_words_say_in_any_order)
{
    static const enum mx_early_stop rules[] = {MX_EARLY_STOP_MEDIAN, MX_EARLY_STOP_SHA,
                                               MX_EARLY_STOP_ASHA};

    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++)
        for (uint64_t seed = 0; seed < 150; seed++) {
            struct play p;

            begin(&p, seed, rules[r]);
            play(&p, seed);
            mx_early_free(p.early);
        }
}

Test(early, median_and_sha_stop_the_same_whatever_the_order)
{
    uint64_t stopped = 0;

    for (uint64_t seed = 0; seed < 60; seed++) {
        struct play first;

        begin(&first, seed, seed % 2 ? MX_EARLY_STOP_MEDIAN : MX_EARLY_STOP_SHA);
        play(&first, 0);
        for (uint64_t order = 1; order < 4; order++) {
            struct play p;

            begin(&p, seed, first.w.rule.rule);
            play(&p, order);
            for (uint32_t i = 0; i < p.w.n; i++) {
                cr_assert_eq(p.s.stopped[i], first.s.stopped[i], "seed %u, training %u",
                             (unsigned)seed, i);
                stopped += p.s.stopped[i] != NEVER;
            }
            mx_early_free(p.early);
        }
        mx_early_free(first.early);
    }
    cr_assert_gt(stopped, 500);
}

/* One who learns what was written down, less the decisions of the end. */
static void restore(struct play *p, const struct play *from, uint32_t forgotten)
{
    *p = *from;
    p->early = mx_early_new(&p->w.rule, p->w.list, p->w.n, &p->err);
    for (uint32_t i = p->w.n; i-- > 0;) /* another order: values are the same */
        for (int k = 0; k < p->s.reached[i]; k++) {
            const bool last = k == p->s.reached[i] - 1, waits = last && p->s.waits[i];

            cr_assert(mx_early_reached(p->early, i, p->w.epochs[i][k], p->w.values[i][k]));
            if (waits)
                continue;
            if (last && forgotten > 0) {
                forgotten--;
                p->s.waits[i] = true;
                p->s.ended[i] &= p->s.stopped[i] == NEVER;
                p->s.stopped[i] = NEVER;
                if (p->s.ended[i])
                    p->s.waits[i] = false;
                continue;
            }
            cr_assert(
                mx_early_decided(p->early, i, p->w.epochs[i][k], !(last && p->s.stopped[i] == k)));
        }
    for (uint32_t i = 0; i < p->w.n; i++) {
        cr_assert_eq(mx_early_is_stopped(p->early, i), p->s.stopped[i] != NEVER);
        if (p->s.ended[i])
            mx_early_gone(p->early, i);
    }
}

Test(early, a_sweep_that_is_restored_stops_what_it_would_have_stopped)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct mx_rng rng = mx_rng_at(mx_stream_make(seed, 2, MX_PURPOSE_ORDER, 0), 0, 0, 0);
        struct play   whole, cut, restored;

        begin(&whole, seed, seed % 2 ? MX_EARLY_STOP_MEDIAN : MX_EARLY_STOP_SHA);
        play(&whole, 0);
        begin(&cut, seed, whole.w.rule.rule);
        decide(&cut);
        for (uint32_t step = 0; step < 4 * cut.w.n; step++) {
            const uint32_t i = (uint32_t)mx_rng_below(&rng, cut.w.n);

            if (trains(&cut, i))
                advance(&cut, i);
            decide(&cut);
        }
        restore(&restored, &cut, (uint32_t)mx_rng_below(&rng, 3));
        play(&restored, 7);
        for (uint32_t i = 0; i < whole.w.n; i++)
            cr_assert_eq(restored.s.stopped[i], whole.s.stopped[i], "seed %u, training %u",
                         (unsigned)seed, i);
        mx_early_free(whole.early);
        mx_early_free(cut.early);
        mx_early_free(restored.early);
    }
}

Test(early, what_is_forgotten_begins_anew)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct mx_rng rng = mx_rng_at(mx_stream_make(seed, 3, MX_PURPOSE_ORDER, 0), 0, 0, 0);
        struct play   p;

        begin(&p, seed, MX_EARLY_STOP_ASHA);
        decide(&p);
        for (uint32_t step = 0; step < 200; step++) {
            const uint32_t i = (uint32_t)mx_rng_below(&rng, p.w.n);

            if (step % 10 == 9) {
                mx_early_forget(p.early, i);
                p.s.reached[i] = 0;
                p.s.stopped[i] = NEVER;
                p.s.waits[i] = p.s.ended[i] = false;
            } else if (trains(&p, i)) {
                advance(&p, i);
            }
            decide(&p);
        }
        play(&p, seed);
        mx_early_free(p.early);
    }
}

/* Three of nine, and one of those, by hand. */
Test(early, sha_lets_a_third_go_on_at_each_rung)
{
    static const double                   first[] = {.1, .9, .2, .8, .3, .7, .4, .6, .5};
    struct mx_early_rule                  rule = {MX_EARLY_STOP_SHA, 1, 3, false};
    struct mx_early_training              list[9];
    struct mx_err                         err;
    struct mx_early                      *early;
    struct mx_early_decision              d;
    static const struct mx_early_decision second[] = {
        {5, 1, 3, true}, {3, 1, 3, false}, {1, 1, 3, false}};

    for (size_t i = 0; i < 9; i++)
        list[i] = (struct mx_early_training){.epochs = 9};
    early = mx_early_new(&rule, list, 9, &err);
    for (uint32_t i = 0; i < 9; i++) {
        cr_expect_not(mx_early_next(early, &d));
        cr_expect_eq(mx_early_until(early, i), 1);
        cr_expect(mx_early_reached(early, i, 1, first[i]));
    }
    for (uint32_t k = 0; k < 9; k++) {
        cr_assert(mx_early_next(early, &d));
        cr_expect_eq(d.go_on, k < 3);
        cr_expect_eq(d.go_on, first[d.training] > .65);
    }
    cr_expect(mx_early_reached(early, 1, 3, .1));
    cr_expect(mx_early_reached(early, 3, 3, .2));
    cr_expect_not(mx_early_next(early, &d));
    cr_expect(mx_early_reached(early, 5, 3, .3));
    for (size_t k = 0; k < 3; k++) {
        cr_assert(mx_early_next(early, &d));
        cr_expect_eq(memcmp(&d, &second[k], offsetof(struct mx_early_decision, go_on)), 0);
        cr_expect_eq(d.go_on, second[k].go_on);
    }
    cr_expect_eq(mx_early_until(early, 5), 0, "to its end");
    mx_early_free(early);
}

Test(early, trainings_that_are_never_judged_have_no_rungs)
{
    struct mx_early_rule     rule = {MX_EARLY_STOP_SHA, 4, 3, false};
    struct mx_early_training list[] = {{.epochs = 0}, {.epochs = 4}, {.epochs = 5}};
    struct mx_err            err;
    struct mx_early         *early = mx_early_new(&rule, list, 3, &err);
    struct mx_early_decision d;

    cr_expect_eq(mx_early_until(early, 0), 0);
    cr_expect_eq(mx_early_until(early, 1), 0, "it ends at its first rung");
    cr_expect_eq(mx_early_until(early, 2), 4);
    mx_early_gone(early, 0);
    cr_expect(mx_early_reached(early, 2, 4, NAN));
    cr_assert(mx_early_next(early, &d));
    cr_expect(d.go_on, "the best of one");
    mx_early_free(early);
}

Test(early, more_rungs_than_memory_for_them_is_an_error)
{
    struct mx_early_rule      rule = {MX_EARLY_STOP_MEDIAN, 1, 3, false};
    struct mx_early_training *list = calloc(400, sizeof *list);
    struct mx_err             err;

    for (size_t i = 0; i < 400; i++)
        list[i].epochs = 1000001;
    cr_expect_null(mx_early_new(&rule, list, 400, &err));
    cr_expect_eq(err.code, MX_ERANGE);
    cr_expect_str_eq(err.text, "schedule.early_stop: trainings would be judged 400000000 times, "
                               "more than 268435456; raise schedule.min_epochs");
    free(list);
}

/* By hand: what is told apart by nothing but its infinity or a size that a mean would not bear. */
Test(early, sha_ranks_values_of_any_size_as_they_are)
{
    static const struct {
        double values[4];
        bool   smaller;
        bool   go_on[4];
    } rows[] = {
        {{1e300, INFINITY, 2e300, 1}, false, {false, true, true, false}},
        {{-1e300, -INFINITY, -2e300, NAN}, false, {true, false, true, false}},
        {{INFINITY, 1e300, DBL_MAX, 2e300}, true, {false, true, false, true}},
        {{NAN, -INFINITY, -DBL_MAX, -1e300}, true, {false, true, true, false}},
        {{NAN, INFINITY, NAN, DBL_MAX}, true, {true, false, false, true}}, /* alike: by number */
    };

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct mx_early_rule     rule = {MX_EARLY_STOP_SHA, 1, 2, rows[r].smaller};
        struct mx_early_training list[4] = {
            {.epochs = 2}, {.epochs = 2}, {.epochs = 2}, {.epochs = 2}};
        struct mx_err            err;
        struct mx_early         *early = mx_early_new(&rule, list, 4, &err);
        struct mx_early_decision d;

        for (uint32_t i = 0; i < 4; i++)
            cr_assert(mx_early_reached(early, i, 1, rows[r].values[i]));
        for (uint32_t i = 0; i < 4; i++) {
            cr_assert(mx_early_next(early, &d));
            cr_expect_eq(d.go_on, rows[r].go_on[d.training], "row %zu, training %u", r, d.training);
        }
        mx_early_free(early);
    }
}
