#include <criterion/criterion.h>
#include <sys/stat.h>

#include "idx_files.h"
#include "picture_files.h"
#include "worker/choices.h"
#include "worker/dataset.h"

enum {
    PIXELS = 3072
};

/* n rows of `labels` bytes of label, the last one (first + i) % classes, and three
 * planes of first + i, + 100, + 200. */
static struct mx_buf rows_of(uint32_t n, size_t labels, uint32_t first, uint32_t classes)
{
    struct mx_buf out = {0};

    for (uint32_t i = first; i < first + n; i++) {
        uint8_t row[2 + PIXELS] = {77, (uint8_t)(i % classes)};

        for (uint32_t k = 0; k < PIXELS; k++)
            row[2 + k] = (uint8_t)(i + k / 1024 * 100);
        mx_buf_add(&out, row + 2 - labels, labels + PIXELS);
    }
    return out;
}

static void put_cifar10(const char *folder)
{
    for (uint32_t b = 0; b < 5; b++) {
        char name[] = "data_batch_1.bin";

        name[11] = (char)('1' + b);
        put_buf(folder, name, rows_of(6, 1, 6 * b, 10));
    }
    put_buf(folder, "test_batch.bin", rows_of(4, 1, 50, 10));
}

static struct worker_params params_of(unsigned set, const char *folder)
{
    struct worker_params params = {.data_set = set};

    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    return params;
}

static struct worker_dataset *must_open(const struct worker_params *params)
{
    struct mx_err          err = {0};
    struct worker_dataset *set = worker_dataset_open(params, 1, &err);

    cr_assert_not_null(set, "%s", err.text);
    return set;
}

Test(cifar, ten_classes_come_from_five_batches_in_their_order)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(WORKER_DATA_CIFAR10, folder);
    struct worker_dataset *set;

    put_cifar10(folder);
    set = must_open(&params);
    cr_expect_eq(set->train.n, 30);
    cr_expect_eq(set->test.n, 4);
    cr_expect_eq(set->shape.channels * set->shape.height * set->shape.width, PIXELS);
    for (uint32_t i = 0; i < 30; i++) {
        cr_assert_eq(set->train.labels[i], i % 10);
        cr_assert_eq(set->train.pixels[(size_t)i * PIXELS], i);
        cr_assert_eq(set->train.pixels[(size_t)i * PIXELS + 2048], i + 200);
    }
    cr_expect_eq(set->test.pixels[PIXELS], 51);
    cr_expect_eq(set->mean[2], .4465f);
    cr_expect_eq(set->sd[0], .2470f);
    cr_expect_str_eq(worker_dataset_class(set, 9), "truck");
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(cifar, a_hundred_classes_go_by_their_fine_label_and_the_archives_folder_is_found)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(WORKER_DATA_CIFAR100, folder);
    struct worker_dataset *set;

    put_buf(folder, "cifar-100-binary/train.bin", rows_of(120, 2, 0, 100));
    put_buf(folder, "cifar-100-binary/test.bin", rows_of(3, 2, 97, 100));
    set = must_open(&params);
    cr_expect_eq(set->shape.classes, 100);
    cr_expect_eq(set->train.labels[99], 99);
    cr_expect_eq(set->train.labels[101], 1);
    cr_expect_eq(set->test.labels[2], 99);
    cr_expect_eq(set->mean[0], .5071f);
    cr_expect_str_eq(worker_dataset_class(set, 0), "apple");
    cr_expect_str_eq(worker_dataset_class(set, 57), "pear");
    cr_expect_str_eq(worker_dataset_class(set, 99), "worm");
    worker_dataset_free(set);
    folder_remove(folder);
}

/* Luminance of (i, i + 100, i + 200), and then constants of its own. */
Test(cifar, one_channel_is_luminance_normalised_by_its_own_pixels)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(WORKER_DATA_CIFAR10, folder);
    struct worker_dataset *set;

    put_cifar10(folder);
    params.data_channels = 1;
    params.data_size = 16;
    set = must_open(&params);
    cr_expect_eq(set->shape.channels, 1);
    cr_expect_eq(set->shape.width, 16);
    for (uint32_t i = 0; i < 30; i++)
        cr_expect_eq(set->train.pixels[i * 256u], i + 82); /* .587 100 + .114 200 = 81.5 */
    cr_expect_eq(set->mean[0], .3784f);                    /* (82 + 14.5) / 255 */
    worker_dataset_free(set);
    folder_remove(folder);
}

static void expect_error(const struct worker_params *params, const char *format, ...)
{
    char          wanted[512];
    struct mx_err err = {0};
    uint64_t      fingerprint;
    va_list       args;

    va_start(args, format);
    vsnprintf(wanted, sizeof wanted, format, args);
    va_end(args);
    cr_expect_null(worker_dataset_open(params, 1, &err));
    cr_expect_str_eq(err.text, wanted);
    err.text[0] = '\0';
    cr_expect_eq(worker_dataset_probe(params, &fingerprint, &err), -1);
    cr_expect_str_eq(err.text, wanted);
    cr_expect_eq(err.code, MX_EDATA);
}

Test(cifar, errors_name_the_file_and_what_is_wrong)
{
    char                *folder = folder_make();
    struct worker_params params = params_of(WORKER_DATA_CIFAR10, folder);

    expect_error(&params,
                 "cifar10: there is no data_batch_1.bin in %s: get it with `mixsweep data fetch "
                 "cifar10`, put the files of the set's binary version there, or the folder that "
                 "its archive unpacks to, or set data.path",
                 folder);
    put_cifar10(folder);
    put_buf(folder, "data_batch_3.bin", rows_of(2, 2, 0, 10));
    expect_error(&params,
                 "%s/data_batch_3.bin has 6148 bytes, not a whole number of rows of 3073: get the "
                 "file again",
                 folder);
    put_buf(folder, "data_batch_3.bin", rows_of(12, 1, 0, 11));
    expect_error(&params,
                 "%s/data_batch_3.bin: label 10 of row 10 is not one of the classes 0 to 9: get "
                 "the file again",
                 folder);
    put_cifar10(folder);
    put_buf(folder, "test_batch.bin", (struct mx_buf){0});
    expect_error(&params,
                 "%s/test_batch.bin has 0 bytes, not a whole number of rows of 3073: get the file "
                 "again",
                 folder);
    for (int k = 1; k <= 5; k++) {
        char name[32];

        snprintf(name, sizeof name, "data_batch_%d.bin", k);
        put_buf(folder, name, rows_of(2, 1, 0, 1));
    }
    expect_error(&params,
                 "cifar10: all training images in %s are of class 0: there is nothing to tell "
                 "apart",
                 folder);
    put_cifar10(folder);
    {
        char *path = mx_path_join(folder, "data_batch_5.bin");

        cr_assert_eq(unlink(path), 0);
        expect_error(&params, "there is no %s: get the set's files again", path);
        cr_assert_eq(mkdir(path, 0700), 0);
        expect_error(&params, "%s is not a file", path);
        free(path);
    }
    folder_remove(folder);
}

Test(cifar, the_fingerprint_is_of_every_file)
{
    char                *folder = folder_make();
    struct worker_params params = params_of(WORKER_DATA_CIFAR10, folder);
    uint64_t             before, same, after;

    put_cifar10(folder);
    cr_assert_eq(worker_dataset_probe(&params, &before, NULL), 0);
    cr_assert_eq(worker_dataset_probe(&params, &same, NULL), 0);
    put_buf(folder, "test_batch.bin", rows_of(4, 1, 51, 10));
    cr_assert_eq(worker_dataset_probe(&params, &after, NULL), 0);
    cr_expect_eq(before, same);
    cr_expect_neq(before, after);
    folder_remove(folder);
}
