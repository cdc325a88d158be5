#include "worker/fourier.h"

#include <kiss_fft.h>
#include <stdlib.h>

struct worker_fourier {
    uint32_t      height, width, columns; /* columns: of the spectrum */
    kiss_fft_cfg  down, along;            /* over columns, then over rows */
    kiss_fft_cpx *spectrum;               /* (height, columns) */
    kiss_fft_cpx *half;                   /* (columns, height): transformed over columns */
    kiss_fft_cpx *line, *lines;           /* (width): two rows at once, before and after */
    float        *image;                  /* (height, width) */
};

struct worker_fourier *worker_fourier_new(uint32_t height, uint32_t width, struct mx_err *err)
{
    struct worker_fourier *fourier = calloc(1, sizeof *fourier);
    size_t                 room = (size_t)height * (width / 2 + 1);

    if (!fourier)
        goto nomem;
    fourier->height = height;
    fourier->width = width;
    fourier->columns = width / 2 + 1;
    fourier->down = kiss_fft_alloc((int)height, 1, NULL, NULL);
    fourier->along = kiss_fft_alloc((int)width, 1, NULL, NULL);
    fourier->spectrum = calloc(room, sizeof *fourier->spectrum);
    fourier->half = calloc(room, sizeof *fourier->half);
    fourier->line = calloc(width, sizeof *fourier->line);
    fourier->lines = calloc(width, sizeof *fourier->lines);
    fourier->image = calloc((size_t)height * width, sizeof *fourier->image);
    if (fourier->down && fourier->along && fourier->spectrum && fourier->half && fourier->line &&
        fourier->lines && fourier->image)
        return fourier;
nomem:
    worker_fourier_free(fourier);
    mx_fail(err, MX_ENOMEM, "no memory for the Fourier transform of %u x %u pixels", height, width);
    return NULL;
}

void worker_fourier_free(struct worker_fourier *fourier)
{
    if (!fourier)
        return;
    kiss_fft_free(fourier->down);
    kiss_fft_free(fourier->along);
    free(fourier->spectrum);
    free(fourier->half);
    free(fourier->line);
    free(fourier->lines);
    free(fourier->image);
    free(fourier);
}

float *worker_fourier_spectrum(struct worker_fourier *fourier)
{
    return &fourier->spectrum->r;
}

/* Two rows that will be real, packed as a + i b: one complex transform makes
 * both. Of the columns that are their own mirror image only the real part
 * counts. The last row of an odd height goes alone. */
static void pack_rows(struct worker_fourier *fourier, uint32_t y)
{
    static const kiss_fft_cpx zero = {0, 0};

    for (uint32_t u = 0; u < fourier->columns; u++) {
        const kiss_fft_cpx *column = fourier->half + (size_t)u * fourier->height;
        kiss_fft_cpx        a = column[y], b = y + 1 < fourier->height ? column[y + 1] : zero;
        uint32_t            mirror = (fourier->width - u) % fourier->width;

        if (mirror == u) {
            fourier->line[u] = (kiss_fft_cpx){a.r, b.r};
            continue;
        }
        fourier->line[u] = (kiss_fft_cpx){a.r - b.i, a.i + b.r};
        fourier->line[mirror] = (kiss_fft_cpx){a.r + b.i, b.r - a.i};
    }
}

const float *worker_fourier_inverse(struct worker_fourier *fourier)
{
    const uint32_t height = fourier->height, width = fourier->width;

    for (uint32_t u = 0; u < fourier->columns; u++)
        kiss_fft_stride(fourier->down, fourier->spectrum + u, fourier->half + (size_t)u * height,
                        (int)fourier->columns);
    for (uint32_t y = 0; y < height; y += 2) {
        float *row = fourier->image + (size_t)y * width;

        pack_rows(fourier, y);
        kiss_fft(fourier->along, fourier->line, fourier->lines);
        for (uint32_t x = 0; x < width; x++) {
            row[x] = fourier->lines[x].r;
            if (y + 1 < height)
                row[width + x] = fourier->lines[x].i;
        }
    }
    return fourier->image;
}
