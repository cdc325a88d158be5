/* Every function of kernels/device.h does on a GPU what it does on the CPU, between guard words and
 * at awkward sizes. What takes each element alone has the same bits, also of NaN and infinities;
 * what sums, in another order, is as near as double precision makes it.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include "device_twins.h"

enum {
    ARRAYS = 4
};

/* One lane, a warp, a block of lanes, and one more or less. */
static const size_t sizes[] = {0, 1, 3, 33, 256, 1025};

/* ---- functions of elements ---- */

typedef void element_fn(struct kern_nn *nn, const struct kern_device *on, float *const a[ARRAYS],
                        size_t n);

#define ELEMENT(name)                                                                              \
    static void name(struct kern_nn *nn, const struct kern_device *on, float *const a[ARRAYS],     \
                     size_t n)

ELEMENT(copies)
{
    on->copy(nn, a[0], a[1], n * sizeof(float));
}
ELEMENT(zeros)
{
    on->zero(nn, a[0], n * sizeof(float));
}
ELEMENT(adds)
{
    on->add(nn, a[0], a[1], a[2], n, false);
}
ELEMENT(adds_in_place)
{
    on->add(nn, a[0], a[0], a[1], n, true);
    on->add(nn, a[2], a[3], a[2], n, true);
}
ELEMENT(relus)
{
    on->relu(nn, a[0], a[1], n, 0);
    on->relu(nn, a[2], a[2], n, 0.75f);
}
ELEMENT(relus_backward)
{
    on->relu_backward(nn, a[0], a[1], n, 0.5f, 0);
    on->relu_backward(nn, a[2], a[3], n, 0, 0.3f);
}
ELEMENT(dropouts)
{
    on->dropout(nn, a[0], n, 0.3f, mx_rng_at(mx_stream_make(1, 2, MX_PURPOSE_MIX, 3), 4, 5, 6));
    on->dropout(nn, a[1], n, 0, mx_rng_at(mx_stream_make(1, 2, MX_PURPOSE_MIX, 3), 7, 8, 9));
}
ELEMENT(adds_backward)
{
    on->add_backward(nn, a[0], a[1], a[2], a[3], n);
}
ELEMENT(adds_backward_of_one)
{
    on->add_backward(nn, a[0], a[0], NULL, a[1], n);
    on->add_backward(nn, a[2], a[3], NULL, NULL, n);
}
ELEMENT(adds_backward_without_relu)
{
    on->add_backward(nn, a[0], a[1], a[0], NULL, n);
}
ELEMENT(running_means)
{
    on->running(nn, a[0], a[1], n, 0.1, 65.0 / 64);
}
ELEMENT(averages)
{
    on->average(nn, a[0], a[1], 0.99, n);
}
ELEMENT(sgd_steps)
{
    const struct kern_sgd plain = {.lr = 0.1f, .decay = 1e-3f, .scale = 1};

    on->sgd(nn, &plain, a[0], a[1], NULL, n);
}
ELEMENT(sgd_first_steps)
{
    const struct kern_sgd first = {.lr = 0.1f,
                                   .momentum = 0.9f,
                                   .decay = 1e-3f,
                                   .scale = 0.5f,
                                   .nesterov = true,
                                   .first = true};

    on->sgd(nn, &first, a[0], a[1], a[2], n);
}
ELEMENT(sgd_later_steps)
{
    const struct kern_sgd later = {.lr = 0.1f, .momentum = 0.9f, .decay = 0, .scale = 1};

    on->sgd(nn, &later, a[0], a[1], a[2], n);
}
ELEMENT(adamw_steps)
{
    const struct kern_adamw adamw = {.keep = 0.999f,
                                     .beta1 = 0.9f,
                                     .beta2 = 0.99f,
                                     .rest1 = 0.1f,
                                     .rest2 = 0.01f,
                                     .epsilon = 1e-8f,
                                     .step = 1e-2f,
                                     .root = 1.5f,
                                     .scale = 0.25f};

    on->adamw(nn, &adamw, a[0], a[1], a[2], a[3], n);
}

// clang-format off
static const struct {
    const char *name;
    element_fn *run;
} elements[] = {
    {"copy", copies}, {"zero", zeros}, {"add", adds}, {"add in place", adds_in_place},
    {"relu", relus}, {"relu backward", relus_backward}, {"dropout", dropouts},
    {"add backward", adds_backward}, {"add backward of one", adds_backward_of_one},
    {"add backward without ReLU", adds_backward_without_relu}, {"running", running_means},
    {"average", averages}, {"sgd", sgd_steps}, {"sgd, first step", sgd_first_steps},
    {"sgd, later step", sgd_later_steps}, {"adamw", adamw_steps},
};
// clang-format on

/* All arrays must have the same bits, those that are only read too. */
static void check_elements(struct twins *twins, struct mx_rng *rng)
{
    for (size_t e = 0; e < sizeof elements / sizeof *elements; e++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            const size_t n = sizes[k];
            struct twin  a[ARRAYS];

            for (int i = 0; i < ARRAYS; i++)
                a[i] = twin_drawn(twins, n, rng, true);
            for (int s = 0; s < TWIN_SIDES; s++)
                elements[e].run(twins->nn[s], twins->on[s],
                                (float *[ARRAYS]){a[0].at[s], a[1].at[s], a[2].at[s], a[3].at[s]},
                                n);
            for (int i = 0; i < ARRAYS; i++) {
                twin_same(twins, &a[i], elements[e].name);
                twin_free(twins, &a[i]);
            }
        }
}

/* ---- memory ---- */

/* Any number of bytes from any place on: what is beside them stays. */
static void check_memory(struct twins *twins)
{
    static const size_t bytes[] = {0, 1, 3, 4, 63, 257};
    char                sent[300], got[300];
    struct mx_err       err = {0};

    for (size_t k = 0; k < sizeof sent; k++)
        sent[k] = (char)(k * 7 + 1);
    for (size_t k = 0; k < sizeof bytes / sizeof *bytes; k++) {
        struct twin array = twin_new(twins, 100, NULL);

        for (int s = 0; s < TWIN_SIDES; s++) {
            memset(got, 0, sizeof got);
            twins_must(
                !twins->on[s]->put(twins->nn[s], (char *)array.at[s] + k, sent, bytes[k], &err) &&
                    !twins->on[s]->get(twins->nn[s], got, (char *)array.at[s] + k, bytes[k], &err),
                "put and get", &err);
            if (memcmp(sent, got, bytes[k]) != 0 || got[bytes[k]] != 0)
                twins_fail(twins, "put and get", "other bytes came back");
        }
        twin_same(twins, &array, "put");
        twin_free(twins, &array);
    }
    for (int s = 0; s < TWIN_SIDES; s++)
        twins->on[s]->release(twins->nn[s], NULL);
}

/* ---- rows that mix ---- */

static void check_rows(struct twins *twins, struct mx_rng *rng)
{
    static const struct {
        uint32_t n;
        size_t   width;
    } cases[] = {{1, 1}, {1, 33}, {2, 5}, {5, 257}, {7, 1}, {33, 3}};

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const size_t all = cases[c].n * cases[c].width;
        struct twin  in = twin_drawn(twins, all, rng, true), out = twin_new(twins, all, NULL);
        struct twin  back = twin_new(twins, all, NULL);
        float        share[33];
        uint32_t     partner[33];
        const struct kern_rows rows = {share, partner, cases[c].n, cases[c].width};

        for (uint32_t i = 0; i < cases[c].n; i++) {
            share[i] = i % 3 == 0 ? (float)(i % 2) : (float)mx_rng_uniform(rng);
            partner[i] = (uint32_t)mx_rng_below(rng, cases[c].n);
        }
        for (int s = 0; s < TWIN_SIDES; s++) {
            twins->on[s]->mix_rows(twins->nn[s], out.at[s], in.at[s], &rows);
            twins->on[s]->mix_rows_backward(twins->nn[s], back.at[s], in.at[s], &rows);
        }
        twin_same(twins, &out, "mix_rows");
        twin_same(twins, &back, "mix_rows_backward");
        twin_same(twins, &in, "mix_rows, what is read");
        twin_free(twins, &in), twin_free(twins, &out), twin_free(twins, &back);
    }
}

/* ---- sums ---- */

/* Squares in double, in another order: a part in 1e12 is a thousand times what that can make. */
static void check_square_sums(struct twins *twins, struct mx_rng *rng)
{
    for (size_t k = 0; k < 2 * sizeof sizes / sizeof *sizes; k++) {
        const size_t  n = sizes[k / 2];
        struct twin   values = twin_drawn(twins, n, rng, k % 2);
        double        sums[TWIN_SIDES];
        struct mx_err err = {0};

        for (int s = 0; s < TWIN_SIDES; s++)
            twins_must(!twins->on[s]->square_sum(twins->nn[s], values.at[s], n, &sums[s], &err),
                       "square_sum", &err);
        twins_near(twins, "square_sum", sums, 1e-12);
        twin_free(twins, &values);
    }
}

/* ---- the loss ---- */

struct loss_case {
    uint32_t n, classes;
    bool     targets, mixed, summed, gradient;
    double   smoothing;
    float    odd; /* a logit; 0: none */
};

static const struct loss_case losses[] = {
    {1, 1, false, true, false, true, 0, 0},      {1, 10, false, true, false, true, 0.1, 0},
    {5, 3, true, false, false, true, 0.1, 0},    {33, 257, false, true, false, true, 0, 0},
    {4, 1000, true, false, false, true, 0, 0},   {7, 10, false, false, true, true, 0, 0},
    {3, 5, false, true, true, false, 0.2, 0},    {3, 5, false, true, false, true, 0, NAN},
    {3, 5, true, false, false, true, 0, NAN},    {3, 5, false, true, false, true, 0, INFINITY},
    {6, 300, false, true, false, true, 0, 1e30f}};

enum {
    MOST_ROWS = 33,
    MOST_TARGETS = 4000
};

struct loss_hosts {
    uint32_t y_a[MOST_ROWS], y_b[MOST_ROWS];
    float    lambda[MOST_ROWS], targets[MOST_TARGETS];
};

static void draw_loss(const struct loss_case *c, struct loss_hosts *h, struct mx_rng *rng)
{
    for (uint32_t i = 0; i < c->n; i++) {
        h->y_a[i] = (uint32_t)mx_rng_below(rng, c->classes);
        h->y_b[i] = (uint32_t)mx_rng_below(rng, c->classes);
        h->lambda[i] = (float)mx_rng_uniform(rng);
        for (uint32_t k = 0; c->targets && k < c->classes; k++)
            h->targets[i * c->classes + k] =
                (k == h->y_a[i] ? h->lambda[i] : 0) + (k == h->y_b[i] ? 1 - h->lambda[i] : 0);
    }
}

/* Double precision throughout; exp() and log() of a GPU may differ by some units in the last place of
 * it. A gradient is rounded to float once: two units of 6e-8. */
static void check_losses(struct twins *twins, struct mx_rng *rng)
{
    for (size_t k = 0; k < sizeof losses / sizeof *losses; k++) {
        const struct loss_case *c = &losses[k];
        const size_t            all = (size_t)c->n * c->classes;
        float                  *values = twins_drawn(all, rng, false);
        struct loss_hosts       h;
        struct twin             logits, gradient = twin_new(twins, all, NULL);
        double                  sums[TWIN_SIDES];
        struct mx_err           err = {0};

        draw_loss(c, &h, rng);
        if (!(c->odd == 0))
            values[all / 2] = c->odd;
        logits = twin_new(twins, all, values);
        for (int s = 0; s < TWIN_SIDES; s++) {
            const struct kern_loss loss = {.logits = logits.at[s],
                                           .y_a = c->targets ? NULL : h.y_a,
                                           .y_b = c->targets ? NULL
                                                  : c->mixed ? h.y_b
                                                             : h.y_a,
                                           .lambda = c->mixed ? h.lambda : NULL,
                                           .targets = c->targets ? h.targets : NULL,
                                           .smoothing = c->smoothing,
                                           .n = c->n,
                                           .classes = c->classes,
                                           .summed = c->summed,
                                           .gradient = c->gradient ? gradient.at[s] : NULL};

            twins_must(!twins->on[s]->loss(twins->nn[s], &loss, &sums[s], &err), "loss", &err);
        }
        twins_near(twins, "loss", sums, 1e-12);
        twin_near(twins, &gradient, "gradient of the loss", 1.2e-7, 0);
        twin_same(twins, &logits, "loss, what is read");
        twin_free(twins, &logits), twin_free(twins, &gradient);
        free(values);
    }
}

/* ---- norms ---- */

struct norm_case {
    const char *name;
    uint32_t    n, channels, height, width;
    bool        two, rest, relu, fixed, more, masked, through;
    uint32_t    off;   /* arrays begin so many floats behind what is aligned */
    float       about; /* inputs lie around it */
};

// clang-format off
static const struct norm_case norms[] = {
    {"norm of one point",               1, 1, 1, 1,    false, false, false, false, false, false, false, 0, 0},
    {"norm",                            1, 3, 7, 5,    false, false, false, false, false, false, false, 0, 0},
    {"norm, ReLU",                      2, 5, 3, 9,    false, false, true,  false, false, false, false, 0, 0},
    {"norm, ReLU, two gradients",       3, 33, 4, 4,   false, false, true,  false, true,  false, false, 0, 0},
    {"norm + rest, ReLU",               5, 3, 9, 7,    false, true,  true,  false, false, false, true, 0, 0},
    {"norm + norm, ReLU",               4, 7, 5, 5,    true,  false, true,  false, true,  false, true, 0, 0},
    {"norm + norm + rest",              2, 2, 3, 3,    true,  true,  false, false, false, false, false, 0, 0},
    {"fixed norm, ReLU",                3, 5, 6, 2,    false, false, true,  true,  false, false, false, 0, 0},
    {"fixed norm + rest",               1, 33, 1, 1,   false, true,  false, true,  false, false, false, 0, 0},
    {"norm + rest, masked before",      3, 4, 5, 7,    false, true,  true,  false, false, true,  false, 0, 0},
    {"norm of more points than lanes",  2, 3, 17, 19,  false, false, true,  false, false, false, false, 0, 0},
    /* A channel of several blocks: the last one's elements run out; neighbours that no access takes at once;
     * a single channel, the most blocks. */
    {"norm of three blocks, ReLU",      5, 3, 32, 32,  false, false, true,  false, true,  false, false, 0, 0},
    {"norm + norm of blocks, ReLU",     7, 2, 20, 24,  true,  false, true,  false, true,  false, true,  0, 0},
    {"norm + rest of blocks, ReLU",     9, 5, 17, 19,  false, true,  true,  false, false, false, true,  0, 0},
    {"norm of blocks, unaligned",       5, 3, 32, 32,  true,  true,  true,  false, true,  false, true,  1, 0},
    {"fixed norm of blocks",            3, 2, 32, 36,  false, false, true,  true,  false, false, false, 0, 0},
    {"norm of one channel",             3, 1, 64, 63,  false, true,  true,  false, false, false, true,  0, 0},
    {"norm of images of one point",     4099, 3, 1, 1, false, false, true,  false, false, false, false, 0, 0},
    {"norm of numbers far from 0",      9, 3, 24, 24,  false, false, false, false, false, false, false, 0, 1000},
};
// clang-format on

enum {
    X,
    X1,
    REST,
    Y,
    A,
    B,
    THROUGH,
    DX,
    DX1,
    WIDE, /* (n, channels, height, width) */
    SCALE = WIDE,
    SHIFT,
    MEAN,
    VARIANCE,
    DSCALE,
    DSHIFT,
    SECOND, /* (channels) */
    NORM_ARRAYS = SECOND + (SECOND - WIDE)
};

static struct kern_norm norm_of(const struct norm_case *c, const struct twin *t, int second, int s)
{
    const int off = second ? SECOND - WIDE : 0;

    return (struct kern_norm){.x = t[second ? X1 : X].at[s],
                              .scale = t[SCALE + off].at[s],
                              .shift = t[SHIFT + off].at[s],
                              .mean = t[MEAN + off].at[s],
                              .variance = t[VARIANCE + off].at[s],
                              .epsilon = 1e-5,
                              .fixed = c->fixed,
                              .dx = t[second ? DX1 : DX].at[s],
                              .dscale = t[DSCALE + off].at[s],
                              .dshift = t[DSHIFT + off].at[s]};
}

static void run_norm(struct twins *twins, const struct norm_case *c, const struct twin *t, int s)
{
    const uint32_t                  points = c->height * c->width;
    const struct kern_norm          first = norm_of(c, t, 0, s), second = norm_of(c, t, 1, s);
    const struct kern_norm_sum      sum = {.where = {.n = c->n,
                                                     .channels = c->channels,
                                                     .points = points,
                                                     .block = 1,
                                                     .image = (size_t)c->channels * points,
                                                     .group = points,
                                                     .point = 1},
                                           .norms = {&first, c->two ? &second : NULL},
                                           .rest = c->rest ? t[REST].at[s] : NULL,
                                           .y = t[Y].at[s],
                                           .relu = c->relu};
    const struct kern_norm_gradient gradient = {.a = t[A].at[s],
                                                .b = c->more ? t[B].at[s] : NULL,
                                                .masked = c->masked,
                                                .through = c->through ? t[THROUGH].at[s] : NULL};

    twins->on[s]->norm_forward(twins->nn[s], &sum);
    twins->on[s]->norm_backward(twins->nn[s], &sum, &gradient);
}

static void shift_twins(struct twin *t, ptrdiff_t by)
{
    for (int i = 0; i < WIDE; i++)
        for (int s = 0; s < TWIN_SIDES; s++)
            t[i].at[s] += by;
}

/* Sums are in double, means and variances are rounded to float: a unit of 6e-8 in each of a
 * handful of factors, of the largest number of an array. */
static void check_norms(struct twins *twins, struct mx_rng *rng)
{
    for (size_t k = 0; k < sizeof norms / sizeof *norms; k++) {
        const struct norm_case *c = &norms[k];
        const size_t            all = (size_t)c->n * c->channels * c->height * c->width;
        struct twin             t[NORM_ARRAYS];

        for (int i = 0; i < NORM_ARRAYS; i++) {
            const size_t n = i < WIDE ? all + c->off : c->channels;
            float       *values = twins_drawn(n, rng, false);
            const int    what = i < WIDE ? i : WIDE + (i - WIDE) % (SECOND - WIDE);

            for (size_t v = 0; v < n && (what == VARIANCE || what == SCALE); v++)
                values[v] = 0.5f + fabsf(values[v]);
            for (size_t v = 0; v < n && (i == X || i == X1); v++)
                values[v] += c->about;
            t[i] = twin_new(twins, n, values);
            free(values);
        }
        shift_twins(t, c->off);
        for (int s = 0; s < TWIN_SIDES; s++)
            run_norm(twins, c, t, s);
        shift_twins(t, -(ptrdiff_t)c->off);
        for (int i = 0; i < NORM_ARRAYS; i++) {
            twin_near(twins, &t[i], c->name, 1e-6, 1);
            twin_free(twins, &t[i]);
        }
    }
}

int main(void)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(7, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct twins  twins;
    int           status = twins_open(&twins);

    if (status)
        return status;
    check_elements(&twins, &rng);
    check_memory(&twins);
    check_rows(&twins, &rng);
    check_square_sums(&twins, &rng);
    check_losses(&twins, &rng);
    check_norms(&twins, &rng);
    return twins_close(&twins);
}
