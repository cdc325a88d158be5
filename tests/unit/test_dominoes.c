/* Dominoes of two sets whose pixels tell which image they are. */
#include <criterion/criterion.h>
#include <math.h>

#include "idx_files.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/npy.h"

/* Image i has the level 7 i % 256 everywhere, and the class i % 10 (idx_files.h). */
static struct worker_params params_of(const char *folder)
{
    struct worker_params params = {
        .data_set = WORKER_DATA_DOMINOES,
        .data_dominoes_top = WORKER_DOMINO_MNIST,
        .data_dominoes_bottom = WORKER_DOMINO_FASHION_MNIST,
        .data_dominoes_top_classes = {2, {0, 1}},
        .data_dominoes_bottom_classes = {2, {4, 3}},
        .data_spurious_rate = 0.95,
        .data_val_fraction = 0.1,
    };

    snprintf(params.data_dominoes_top_path, WORKER_PATH_SIZE, "%s", folder);
    snprintf(params.data_dominoes_bottom_path, WORKER_PATH_SIZE, "%s", folder);
    return params;
}

static struct worker_dataset *must_open(const struct worker_params *params, uint64_t seed)
{
    struct mx_err          err = {0};
    struct worker_dataset *set = worker_dataset_open(params, seed, &err);

    cr_assert_not_null(set, "%s", err.text);
    return set;
}

/* n images of every class; the test part has a fifth. */
static char *make_sets(uint32_t each)
{
    char *folder = folder_make();

    put_set(folder, 10 * each, 2 * each);
    return folder;
}

static void count_groups(const struct worker_split *split, uint32_t counts[4])
{
    memset(counts, 0, 4 * sizeof *counts);
    for (uint32_t i = 0; i < split->n; i++) {
        cr_assert_lt(split->groups[i], 4);
        cr_assert_eq(split->groups[i] / 2, split->labels[i]);
        counts[split->groups[i]]++;
    }
}

Test(dominoes, agree_as_often_as_asked_in_training_and_half_the_time_elsewhere)
{
    char                  *folder = make_sets(200);
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set = must_open(&params, 1);
    uint32_t               counts[4];

    cr_expect_eq(set->shape.channels, 1);
    cr_expect_eq(set->shape.height, 56);
    cr_expect_eq(set->shape.width, 28);
    cr_expect_eq(set->shape.classes, 2);
    cr_expect_eq(set->shape.groups, 4);
    cr_expect_str_eq(worker_dataset_class(set, 0), "coat");
    cr_expect_str_eq(worker_dataset_class(set, 1), "dress");
    count_groups(&set->train, counts);
    cr_expect_arr_eq(counts, ((uint32_t[]){171, 9, 9, 171}), sizeof counts);
    count_groups(&set->val, counts);
    cr_expect_arr_eq(counts, ((uint32_t[]){10, 10, 10, 10}), sizeof counts);
    count_groups(&set->test, counts);
    cr_expect_arr_eq(counts, ((uint32_t[]){20, 20, 20, 20}), sizeof counts);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(dominoes, the_label_is_the_lower_image_and_the_attribute_the_upper_one)
{
    char                  *folder = make_sets(100);
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set = must_open(&params, 1);
    uint32_t               below = 0;

    for (uint32_t i = 0; i < set->train.n; i++) {
        const uint8_t *pixels = set->train.pixels + (size_t)i * 56 * 28;
        unsigned       attribute = set->train.groups[i] % 2, found = 0;

        for (uint32_t k = 1; k < 28 * 28; k++) {
            cr_assert_eq(pixels[k], pixels[0]);
            cr_assert_eq(pixels[784 + k], pixels[784]);
        }
        /* Of class c are the images c, c + 10 ... of level 7 (c + 10 k) % 256. */
        for (uint32_t k = 0; k < 100; k++)
            found |= pixels[0] == (attribute + 10 * k) * 7 % 256;
        cr_expect(found);
        while (below % 10 != 3 && below % 10 != 4)
            below++;
        /* Lower images come in their order; those of the validation part are left out. */
        while (pixels[784] != below * 7 % 256 ||
               (below % 10 == 4 ? 0u : 1u) != set->train.labels[i]) {
            below++;
            cr_assert_lt(below, 1000);
        }
        below++;
    }
    cr_expect_eq(set->train.n, 180);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(dominoes, every_upper_image_is_used_as_often_as_the_others)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set;
    uint32_t               used[256] = {0};

    put_set(folder, 250, 50); /* levels 7 i % 256 differ */
    params.data_val_fraction = 0;
    params.data_spurious_rate = 1;
    params.data_dominoes_top_classes = (struct worker_list){2, {0, 9}};
    set = must_open(&params, 3);
    cr_expect_eq(set->train.n, 50);
    for (uint32_t i = 0; i < set->train.n; i++)
        used[set->train.pixels[(size_t)i * 56 * 28]]++;
    for (uint32_t i = 0; i < 250; i++)
        cr_expect_eq(used[i * 7 % 256], i % 10 == 0 || i % 10 == 9, "%u", i);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(dominoes, limits_come_first_and_the_seed_alone_decides)
{
    char                  *folder = make_sets(100);
    struct worker_params   params = params_of(folder);
    struct worker_dataset *one, *again, *other;
    uint32_t               counts[4];

    params.data_train_limit = 80;
    params.data_test_limit = 8;
    one = must_open(&params, 1);
    cr_expect_eq(one->train.n, 72);
    cr_expect_eq(one->val.n, 8);
    count_groups(&one->val, counts);
    cr_expect_arr_eq(counts, ((uint32_t[]){2, 2, 2, 2}), sizeof counts);
    count_groups(&one->test, counts);
    cr_expect_arr_eq(counts, ((uint32_t[]){2, 2, 2, 2}), sizeof counts);
    params.data_augment = WORKER_AUGMENT_FLIP;
    again = must_open(&params, 1);
    other = must_open(&params, 2);
    cr_expect_arr_eq(one->train.pixels, again->train.pixels, 72 * 56 * 28);
    cr_expect(memcmp(one->train.pixels, other->train.pixels, 72 * 56 * 28) != 0);
    worker_dataset_free(one);
    worker_dataset_free(again);
    worker_dataset_free(other);
    folder_remove(folder);
}

Test(dominoes, more_attributes_than_labels_disagree_evenly)
{
    char                  *folder = make_sets(300);
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set;
    uint32_t               counts[6] = {0};

    params.data_val_fraction = 0;
    params.data_spurious_rate = 0.5;
    params.data_dominoes_top_classes = (struct worker_list){3, {5, 6, 7}};
    set = must_open(&params, 1);
    cr_expect_eq(set->shape.groups, 6);
    for (uint32_t i = 0; i < set->train.n; i++)
        counts[set->train.groups[i]]++;
    cr_expect_eq(counts[0], 150);
    cr_expect_eq(counts[4], 150);
    for (int g = 1; g < 6; g++)
        if (g != 4) /* 75 expected; five standard deviations */
            cr_expect(counts[g] > 44 && counts[g] < 106, "%d: %u", g, counts[g]);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(dominoes, size_and_channels_bring_both_halves_to_a_square)
{
    char                  *folder = make_sets(20);
    struct worker_params   params = params_of(folder);
    struct worker_shape    shape;
    struct worker_dataset *set;
    uint64_t               train, test;

    params.data_size = 33;
    params.data_channels = 3;
    set = must_open(&params, 1);
    cr_assert_eq(worker_dataset_shape(&params, &shape, NULL), 0);
    cr_expect_arr_eq(&shape, &set->shape, sizeof shape);
    cr_expect_eq(shape.height, 33);
    cr_expect_eq(shape.width, 33);
    cr_expect_eq(shape.channels, 3);
    for (uint32_t i = 0; i < set->test.n; i++)
        for (uint32_t c = 0; c < 3; c++) {
            const uint8_t *plane = set->test.pixels + ((size_t)i * 3 + c) * 33 * 33;

            for (uint32_t k = 0; k < 33 * 33; k++) /* halves of 16 and 17 rows */
                cr_assert_eq(plane[k], plane[k < 16 * 33 ? 0 : 33 * 33 - 1]);
        }
    cr_assert_eq(worker_dataset_counts(&params, &train, &test, NULL), 0);
    cr_expect_eq(train, 12000);
    cr_expect_eq(test, 2000);
    worker_dataset_free(set);
    folder_remove(folder);
}

/* Upper images of class 0 and 1, lower ones of 3 and 4, each set alike often. */
Test(dominoes, are_normalised_by_both_sets_before_limits)
{
    char                  *folder = folder_make();
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set;
    double                 sum = 0, squares = 0;

    put_set(folder, 250, 50);
    for (uint32_t i = 0; i < 250; i++)
        if (i % 10 < 5 && i % 10 != 2) {
            double level = i * 7 % 256 / 255.0;

            sum += level / 100;
            squares += level * level / 100;
        }
    set = must_open(&params, 1);
    cr_expect(fabs(set->mean[0] - sum) <= 5.1e-5);
    cr_expect(fabs(set->sd[0] - sqrt(squares - sum * sum)) <= 5.1e-5);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(dominoes, grey_digits_stand_on_black_above_larger_photos)
{
    char                  *folder = make_sets(20);
    struct worker_params   params = params_of(folder);
    struct worker_dataset *set;
    uint8_t               *rows = calloc(10, 3073);
    char                   name[] = "data_batch_1.bin";
    const uint8_t         *at;

    for (uint32_t i = 0; i < 10; i++) {
        memset(rows + i * 3073, 100 + (int)i, 3073);
        rows[i * 3073] = (uint8_t)i;
    }
    for (; name[11] <= '5'; name[11]++)
        put_bytes(folder, name, rows, 30730);
    put_bytes(folder, "test_batch.bin", rows, 30730);
    params.data_dominoes_bottom = WORKER_DOMINO_CIFAR10;
    params.data_dominoes_bottom_classes = (struct worker_list){2, {1, 9}};
    params.data_val_fraction = 0;
    set = must_open(&params, 1);
    cr_expect_eq(set->shape.channels, 3);
    cr_expect_eq(set->shape.height, 64);
    cr_expect_eq(set->shape.width, 32);
    cr_expect_eq(set->train.n, 10);
    for (uint32_t c = 0; c < 3; c++) {
        at = set->train.pixels + (size_t)64 * 32 * (3 + c); /* the second: a truck */
        cr_expect_eq(at[1 * 32 + 16], 0);
        cr_expect_eq(at[2 * 32 + 1], 0);
        cr_expect_eq(at[29 * 32 + 29], at[2 * 32 + 2]);
        cr_expect_eq(at[30 * 32 + 16], 0);
        cr_expect_eq(at[32 * 32], 109);
        cr_expect_eq(at[64 * 32 - 1], 109);
    }
    worker_dataset_free(set);
    free(rows);
    folder_remove(folder);
}

static void expect_refused(const struct worker_params *params, enum mx_code code, const char *text)
{
    struct mx_err err = {0};

    cr_expect_null(worker_dataset_open(params, 1, &err));
    cr_expect_eq(err.code, code);
    cr_expect_str_eq(err.text, text);
}

Test(dominoes, classes_that_are_not_there_are_named)
{
    char                *folder = make_sets(20);
    struct worker_params params = params_of(folder);

    params.data_dominoes_top_classes = (struct worker_list){2, {0, 10}};
    expect_refused(&params, MX_EINVAL,
                   "data.dominoes.top_classes: mnist has the classes 0 to 9, not 10");
    params.data_dominoes_top_classes = (struct worker_list){1, {0}};
    expect_refused(&params, MX_EINVAL, "data.dominoes.top_classes has 1 classes: give two or more");
    folder_remove(folder);
    folder = folder_make();
    put_set(folder, 5, 5); /* classes 0 to 4 */
    params = params_of(folder);
    params.data_dominoes_bottom_classes = (struct worker_list){2, {8, 9}};
    expect_refused(&params, MX_EDATA,
                   "dominoes: fashion-mnist has no image of class 8 of "
                   "data.dominoes.bottom_classes");
    params = params_of(folder);
    params.data_dominoes_top_classes = (struct worker_list){2, {0, 9}};
    expect_refused(&params, MX_EDATA,
                   "dominoes: mnist has no image of class 9 of data.dominoes.top_classes");
    folder_remove(folder);
}

Test(dominoes, the_fingerprint_is_of_both_sets)
{
    char                *folder = make_sets(20), *other = folder_make();
    struct worker_params params = params_of(folder), moved = params_of(folder);
    uint64_t             one, two;
    char                 place[WORKER_PATH_SIZE], due[WORKER_PATH_SIZE];

    put_set(other, 210, 40);
    snprintf(moved.data_dominoes_top_path, WORKER_PATH_SIZE, "%s", other);
    cr_assert_eq(worker_dataset_probe(&params, &one, NULL), 0);
    cr_assert_eq(worker_dataset_probe(&moved, &two, NULL), 0);
    cr_expect_neq(one, two);
    cr_expect(!worker_dataset_same(&params, 1, &moved, 1));
    cr_expect(worker_dataset_same(&params, 1, &params, 1));
    snprintf(due, sizeof due, "mnist %.60s over fashion-mnist %.60s", other, folder);
    cr_expect_str_eq(worker_dataset_place(&moved, place), due);
    folder_remove(folder);
    folder_remove(other);
}

/* ---- in npy files ---- */

static void put_array(const char *folder, const char *name, enum worker_npy_type type,
                      uint32_t ndims, const uint64_t *dims, const void *data)
{
    char *path = mx_path_join(folder, name);

    cr_assert_eq(worker_npy_write(path, type, ndims, dims, data, NULL), 0);
    free(path);
}

/* Four images of 16 x 8 pixels, image i of the level 10 i. */
static void put_npy(const char *folder)
{
    static const char *const parts[] = {"train", "test"};
    float                    floats[4 * 128];
    uint8_t                  bytes[4 * 128];
    char                     name[32];

    for (uint32_t k = 0; k < 4 * 128; k++) {
        bytes[k] = (uint8_t)(k / 128 * 10);
        floats[k] = (float)bytes[k] / 255;
    }
    for (int p = 0; p < 2; p++) {
        snprintf(name, sizeof name, "X_%s.npy", parts[p]);
        put_array(folder, name, p ? WORKER_NPY_F32 : WORKER_NPY_U8, p ? 4 : 3,
                  p ? (uint64_t[]){4, 16, 8, 1} : (uint64_t[]){4, 16, 8},
                  p ? (void *)floats : (void *)bytes);
        snprintf(name, sizeof name, "y_%s.npy", parts[p]);
        put_array(folder, name, WORKER_NPY_I64, 1, (uint64_t[]){4}, (int64_t[]){0, 0, 1, 1});
        snprintf(name, sizeof name, "env_%s.npy", parts[p]);
        put_array(folder, name, WORKER_NPY_F32, 1, (uint64_t[]){4}, (float[]){0, 1, 0, 1});
    }
}

Test(dominoes, that_others_made_are_read_from_npy_files)
{
    char                      *folder = folder_make();
    struct worker_params       params = params_of("");
    struct worker_dataset     *set;
    const struct worker_split *splits[2];

    put_npy(folder);
    snprintf(params.data_path, WORKER_PATH_SIZE, "%s", folder);
    params.data_val_fraction = 0;
    set = must_open(&params, 1);
    splits[0] = &set->train;
    splits[1] = &set->test;
    cr_expect_eq(set->shape.height, 16);
    cr_expect_eq(set->shape.width, 8);
    cr_expect_eq(set->shape.groups, 4);
    for (int s = 0; s < 2; s++)
        for (uint32_t i = 0; i < 4; i++) {
            cr_expect_eq(splits[s]->pixels[i * 128 + 5], 10 * i);
            cr_expect_eq(splits[s]->labels[i], i / 2);
            cr_expect_eq(splits[s]->groups[i], i);
        }
    worker_dataset_free(set);
    params.data_size = 8;
    params.data_channels = 3;
    set = must_open(&params, 1);
    cr_expect_eq(set->shape.height, 8);
    cr_expect_eq(set->train.pixels[(3 * 3 + 2) * 64 + 63], 30);
    worker_dataset_free(set);
    folder_remove(folder);
}

Test(dominoes, npy_files_that_do_not_fit_are_named)
{
    char                *folder = folder_make();
    struct worker_params params = params_of("");
    char                 text[512];

    put_npy(folder);
    snprintf(params.data_path, WORKER_PATH_SIZE, "%s", folder);
    put_array(folder, "y_test.npy", WORKER_NPY_I32, 1, (uint64_t[]){3}, (int32_t[]){0, 0, 1});
    snprintf(text, sizeof text, "%s/y_test.npy has shape (3,), not (4,)", folder);
    expect_refused(&params, MX_EDATA, text);
    put_array(folder, "y_test.npy", WORKER_NPY_I32, 1, (uint64_t[]){4}, (int32_t[]){0, 0, 1, 2});
    snprintf(text, sizeof text, "%s/y_test.npy: the label of row 3 is 2, not one of 0 to 1",
             folder);
    expect_refused(&params, MX_EDATA, text);
    put_array(folder, "X_train.npy", WORKER_NPY_F64, 3, (uint64_t[]){1, 8, 8},
              (double[64]){0, 0, 2});
    snprintf(text, sizeof text,
             "%s/X_train.npy: image 0 has a pixel outside of 0 to 1: store bytes as uint8", folder);
    expect_refused(&params, MX_EDATA, text);
    put_array(folder, "X_train.npy", WORKER_NPY_U8, 2, (uint64_t[]){1, 8}, "12345678");
    snprintf(text, sizeof text,
             "%s/X_train.npy: X_*.npy of dominoes are (images, high, wide), with 1 or 3 channels "
             "before or behind high and wide, of 8 to 1024 pixels a side",
             folder);
    expect_refused(&params, MX_EDATA, text);
    folder_remove(folder);
}

Test(dominoes, npy_files_without_images_or_with_one_class_are_refused)
{
    char                *folder = folder_make(), *path = mx_path_join(folder, "env_test.npy");
    struct worker_params params = params_of("");
    char                 text[512];

    snprintf(params.data_path, WORKER_PATH_SIZE, "%s", folder);
    put_npy(folder);
    put_array(folder, "X_train.npy", WORKER_NPY_U8, 3, (uint64_t[]){0, 16, 8}, "");
    put_array(folder, "y_train.npy", WORKER_NPY_I64, 1, (uint64_t[]){0}, "");
    put_array(folder, "env_train.npy", WORKER_NPY_I64, 1, (uint64_t[]){0}, "");
    snprintf(text, sizeof text, "%s/X_train.npy: there is no image in it", folder);
    expect_refused(&params, MX_EDATA, text);
    put_npy(folder);
    put_array(folder, "y_train.npy", WORKER_NPY_I64, 1, (uint64_t[]){4}, (int64_t[]){0, 0, 0, 0});
    snprintf(text, sizeof text,
             "%s/y_train.npy holds one class only: there is nothing to tell apart", folder);
    expect_refused(&params, MX_EDATA, text);
    put_npy(folder);
    unlink(path);
    snprintf(text, sizeof text, "cannot open %s: No such file or directory", path);
    expect_refused(&params, MX_EDATA, text);
    free(path);
    folder_remove(folder);
}
