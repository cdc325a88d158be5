/* Batches that are fed to a GPU, from images that lie there and from images that come along, have
 * the CPU's bits, whatever was fed before them.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include "batch_cases.h"
#include "kernels/device.h"
#include "kernels/feed.h"
#include "kernels/nn.h"

enum {
    SKIPPED = 77,
    ROUNDS = 5, /* more than there are slots */
};

/* What lies on the device while a case is fed. */
struct there {
    struct kern_nn           *nn;
    const struct kern_device *on;
    struct kern_feed         *feed;
    void                     *pixels, *history, *out;
};

static bool open_there(struct there *there, const struct batch_case *c,
                       const struct batch_host *host, bool pixels, struct mx_err *err)
{
    const struct kern_feed_plan plan = {.room = c->n,
                                        .channels = c->channels,
                                        .height = c->height,
                                        .width = c->width,
                                        .table = host->table,
                                        .masks = BATCH_PLANES,
                                        .moves = BATCH_PLANES,
                                        .pixels = pixels};
    const size_t                out = host->values * sizeof(float);

    return (there->feed = there->on->feed->open(there->nn, &plan, err)) &&
           (there->pixels = there->on->alloc(there->nn, 64, host->pixel_bytes, err)) &&
           (there->history = there->on->alloc(there->nn, 64, out, err)) &&
           (there->out = there->on->alloc(there->nn, 64, out, err)) &&
           !there->on->put(there->nn, there->pixels, host->pixels, host->pixel_bytes, err) &&
           (!host->history || !there->on->put(there->nn, there->history, host->history, out, err));
}

static void close_there(struct there *there)
{
    there->on->feed->close(there->feed);
    there->on->release(there->nn, there->pixels);
    there->on->release(there->nn, there->history);
    there->on->release(there->nn, there->out);
}

/* The batch as it is fed: which image each sample shows is told by its number, or by its bytes. */
static int feed(const struct there *there, const struct batch_case *c,
                const struct batch_host *host, bool stored, struct mx_err *err)
{
    uint32_t               numbers[16];
    const uint8_t         *images[16];
    const size_t           image = (size_t)c->channels * c->height * c->width;
    struct kern_feed_batch batch = {.n = c->n,
                                    .samples = host->samples,
                                    .stored = stored ? there->pixels : NULL,
                                    .numbers = numbers,
                                    .images = images,
                                    .masks = BATCH_PLANES,
                                    .moves = BATCH_PLANES,
                                    .mask = host->masks,
                                    .move = host->moves,
                                    .history = host->history ? there->history : NULL,
                                    .out = there->out};

    for (uint32_t i = 0; i < c->n; i++) {
        numbers[i] = host->samples[i].image;
        images[i] = host->pixels + numbers[i] * image;
    }
    return there->on->feed->make(there->feed, &batch, err);
}

/* Another batch of the same shape and images. */
static void draw_again(const struct batch_case *c, struct batch_host *host, uint32_t round)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(9, 0, MX_PURPOSE_DATA, 0), round, 0, 0);

    memset(host->samples, 0, (c->n + 1) * sizeof *host->samples);
    for (uint32_t i = 0; i < c->n; i++)
        batch_host_sample(&host->samples[i], c, &rng);
    for (size_t k = 0; k < host->mask_bytes; k++)
        host->masks[k] = (uint8_t)mx_rng_below(&rng, 3);
}

/* Batch after batch, the last of which is looked at: those before it are still under way when it is
 * fed. */
static bool run(const struct batch_case *c, bool stored, bool each, struct there *there,
                struct mx_err *err)
{
    struct batch_host      host = batch_host_make(c, 3);
    struct kern_batch_args args = batch_host_args(c, &host);
    float                 *got = malloc((host.values + 1) * sizeof(float));
    bool                   ok = got && open_there(there, c, &host, !stored, err);

    for (uint32_t round = 0; ok && round < ROUNDS; round++) {
        draw_again(c, &host, round);
        ok = !feed(there, c, &host, stored, err);
        if (!ok || (!each && round + 1 < ROUNDS))
            continue;
        kern_cpu()->batch(kern_cpu(), &args, NULL);
        ok = !there->on->get(there->nn, got, there->out, host.values * sizeof(float), err);
        if (ok && memcmp(got, args.out, host.values * sizeof(float)) != 0)
            ok = !mx_fail(err, MX_EINTERNAL, "batch %u has other bits", round);
    }
    close_there(there);
    batch_host_free(&host);
    free(got);
    return ok;
}

int main(void)
{
    struct mx_err   err = {0};
    struct kern_nn *nn = kern_nn_new_cuda(KERN_F32, true, &err);
    int             failed = 0;

    if (!nn) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    for (int k = 0; !failed && k < 4 * BATCH_CASES; k++) {
        const struct batch_case *c = &batch_cases[k / 4];
        struct there             there = {.nn = nn, .on = kern_nn_device(nn)};

        if (c->n > 0 && !run(c, k % 2, k / 2 % 2, &there, &err))
            failed = printf("case %d: %s\n", k, err.text);
    }
    kern_nn_free(nn);
    return failed ? 1 : 0;
}
