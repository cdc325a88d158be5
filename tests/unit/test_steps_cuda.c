/* What a step on a GPU does that the CPU has no function for: dropout and clipping by numbers on the
 * device, a loss in three parts, and noted work, queued again. Beside the CPU's functions.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include "device_twins.h"

static const size_t sizes[] = {1, 3, 33, 256, 70001};

/* `now` on the GPU; freed by release(). */
static struct kern_now *put_now(struct twins *twins, const struct kern_now *now)
{
    struct mx_err    err = {0};
    struct kern_now *at = twins->on[1]->alloc(twins->nn[1], KERN_ALIGN, sizeof *at, &err);

    twins_must(at && !twins->on[1]->put(twins->nn[1], at, now, sizeof *now, &err), "now", &err);
    return at;
}

/* The last two words of the counter are those on the device, whatever the host's generator says. */
static void check_dropout(struct twins *twins, struct mx_rng *rng)
{
    const struct kern_now now = {.steps = {7, 11}};
    struct kern_now      *at = put_now(twins, &now);

    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct twin   data = twin_drawn(twins, sizes[k], rng, true);
        struct mx_rng here = mx_rng_at(mx_stream_make(1, 2, MX_PURPOSE_MIX, 3), 4, 7, 11);
        struct mx_rng there = mx_rng_at(mx_stream_make(1, 2, MX_PURPOSE_MIX, 3), 4, 5, 6);

        here.counter[2] = now.steps[0];
        here.counter[3] = now.steps[1];
        twins->on[0]->dropout(twins->nn[0], data.at[0], sizes[k], 0.3f, here);
        twins->on[1]->dropout_now(twins->nn[1], data.at[1], sizes[k], 0.3f, there, at);
        twin_same(twins, &data, "dropout_now");
        twin_free(twins, &data);
    }
    twins->on[1]->release(twins->nn[1], at);
}

/* Longer and shorter than what is allowed. */
static void check_clip(struct twins *twins, struct mx_rng *rng)
{
    static const double most[] = {1e-3, 1e6};
    const double        epsilon = 1e-6;
    struct mx_err       err = {0};

    for (size_t k = 0; k < 2 * sizeof sizes / sizeof *sizes; k++) {
        const size_t     n = sizes[k / 2];
        const double     allowed = most[k % 2];
        struct kern_now  got = {.scale = -1, .lr = 0.5f};
        struct kern_now *at = put_now(twins, &got);
        struct twin      gradient = twin_drawn(twins, n, rng, false);
        double           squares, scales[TWIN_SIDES];

        twins_must(!twins->on[0]->square_sum(twins->nn[0], gradient.at[0], n, &squares, &err),
                   "square_sum", &err);
        scales[0] = fmin(1, allowed / (sqrt(squares) + epsilon));
        twins->on[1]->clip(twins->nn[1], gradient.at[1], n, allowed, epsilon, at);
        twins_must(!twins->on[1]->get(twins->nn[1], &got, at, sizeof got, &err), "clip", &err);
        scales[1] = (double)got.scale;
        twins_near(twins, "clip", scales, 1.2e-7);
        if (!(got.lr == 0.5f))
            twins_fail(twins, "clip", "wrote more than the factor");
        twin_same(twins, &gradient, "clip, what is read");
        twin_free(twins, &gradient);
        twins->on[1]->release(twins->nn[1], at);
    }
}

static void check_clip_of_nan(struct twins *twins)
{
    const float      values[] = {1, NAN, 2};
    struct mx_err    err = {0};
    struct kern_now  got = {.scale = -1};
    struct kern_now *at = put_now(twins, &got);
    struct twin      gradient = twin_new(twins, 3, values);

    twins->on[1]->clip(twins->nn[1], gradient.at[1], 3, 1, 1e-6, at);
    twins_must(!twins->on[1]->get(twins->nn[1], &got, at, sizeof got, &err), "clip", &err);
    /* As on the CPU, where a factor that is not below 1 is 1. */
    if (!(got.scale == 1))
        twins_fail(twins, "clip", "of a NaN is another factor than the CPU's");
    twin_free(twins, &gradient);
    twins->on[1]->release(twins->nn[1], at);
}

enum {
    ROWS = 5,
    CLASSES = 33
};

/* A loss that is queued by hand and then noted and replayed on other labels and logits: what is
 * read is what lies there then. */
static void check_replay(struct twins *twins, struct mx_rng *rng)
{
    const struct kern_device *gpu = twins->on[1];
    struct kern_nn           *nn = twins->nn[1];
    struct twin               logits = twin_drawn(twins, (size_t)ROWS * CLASSES, rng, false);
    struct twin               gradient = twin_new(twins, (size_t)ROWS * CLASSES, NULL);
    struct kern_replay       *noted = NULL;
    struct mx_err             err = {0};

    for (int round = 0; round < 4; round++) {
        float           *values = twins_drawn((size_t)ROWS * CLASSES, rng, false);
        uint32_t         labels[ROWS];
        float            lambda[ROWS];
        double           sums[TWIN_SIDES];
        struct kern_loss loss[TWIN_SIDES];

        for (int i = 0; i < ROWS; i++) {
            labels[i] = (uint32_t)mx_rng_below(rng, CLASSES);
            lambda[i] = (float)mx_rng_uniform(rng);
        }
        for (int s = 0; s < TWIN_SIDES; s++) {
            loss[s] = (struct kern_loss){.logits = logits.at[s],
                                         .y_a = labels,
                                         .y_b = labels,
                                         .lambda = lambda,
                                         .n = ROWS,
                                         .classes = CLASSES,
                                         .gradient = gradient.at[s]};
            twins_must(!twins->on[s]->put(twins->nn[s], logits.at[s], values,
                                          (size_t)ROWS * CLASSES * sizeof *values, &err),
                       "logits", &err);
        }
        twins_must(!twins->on[0]->loss(twins->nn[0], &loss[0], &sums[0], &err) &&
                       !gpu->bring_loss(nn, &loss[1], &err),
                   "bring_loss", &err);
        if (round == 0) { /* what is dropped is not done, and hinders nothing */
            twins_must(!gpu->note_begin(nn, &err), "note_begin", &err);
            gpu->queue_loss(nn, &loss[1]);
            gpu->note_drop(nn);
        }
        if (round == 1) {
            twins_must(!gpu->note_begin(nn, &err), "note_begin", &err);
            gpu->queue_loss(nn, &loss[1]);
            twins_must((noted = gpu->note_end(nn, &err)), "note_end", &err);
        }
        if (noted)
            twins_must(!gpu->replay(nn, noted, &err), "replay", &err);
        else
            gpu->queue_loss(nn, &loss[1]);
        twins_must(!gpu->tell_loss(nn, &loss[1], &sums[1], &err), "tell_loss", &err);
        twins_near(twins, noted ? "loss, replayed" : "loss, queued", sums, 1e-12);
        twin_near(twins, &gradient, "its gradient", 1.2e-7, 0);
        free(values);
    }
    gpu->replay_free(nn, noted);
    gpu->replay_free(nn, NULL);
    twin_free(twins, &logits), twin_free(twins, &gradient);
}

int main(void)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(8, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct twins  twins;
    int           status = twins_open(&twins);

    if (status)
        return status;
    check_dropout(&twins, &rng);
    check_clip(&twins, &rng);
    check_clip_of_nan(&twins);
    check_replay(&twins, &rng);
    return twins_close(&twins);
}
