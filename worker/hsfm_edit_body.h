/* hsfm_edit_body.h - memory of one edit, and what its two forms share. Included by
 * hsfm_f32.c and hsfm_f64.c, which say what REAL is.
 *
 * R = C - 1 differences to the last class take the place of the C classes: V = W -
 * its last row, u = logits - the last one. With e = softmax - label, a gradient step
 * of rate alpha on the mean of n losses is V -= rate f' H, where rate = alpha / n
 * and f[k] = e[k] - e[last] = e[k] + sum of e. Adjoints are written with _bar.
 */
#ifdef REAL

#include <stdlib.h>
#include <string.h>

#include "kernels/dense.h"
#include "worker/hsfm_parts.h"

enum {
    ROWS = 4 /* of features that are used for all there is to do while in the cache */
};

/* Matrices of `dims` columns have `columns` after padding, at a distance of
 * `stride`; those of n columns, `across`. */
struct edit {
    const struct TYPED(kern_dense) * k;
    size_t n, r, hard, steps, dims, columns, stride, across;
    bool   gram;
    REAL   rate;

    REAL     *h;                    /* (n, dims), then 2 r rows for the Gram form */
    REAL     *v, *c;                /* (r, dims), (r): the head before the inner steps */
    REAL     *q;                    /* (hard, dims) */
    uint32_t *labels, *hard_labels; /* (n), (hard) */
    REAL     *gradient;             /* (n, dims) */
    REAL     *p;                    /* (steps, n, r): softmax */
    REAL     *left;                 /* (n, .): what the gradient is a product of */
    REAL     *right;                /* (., dims), direct form; the Gram form's is h */
    REAL     *end, *sum;            /* (r, dims): the head after the steps; sums over rows */
    REAL     *c_end, *u, *c_bar;    /* (r), (ROWS r), (r) */
    REAL *g, *s, *u_bar, *g_bar;    /* Gram form: (n, n), (steps + 1, r, n), (n, steps r), (n, n) */
    REAL *s_bar, *turned, *gs;      /* Gram form: (n, r), (r, n), (n, r) */
};

/* Zeroed, on a line of the cache; NULL: no memory. */
static REAL *array_new(size_t rows, size_t columns)
{
    size_t count, bytes;
    REAL  *a = NULL;

    if (__builtin_mul_overflow(rows, columns, &count) ||
        __builtin_mul_overflow(kern_dense_columns(count, sizeof *a), sizeof *a, &bytes))
        return NULL;
    bytes = bytes > 0 ? bytes : KERN_DENSE_BYTES;
    a = aligned_alloc(KERN_DENSE_BYTES, bytes);
    return a ? memset(a, 0, bytes) : NULL;
}

static void edit_free(struct edit *e)
{
    REAL *arrays[] = {e->h,     e->c,     e->q,     e->gradient, e->p,     e->left, e->end,
                      e->right, e->sum,   e->c_end, e->u,        e->c_bar, e->g,    e->s,
                      e->gs,    e->u_bar, e->g_bar, e->s_bar,    e->turned};

    for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; a++)
        free(arrays[a]);
    free(e->labels);
    free(e->hard_labels);
    memset(e, 0, sizeof *e);
}

static bool edit_gram_new(struct edit *e)
{
    e->left = array_new(e->n, e->n + 2 * e->r);
    e->g = array_new(e->n, e->across);
    e->g_bar = array_new(e->n, e->across);
    e->s = array_new((e->steps + 1) * e->r, e->across);
    e->u_bar = array_new(e->n, e->steps * e->r);
    e->s_bar = array_new(e->n, e->r);
    e->gs = array_new(e->n, e->r);
    e->turned = array_new(e->r, e->across);
    return e->left && e->g && e->g_bar && e->s && e->u_bar && e->s_bar && e->gs && e->turned;
}

static bool edit_direct_new(struct edit *e)
{
    e->left = array_new(e->n, 2 * e->r * e->steps);
    e->right = array_new(2 * e->r * e->steps, e->stride);
    return e->left && e->right;
}

/* The sizes of *e have been set. Whatever comes back is released with edit_free(). */
static int edit_new(struct edit *e, struct mx_err *err)
{
    e->k = TYPED(kern_dense)(0);
    e->columns = kern_dense_columns(e->dims, sizeof(REAL));
    e->stride = kern_dense_stride(e->dims, sizeof(REAL));
    e->across = kern_dense_stride(e->n, sizeof(REAL));
    e->h = array_new(e->n + 2 * e->r, e->stride);
    e->c = array_new(1, e->r);
    e->q = array_new(e->hard, e->stride);
    e->labels = calloc(e->n + 1, sizeof *e->labels);
    e->hard_labels = calloc(e->hard + 1, sizeof *e->hard_labels);
    e->gradient = array_new(e->n, e->stride);
    e->p = array_new(e->steps * e->n, e->r);
    e->end = array_new(e->r, e->stride);
    e->sum = array_new(e->r, e->stride);
    e->c_end = array_new(1, e->r);
    e->c_bar = array_new(1, e->r);
    e->u = array_new(ROWS, e->r);
    if (!e->h || !e->c || !e->q || !e->labels || !e->hard_labels || !e->gradient || !e->p ||
        !e->end || !e->sum || !e->c_end || !e->c_bar || !e->u ||
        !(e->gram ? edit_gram_new(e) : edit_direct_new(e)))
        return mx_fail(err, MX_ENOMEM, "no memory for hsfm with %zu support samples of %zu numbers",
                       e->n, e->dims);
    e->v = e->h + e->n * e->stride;
    return 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* p = softmax of (u, 0) without its last number. Returns the share of the classes
 * other than the label's, which is 1 - its own with all its digits; adds the row's
 * cross-entropy to *loss unless that is NULL. */
static REAL softmax(const REAL *u, size_t r, uint32_t label, REAL *p, double *loss)
{
    const REAL own = label == r ? 0 : u[label];
    REAL       top = 0, all, rivals;

    for (size_t k = 0; k < r; k++)
        top = u[k] > top ? u[k] : top;
    all = EXP(-top);
    rivals = label == r ? 0 : all;
    for (size_t k = 0; k < r; k++) {
        p[k] = EXP(u[k] - top);
        all += p[k];
        if (k != label)
            rivals += p[k];
    }
    if (loss)
        *loss += own == top ? log1p((double)rivals) : log((double)all) + (double)(top - own);
    for (size_t k = 0; k < r; k++)
        p[k] /= all;
    return rivals / all;
}

/* e = softmax - label, the last class's left out. Returns the sum of e. */
static REAL label_error(const REAL *p, size_t r, uint32_t label, REAL rivals, REAL *e)
{
    REAL sum = 0;

    for (size_t k = 0; k < r; k++) {
        e[k] = k == label ? -rivals : p[k];
        sum += e[k];
    }
    return sum;
}

/* The step that a row asks for: f[k] = e[k] + sum of e. */
static void inner_step(const REAL *p, size_t r, uint32_t label, REAL rivals, REAL *f)
{
    const REAL sum = label_error(p, r, label, rivals, f);

    for (size_t k = 0; k < r; k++)
        f[k] += sum;
}

/* From the adjoint of f to that of u. */
static void inner_step_back(const REAL *p, size_t r, const REAL *f_bar, REAL *u_bar)
{
    REAL sum = 0, mean = 0;

    for (size_t k = 0; k < r; k++)
        sum += f_bar[k];
    for (size_t k = 0; k < r; k++) {
        u_bar[k] = f_bar[k] + sum;
        mean += p[k] * u_bar[k];
    }
    for (size_t k = 0; k < r; k++)
        u_bar[k] = p[k] * (u_bar[k] - mean);
}

/* to = from + factor sum, for r rows. */
static void move_rows(const struct edit *e, REAL *to, const REAL *from, REAL factor,
                      const REAL *sum)
{
    for (size_t k = 0; k < e->r; k++)
        for (size_t j = 0; j < e->columns; j++)
            to[k * e->stride + j] = from[k * e->stride + j] + factor * sum[k * e->stride + j];
}

/* The mean loss of the hard rows under the head `end`, c_end; its gradient with
 * respect to that head in sum, c_bar. */
static double outer_loss(struct edit *e)
{
    const size_t r = e->r;
    const REAL   share = 1 / (REAL)e->hard;
    double       loss = 0;

    memset(e->sum, 0, r * e->stride * sizeof *e->sum);
    memset(e->c_bar, 0, r * sizeof *e->c_bar);
    for (size_t i = 0; i < e->hard; i += ROWS) {
        const size_t rows = smaller(ROWS, e->hard - i);
        const REAL  *q = e->q + i * e->stride;

        e->k->dots(q, e->stride, rows, e->end, e->stride, r, e->columns, e->u, r);
        for (size_t row = 0; row < rows; row++) {
            REAL *u = e->u + row * r, rivals;

            for (size_t k = 0; k < r; k++)
                u[k] += e->c_end[k];
            rivals = softmax(u, r, e->hard_labels[i + row], u, &loss);
            label_error(u, r, e->hard_labels[i + row], rivals, u);
            for (size_t k = 0; k < r; k++) {
                u[k] *= share;
                e->c_bar[k] += u[k];
            }
        }
        e->k->outer(e->sum, e->stride, e->u, r, r, q, e->stride, rows, e->columns);
    }
    return loss / (double)e->hard;
}

#endif
