#include "worker/bench_data.h"

#include <stdio.h>
#include <stdlib.h>
/* jpeglib.h uses FILE and size_t of the lines above. */
#include <jpeglib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "worker/images.h"
#include "worker/names.h"
#include "worker/picture.h"

enum {
    MADE = 24,
    WIDTH = 500,
    HEIGHT = 375,
    QUALITY = 90,
    COLOURS = 3,
};

struct bench {
    struct worker_bench_files files;
    struct worker_picture     pictures[WORKER_BENCH_DATA_FILES];
    uint8_t                   out[COLOURS * WORKER_BENCH_DATA_SIDE * WORKER_BENCH_DATA_SIDE];
};

/* Patches of colour and noise: edges and smooth parts. */
static void draw_row(uint32_t image, uint32_t y, uint8_t row[COLOURS * WIDTH])
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(0, 0, MX_PURPOSE_DATA, 0), image, y, 0);

    for (uint32_t x = 0; x < WIDTH; x++)
        for (uint32_t c = 0; c < COLOURS; c++) {
            const uint32_t patch = (x / 61 + 3 * (y / 47) + 5 * image) * (c + 2) * 37;

            row[COLOURS * x + c] = (uint8_t)(patch % 160 + (x + y) / 16 + mx_rng_u32(&rng) % 24);
        }
}

/* The library's own error handler ends the program: nothing of this can fail but memory. */
static int make_jpeg(uint32_t image, struct mx_buf *out, struct mx_err *err)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr       errors;
    unsigned char              *data = NULL;
    unsigned long               len = 0;
    uint8_t                     row[COLOURS * WIDTH];
    JSAMPROW                    rows[] = {row};

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &len);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = COLOURS;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, QUALITY, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        draw_row(image, y, row);
        jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    mx_buf_add(out, data, len);
    free(data);
    return mx_buf_ok(out) ? 0 : mx_fail(err, MX_ENOMEM, "no memory for %d images", MADE);
}

static int load_folder(struct worker_bench_files *files, const char *folder, struct mx_err *err)
{
    struct worker_names names;
    int                 rc = 0;

    if (worker_names_read("bench data", folder, &names, err))
        return -1;
    for (size_t k = 0; rc == 0 && k < names.n && files->n < WORKER_BENCH_DATA_FILES; k++) {
        char *path = mx_path_join(folder, names.name[k]);

        if (!path)
            rc = mx_fail(err, MX_ENOMEM, "no memory for the files of %s", folder);
        else
            rc = worker_picture_load(path, &files->bytes[files->n++], err);
        free(path);
    }
    if (rc == 0 && files->n == 0)
        rc = mx_fail(err, MX_EDATA, "bench data: %s holds no file", folder);
    worker_names_free(&names);
    return rc;
}

static int decode_all(struct bench *bench, struct mx_err *err)
{
    for (uint32_t i = 0; i < bench->files.n; i++) {
        const struct mx_buf *bytes = &bench->files.bytes[i];

        worker_picture_free(&bench->pictures[i]);
        if (worker_picture_decode(mx_buf_str(bytes), bytes->len, "an image of the bench",
                                  &bench->pictures[i], err))
            return -1;
    }
    return 0;
}

static int resize_all(struct bench *bench, struct mx_err *err)
{
    for (uint32_t i = 0; i < bench->files.n; i++) {
        const struct worker_picture *picture = &bench->pictures[i];

        if (worker_fit_planes(NULL, picture->pixels, picture->channels, picture->height,
                              picture->width, bench->out, WORKER_BENCH_DATA_SIDE, err))
            return -1;
    }
    return 0;
}

static int measure(struct bench *bench, struct worker_bench_data *out, struct mx_err *err)
{
    out->files = bench->files.n;
    for (int r = -1; r < WORKER_BENCH_DATA_REPEATS; r++) { /* the first one warms up */
        const double start = mx_clock_cpu_s();
        double       decoded;

        if (decode_all(bench, err))
            return -1;
        decoded = mx_clock_cpu_s();
        if (resize_all(bench, err))
            return -1;
        if (r >= 0) {
            out->decode[r] = bench->files.n / (decoded - start);
            out->resize[r] = bench->files.n / (mx_clock_cpu_s() - decoded);
        }
    }
    return 0;
}

int worker_bench_data(const char *folder, const char *scratch, struct worker_bench_data *out,
                      struct mx_err *err)
{
    struct bench *bench = calloc(1, sizeof *bench);
    int           rc = 0;

    if (!bench)
        return mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
    if (folder)
        rc = load_folder(&bench->files, folder, err);
    for (uint32_t i = 0; rc == 0 && !folder && i < MADE; i++)
        rc = make_jpeg(bench->files.n++, &bench->files.bytes[i], err);
    if (rc == 0)
        rc = measure(bench, out, err) || worker_bench_epochs(scratch, &bench->files, out, err);
    for (uint32_t i = 0; i < bench->files.n; i++) {
        mx_buf_free(&bench->files.bytes[i]);
        worker_picture_free(&bench->pictures[i]);
    }
    free(bench);
    return rc ? -1 : 0;
}
