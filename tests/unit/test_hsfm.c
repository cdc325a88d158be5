/* Trainings of HSFM against PyTorch's (tests/reference/torch/hsfm.py), and what
 * they promise besides. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hsfm_small.h"

enum {
    TRAIN_ROWS = 2100,
    TEST_ROWS = 2000
};

/* ---- PyTorch's numbers ---- */

/* The numbers of a case, at most n. Returns how many there are. */
static size_t reference(const char *name, const char *what, double *out, size_t n)
{
    char   path[4096], head[64], *line = NULL;
    size_t room = 0, found = 0;
    FILE  *file;

    snprintf(path, sizeof path, "%s/tests/reference/torch/hsfm.txt", MX_SOURCE_DIR);
    snprintf(head, sizeof head, "%s %s ", name, what);
    cr_assert_not_null(file = fopen(path, "r"), "%s", path);
    while (found == 0 && getline(&line, &room, file) > 0)
        if (strncmp(line, head, strlen(head)) == 0)
            for (char *at = line + strlen(head), *end; found < n; at = end) {
                out[found] = strtod(at, &end);
                if (end == at)
                    break;
                found++;
            }
    free(line);
    fclose(file);
    cr_assert(found > 0, "%s %s", name, what);
    return found;
}

/* ---- trainings ---- */

static struct worker_hsfm_options options_of(uint32_t support, uint32_t steps, double inner_lr,
                                             double outer_lr, uint32_t edits, uint32_t hard,
                                             uint32_t epochs)
{
    struct worker_hsfm_options o = worker_hsfm_defaults();

    o.support_per_class = support;
    o.inner_steps = steps;
    o.inner_lr = inner_lr;
    o.outer_lr = outer_lr;
    o.edit_steps = edits;
    o.hard_per_class = hard;
    o.epochs = epochs;
    return o;
}

/* The first rows of each class, as PyTorch's script takes them. */
static uint32_t *lend_support(struct worker_hsfm_options *o, uint32_t classes)
{
    uint32_t *rows = malloc((size_t)classes * o->support_per_class * sizeof *rows);

    o->support = rows;
    o->nsupport = classes * o->support_per_class;
    for (uint32_t i = 0; i < o->nsupport; i++)
        rows[i] = i;
    return rows;
}

/* The largest difference, in parts of the largest reference. */
static double distance(const double *got, const double *wanted, size_t n)
{
    double most = 0, largest = 0;

    for (size_t k = 0; k < n; k++) {
        if (!(fabs(got[k] - wanted[k]) <= most))
            most = fabs(got[k] - wanted[k]);
        largest = fmax(largest, fabs(wanted[k]));
    }
    return most / largest;
}

struct training {
    const char *name;
    uint32_t    classes, dims, val;
    uint32_t    support, steps;
    double      inner_lr, outer_lr;
    uint32_t    edits, hard, epochs;
    double      clip, tolerance[2]; /* of the head: WORKER_F32, WORKER_F64 */
};

static const struct training trainings[] = {
    {"waterbirds", 2, 48, 600, 16, 15, 5e-5, 1, 15, 64, 3, 10, {2e-3, 1e-9}},
    {"celeba", 2, 48, 600, 1024, 10, 5e-5, 1, 5, 256, 3, 10, {2e-3, 1e-9}},
    {"metashift", 2, 48, 600, 32, 15, 5e-5, 1e-2, 10, 64, 3, 10, {2e-3, 1e-9}},
    {"dominoes", 2, 48, 600, 16, 10, 1e-4, 1, 15, 256, 3, 10, {2e-3, 1e-9}},
    {"small_rates", 2, 48, 600, 16, 15, 5e-5, 1e-2, 15, 64, 10, 10, {1e-4, 1e-12}},
    {"three_classes", 3, 21, 301, 5, 4, 1e-2, 0.05, 3, 20, 6, 1e-3, {1e-4, 1e-12}},
};

/* Every epoch's counts, and loss and size of the edits. */
static void expect_epochs(const struct training *t, const struct worker_head *head,
                          double tolerance)
{
    double loss[16], accuracy[16], worst[16], norm[16];

    cr_assert_eq(reference(t->name, "outer_loss", loss, 16), head->nepochs);
    reference(t->name, "accuracy", accuracy, 16);
    reference(t->name, "worst_group", worst, 16);
    reference(t->name, "edit_norm", norm, 16);
    for (uint32_t e = 0; e < head->nepochs; e++) {
        const struct worker_head_epoch *got = &head->epochs[e];

        cr_expect(fabs(got->val_accuracy - accuracy[e]) <= 1e-15, "%s, epoch %u: %g", t->name, e,
                  got->val_accuracy);
        cr_expect(fabs(got->val_worst_group_accuracy - worst[e]) <= 1e-15, "%s, epoch %u: %g",
                  t->name, e, got->val_worst_group_accuracy);
        cr_expect(fabs(got->outer_loss - loss[e]) <= tolerance * loss[e], "%s, epoch %u: %.17g",
                  t->name, e, got->outer_loss);
        cr_expect(fabs(got->edit_norm - norm[e]) <= tolerance * norm[e], "%s, epoch %u: %.17g",
                  t->name, e, got->edit_norm);
    }
}

static void expect_training(const struct training *t, enum worker_precision precision,
                            enum worker_hsfm_form form)
{
    struct worker_features *features =
        formula_features(precision, t->dims, t->classes, TRAIN_ROWS, t->val, 1, 0);
    struct worker_hsfm_options o =
        options_of(t->support, t->steps, t->inner_lr, t->outer_lr, t->edits, t->hard, t->epochs);
    uint32_t          *rows = lend_support(&o, t->classes);
    double             w[256], b[16], kept;
    struct worker_head head;
    size_t             n;

    o.grad_clip = t->clip;
    o.form = form;
    head = train(features, &o);
    n = reference(t->name, "w", w, 256);
    cr_assert_eq(n, (size_t)t->classes * t->dims);
    reference(t->name, "b", b, 16);
    reference(t->name, "kept", &kept, 1);
    cr_expect_eq(head.kept, (uint32_t)kept, "%s: %u", t->name, head.kept);
    cr_expect_eq(head.gram, form == WORKER_HSFM_FORM_GRAM);
    cr_expect(distance(head.w, w, n) <= t->tolerance[precision], "%s, precision %d, form %d: %g",
              t->name, (int)precision, (int)form, distance(head.w, w, n));
    cr_expect(distance(head.b, b, t->classes) <= t->tolerance[precision],
              "%s, precision %d, form %d: bias %g", t->name, (int)precision, (int)form,
              distance(head.b, b, t->classes));
    expect_epochs(t, &head, t->tolerance[precision]);
    worker_head_free(&head);
    formula_features_free(features);
    free(rows);
}

Test(hsfm, gives_the_heads_that_pytorch_gives)
{
    for (size_t t = 0; t < sizeof trainings / sizeof trainings[0]; t++)
        for (int precision = WORKER_F32; precision <= WORKER_F64; precision++) {
            if (trainings[t].support < 1024)
                expect_training(&trainings[t], (enum worker_precision)precision,
                                WORKER_HSFM_FORM_GRAM);
            expect_training(&trainings[t], (enum worker_precision)precision,
                            WORKER_HSFM_FORM_DIRECT);
        }
}

/* Over 40 epochs numbers drift apart, outcomes do not (docs/heads.md). */
Test(hsfm, ends_where_pytorch_ends)
{
    enum {
        SEEDS = 5
    };
    for (int precision = WORKER_F32; precision <= WORKER_F64; precision++) {
        double wanted[2] = {0, 0}, got[2] = {0, 0};

        for (unsigned seed = 0; seed < SEEDS; seed++) {
            struct worker_features *features = formula_features(
                (enum worker_precision)precision, 48, 2, TRAIN_ROWS, 600, TEST_ROWS, seed);
            struct worker_hsfm_options o = worker_hsfm_defaults();
            uint32_t                  *rows = lend_support(&o, 2);
            struct worker_head         head = train(features, &o);
            double                     worst[2];
            char                       name[16];

            snprintf(name, sizeof name, "full%u", seed);
            cr_assert_eq(reference(name, "worst_group", worst, 2), 2);
            for (int part = 0; part < 2; part++) {
                wanted[part] += worst[part] / SEEDS;
                got[part] +=
                    formula_worst_group(features, part ? WORKER_FEATURES_TEST : WORKER_FEATURES_VAL,
                                        head.w, head.b) /
                    SEEDS;
            }
            worker_head_free(&head);
            formula_features_free(features);
            free(rows);
        }
        for (int part = 0; part < 2; part++)
            cr_expect(fabs(got[part] - wanted[part]) <= 0.015, "precision %d: %g, not %g",
                      precision, got[part], wanted[part]);
    }
}
