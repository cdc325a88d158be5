#include <criterion/criterion.h>
#include <math.h>

#include "idx_files.h"
#include "worker/choices.h"
#include "worker/images.h"

static struct worker_params mnist_in(const char *folder)
{
    struct worker_params params = {.data_set = WORKER_DATA_MNIST, .data_val_fraction = 0.1};

    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    return params;
}

static struct worker_dataset *must_open(const struct worker_params *params, uint64_t seed)
{
    struct mx_err          err = {0};
    struct worker_dataset *set = worker_dataset_open(params, seed, &err);

    cr_assert_not_null(set, "%s", err.text);
    return set;
}

/* Every row once, each split in stored order, labels and pixels with it. */
static void check_partition(const struct worker_dataset *set, uint32_t n)
{
    const struct worker_split *splits[] = {&set->train, &set->val};
    uint8_t                   *seen = calloc(n, 1);

    for (int s = 0; s < 2; s++)
        for (uint32_t k = 0; k < splits[s]->n; k++) {
            uint32_t row = splits[s]->rows[k];

            cr_assert_lt(row, n);
            cr_assert_eq(seen[row]++, 0);
            cr_assert(k == 0 || splits[s]->rows[k - 1] < row);
            cr_assert_eq(splits[s]->labels[k], row % 10);
            cr_assert_eq(splits[s]->pixels[k * 784 + 400], row * 7 % 256);
        }
    cr_expect_eq(set->train.n + set->val.n, n);
    free(seen);
}

static uint32_t count_class(const struct worker_split *split, uint32_t class)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < split->n; k++)
        n += split->labels[k] == class;
    return n;
}

Test(split, takes_the_first_of_train_then_a_share_of_each_class)
{
    char                  *folder = folder_make();
    struct worker_params   params = mnist_in(folder);
    struct worker_dataset *set;

    put_set(folder, 300, 40);
    set = must_open(&params, 1);
    check_partition(set, 300);
    for (uint32_t c = 0; c < 10; c++)
        cr_expect_eq(count_class(&set->val, c), 3);
    worker_dataset_free(set);
    params.data_train_limit = 154; /* 16 of classes 0 to 3, 15 of the others */
    params.data_test_limit = 7;
    set = must_open(&params, 1);
    check_partition(set, 154);
    for (uint32_t c = 0; c < 10; c++)
        cr_expect_eq(count_class(&set->val, c), 2); /* round(1.6), and 1.5 half up */
    cr_expect_eq(set->test.n, 7);
    cr_expect_eq(set->test.rows[6], 6);
    worker_dataset_free(set);
    params.data_val_fraction = 0;
    set = must_open(&params, 1);
    cr_expect_eq(set->val.n, 0);
    cr_expect_eq(set->train.n, 154);
    worker_dataset_free(set);
    folder_remove(folder);
}

/* 0.145 * 100 is a little less than 14.5 in binary. */
Test(split, rounds_half_up_as_the_fraction_is_written)
{
    static const struct {
        double   fraction;
        uint32_t each;
    } rows[] = {{0.145, 15}, {0.004, 0}, {0.005, 1}, {0.995, 100}, {0.5, 50}};
    char                *folder = folder_make();
    struct worker_params params = mnist_in(folder);
    struct mx_err        err = {0};

    put_set(folder, 1000, 10);
    for (int k = 0; k < 5; k++) {
        struct worker_dataset *set;

        params.data_val_fraction = rows[k].fraction;
        set = worker_dataset_open(&params, 3, &err);
        if (rows[k].each == 100) {
            cr_expect_null(set);
            cr_expect_eq(err.code, MX_EDATA);
            cr_expect_str_eq(err.text, "all 1000 training images went into validation: lower "
                                       "data.val_fraction");
            continue;
        }
        cr_assert_not_null(set);
        cr_expect_eq(count_class(&set->val, 4), rows[k].each, "%g", rows[k].fraction);
        worker_dataset_free(set);
    }
    folder_remove(folder);
}

Test(split, classes_give_up_different_members)
{
    char                  *folder = folder_make();
    struct worker_params   params = mnist_in(folder);
    struct worker_dataset *set;
    uint32_t               members[10] = {0}; /* k-th of its class: one bit each */
    unsigned               alike = 0;

    put_set(folder, 300, 10);
    set = must_open(&params, 1);
    for (uint32_t k = 0; k < set->val.n; k++)
        members[set->val.labels[k]] |= UINT32_C(1) << (set->val.rows[k] / 10);
    for (int c = 1; c < 10; c++)
        alike += members[c] == members[0];
    cr_expect_eq(alike, 0);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(split, depends_on_the_seed_alone)
{
    char                  *folder = folder_make();
    struct worker_params   params = mnist_in(folder);
    struct worker_dataset *one, *again, *other;

    put_set(folder, 300, 40);
    one = must_open(&params, 1);
    params.data_augment = WORKER_AUGMENT_FLIP_CROP;
    params.mix_strategy = WORKER_MIX_CUTMIX;
    again = must_open(&params, 1);
    other = must_open(&params, 2);
    cr_expect_arr_eq(one->val.rows, again->val.rows, one->val.n * sizeof(uint32_t));
    cr_expect(memcmp(one->val.rows, other->val.rows, one->val.n * sizeof(uint32_t)) != 0);
    worker_dataset_free(one);
    worker_dataset_free(again);
    worker_dataset_free(other);
    folder_remove(folder);
}

Test(dataset, normalises_by_table_by_pixels_or_not_at_all)
{
    char                  *folder = folder_make();
    struct worker_params   params = mnist_in(folder);
    struct worker_dataset *set;
    double                 sum = 0, squares = 0;

    put_set(folder, 100, 10);
    set = must_open(&params, 1);
    cr_expect_eq(set->mean[0], 0.1307f);
    cr_expect_eq(set->sd[0], 0.3081f);
    worker_dataset_free(set);
    params.data_set = WORKER_DATA_KMNIST; /* by its pixels: all of them, before limits */
    params.data_train_limit = 20;
    set = must_open(&params, 1);
    for (int i = 0; i < 100; i++) {
        sum += i * 7 % 256 / 255.0 / 100;
        squares += i * 7 % 256 / 255.0 * (i * 7 % 256 / 255.0) / 100;
    }
    cr_expect_eq(set->mean[0], (float)(round(sum * 1e4) / 1e4));
    cr_expect_eq(set->sd[0], (float)(round(sqrt(squares - sum * sum) * 1e4) / 1e4));
    worker_dataset_free(set);
    params.data_normalize = WORKER_NORMALIZE_NONE;
    set = must_open(&params, 1);
    cr_expect_eq(set->mean[0], 0);
    cr_expect_eq(set->sd[0], 1);
    worker_dataset_free(set);
    params.data_normalize = WORKER_NORMALIZE_IMAGENET;
    params.data_channels = 3;
    set = must_open(&params, 1);
    cr_expect_eq(set->mean[1], .456f);
    cr_expect_eq(set->sd[2], .225f);
    worker_dataset_free(set);
    params.model_arch = WORKER_ARCH_EFFICIENTNET_LITE0; /* (x - 127) / 128, whatever is asked */
    set = must_open(&params, 1);
    for (int c = 0; c < 3; c++) {
        cr_expect_eq(set->mean[c], 127.0f / 255);
        cr_expect_eq(set->sd[c], 128.0f / 255);
    }
    worker_dataset_free(set);
    folder_remove(folder);
}

/* The Debian package dataset-fashion-mnist, which ./bootstrap installs. */
Test(dataset, fashion_mnist_has_its_published_constants)
{
    struct worker_params   params = {.data_set = WORKER_DATA_FASHION_MNIST};
    struct worker_dataset *set = must_open(&params, 1);
    struct worker_images   train = {.n = set->train.n, .channels = 1, .height = 28, .width = 28};
    float                  mean[WORKER_MAX_CHANNELS], sd[WORKER_MAX_CHANNELS];

    cr_expect_eq(set->train.n, 60000);
    cr_expect_eq(set->test.n, 10000);
    for (uint32_t c = 0; c < 10; c++)
        cr_expect_eq(count_class(&set->test, c), 1000);
    train.pixels = set->train.pixels;
    cr_assert_eq(worker_images_moments(&train, "fashion-mnist", mean, sd, NULL), 0);
    cr_expect_eq(mean[0], set->mean[0]);
    cr_expect_eq(sd[0], set->sd[0]);
    worker_dataset_free(set);
}

Test(dataset, refuses_to_normalise_images_of_one_colour)
{
    struct worker_images images = {.n = 2, .channels = 1, .height = 1, .width = 2};
    uint8_t              pixels[] = {9, 9, 9, 9};
    float                mean[WORKER_MAX_CHANNELS], sd[WORKER_MAX_CHANNELS];
    struct mx_err        err = {0};

    images.pixels = pixels;
    cr_expect_eq(worker_images_moments(&images, "kmnist", mean, sd, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, "kmnist: all pixels of channel 0 are alike, so they cannot be "
                               "normalised: set data.normalize: none or get other images");
}

Test(resize, shrinks_with_antialiasing_like_the_reference_row)
{
    static const uint8_t row[] = {0, 0, 0, 255, 0, 0, 0, 0};
    uint8_t              out[2], column[2];

    cr_assert_eq(worker_resize(row, 1, 8, out, 1, 2, NULL), 0);
    cr_expect_eq(out[0], 46);
    cr_expect_eq(out[1], 27);
    cr_assert_eq(worker_resize(row, 8, 1, column, 2, 1, NULL), 0);
    cr_expect_arr_eq(column, out, 2);
}

Test(resize, keeps_height_and_width_apart_and_a_flat_image_flat)
{
    uint8_t plane[3 * 5], out[6 * 10];
    int     peak = 0;

    memset(plane, 77, sizeof plane);
    cr_assert_eq(worker_resize(plane, 3, 5, out, 6, 10, NULL), 0);
    for (int k = 0; k < 60; k++)
        cr_assert_eq(out[k], 77);
    memset(plane, 0, sizeof plane);
    plane[4] = 200; /* row 0, column 4 */
    cr_assert_eq(worker_resize(plane, 3, 5, out, 6, 10, NULL), 0);
    for (int k = 0; k < 60; k++)
        peak = out[k] > out[peak] ? k : peak;
    cr_expect_eq(peak, 9); /* row 0, column 9 */
    cr_assert_eq(worker_resize(plane, 3, 5, out, 3, 5, NULL), 0);
    cr_expect_arr_eq(out, plane, sizeof plane);
}

Test(dataset, size_and_channels_change_the_images_not_the_rows)
{
    char                  *folder = folder_make();
    struct worker_params   params = mnist_in(folder);
    struct worker_shape    shape;
    struct worker_dataset *set;

    put_set(folder, 100, 10);
    params.data_size = 32;
    params.data_channels = 3;
    cr_assert_eq(worker_dataset_shape(&params, &shape, NULL), 0);
    set = must_open(&params, 1);
    cr_expect_eq(set->shape.channels, 3);
    cr_expect_eq(set->shape.height, 32);
    cr_expect_arr_eq(&shape, &set->shape, sizeof shape);
    for (uint32_t k = 0; k < 3 * 1024; k++)
        cr_assert_eq(set->test.pixels[5 * 3 * 1024 + k], 35);
    cr_expect_eq(set->sd[2], 0.3081f);
    worker_dataset_free(set);
    folder_remove(folder);
}

/* 2 rows of 6 columns: the middle two columns remain. */
Test(dataset, cuts_the_centre_out_of_a_wide_image)
{
    static const uint8_t wide[] = {1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16};
    static const uint8_t centre[] = {3, 4, 13, 14};
    struct worker_images images = {.n = 1, .channels = 1, .height = 2, .width = 6};

    images.pixels = malloc(sizeof wide);
    memcpy(images.pixels, wide, sizeof wide);
    cr_assert_eq(worker_images_fit(&images, 1, 2, NULL), 0);
    cr_expect_arr_eq(images.pixels, centre, sizeof centre);
    cr_expect_eq(images.width, 2);
    worker_images_free(&images);
}

Test(dataset, shape_and_counts_are_known_without_files)
{
    struct worker_params params = {.data_set = WORKER_DATA_FASHION_MNIST};
    struct worker_shape  shape;
    struct mx_err        err;
    uint64_t             train, test;

    snprintf(params.data_path, sizeof params.data_path, "/nowhere");
    cr_assert_eq(worker_dataset_shape(&params, &shape, NULL), 0);
    cr_expect_eq(shape.channels * 100 + shape.height, 128);
    cr_expect_eq(shape.classes, 10);
    cr_expect_eq(shape.groups, 0);
    params.data_train_limit = 5000;
    params.data_test_limit = 50000;
    cr_assert_eq(worker_dataset_counts(&params, &train, &test, NULL), 0);
    cr_expect_eq(train, 5000);
    cr_expect_eq(test, 10000);
    params.data_channels = 2;
    cr_expect_eq(worker_dataset_shape(&params, &shape, &err), -1);
    cr_expect_str_eq(err.text, "data.channels is 2: give 1 or 3, or 0 for native");
    params = (struct worker_params){.data_set = WORKER_DATA_FEATURES + 1};
    cr_expect_eq(worker_dataset_shape(&params, &shape, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "data.set unknown set cannot be read by this version");
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect_str_eq(err.text, "data.set unknown set cannot be read by this version");
}

Test(dataset, default_path_is_the_packages_folder_or_that_of_fetch)
{
    struct worker_params params = {.data_set = WORKER_DATA_MNIST};
    struct mx_err        err;

    cr_expect_str_eq(worker_dataset_default_path(WORKER_DATA_FASHION_MNIST),
                     "/usr/share/datasets/fashion-mnist");
    cr_expect_str_eq(worker_dataset_default_path(WORKER_DATA_MNIST), "");
    setenv("XDG_DATA_HOME", "/no/such/place", 1);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect(strstr(err.text, "mnist: there is no folder /no/such/place/mixsweep/mnist: ") ==
              err.text);
    unsetenv("XDG_DATA_HOME");
    setenv("HOME", "/no/such/home", 1);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect(strstr(err.text, "mnist: there is no folder "
                               "/no/such/home/.local/share/mixsweep/mnist: ") == err.text);
}

Test(dataset, same_means_the_same_images_in_the_same_splits)
{
    struct worker_params a = {.data_set = WORKER_DATA_MNIST}, b = a;

    b.data_augment = WORKER_AUGMENT_FLIP;
    b.train_lr = 3;
    cr_expect(worker_dataset_same(&a, 1, &b, 1));
    cr_expect_not(worker_dataset_same(&a, 1, &b, 2));
    b.model_arch = WORKER_ARCH_EFFICIENTNET_LITE0; /* has constants of its own */
    cr_expect_not(worker_dataset_same(&a, 1, &b, 1));
    b.model_arch = a.model_arch;
    b.data_val_fraction = 0.2;
    cr_expect_not(worker_dataset_same(&a, 1, &b, 1));
    b = a;
    b.data_path[0] = '/';
    cr_expect_not(worker_dataset_same(&a, 1, &b, 1));
}
