/* hsfm_run_body.h - the epochs of HSFM. */
#ifdef REAL

static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

/* The head and the optimisers' states, which last over all epochs. */
struct run {
    struct hsfm_plan *plan;
    struct edit       e;
    size_t            classes, bias;                      /* bias: numbers of b after padding */
    REAL             *w, *w_mean, *w_square, *w_gradient; /* (classes, dims) */
    REAL             *b, *b_mean, *b_square, *b_gradient; /* (classes) */
    REAL             *h_mean, *h_square;                  /* (n, dims) */
    REAL             *before;                             /* (n, dims) */
    uint64_t          edits, head_steps;                  /* taken so far */
    double            loss;                               /* of the last edit */
};

static void run_free(struct run *run)
{
    REAL *arrays[] = {run->w,      run->w_mean,   run->w_square, run->w_gradient,
                      run->b,      run->b_mean,   run->b_square, run->b_gradient,
                      run->h_mean, run->h_square, run->before};

    for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; a++)
        free(arrays[a]);
    edit_free(&run->e);
}

static int run_arrays(struct run *run, struct mx_err *err)
{
    REAL **const of_head[] = {&run->w, &run->w_mean, &run->w_square, &run->w_gradient};
    REAL **const of_bias[] = {&run->b, &run->b_mean, &run->b_square, &run->b_gradient};
    REAL **const of_rows[] = {&run->h_mean, &run->h_square, &run->before};
    bool         ok = true;

    run->bias = kern_dense_columns(run->classes, sizeof(REAL));
    for (size_t a = 0; a < sizeof of_head / sizeof of_head[0]; a++) {
        ok = (*of_head[a] = array_new(run->classes, run->e.stride)) && ok;
        ok = (*of_bias[a] = array_new(1, run->bias)) && ok;
    }
    for (size_t a = 0; a < sizeof of_rows / sizeof of_rows[0]; a++)
        ok = (*of_rows[a] = array_new(run->e.n, run->e.stride)) && ok;
    return ok ? 0 : mx_fail(err, MX_ENOMEM, "no memory for hsfm's optimisers");
}

static void gather(REAL *to, size_t stride, const REAL *rows, size_t dims, const uint32_t *which,
                   size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * stride, rows + which[i] * dims, dims * sizeof *to);
}

/* Whatever comes back is released with run_free(). */
static int run_new(struct run *run, struct hsfm_plan *plan, struct mx_err *err)
{
    const struct worker_features *features = plan->task->features;
    const size_t                  dims = features->dims;

    *run = (struct run){.plan = plan, .classes = features->classes};
    run->e = (struct edit){.n = plan->n,
                           .r = features->classes - 1,
                           .hard = plan->hard_room,
                           .steps = plan->options->inner_steps,
                           .dims = dims,
                           .gram = plan->gram,
                           .rate = (REAL)(plan->options->inner_lr / plan->n)};
    if (edit_new(&run->e, err) || run_arrays(run, err))
        return -1;
    gather(run->e.h, run->e.stride, X_OF(&features->split[WORKER_FEATURES_TRAIN]), dims,
           plan->support, plan->n);
    memcpy(run->e.labels, plan->support_labels, plan->n * sizeof *plan->support_labels);
    memcpy(run->before, run->e.h, plan->n * run->e.stride * sizeof *run->before);
    for (size_t k = 0; k < run->classes; k++) {
        run->b[k] = (REAL)features->head_b[k];
        for (size_t j = 0; j < dims; j++)
            run->w[k * run->e.stride + j] = (REAL)features->head_w[k * dims + j];
    }
    return 0;
}

/* The head as differences to the last class, where an edit starts from. */
static void differences(struct run *run)
{
    struct edit *e = &run->e;
    const REAL  *last = run->w + e->r * e->stride;

    for (size_t k = 0; k < e->r; k++) {
        e->c[k] = run->b[k] - run->b[e->r];
        for (size_t j = 0; j < e->columns; j++)
            e->v[k * e->stride + j] = run->w[k * e->stride + j] - last[j];
    }
}

/* The class of the largest logit, of equal ones the first; the last class's is 0. */
static uint32_t first_largest(const REAL *u, size_t r)
{
    size_t best = 0;

    for (size_t k = 1; k <= r; k++)
        if ((k < r ? u[k] : 0) > u[best])
            best = k;
    return (uint32_t)best;
}

/* Losses and predictions of val into the plan; -1 if one is not finite. */
static int evaluate(struct run *run)
{
    struct edit                       *e = &run->e;
    const struct worker_features      *features = run->plan->task->features;
    const struct worker_feature_split *val = &features->split[WORKER_FEATURES_VAL];
    const size_t                       dims = features->dims;

    differences(run);
    for (uint32_t i = 0; i < val->n; i += ROWS) {
        const size_t rows = smaller(ROWS, val->n - i);

        e->k->dots(X_OF(val) + i * dims, dims, rows, e->v, e->stride, e->r, dims, e->u, e->r);
        for (size_t row = 0; row < rows; row++) {
            REAL  *u = e->u + row * e->r;
            double loss = 0;

            for (size_t k = 0; k < e->r; k++)
                u[k] += e->c[k];
            run->plan->predicted[i + row] = first_largest(u, e->r);
            softmax(u, e->r, val->labels[i + row], u, &loss);
            run->plan->losses[i + row] = loss;
            if (!isfinite(loss))
                return -1;
        }
    }
    return 0;
}

static struct kern_dense_adam adam_of(double lr, uint64_t step, double scale)
{
    return (struct kern_dense_adam){.scale = scale,
                                    .beta1 = beta1,
                                    .beta2 = beta2,
                                    .step = lr / (1 - pow(beta1, (double)step)),
                                    .root = 1 / sqrt(1 - pow(beta2, (double)step)),
                                    .epsilon = epsilon};
}

/* One edit of the support features; -1 if loss or gradient is not finite. */
static int edit_step(struct run *run)
{
    struct edit           *e = &run->e;
    struct kern_dense_adam adam;
    double                 norm;

    run->loss = edit_gradient(e);
    norm = sqrt(e->k->squares(e->gradient, e->stride, e->n, e->columns));
    if (!isfinite(run->loss) || !isfinite(norm))
        return -1;
    adam = adam_of(run->plan->options->outer_lr, ++run->edits,
                   fmin(1, run->plan->options->grad_clip / (norm + 1e-6)));
    e->k->adam(&adam, e->h, e->gradient, run->h_mean, run->h_square, e->n * e->stride);
    return 0;
}

/* Sums of the head's gradient over the support set; the mean is taken by Adam. */
static void head_gradient(struct run *run)
{
    struct edit *e = &run->e;
    const size_t r = e->r;
    REAL        *last = run->w_gradient + r * e->stride;

    differences(run);
    memset(run->w_gradient, 0, run->classes * e->stride * sizeof *last);
    memset(run->b_gradient, 0, run->bias * sizeof *last);
    for (size_t i = 0; i < e->n; i += ROWS) {
        const size_t rows = smaller(ROWS, e->n - i);
        const REAL  *h = e->h + i * e->stride;

        e->k->dots(h, e->stride, rows, e->v, e->stride, r, e->columns, e->u, r);
        for (size_t row = 0; row < rows; row++) {
            const uint32_t label = e->labels[i + row];
            REAL          *u = e->u + row * r, rivals;

            for (size_t k = 0; k < r; k++)
                u[k] += e->c[k];
            rivals = softmax(u, r, label, u, NULL);
            run->b_gradient[r] -= label_error(u, r, label, rivals, u);
            for (size_t k = 0; k < r; k++)
                run->b_gradient[k] += u[k];
        }
        e->k->outer(run->w_gradient, e->stride, e->u, r, r, h, e->stride, rows, e->columns);
    }
    for (size_t k = 0; k < r; k++)
        for (size_t j = 0; j < e->columns; j++)
            last[j] -= run->w_gradient[k * e->stride + j];
}

/* The head's own steps, on the support set as edited. */
static void head_steps(struct run *run)
{
    struct edit *e = &run->e;

    for (size_t t = 0; t < e->steps; t++) {
        struct kern_dense_adam adam;

        head_gradient(run);
        adam = adam_of(run->plan->options->inner_lr, ++run->head_steps, 1 / (double)e->n);
        e->k->adam(&adam, run->w, run->w_gradient, run->w_mean, run->w_square,
                   run->classes * e->stride);
        e->k->adam(&adam, run->b, run->b_gradient, run->b_mean, run->b_square, run->bias);
    }
}

static double edit_norm(const struct run *run)
{
    const struct edit *e = &run->e;
    double             sum = 0;

    for (size_t i = 0; i < e->n * e->stride; i++) {
        const double moved = (double)e->h[i] - (double)run->before[i];

        sum += moved * moved;
    }
    return sqrt(sum);
}

static void rows_out(double *to, const REAL *rows, size_t n, size_t dims, size_t stride)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < dims; j++)
            to[i * dims + j] = (double)rows[i * stride + j];
}

/* This epoch's head is the best so far. */
static void keep(const struct run *run, uint32_t epoch, uint32_t errors, struct worker_head *head)
{
    const struct edit *e = &run->e;

    head->kept = epoch;
    head->errors = errors;
    head->collapsed = hsfm_collapsed(run->plan);
    rows_out(head->w, run->w, run->classes, e->dims, e->stride);
    rows_out(head->b, run->b, 1, run->classes, run->bias);
    rows_out(head->support_after, e->h, e->n, e->dims, e->stride);
}

static int diverged(uint32_t epoch, const char *what, struct mx_err *err)
{
    return mx_fail(err, MX_EDIVERGED,
                   "hsfm: %s is not finite in epoch %u; lower head.hsfm.outer_lr or "
                   "head.hsfm.inner_lr",
                   what, epoch);
}

static int ticked(const struct run *run, uint32_t epoch, uint32_t edit, struct mx_err *err)
{
    const struct worker_head_task    *task = run->plan->task;
    const struct worker_hsfm_options *options = run->plan->options;
    const uint64_t                    each = options->edit_steps;

    if (task->tick && task->tick(task->user, epoch * each + edit, options->epochs * each))
        return mx_fail(err, MX_EINTERRUPTED, "hsfm was asked to end in epoch %u", epoch);
    return 0;
}

static int one_epoch(struct run *run, uint32_t epoch, struct worker_head *head, struct mx_err *err)
{
    const struct hsfm_plan            *plan = run->plan;
    const struct worker_feature_split *val = &plan->task->features->split[WORKER_FEATURES_VAL];
    struct worker_head_epoch          *record = &head->epochs[epoch];
    struct edit                       *e = &run->e;
    uint32_t                           errors;

    if (hsfm_pick_hard(run->plan, err))
        return -1;
    errors = hsfm_hard_errors(plan);
    hsfm_hard_counts(plan, record->hard_count);
    gather(e->q, e->stride, X_OF(val), e->dims, plan->hard, plan->nhard);
    for (uint32_t i = 0; i < plan->nhard; i++)
        e->hard_labels[i] = val->labels[plan->hard[i]];
    for (uint32_t k = 0; k < plan->options->edit_steps; k++) {
        if (ticked(run, epoch, k, err))
            return -1;
        if (edit_step(run))
            return diverged(epoch, "the loss of the hard samples or its gradient", err);
    }
    head_steps(run);
    if (evaluate(run))
        return diverged(epoch, "a validation loss", err);
    record->outer_loss = run->loss;
    record->edit_norm = edit_norm(run);
    if (hsfm_score(plan, record, err))
        return -1;
    if (epoch == 0 ||
        record->val_worst_group_accuracy >= head->epochs[head->kept].val_worst_group_accuracy)
        keep(run, epoch, errors, head);
    return 0;
}

int TYPED(hsfm_run)(struct hsfm_plan *plan, struct worker_head *head, struct mx_err *err)
{
    struct run run;
    int        result = run_new(&run, plan, err);

    if (result == 0) {
        rows_out(head->support_before, run.e.h, run.e.n, run.e.dims, run.e.stride);
        if (evaluate(&run))
            result = diverged(0, "a validation loss of the backbone's own head", err);
    }
    for (uint32_t epoch = 0; result == 0 && epoch < plan->options->epochs; epoch++)
        result = one_epoch(&run, epoch, head, err);
    run_free(&run);
    return result;
}

#endif
