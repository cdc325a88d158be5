/* Concepts and their pictures: the first two bytes tell how much of the rest is the table of names. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "tests/fuzz/fuzz.h"
#include "worker/choices.h"
#include "worker/picture.h"
#include "worker/segments.h"

enum {
    SIDE = 8,
    PIXELS = SIDE * SIDE,
};

static const char *const names[] = {"segments/names.csv", "+segments/a.png", NULL};

static void put_image(const char *folder, const char *below, const char *name)
{
    uint8_t       pixels[PIXELS];
    char          path[256];
    struct mx_buf png = {0};

    for (int k = 0; k < PIXELS; k++)
        pixels[k] = (uint8_t)(3 * k);
    snprintf(path, sizeof path, "%s/%s", folder, below);
    fuzz_expect(mx_dir_make(path, NULL) == 0, "a folder can be made");
    snprintf(path, sizeof path, "%s/%s/%s", folder, below, name);
    fuzz_expect(worker_png_encode(pixels, SIDE, SIDE, 1, &png, NULL) == 0 &&
                    mx_file_write(path, png.data, png.len, NULL) == 0,
                "an image can be written");
    mx_buf_free(&png);
}

/* Two training images, and a test image that has a picture. */
static const struct worker_dataset *open_set(const struct worker_params *params)
{
    static struct worker_dataset *set;

    if (set)
        return set;
    setenv("MIXSWEEP_CACHE", "/dev/null/none", 1);
    put_image(params->data_path, "train/cat", "1.png");
    put_image(params->data_path, "train/dog", "1.png");
    put_image(params->data_path, "test/cat", "a.png");
    set = worker_dataset_open(params, 0, NULL);
    fuzz_expect(set != NULL, "the set can be opened");
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct worker_params  params = {.data_set = WORKER_DATA_FOLDER, .data_size = SIDE};
    const struct worker_dataset *set;
    struct worker_segments      *segments;
    uint8_t                      out[PIXELS];
    size_t                       table;

    if (size < 2)
        return 0;
    snprintf(params.data_path, sizeof params.data_path, "%s", fuzz_folder(names));
    set = open_set(&params);
    table = ((size_t)data[0] << 8 | data[1]) % (size - 1);
    fuzz_file(data + 2, table);
    fuzz_other_file(data + 2 + table, size - 2 - table);
    if (!(segments = worker_segments_open(&params, 0, set, NULL)))
        return 0;
    fuzz_expect(worker_segments_concepts(segments) > 0, "there is a concept");
    if (worker_segments_read(segments, 0, out, NULL) == 1)
        for (int k = 0; k < PIXELS; k++)
            fuzz_expect(out[k] == 0 || worker_segments_name(segments, out[k]) != NULL,
                        "every number has a name");
    worker_segments_free(segments);
    return 0;
}
