/* Random resized crops of image files are cut from the files' own images, through the cache and
 * without one. */
#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "idx_files.h"
#include "picture_files.h"
#include "worker/augment.h"
#include "worker/batch.h"
#include "worker/choices.h"
#include "worker/images.h"

enum {
    SIZE = 8,
    N = 6,
    HEIGHT = 40,
    WIDTH = 60,
    MOST = 3 * HEIGHT * WIDTH,
    BYTES = 3 * SIZE * SIZE,
};

/* Pixel values of file k, interleaved. */
static void draw(uint32_t k, uint8_t rgb[MOST])
{
    for (uint32_t i = 0; i < MOST; i++)
        rgb[i] = (uint8_t)((i * 2654435761u + k * 40503u) >> 24);
}

struct fixture {
    char                *folder, *cache;
    struct worker_params params;
};

/* Files 0 .. N-1 of WIDTH x HEIGHT, the last one no larger than the network's image. */
static struct fixture make(void)
{
    struct fixture f = {.params = {.data_set = WORKER_DATA_FOLDER,
                                   .data_size = SIZE,
                                   .data_augment = WORKER_AUGMENT_RANDOM_RESIZED_CROP,
                                   .data_random_resized_crop_scale = {2, {1, 1}},
                                   .data_random_resized_crop_ratio = {2, {1.5, 1.5}}}};
    uint8_t        rgb[MOST];

    f.folder = folder_make();
    f.cache = mx_path_join(f.folder, ".images");
    cr_assert_eq(setenv("MIXSWEEP_CACHE", f.cache, 1), 0);
    snprintf(f.params.data_path, sizeof f.params.data_path, "%s", f.folder);
    for (uint32_t k = 0; k < N + 2; k++) {
        const bool    small = k == N - 1;
        char          name[64];
        struct mx_buf png;

        draw(k, rgb);
        snprintf(name, sizeof name, "%s/%s/%u.png", k < N ? "train" : "test", k % 2 ? "b" : "a", k);
        png = png_of(small ? 6 : HEIGHT, small ? 9 : WIDTH, PNG_COLOR_TYPE_RGB, 8,
                     PNG_INTERLACE_NONE, rgb, 3 * (small ? 9 : WIDTH));
        put_buf(f.folder, name, png);
    }
    return f;
}

static void end(struct fixture *f)
{
    free(f->cache);
    folder_remove(f->folder);
}

/* File k as planes, brought to (height, width). */
static void planes_of(uint32_t k, uint32_t height, uint32_t width, uint8_t *out)
{
    const uint32_t from_height = k == N - 1 ? 6 : HEIGHT, from_width = k == N - 1 ? 9 : WIDTH;
    uint8_t        rgb[MOST], planes[MOST];

    draw(k, rgb);
    for (uint32_t i = 0; i < from_height * from_width; i++)
        for (uint32_t c = 0; c < 3; c++)
            planes[c * from_height * from_width + i] = rgb[3 * i + c];
    cr_assert_eq(
        worker_resize_planes(NULL, planes, 3, from_height, from_width, out, height, width, NULL),
        0);
}

static struct worker_dataset *must_open(const struct fixture *f)
{
    struct mx_err          err = {0};
    struct worker_dataset *set = worker_dataset_open(&f->params, 0, &err);

    cr_assert_not_null(set, "%s", err.text);
    return set;
}

/* The whole of each image is the part: brought from its own size, or from one of `side`, to the
 * network's; and mirrored or not. */
static void expect_wholes(const struct fixture *f, uint32_t height, uint32_t width)
{
    struct worker_dataset *set = must_open(f);
    struct worker_batch   *batch = worker_batch_new(&f->params, &set->shape, N, NULL);
    struct mx_stream       stream = mx_stream_make(3, 0, MX_PURPOSE_AUGMENT, 0);
    uint32_t               order[N];
    struct mx_err          err = {0};

    for (uint32_t i = 0; i < N; i++)
        order[i] = N - 1 - i;
    cr_assert_eq(set->train.n, N);
    cr_assert_not_null(batch);
    cr_assert_eq(worker_batch_train(batch, &f->params, set, order, N, stream, stream, 0, 0, &err),
                 0, "%s", err.text);
    for (uint32_t i = 0; i < N; i++) {
        /* Files of a and b in turn: 0, 1, 2 ... */
        const uint32_t k = order[i];
        const bool     small = k == N - 1;
        uint8_t        at_side[MOST], want[BYTES];

        planes_of(k, small ? 6 : height, small ? 9 : width, at_side);
        cr_assert_eq(worker_resize_planes(NULL, at_side, 3, small ? 6 : height, small ? 9 : width,
                                          want, SIZE, SIZE, NULL),
                     0);
        cr_expect_arr_eq(batch->pixels + (size_t)i * BYTES, want, BYTES, "file %u", k);
    }
    worker_batch_free(batch);
    worker_dataset_free(set);
}

Test(originals, parts_are_cut_from_the_file_not_from_the_image_of_the_network)
{
    struct fixture f = make();

    f.params.data_random_resized_crop_side = 100;
    expect_wholes(&f, HEIGHT, WIDTH);
    expect_wholes(&f, HEIGHT, WIDTH); /* from the cache */
    setenv("MIXSWEEP_CACHE", "/dev/null/none", 1);
    expect_wholes(&f, HEIGHT, WIDTH);
    end(&f);
}

Test(originals, larger_files_are_brought_to_the_side_first_by_default_twice_the_size)
{
    struct fixture f = make();

    cr_expect_eq(worker_originals_side(&f.params), 2 * SIZE);
    expect_wholes(&f, 2 * SIZE, 2 * SIZE * WIDTH / HEIGHT);
    f.params.data_random_resized_crop_side = 20;
    expect_wholes(&f, 20, 30);
    end(&f);
}

Test(originals, are_there_only_where_parts_are_cut_from_files_of_many_sizes)
{
    struct fixture         f = make();
    struct worker_dataset *set;

    f.params.data_augment = WORKER_AUGMENT_FLIP;
    set = must_open(&f);
    cr_expect_null(set->originals);
    worker_dataset_free(set);
    f.params.data_augment = WORKER_AUGMENT_RANDOM_RESIZED_CROP_JITTER;
    cr_expect_eq(worker_originals_side(&f.params), 2 * SIZE);
    f.params.data_size = 0;
    cr_expect_eq(worker_originals_side(&f.params), 0);
    f.params.data_size = SIZE;
    f.params.data_set = WORKER_DATA_CIFAR10;
    cr_expect_eq(worker_originals_side(&f.params), 0);
    end(&f);
}

Test(originals, a_set_with_them_serves_where_none_are_needed_and_not_the_other_way)
{
    struct worker_params with = {.data_set = WORKER_DATA_FOLDER,
                                 .data_size = SIZE,
                                 .data_augment = WORKER_AUGMENT_RANDOM_RESIZED_CROP};
    struct worker_params without = with, other = with;

    without.data_augment = WORKER_AUGMENT_NONE;
    other.data_random_resized_crop_side = 3 * SIZE;
    cr_expect(worker_dataset_same(&with, 0, &without, 0));
    cr_expect_not(worker_dataset_same(&without, 0, &with, 0));
    cr_expect_not(worker_dataset_same(&with, 0, &other, 0));
}

/* Flip each byte of each cache file in turn, a few of them: what is read is always what was
 * decoded. */
Test(originals, a_cache_that_is_damaged_anywhere_is_made_again)
{
    struct fixture f = make();
    char           command[512];

    f.params.data_random_resized_crop_side = 20;
    expect_wholes(&f, 20, 30);
    for (uint32_t at = 0; at < 12000; at += 487) {
        snprintf(command, sizeof command,
                 "for f in %s/images-*; do printf '\\377' | dd of=$f bs=1 seek=%u conv=notrunc "
                 "status=none; done",
                 f.cache, at);
        cr_assert_eq(system(command), 0);
        expect_wholes(&f, 20, 30);
    }
    end(&f);
}

Test(originals, a_process_that_only_helps_ends_when_all_stores_of_a_set_are_there)
{
    struct fixture       f = make();
    struct worker_params synthetic = {.data_set = WORKER_DATA_SYNTHETIC};
    struct mx_err        err = {0};

    worker_dataset_free(must_open(&f));
    cr_expect_eq(worker_dataset_help(&f.params, 0, NULL, &err), 0, "%s", err.text);
    cr_expect_eq(worker_dataset_help(&synthetic, 0, NULL, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL, "%s", err.text);
    end(&f);
}
