#include "kernels/kern.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/batch_body.h"
#include "kernels/lanes.h"

static void *cpu_alloc(size_t bytes, struct mx_err *err)
{
    enum {
        LINE = 64
    };
    size_t whole = (bytes + LINE - 1) / LINE * LINE;
    void  *memory = whole < bytes ? NULL : aligned_alloc(LINE, whole ? whole : LINE);

    if (!memory)
        mx_fail(err, MX_ENOMEM, "no memory for %zu bytes", bytes);
    return memory;
}

static int cpu_copy(void *to, const void *from, size_t bytes, struct mx_err *err)
{
    (void)err;
    if (bytes > 0)
        memcpy(to, from, bytes);
    return 0;
}

static int cpu_sync(struct mx_err *err)
{
    (void)err;
    return 0;
}

static void batch_one_row(unsigned flip, const struct batch_row *row, float *out)
{
    for (uint32_t first = 0; first < row->width; first += BATCH_LANES)
        KERN_EACH_LANE (flip, lane, BATCH_LANES)
            if (first + lane < row->width)
                out[first + lane] = batch_pixel(row, first + lane);
}

static int cpu_batch(const struct kern_backend *self, const struct kern_batch_args *args,
                     struct mx_err *err)
{
    float *out = args->out;

    (void)err;
    for (uint32_t i = 0; i < args->n; i++)
        for (uint32_t c = 0; c < args->channels; c++)
            for (uint32_t y = 0; y < args->height; y++, out += args->width) {
                struct batch_row row = batch_row_begin(args, i, c, y);

                batch_one_row(self->lane_flip, &row, out);
            }
    return 0;
}

const struct kern_backend *kern_cpu(void)
{
    static const struct kern_backend backend = {
        .name = "cpu",
        .alloc = cpu_alloc,
        .release = free,
        .to_device = cpu_copy,
        .to_host = cpu_copy,
        .sync = cpu_sync,
        .batch = cpu_batch,
    };

    return &backend;
}
