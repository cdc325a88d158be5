#include <criterion/criterion.h>
#include <math.h>
#include <sys/stat.h>

#include "idx_files.h"
#include "picture_files.h"
#include "worker/choices.h"
#include "worker/folder.h"

/* Names of a part, each with a blank behind it. */
static const char *names_of(const struct worker_folder *list, int part)
{
    static struct mx_buf out;

    mx_buf_clear(&out);
    for (uint32_t i = 0; i < list->parts[part].n; i++)
        mx_buf_printf(&out, "%s ", list->parts[part].files[i].name);
    return mx_buf_str(&out);
}

static struct worker_folder *must_list(const char *folder)
{
    struct mx_err         err = {0};
    struct worker_folder *list = worker_folder_list(folder, &err);

    cr_assert_not_null(list, "%s", err.text);
    return list;
}

Test(folder, takes_the_kth_file_of_each_class_in_turn_by_their_bytes)
{
    char                 *folder = folder_make();
    struct worker_folder *list;

    put_text(folder, "b/2.png", "");
    put_text(folder, "b/10.png", "");
    put_text(folder, "Z/only", "");
    put_text(folder, "\xFFz/a", "");
    put_text(folder, "\xFFz/\xC3\xA4", "");
    put_text(folder, "\xFFz/B", "");
    put_text(folder, "b/.hidden", "");
    put_text(folder, "b/Thumbs.db", "");
    put_text(folder, ".git/x", "");
    put_text(folder, "masks/b.png", "");
    put_text(folder, "segments/b/2.png", "");
    put_text(folder, "boxes.csv", "");
    list = must_list(folder);
    cr_assert_eq(list->nclasses, 3);
    cr_expect_str_eq(list->classes[0], "Z");
    cr_expect_str_eq(list->classes[2], "\xFFz");
    cr_expect_str_eq(names_of(list, WORKER_PART_TRAIN),
                     "Z/only b/10.png \xFFz/B b/2.png \xFFz/a \xFFz/\xC3\xA4 ");
    cr_expect_eq(list->parts[WORKER_PART_TRAIN].files[5].label, 2);
    worker_folder_free(list);
    folder_remove(folder);
}

Test(folder, with_a_folder_train_the_parts_are_folders)
{
    char                 *folder = folder_make();
    struct worker_folder *list;

    put_text(folder, "train/cat/1", "");
    put_text(folder, "train/cat/2", "");
    put_text(folder, "train/dog/1", "");
    put_text(folder, "segments/train/cat/1.png", "");
    put_text(folder, "train/masks/1", ""); /* a class like any other, this far down */
    put_text(folder, "test/dog/9", "");
    put_text(folder, "test/cat/9", "");
    put_text(folder, "val/dog/8", "");
    put_text(folder, "other/cow/8", "");
    list = must_list(folder);
    cr_expect_eq(list->nclasses, 3);
    cr_expect_str_eq(names_of(list, WORKER_PART_TRAIN),
                     "train/cat/1 train/dog/1 train/masks/1 train/cat/2 ");
    cr_expect_str_eq(names_of(list, WORKER_PART_TEST), "test/cat/9 test/dog/9 ");
    cr_expect_str_eq(names_of(list, WORKER_PART_VAL), "val/dog/8 ");
    cr_expect_eq(list->parts[WORKER_PART_VAL].files[0].label, 1);
    worker_folder_free(list);
    folder_remove(folder);
}

static void expect_no_list(const char *folder, const char *below, const char *format)
{
    char         *path = mx_path_join(folder, below), wanted[512];
    struct mx_err err = {0};

    snprintf(wanted, sizeof wanted, format, path);
    cr_expect_null(worker_folder_list(path, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, wanted);
    free(path);
}

Test(folder, errors_say_what_is_missing_and_where)
{
    char *folder = folder_make(), *loop = mx_path_join(folder, "loop");

    cr_assert_eq(symlink("loop", loop), 0);
    expect_no_list(folder, "none",
                   "folder: there is no folder %s: set data.path to the one that holds the class "
                   "folders");
    expect_no_list(folder, "loop",
                   "folder: cannot read the folder %s: Too many levels of symbolic links");
    put_text(folder, "flat/1.png", "");
    expect_no_list(folder, "flat",
                   "folder: there is no class folder in %s: put the images of each class into a "
                   "folder of its own there");
    expect_no_list(folder, "flat/1.png", "folder: cannot read the folder %s: Not a directory");
    put_text(folder, "one/cat/1.png", "");
    expect_no_list(folder, "one",
                   "folder: %s holds one class only (cat): there is nothing to tell apart");
    put_text(folder, "empty/cat/1.png", "");
    put_text(folder, "empty/dog/.hidden", "");
    expect_no_list(folder, "empty",
                   "folder: the class folder %s/dog holds no file: put images there, or remove it");
    put_text(folder, "more/train/cat/1.png", "");
    put_text(folder, "more/train/dog/1.png", "");
    put_text(folder, "more/test/cow/1.png", "");
    expect_no_list(
        folder, "more",
        "folder: %s/test/cow is a class that the training images do not have: rename or remove it");
    put_text(folder, "file/train/cat/1.png", "");
    put_text(folder, "file/train/dog/1.png", "");
    put_text(folder, "file/test", "a file where a folder is due");
    expect_no_list(folder, "file", "folder: cannot read the folder %s/test: Not a directory");
    free(loop);
    folder_remove(folder);
}

Test(folder, a_link_to_a_folder_is_a_class_and_a_link_that_goes_round_is_none)
{
    char                 *folder = folder_make(), *link = mx_path_join(folder, "set/cat");
    char                 *loop = mx_path_join(folder, "set/loop");
    struct worker_folder *list;

    put_text(folder, "set/dog/1", "");
    put_text(folder, "cats/1", "");
    cr_assert_eq(symlink("../cats", link) | symlink("loop", loop), 0);
    free(link);
    link = mx_path_join(folder, "set");
    list = must_list(link);
    cr_expect_str_eq(names_of(list, WORKER_PART_TRAIN), "cat/1 dog/1 ");
    worker_folder_free(list);
    free(link);
    free(loop);
    folder_remove(folder);
}

/* 2 classes of n images, levels 0, 1, ... in the set's order, below `below`. */
static void put_levels(const char *folder, const char *below, uint32_t n)
{
    for (uint32_t k = 0; k < 2 * n; k++) {
        char name[64];

        snprintf(name, sizeof name, "%s%s/%03u.png", below, k % 2 ? "dog" : "cat", k / 2);
        put_level(folder, name, 8, (uint8_t)k);
    }
}

static struct worker_params params_of(const char *folder)
{
    struct worker_params params = {.data_set = WORKER_DATA_FOLDER, .data_size = 8};

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

/* Levels of the first pixels, each with a blank behind it. */
static const char *levels_of(const struct worker_split *split, size_t bytes)
{
    static struct mx_buf out;

    mx_buf_clear(&out);
    for (uint32_t i = 0; i < split->n; i++)
        mx_buf_printf(&out, "%u ", worker_split_image(split, i, bytes)[0]);
    return mx_buf_str(&out);
}

Test(folder, limits_take_the_first_and_constants_are_those_of_all)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(folder);
    struct worker_dataset *all, *some;

    put_levels(folder, "train/", 20);
    put_levels(folder, "test/", 5);
    all = must_open(&params, 1);
    cr_expect_eq(all->train.n, 40);
    cr_expect_eq(all->shape.channels, 3);
    cr_expect_eq(all->shape.classes, 2);
    cr_expect_str_eq(worker_dataset_class(all, 1), "dog");
    cr_expect_eq(all->mean[1], roundf(19.5f / 255 * 1e4f) / 1e4f);
    params.data_train_limit = 5;
    params.data_test_limit = 3;
    some = must_open(&params, 1);
    cr_expect_str_eq(levels_of(&some->train, 192), "0 1 2 3 4 ");
    cr_expect_str_eq(levels_of(&some->test, 192), "0 1 2 ");
    cr_expect_eq(some->train.labels[3], 1);
    cr_expect_arr_eq(some->mean, all->mean, sizeof all->mean);
    cr_expect_arr_eq(some->sd, all->sd, sizeof all->sd);
    worker_dataset_free(all);
    worker_dataset_free(some);
    folder_remove(folder);
}

Test(folder, a_folder_val_is_the_validation_part_whole)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set;

    put_levels(folder, "train/", 4);
    put_levels(folder, "val/", 2);
    put_levels(folder, "test/", 1);
    params.data_val_fraction = 0.5;
    set = must_open(&params, 1);
    cr_expect_eq(set->train.n, 8);
    cr_expect_str_eq(levels_of(&set->val, 192), "0 1 2 3 ");
    worker_dataset_free(set);
    folder_remove(folder);
}

static uint32_t dogs(const struct worker_split *split)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < split->n; i++)
        n += split->labels[i];
    return n;
}

Test(folder, without_a_test_part_a_share_of_each_class_is_held_out)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set, *again, *other;
    bool                   seen[40] = {false};
    uint64_t               train, test;
    struct mx_err          err;

    put_levels(folder, "", 20);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect(strstr(err.text, " has no test images: set data.test_fraction, or put them into a "
                               "folder test beside a folder train"));
    params.data_test_fraction = 0.02; /* 0.4 of 20 */
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect_str_eq(err.text, "folder: data.test_fraction 0.02 of 40 images of 2 classes is no "
                               "image of any class: raise it, or give more images");
    params.data_test_fraction = 0.225; /* 4.5 of 20, half up */
    params.data_val_fraction = 0.2;    /* of the 15 that are left */
    set = must_open(&params, 1);
    cr_expect_eq(set->test.n * 100 + dogs(&set->test), 1005);
    cr_expect_eq(set->val.n * 100 + dogs(&set->val), 603);
    cr_expect_eq(set->train.n * 100 + dogs(&set->train), 2412);
    for (int s = 0; s < 3; s++) {
        const struct worker_split *split = s == 0 ? &set->train : s == 1 ? &set->val : &set->test;

        for (uint32_t i = 0; i < split->n; i++) {
            const uint8_t level = worker_split_image(split, i, 192)[0];

            cr_assert(!seen[level]);
            seen[level] = true;
            cr_assert(i == 0 || level > worker_split_image(split, i - 1, 192)[0]);
        }
    }
    again = must_open(&params, 1);
    other = must_open(&params, 2);
    cr_expect_arr_eq(again->test.at, set->test.at, 10 * sizeof *set->test.at);
    cr_expect_neq(memcmp(other->test.at, set->test.at, 10 * sizeof *set->test.at), 0);
    cr_expect_eq(worker_dataset_counts(&params, &train, &test, NULL), 0);
    cr_expect_eq(train * 100 + test, 3010);
    worker_dataset_free(set);
    worker_dataset_free(again);
    worker_dataset_free(other);
    folder_remove(folder);
}

Test(folder, native_size_is_that_of_all_images_or_an_error_that_names_two)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(folder);
    static const uint8_t   wide[20 * 12] = {200}; /* the rest 0 */
    char                   wanted[512];
    struct worker_dataset *set;
    struct worker_shape    shape;
    struct mx_err          err;

    for (int k = 0; k < 4; k++) {
        char file[32];

        snprintf(file, sizeof file, "%s/%c/1.png", k / 2 ? "test" : "train", k % 2 ? 'y' : 'x');
        put_buf(folder, file, png_of(12, 20, PNG_COLOR_TYPE_GRAY, 8, 0, wide, 20));
    }
    params.data_size = 0;
    cr_expect_eq(worker_dataset_shape(&params, &shape, &err), -1);
    cr_expect_str_eq(err.text,
                     "only the files of a folder tell their size, and none is read: set data.size");
    set = must_open(&params, 1);
    cr_expect_eq(set->shape.height * 100 + set->shape.width, 1220);
    cr_expect_eq(set->test.pixels[0], 200);
    worker_dataset_free(set);
    put_level(folder, "test/y/2.png", 12, 1);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    snprintf(wanted, sizeof wanted,
             "%s/train/x/1.png has 20 x 12 pixels and %s/test/y/2.png has 12 x 12: set data.size, "
             "to which all are brought",
             folder, folder);
    cr_expect_str_eq(err.text, wanted);
    put_level(folder, "train/y/2.png", 12, 90);
    params.data_size = 10;
    params.data_channels = 1;
    cr_assert_eq(worker_dataset_shape(&params, &shape, &err), 0);
    cr_expect_eq(shape.channels * 10000 + shape.height * 100 + shape.classes, 11002);
    set = must_open(&params, 1);
    cr_expect_arr_eq(&set->shape, &shape, sizeof shape);
    cr_expect_eq(set->test.pixels[2 * 100], 1);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(folder, a_damaged_file_ends_it_or_is_left_out_and_counted)
{
    char                  *folder = folder_make(), wanted[512];
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set;
    struct mx_err          err;

    put_levels(folder, "train/", 4);
    put_levels(folder, "test/", 2);
    put_text(folder, "train/cat/001.png", "no image");
    put_text(folder, "train/dog/notes.txt", "");
    snprintf(wanted, sizeof wanted,
             "%s/train/cat/001.png is neither a JPEG nor a PNG file: convert it", folder);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, wanted);
    params.data_on_decode_error = WORKER_ON_DECODE_ERROR_SKIP;
    set = must_open(&params, 1);
    cr_expect_str_eq(levels_of(&set->train, 192), "0 1 3 4 5 6 7 ");
    cr_expect_eq(set->train.labels[2], 1);
    cr_expect_eq(set->remarks.skipped, 2);
    cr_expect_str_eq(set->remarks.first_skipped, wanted);
    cr_expect_eq(set->remarks.turned, 0);
    worker_dataset_free(set);
    params.data_train_limit = 4; /* four good ones */
    set = must_open(&params, 1);
    cr_expect_str_eq(levels_of(&set->train, 192), "0 1 3 4 ");
    worker_dataset_free(set);
    for (int k = 0; k < 2; k++) {
        put_text(folder, k ? "test/cat/000.png" : "test/dog/000.png", "x");
        put_text(folder, k ? "test/cat/001.png" : "test/dog/001.png", "x");
    }
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    snprintf(wanted, sizeof wanted,
             "folder: none of the 4 files of a part of %s is an image: JPEG and PNG can be read",
             folder);
    cr_expect_str_eq(err.text, wanted);
    folder_remove(folder);
}

Test(folder, photos_that_ask_to_be_turned_are_counted)
{
    static const uint8_t   grey[] = {90};
    static const uint8_t   exif[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                                     1,   0x12, 0,   3,   0, 0, 0,   1,   0, 6,  0, 0, 0, 0, 0, 0};
    char                  *folder = folder_make();
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set;

    put_levels(folder, "train/", 4);
    put_levels(folder, "test/", 2);
    put_buf(folder, "test/dog/999.jpg", jpeg_of(8, 9, JCS_GRAYSCALE, grey, exif, sizeof exif));
    set = must_open(&params, 1);
    cr_expect_eq(set->remarks.turned, 1);
    cr_expect(strstr(set->remarks.first_turned, "/test/dog/999.jpg"));
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(folder, the_fingerprint_is_of_names_and_bytes_and_every_file_is_looked_at)
{
    char                *folder = folder_make(), *path = mx_path_join(folder, "train/cat/000.png");
    char                *sub = mx_path_join(folder, "train/cat/sub"), wanted[512];
    struct worker_params params = params_of(folder);
    uint64_t             before, changed, renamed;
    struct mx_err        err;

    put_levels(folder, "train/", 4);
    put_levels(folder, "test/", 2);
    cr_assert_eq(worker_dataset_probe(&params, &before, NULL), 0);
    put_level(folder, "train/cat/000.png", 8, 77);
    cr_assert_eq(worker_dataset_probe(&params, &changed, NULL), 0);
    cr_expect_neq(before, changed);
    put_level(folder, "train/cat/00.png", 8, 0);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(worker_dataset_probe(&params, &renamed, NULL), 0);
    cr_expect_neq(before, renamed);
    put_level(folder, "train/cat/000.png", 8, 0);
    cr_assert_eq(mkdir(sub, 0700), 0);
    cr_expect_eq(worker_dataset_probe(&params, &changed, &err), -1);
    snprintf(wanted, sizeof wanted, "%s is a folder, and an image file is due there", sub);
    cr_expect_str_eq(err.text, wanted);
    free(path);
    free(sub);
    folder_remove(folder);
}
