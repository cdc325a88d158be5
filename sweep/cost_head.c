#include "sweep/cost_head.h"

#include <math.h>

/* Passes over the rows that a solver takes for one strength. */
static const double ridge_passes = 60, sparse_passes = 200;

/* One pass: products of all rows with the head, and back. */
static double pass(const struct mx_head_size *size, double rows)
{
    return 4 * rows * size->dims * size->classes;
}

static double none(const struct mx_value *value, const struct mx_head_size *size)
{
    (void)value;
    (void)size;
    return 0;
}

static double llr(const struct mx_value *value, const struct mx_head_size *size)
{
    return (double)value[KEY_HEAD_LLR_C].list.count * ridge_passes * pass(size, size->train);
}

static double subg(const struct mx_value *value, const struct mx_head_size *size)
{
    return (double)value[KEY_HEAD_SUBG_C].list.count * ridge_passes * pass(size, size->train / 2);
}

static double dfr(const struct mx_value *value, const struct mx_head_size *size)
{
    double fits =
        (double)value[KEY_HEAD_DFR_C].list.count + (double)value[KEY_HEAD_DFR_SUBSETS].integer;

    return fits * sparse_passes * pass(size, size->val / 2);
}

static double jtt_head(const struct mx_value *value, const struct mx_head_size *size)
{
    return 2 * (double)value[KEY_HEAD_JTT_HEAD_STEPS].integer * pass(size, size->train);
}

static double group_dro(const struct mx_value *value, const struct mx_head_size *size)
{
    return (double)value[KEY_HEAD_GROUP_DRO_EPOCHS].integer * pass(size, size->train);
}

static double afr(const struct mx_value *value, const struct mx_head_size *size)
{
    return (double)value[KEY_HEAD_AFR_EPOCHS].integer * pass(size, size->val / 2);
}

static double feature_mixup(const struct mx_value *value, const struct mx_head_size *size)
{
    return (double)value[KEY_HEAD_FEATURE_MIXUP_EPOCHS].integer * pass(size, size->train);
}

/* methods.md's multiply-adds of one edit, in the cheaper form. */
static double hsfm(const struct mx_value *value, const struct mx_head_size *size)
{
    const double c = size->classes, d = size->dims;
    const double steps = (double)value[KEY_HEAD_HSFM_INNER_STEPS].integer;
    const double hard = c * (double)value[KEY_HEAD_HSFM_HARD_PER_CLASS].integer;
    const double n = c * (double)value[KEY_HEAD_HSFM_SUPPORT_PER_CLASS].integer;
    const double gram = 2 * n * n * d + 3 * steps * n * n * c + 2 * hard * c * d + 5 * n * c * d;
    const double direct = 6 * steps * n * d * c + 2 * hard * c * d;
    const double epoch = 2 * (double)value[KEY_HEAD_HSFM_EDIT_STEPS].integer * fmin(gram, direct) +
                         steps * pass(size, n) + pass(size, size->val);

    return (double)value[KEY_HEAD_HSFM_EPOCHS].integer * epoch;
}

static double (*const flop_of[])(const struct mx_value *, const struct mx_head_size *) = {
    [WORKER_HEAD_ERM] = none,
    [WORKER_HEAD_LLR] = llr,
    [WORKER_HEAD_DFR] = dfr,
    [WORKER_HEAD_JTT_HEAD] = jtt_head,
    [WORKER_HEAD_GROUP_DRO] = group_dro,
    [WORKER_HEAD_SUBG] = subg,
    [WORKER_HEAD_AFR] = afr,
    [WORKER_HEAD_FEATURE_MIXUP] = feature_mixup,
    [WORKER_HEAD_HSFM] = hsfm,
};

double mx_head_flop(const struct mx_value *value, const struct mx_head_size *size)
{
    const double scored = size->val + size->test;

    return flop_of[value[KEY_HEAD_METHOD].choice](value, size) + pass(size, scored) +
           (double)value[KEY_SCORE_BOOTSTRAP].integer * scored;
}

/* Support set, gradient, moments, the kept edits and products of them; for the
 * others a standardised copy of the rows. */
double mx_head_bytes(const struct mx_value *value, const struct mx_head_size *size)
{
    const double number = value[KEY_HEAD_PRECISION].choice == WORKER_F64 ? 8 : 4;
    const double support = size->classes * (double)value[KEY_HEAD_HSFM_SUPPORT_PER_CLASS].integer;

    if (value[KEY_HEAD_METHOD].choice == WORKER_HEAD_ERM)
        return 0;
    if (value[KEY_HEAD_METHOD].choice == WORKER_HEAD_HSFM)
        return (8 * support * size->dims + 2 * support * support) * number;
    return (size->train + size->val) * size->dims * 8;
}
