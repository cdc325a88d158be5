/* hsfm_form_body.h - the gradient of an edit, in its direct and in its Gram form.
 * Both end in one product: gradient = left right.
 */
#ifdef REAL

/* ---- direct: all steps through the features ---- */

/* One inner step for some rows of H: their softmax, and in `left` their f. */
static void direct_rows_forward(struct edit *e, size_t t, size_t i, size_t rows, const REAL *v)
{
    const size_t r = e->r, width = 2 * r * e->steps;
    REAL        *f = e->left + i * width + 2 * r * t;

    e->k->dots(e->h + i * e->stride, e->stride, rows, v, e->stride, r, e->columns, e->u, r);
    for (size_t row = 0; row < rows; row++) {
        REAL *u = e->u + row * r, *p = e->p + (t * e->n + i + row) * r, rivals;

        for (size_t k = 0; k < r; k++)
            u[k] += e->c_end[k];
        rivals = softmax(u, r, e->labels[i + row], p, NULL);
        inner_step(p, r, e->labels[i + row], rivals, f + row * width);
        for (size_t k = 0; k < r; k++)
            e->c_bar[k] += f[row * width + k];
    }
    e->k->outer(e->sum, e->stride, f, width, r, e->h + i * e->stride, e->stride, rows, e->columns);
}

/* The head after all steps in `end`, c_end; the heads before each in `right`. */
static void direct_forward(struct edit *e)
{
    const size_t r = e->r, size = r * e->stride;

    memcpy(e->c_end, e->c, r * sizeof *e->c);
    memcpy(e->end, e->v, size * sizeof *e->v);
    for (size_t t = 0; t < e->steps; t++) {
        REAL *v = e->right + (2 * t + 1) * size;

        memcpy(v, e->end, size * sizeof *v);
        memset(e->sum, 0, size * sizeof *e->sum);
        memset(e->c_bar, 0, r * sizeof *e->c_bar);
        for (size_t i = 0; i < e->n; i += ROWS)
            direct_rows_forward(e, t, i, smaller(ROWS, e->n - i), v);
        move_rows(e, e->end, v, -e->rate, e->sum);
        for (size_t k = 0; k < r; k++)
            e->c_end[k] -= e->rate * e->c_bar[k];
    }
}

/* The same rows on the way back: in `left` the adjoint of their u. w and c_bar are
 * the adjoint of the head after the step, times -rate. */
static void direct_rows_back(struct edit *e, size_t t, size_t i, size_t rows, const REAL *w,
                             REAL *c_sum)
{
    const size_t r = e->r, width = 2 * r * e->steps;
    REAL        *u_bar = e->left + i * width + (2 * t + 1) * r;

    e->k->dots(e->h + i * e->stride, e->stride, rows, w, e->stride, r, e->columns, e->u, r);
    for (size_t row = 0; row < rows; row++) {
        REAL *f_bar = e->u + row * r;

        for (size_t k = 0; k < r; k++)
            f_bar[k] += e->c_bar[k];
        inner_step_back(e->p + (t * e->n + i + row) * r, r, f_bar, u_bar + row * width);
        for (size_t k = 0; k < r; k++)
            c_sum[k] += u_bar[row * width + k];
    }
    e->k->outer(e->sum, e->stride, u_bar, width, r, e->h + i * e->stride, e->stride, rows,
                e->columns);
}

/* From the outer gradient in sum, c_bar to the adjoints of all steps in `left` and
 * `right`: H_bar is the sum over steps of f w + u_bar V. */
static void direct_back(struct edit *e)
{
    const size_t r = e->r, size = r * e->stride;

    memset(e->end, 0, size * sizeof *e->end);
    move_rows(e, e->end, e->end, -e->rate, e->sum);
    for (size_t k = 0; k < r; k++)
        e->c_bar[k] *= -e->rate;
    for (size_t t = e->steps; t-- > 0;) {
        REAL *w = e->right + 2 * t * size, *c_sum = e->c_end;

        memcpy(w, e->end, size * sizeof *w);
        memset(e->sum, 0, size * sizeof *e->sum);
        memset(c_sum, 0, r * sizeof *c_sum);
        for (size_t i = 0; i < e->n; i += ROWS)
            direct_rows_back(e, t, i, smaller(ROWS, e->n - i), w, c_sum);
        move_rows(e, e->end, w, -e->rate, e->sum);
        for (size_t k = 0; k < r; k++)
            e->c_bar[k] -= e->rate * c_sum[k];
    }
}

static double direct_gradient(struct edit *e)
{
    const size_t width = 2 * e->r * e->steps;
    double       loss;

    direct_forward(e);
    loss = outer_loss(e);
    direct_back(e);
    e->k->product(e->left, width, e->n, width, e->right, e->stride, e->columns, e->gradient,
                  e->stride);
    return loss;
}

/* ---- Gram: all steps through G = H H' + 1 ---- */

/* u_0 is left in s_bar, which is free until the way back. */
static void gram_start(struct edit *e)
{
    e->k->gram(e->h, e->stride, e->n, e->columns, e->g, e->across);
    for (size_t i = 0; i < e->n; i++)
        for (size_t j = 0; j < e->n; j++)
            e->g[i * e->across + j] += 1;
    e->k->dots(e->h, e->stride, e->n, e->v, e->stride, e->r, e->columns, e->s_bar, e->r);
    for (size_t i = 0; i < e->n; i++)
        for (size_t k = 0; k < e->r; k++)
            e->s_bar[i * e->r + k] += e->c[k];
}

/* S_{t+1} = S_t + f(u_0 - rate G S_t); S is kept with its samples side by side. */
static void gram_forward(struct edit *e)
{
    const size_t r = e->r, size = r * e->across;

    for (size_t t = 0; t < e->steps; t++) {
        const REAL *s = e->s + t * size;
        REAL       *next = e->s + (t + 1) * size;

        e->k->dots(e->g, e->across, e->n, s, e->across, r, e->across, e->gs, r);
        for (size_t i = 0; i < e->n; i++) {
            REAL *u = e->gs + i * r, *p = e->p + (t * e->n + i) * r, rivals;

            for (size_t k = 0; k < r; k++)
                u[k] = e->s_bar[i * r + k] - e->rate * u[k];
            rivals = softmax(u, r, e->labels[i], p, NULL);
            inner_step(p, r, e->labels[i], rivals, u);
            for (size_t k = 0; k < r; k++)
                next[k * e->across + i] = s[k * e->across + i] + u[k];
        }
    }
}

/* The head after all steps; S_T goes into `left` for the product at the end. */
static void gram_head(struct edit *e)
{
    const size_t n = e->n, r = e->r, width = n + 2 * r;
    const REAL  *s = e->s + e->steps * r * e->across;
    REAL        *last = e->left + n + r;

    memset(e->sum, 0, r * e->stride * sizeof *e->sum);
    for (size_t k = 0; k < r; k++) {
        REAL sum = 0;

        for (size_t i = 0; i < n; i++) {
            last[i * width + k] = s[k * e->across + i];
            sum += s[k * e->across + i];
        }
        e->c_end[k] = e->c[k] - e->rate * sum;
    }
    e->k->outer(e->sum, e->stride, last, width, r, e->h, e->stride, n, e->columns);
    move_rows(e, e->end, e->v, -e->rate, e->sum);
}

/* The steps back, from the adjoint of S_T in s_bar: u_bar of each step. Their sum, the
 * adjoint of u_0, goes into `left`. */
static void gram_steps_back(struct edit *e)
{
    const size_t n = e->n, r = e->r, width = n + 2 * r, all = e->steps * r;

    for (size_t i = 0; i < n; i++)
        memset(e->left + i * width + n, 0, r * sizeof *e->left);
    for (size_t t = e->steps; t-- > 0;) {
        for (size_t i = 0; i < n; i++) {
            REAL *u_bar = e->u_bar + i * all + t * r;

            inner_step_back(e->p + (t * n + i) * r, r, e->s_bar + i * r, u_bar);
            for (size_t k = 0; k < r; k++) {
                e->left[i * width + n + k] += u_bar[k];
                e->turned[k * e->across + i] = u_bar[k];
            }
        }
        e->k->dots(e->g, e->across, n, e->turned, e->across, r, e->across, e->gs, r);
        for (size_t i = 0; i < n * r; i++)
            e->s_bar[i] -= e->rate * e->gs[i];
    }
}

/* H_bar = (G_bar + G_bar') H + u_0_bar V_0 + S_T w, with w = -rate times the outer
 * gradient and G_bar = -rate sum over steps of u_bar S'. H, V_0 and w lie one behind
 * the other. */
static void gram_back(struct edit *e)
{
    const size_t n = e->n, r = e->r, width = n + 2 * r, all = e->steps * r;
    REAL        *w = e->v + r * e->stride;

    memset(w, 0, r * e->stride * sizeof *w);
    move_rows(e, w, w, -e->rate, e->sum);
    e->k->dots(e->h, e->stride, n, w, e->stride, r, e->columns, e->s_bar, r);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < r; k++)
            e->s_bar[i * r + k] -= e->rate * e->c_bar[k];
    gram_steps_back(e);
    e->k->product(e->u_bar, all, n, all, e->s, e->across, e->across, e->g_bar, e->across);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            e->left[i * width + j] =
                -e->rate * (e->g_bar[i * e->across + j] + e->g_bar[j * e->across + i]);
    e->k->product(e->left, width, n, width, e->h, e->stride, e->columns, e->gradient, e->stride);
}

static double gram_gradient(struct edit *e)
{
    double loss;

    gram_start(e);
    gram_forward(e);
    gram_head(e);
    loss = outer_loss(e);
    gram_back(e);
    return loss;
}

/* The loss on the hard rows; its gradient in e->gradient. */
static double edit_gradient(struct edit *e)
{
    return e->gram ? gram_gradient(e) : direct_gradient(e);
}

int TYPED(hsfm_gradient)(const struct worker_hsfm_edit *what, double *gradient, double *loss,
                         struct mx_err *err)
{
    const size_t r = what->classes - 1;
    struct edit  e = {.n = what->n,
                      .r = r,
                      .hard = what->hard,
                      .steps = what->inner_steps,
                      .dims = what->dims,
                      .gram = what->gram,
                      .rate = (REAL)(what->inner_lr / what->n)};
    int          result = edit_new(&e, err);

    for (size_t j = 0; result == 0 && j < e.dims; j++) {
        for (size_t i = 0; i < e.n; i++)
            e.h[i * e.stride + j] = (REAL)what->support[i * e.dims + j];
        for (size_t i = 0; i < e.hard; i++)
            e.q[i * e.stride + j] = (REAL)what->hard_rows[i * e.dims + j];
        for (size_t k = 0; k < r; k++)
            e.v[k * e.stride + j] = (REAL)(what->w[k * e.dims + j] - what->w[r * e.dims + j]);
    }
    if (result == 0) {
        for (size_t k = 0; k < r; k++)
            e.c[k] = (REAL)(what->b[k] - what->b[r]);
        memcpy(e.labels, what->support_labels, e.n * sizeof *e.labels);
        memcpy(e.hard_labels, what->hard_labels, e.hard * sizeof *e.hard_labels);
        *loss = edit_gradient(&e);
        for (size_t i = 0; i < e.n; i++)
            for (size_t j = 0; j < e.dims; j++)
                gradient[i * e.dims + j] = (double)e.gradient[i * e.stride + j];
    }
    edit_free(&e);
    return result;
}

#endif
