/* Frozen features, read from files that fit each other and from files that do not. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/feature_files.h"

static char folder[] = "/tmp/mx_features_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

TestSuite(features, .init = make_folder, .fini = remove_folder);

static struct worker_features *read_good(enum worker_precision precision, uint64_t train_limit,
                                         uint64_t test_limit)
{
    struct mx_err           err = {.text = ""};
    struct worker_features *f =
        worker_features_read(folder, precision, train_limit, test_limit, &err);

    cr_assert_not_null(f, "%s", err.text);
    return f;
}

Test(features, arrive_as_they_were_written_in_either_precision)
{
    feature_folder(folder, true);
    for (int wide = 0; wide < 2; wide++) {
        struct worker_features *f = read_good(wide ? WORKER_F64 : WORKER_F32, 0, 0);

        cr_expect_eq(f->dims, FEATURE_DIMS);
        cr_expect_eq(f->classes, FEATURE_CLASSES);
        cr_expect_eq(f->groups, FEATURE_GROUPS);
        cr_expect(f->head_w[FEATURE_DIMS + 1] == 0.5);
        cr_expect(f->head_b[1] == -0.25);
        for (unsigned p = 0; p < WORKER_FEATURE_PARTS; p++) {
            const struct worker_feature_split *split = &f->split[p];
            const size_t                       at = 7 * FEATURE_DIMS + 3;
            const float                        wanted = feature_value(p, 7, 3);

            cr_assert_eq(split->n, feature_rows[p]);
            cr_expect_eq(split->labels[7], 1);
            cr_expect_eq(split->groups[7], 3);
            cr_expect(wide ? split->x64[at] == (double)wanted : split->x32[at] == wanted);
            cr_expect_eq(wide, split->x32 == NULL);
        }
        cr_expect_geq(worker_features_bytes(f),
                      150 * FEATURE_DIMS * (wide ? sizeof(double) : sizeof(float)));
        worker_features_free(f);
    }
}

Test(features, limits_take_the_first_rows_and_leave_validation_alone)
{
    struct worker_features *f;

    feature_folder(folder, true);
    f = read_good(WORKER_F32, 3, 2);
    cr_expect_eq(f->split[WORKER_FEATURES_TRAIN].n, 3);
    cr_expect_eq(f->split[WORKER_FEATURES_VAL].n, 40);
    cr_expect_eq(f->split[WORKER_FEATURES_TEST].n, 2);
    cr_expect_eq(f->groups, FEATURE_GROUPS, "groups are the set's, whatever rows are taken");
    cr_expect(f->split[WORKER_FEATURES_TRAIN].x32[2 * FEATURE_DIMS] == feature_value(0, 2, 0));
    worker_features_free(f);
    f = read_good(WORKER_F32, 1000, 1000);
    cr_expect_eq(f->split[WORKER_FEATURES_TRAIN].n, 60);
    worker_features_free(f);
}

Test(features, without_groups_have_none)
{
    struct worker_features *f;

    feature_folder(folder, false);
    f = read_good(WORKER_F64, 0, 0);
    cr_expect_eq(f->groups, 0);
    cr_expect_null(f->split[WORKER_FEATURES_VAL].groups);
    worker_features_free(f);
}

Test(features, numbers_of_other_types_are_converted)
{
    const double  w[2][FEATURE_DIMS] = {{0.1}, {0.2}};
    const int64_t labels[50] = {[3] = 1};
    const double  b[2] = {1e300, 2};
    struct mx_err err = {.text = ""};

    struct worker_features *f;

    feature_folder(folder, true);
    feature_file(folder, "head_w.npy", WORKER_NPY_F64, 2, FEATURE_DIMS, w);
    feature_file(folder, "test_y.npy", WORKER_NPY_I64, 50, 0, labels);
    f = read_good(WORKER_F32, 0, 0);
    cr_expect(f->head_w[0] == (double)0.1f, "a head of float32 arithmetic has floats' values");
    cr_expect_eq(f->split[WORKER_FEATURES_TEST].labels[3], 1);
    worker_features_free(f);
    f = read_good(WORKER_F64, 0, 0);
    cr_expect(f->head_w[0] == 0.1);
    worker_features_free(f);
    feature_file(folder, "head_b.npy", WORKER_NPY_F64, 2, 0, b);
    cr_expect_null(worker_features_read(folder, WORKER_F32, 0, 0, &err));
    cr_expect(strstr(err.text, "/head_b.npy: row 0 is not finite in float32"), "%s", err.text);
    worker_features_free(read_good(WORKER_F64, 0, 0));
}

/* The folder with one file replaced is refused with a text that ends so. */
static void expect_refused(const char *name, enum worker_npy_type type, uint32_t rows,
                           uint32_t columns, const void *data, const char *text)
{
    struct mx_err err = {.text = ""};
    size_t        length;

    feature_folder(folder, true);
    feature_file(folder, name, type, rows, columns, data);
    cr_expect_null(worker_features_read(folder, WORKER_F32, 0, 0, &err));
    cr_expect_eq(err.code, MX_EDATA, "%s", err.text);
    length = strlen(err.text);
    cr_expect(strncmp(err.text, folder, strlen(folder)) == 0 && length > strlen(text) &&
                  strcmp(err.text + length - strlen(text), text) == 0,
              "%s: %s", name, err.text);
}

Test(features, files_that_do_not_fit_each_other_are_refused_by_name)
{
    static float    x[60 * 20];
    static uint32_t ids[60];

    expect_refused("val_x.npy", WORKER_NPY_F32, 40, 20, x,
                   "val_x.npy has shape (40, 20), not (any, 16)");
    expect_refused("val_y.npy", WORKER_NPY_U32, 41, 0, ids, "val_y.npy has shape (41,), not (40,)");
    expect_refused("test_g.npy", WORKER_NPY_U32, 49, 0, ids,
                   "test_g.npy has shape (49,), not (50,)");
    expect_refused("head_b.npy", WORKER_NPY_F32, 3, 0, x, "head_b.npy has shape (3,), not (2,)");
    expect_refused("head_w.npy", WORKER_NPY_F32, 32, 0, x,
                   "head_w.npy has shape (32,), not (any, any)");
    expect_refused("head_w.npy", WORKER_NPY_F32, 1, 16, x,
                   "head_w.npy is of 1 classes and 16 features; a head has two classes or more, "
                   "and a feature or more");
    expect_refused("train_y.npy", WORKER_NPY_U32, 60, 0, ids,
                   "train_y.npy: the first 60 rows are all of class 0: there is nothing to tell "
                   "apart: shuffle the rows, or raise data.train_limit");
    ids[5] = 2;
    expect_refused("train_y.npy", WORKER_NPY_U32, 60, 0, ids,
                   "train_y.npy: the label of row 5 is 2, not one of 0 to 1");
    x[33] = NAN;
    expect_refused("test_x.npy", WORKER_NPY_F32, 50, 16, x,
                   "test_x.npy: row 2 holds a number that is not finite in float32");
    expect_refused("train_x.npy", WORKER_NPY_F32, 0, 16, x,
                   "train_x.npy has no rows: there is nothing to train heads on");
    expect_refused("test_x.npy", WORKER_NPY_F32, 0, 16, x,
                   "test_x.npy has no rows: there is nothing to test them on");
    expect_refused("head_w.npy", WORKER_NPY_F32, 16, 2, x,
                   "/head_w.npy is (16, 2) and head_b.npy (2): a head is (classes, features), so "
                   "transpose head_w");
}

Test(features, a_missing_file_is_named)
{
    static const char *const names[] = {"train_x.npy", "val_y.npy", "test_g.npy", "head_b.npy"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct mx_err err = {.text = ""};
        uint64_t      fingerprint;
        char         *path = mx_path_join(folder, names[i]);

        feature_folder(folder, true);
        cr_assert_eq(unlink(path), 0);
        cr_expect_null(worker_features_read(folder, WORKER_F32, 0, 0, &err));
        cr_expect_eq(err.code, MX_EDATA);
        cr_expect(strstr(err.text, path), "%s", err.text);
        err.text[0] = '\0';
        if (strcmp(names[i], "test_g.npy") == 0)
            cr_expect_eq(worker_features_fingerprint(folder, &fingerprint, &err), 0, "%s",
                         err.text);
        else
            cr_expect(worker_features_fingerprint(folder, &fingerprint, &err) == -1 &&
                          err.code == MX_EDATA && strstr(err.text, path),
                      "%s", err.text);
        free(path);
    }
}

Test(features, any_changed_file_changes_the_fingerprint)
{
    const float b[2] = {0, 0};
    uint64_t    first, second;

    feature_folder(folder, true);
    cr_assert_eq(worker_features_fingerprint(folder, &first, NULL), 0);
    cr_assert_eq(worker_features_fingerprint(folder, &second, NULL), 0);
    cr_expect_eq(first, second);
    feature_file(folder, "head_b.npy", WORKER_NPY_F32, 2, 0, b);
    cr_assert_eq(worker_features_fingerprint(folder, &second, NULL), 0);
    cr_expect_neq(first, second);
}

static void text_file(const char *name, const char *text)
{
    char         *path = mx_path_join(folder, name);
    struct mx_err err = {.text = ""};

    cr_assert_eq(mx_file_write(path, text, strlen(text), &err), 0, "%s", err.text);
    free(path);
}

Test(features, have_the_names_that_lie_beside_them)
{
    struct worker_features *f;
    struct mx_buf           rows = {0};

    feature_folder(folder, true);
    f = read_good(WORKER_F32, 0, 0);
    cr_expect_null(worker_feature_name(f, WORKER_FEATURE_CLASS_NAMES, 0));
    worker_features_free(f);
    text_file("class_names.txt", "landbird\r\nwater bird\r\n");
    text_file("group_names.txt", "a\nb\nc\nd\n\xC3\xA9 that no row is of");
    for (int i = 0; i < 60; i++)
        mx_buf_printf(&rows, "photo %d.jpg\n", i);
    text_file("train_names.txt", mx_buf_str(&rows));
    mx_buf_free(&rows);
    f = read_good(WORKER_F32, 3, 0);
    cr_expect_str_eq(worker_feature_name(f, WORKER_FEATURE_CLASS_NAMES, 1), "water bird");
    cr_expect_str_eq(worker_feature_name(f, WORKER_FEATURE_GROUP_NAMES, 3), "d");
    cr_expect_str_eq(worker_feature_name(f, WORKER_FEATURE_ROW_NAMES, 2), "photo 2.jpg");
    cr_expect_null(worker_feature_name(f, WORKER_FEATURE_CLASS_NAMES, 2));
    worker_features_free(f);
}

Test(features, have_names_that_fit_or_say_which_file_is_wrong)
{
    static const struct {
        const char *file, *text, *told;
    } bad[] = {
        {"class_names.txt", "one\n",
         "has 1 lines, and there are 2 classes: write one name a line, in the order of their "
         "numbers"},
        {"class_names.txt", "one\ntwo\nthree\n", "has 3 lines, and there are 2 classes"},
        {"class_names.txt", "one\n\n", "line 2 is empty"},
        {"class_names.txt", "one\ntw\xff\n", "line 2 is not UTF-8"},
        {"class_names.txt", "", "is empty: remove it if there are no names"},
        {"group_names.txt", "one\ntwo\nthree\n", "has 3 lines, and there are 4 groups"},
        {"train_names.txt", "one\n", "has 1 lines, and there are 60 training rows"},
    };

    feature_folder(folder, true);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        struct mx_err err = {.text = ""};
        char         *path = mx_path_join(folder, bad[k].file);

        text_file(bad[k].file, bad[k].text);
        cr_expect_null(worker_features_read(folder, WORKER_F32, 0, 0, &err));
        cr_expect_eq(err.code, MX_EDATA);
        cr_expect_not_null(strstr(err.text, path), "%s", err.text);
        cr_expect_not_null(strstr(err.text, bad[k].told), "%s", err.text);
        cr_assert_eq(unlink(path), 0);
        free(path);
    }
}

Test(features, have_names_on_which_no_fingerprint_depends)
{
    uint64_t      before, after;
    struct mx_err err = {.text = ""};

    feature_folder(folder, true);
    cr_assert_eq(worker_features_fingerprint(folder, &before, &err), 0, "%s", err.text);
    text_file("class_names.txt", "one\ntwo\n");
    cr_assert_eq(worker_features_fingerprint(folder, &after, &err), 0, "%s", err.text);
    cr_expect_eq(before, after);
}
