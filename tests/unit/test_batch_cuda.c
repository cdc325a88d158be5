/* The batch kernel on a GPU has the bits of the CPU driver of the same body.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include "batch_cases.h"

enum {
    SKIPPED = 77
};

static bool run_on_gpu(const struct kern_backend *gpu, const struct batch_case *c,
                       struct batch_host *host, struct mx_err *err)
{
    size_t table = c->channels * 256 * sizeof(float), out = host->values * sizeof(float);
    size_t samples = (c->n + 1) * sizeof *host->samples;
    void  *memory[4] = {gpu->alloc(host->pixel_bytes, err), gpu->alloc(table, err),
                        gpu->alloc(samples, err), gpu->alloc(out, err)};
    struct kern_batch_args args = {c->n,      c->channels, c->height, c->width,
                                   memory[0], memory[1],   memory[2], memory[3]};
    bool                   ok = memory[0] && memory[1] && memory[2] && memory[3] &&
              !gpu->to_device(memory[0], host->pixels, host->pixel_bytes, err) &&
              !gpu->to_device(memory[1], host->table, table, err) &&
              !gpu->to_device(memory[2], host->samples, samples, err) &&
              !gpu->batch(gpu, &args, err) && !gpu->sync(err) &&
              !gpu->to_host(host->out + BATCH_GUARD, memory[3], out, err);

    for (int k = 0; k < 4; k++)
        gpu->release(memory[k]);
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
        struct kern_batch_args   args = {c->n,         c->channels,           c->height,
                                         c->width,     here.pixels,           here.table,
                                         here.samples, here.out + BATCH_GUARD};

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
