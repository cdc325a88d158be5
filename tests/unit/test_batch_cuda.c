/* The batch kernel on a GPU has the bits of the CPU driver of the same body.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include "batch_cases.h"

enum {
    SKIPPED = 77
};

/* One array of the host on its way to the device; NULL stays NULL. */
struct copy {
    const void *host;
    size_t      bytes;
    void       *device;
};

static bool send(const struct kern_backend *gpu, struct copy *copies, int n, struct mx_err *err)
{
    for (int k = 0; k < n; k++) {
        if (!copies[k].host)
            continue;
        if (!(copies[k].device = gpu->alloc(copies[k].bytes, err)) ||
            gpu->to_device(copies[k].device, copies[k].host, copies[k].bytes, err))
            return false;
    }
    return true;
}

static bool run_on_gpu(const struct kern_backend *gpu, const struct batch_case *c,
                       struct batch_host *host, struct mx_err *err)
{
    enum {
        COPIES = 7
    };
    const size_t           out = host->values * sizeof(float);
    struct kern_batch_args args = batch_host_args(c, host);
    struct copy            copies[COPIES] = {
                   {host->pixels, host->pixel_bytes, NULL},
                   {host->table, c->channels * 256 * sizeof(float), NULL},
                   {host->samples, (c->n + 1) * sizeof *host->samples, NULL},
                   {host->masks, host->mask_bytes, NULL},
                   {host->moves, (size_t)BATCH_PLANES * KERN_MOVES * sizeof *host->moves, NULL},
                   {host->history, out, NULL},
                   {host->out + BATCH_GUARD, out, NULL}};
    bool ok = send(gpu, copies, COPIES, err);

    args.pixels = copies[0].device;
    args.table = copies[1].device;
    args.lines = NULL; /* the CPU's alone */
    args.parts = NULL;
    args.samples = copies[2].device;
    args.masks = copies[3].device;
    args.moves = copies[4].device;
    args.history = copies[5].device;
    args.out = copies[6].device;
    ok = ok && !gpu->batch(gpu, &args, err) && !gpu->sync(err) &&
         !gpu->to_host(host->out + BATCH_GUARD, copies[6].device, out, err);
    for (int k = 0; k < COPIES; k++)
        gpu->release(copies[k].device);
    return ok;
}

int main(void)
{
    struct mx_err              err = {0};
    const struct kern_backend *cpu = kern_cpu(), *gpu = kern_cuda(&err);

    if (!gpu) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    for (int k = 0; k < BATCH_CASES; k++) {
        const struct batch_case *c = &batch_cases[k];
        struct batch_host        here = batch_host_make(c, 1), there = batch_host_make(c, 1);
        struct kern_batch_args   args = batch_host_args(c, &here);

        cpu->batch(cpu, &args, NULL);
        if (!run_on_gpu(gpu, c, &there, &err)) {
            printf("case %d: %s\n", k, err.text);
            return 1;
        }
        if (memcmp(here.out, there.out, (here.values + 2 * BATCH_GUARD) * sizeof(float))) {
            printf("case %d: the GPU's bits differ\n", k);
            return 1;
        }
        batch_host_free(&here);
        batch_host_free(&there);
    }
    return 0;
}
