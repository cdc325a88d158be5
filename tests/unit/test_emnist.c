/* EMNIST's splits, by the names of their files. */
#include <criterion/criterion.h>

#include "idx_files.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/miniature.h"

static struct worker_params params_in(const char *folder)
{
    struct worker_params params = {.data_set = WORKER_DATA_EMNIST};

    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    return params;
}

static struct worker_dataset *must_open(const char *folder)
{
    struct worker_params   params = params_in(folder);
    struct mx_err          err = {.text = ""};
    struct worker_dataset *set = worker_dataset_open(&params, 1, &err);

    cr_assert_not_null(set, "%s", err.text);
    return set;
}

/* One image a half, whose first row counts its columns; labelled `label`. */
static void put_split(const char *folder, const char *split, const char *ending, uint8_t label)
{
    static const char *const halves[] = {"train", "test"};
    uint8_t                  images[16 + 784] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28};
    uint8_t                  labels[] = {0, 0, 8, 1, 0, 0, 0, 1, label};
    char                     name[96];

    for (uint8_t x = 0; x < 28; x++)
        images[16 + x] = x;
    for (int h = 0; h < 2; h++) {
        snprintf(name, sizeof name, "emnist-%s-%s-images-idx3-ubyte%s", split, halves[h], ending);
        put_bytes(folder, name, images, sizeof images);
        snprintf(name, sizeof name, "emnist-%s-%s-labels-idx1-ubyte%s", split, halves[h], ending);
        put_bytes(folder, name, labels, sizeof labels);
    }
}

Test(emnist, images_are_turned_and_letters_numbered_from_0)
{
    char                  *folder = folder_make();
    struct worker_dataset *set;
    struct worker_params   params = params_in(folder);
    uint64_t               train = 0, test = 0, fingerprint = 0;

    put_split(folder, "letters", ".gz", 26);
    set = must_open(folder);
    cr_expect_eq(set->shape.classes, 26);
    cr_expect_eq(set->shape.height, 28);
    cr_expect_eq(set->train.labels[0], 25);
    for (uint32_t y = 0; y < 28; y++) {
        cr_expect_eq(set->train.pixels[y * 28], y);
        cr_expect_eq(set->test.pixels[y * 28 + 1], 0);
    }
    cr_assert_eq(worker_dataset_counts(&params, &train, &test, NULL), 0);
    cr_expect_eq(train, 124800);
    cr_expect_eq(test, 20800);
    cr_assert_eq(worker_dataset_probe(&params, &fingerprint, NULL), 0);
    cr_expect_neq(fingerprint, 0);
    worker_dataset_free(set);
    folder_remove(folder);
}

static void expect_refused(const char *folder, const char *format)
{
    struct worker_params params = params_in(folder);
    struct mx_err        err = {.code = MX_OK};
    char                 due[512];

    snprintf(due, sizeof due, format, folder);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, due);
}

Test(emnist, a_folder_without_one_split_is_refused)
{
    static const uint8_t two_images[16 + 2 * 784] = {0, 0, 8, 3,  0, 0, 0, 2,
                                                     0, 0, 0, 28, 0, 0, 0, 28};
    char                *folder = folder_make(),
         *path = mx_path_join(folder, "emnist-letters-test-labels-idx1-ubyte");

    expect_refused(folder,
                   "emnist: there are no images of any split in %s: get one with `mixsweep data "
                   "fetch emnist`, put the four files of one "
                   "split (emnist-balanced-train-images-idx3-ubyte.gz and so on) there, or set "
                   "data.path");
    put_split(folder, "letters", "", 0);
    expect_refused(folder, "%s/emnist-letters-train-labels-idx1-ubyte: label 0 of image 0 is not "
                           "one of 1 to 26: get the file again");
    put_split(folder, "letters", "", 27);
    expect_refused(folder, "%s/emnist-letters-train-labels-idx1-ubyte: label 27 of image 0 is not "
                           "one of the classes 0 to 26: get the file again");
    put_split(folder, "letters", "", 1);
    put_bytes(folder, "emnist-letters-train-images-idx3-ubyte", two_images, sizeof two_images);
    put_bytes(folder, "emnist-letters-train-labels-idx1-ubyte", "\0\0\10\1\0\0\0\2\3\3", 10);
    expect_refused(folder, "emnist: all training images in %s are of class 2: there is nothing to "
                           "tell apart");
    unlink(path);
    expect_refused(folder,
                   "emnist: there is no emnist-letters-test-labels-idx1-ubyte or "
                   "emnist-letters-test-labels-idx1-ubyte.gz in %s: get one with `mixsweep data "
                   "fetch emnist`, put the four files of one "
                   "split (emnist-balanced-train-images-idx3-ubyte.gz and so on) there, or set "
                   "data.path");
    put_split(folder, "digits", "", 1);
    expect_refused(folder, "emnist: %s holds the splits digits and letters: leave only the one "
                           "that is meant");
    free(path);
    folder_remove(folder);
}

Test(emnist, its_miniature_is_read)
{
    char                  *folder = folder_make();
    struct mx_err          err = {.text = ""};
    struct worker_dataset *set;

    cr_assert_eq(worker_miniature_make(WORKER_DATA_EMNIST, folder, &err), 0, "%s", err.text);
    set = must_open(folder);
    cr_expect_eq(set->shape.classes, 10);
    cr_expect_eq(set->test.n, 160);
    worker_dataset_free(set);
    folder_remove(folder);
}
