#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "idx_files.h"
#include "worker/choices.h"
#include "worker/idx.h"

/* Open a set in a folder and expect this failure; %s in `text` is the folder. */
static void expect_refusal(const char *folder, const char *text)
{
    struct worker_params params = {.data_set = WORKER_DATA_KMNIST};
    struct mx_err        err = {0};
    char                 expected[512];
    const char          *at = strstr(text, "%s");
    uint64_t             fingerprint;
    int                  n;

    cr_assert_not_null(at);
    n = snprintf(expected, sizeof expected, "%.*s%s%s", (int)(at - text), text, folder, at + 2);
    at = strstr(expected, "%s");
    if (at && n > 0) { /* a second path */
        char rest[512];

        snprintf(rest, sizeof rest, "%s", at + 2);
        snprintf(expected + (at - expected), sizeof expected - (size_t)(at - expected), "%s%s",
                 folder, rest);
    }
    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, expected);
    err = (struct mx_err){0};
    cr_expect_eq(worker_dataset_probe(&params, &fingerprint, &err), -1);
    cr_expect_str_eq(err.text, expected);
}

/* One file of an otherwise good set replaced by these bytes. */
struct damage {
    const char *name;
    const char *bytes;
    size_t      len;
    const char *text; /* of the refusal */
};

#define BYTES(text) text, sizeof text - 1

static const struct damage damages[] = {
    {"train-images-idx3-ubyte", BYTES("\0\0\x8\1\0\0\0\2\3\4"),
     "%s/train-images-idx3-ubyte is not an IDX file of images: it starts with 0x00000801, not "
     "0x00000803: get the file again"},
    {"t10k-labels-idx1-ubyte", BYTES("PK\3\4zip"),
     "%s/t10k-labels-idx1-ubyte is not an IDX file of labels: it starts with 0x504b0304, not "
     "0x00000801: get the file again"},
    {"train-labels-idx1-ubyte", BYTES("\0\0\x8\1\0"),
     "%s/train-labels-idx1-ubyte is cut short: 5 of the 8 bytes of its header: get the file again"},
    {"train-images-idx3-ubyte", BYTES(""),
     "%s/train-images-idx3-ubyte is cut short: 0 of the 16 bytes of its header: get the file "
     "again"},
    {"train-images-idx3-ubyte", BYTES("\0\0\x8\3\0\0\0\2\0\0\0\34\0\0\0\34pixels"),
     "%s/train-images-idx3-ubyte is cut short: 6 of 1568 bytes behind its header: get the file "
     "again"},
    {"train-images-idx3-ubyte", BYTES("\0\0\x8\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
     "%s/train-images-idx3-ubyte declares more than 1073741824 bytes: get the file again"},
    {"train-images-idx3-ubyte", BYTES("\0\0\x8\3\0\1\0\0\0\1\0\0\0\1\0\0"),
     "%s/train-images-idx3-ubyte declares more than 1073741824 bytes: get the file again"},
    {"train-images-idx3-ubyte", BYTES("\0\0\x8\3\x3f\xff\xff\xff\0\0\0\1\0\0\0\1"),
     "%s/train-images-idx3-ubyte is cut short: 0 of 1073741823 bytes behind its header: get the "
     "file again"},
    {"t10k-images-idx3-ubyte", BYTES("\0\0\x8\3\0\0\0\0\0\0\0\34\0\0\0\34"),
     "%s/t10k-images-idx3-ubyte holds no images: dimension 1 is 0: get the file again"},
    {"t10k-images-idx3-ubyte", BYTES("\0\0\x8\3\0\0\0\1\0\0\0\2\0\0\0\3pixels"),
     "%s/t10k-images-idx3-ubyte holds images of 2 x 3 pixels, not 28 x 28"},
    {"train-labels-idx1-ubyte", BYTES("\0\0\x8\1\0\0\0\3\0\1\2"),
     "%s/train-images-idx3-ubyte.gz holds 20 images, but %s/train-labels-idx1-ubyte holds 3 "
     "labels: they are not of one set"},
    {"t10k-labels-idx1-ubyte", BYTES("\0\0\x8\1\0\0\0\5\0\1\2\3\12"),
     "%s/t10k-labels-idx1-ubyte: label 10 of image 4 is not one of the classes 0 to 9: get the "
     "file again"},
    {"train-labels-idx1-ubyte", BYTES("\0\0\x8\1\0\0\0\24\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3"),
     "kmnist: all training images in %s are of class 3: there is nothing to tell apart"},
    {"t10k-labels-idx1-ubyte", BYTES("\0\0\x8\1\0\0\0\5\0\1\2\3\4\5"),
     "%s/t10k-labels-idx1-ubyte goes on behind the 5 bytes that its header declares: get the file "
     "again"},
};

Test(idx, refuses_each_kind_of_damage_in_one_clear_line)
{
    for (size_t k = 0; k < sizeof damages / sizeof damages[0]; k++) {
        char *folder = folder_make();

        put_set(folder, 20, 5);
        put_bytes(folder, damages[k].name, damages[k].bytes, damages[k].len);
        expect_refusal(folder, damages[k].text);
        folder_remove(folder);
    }
}

Test(idx, names_a_folder_or_file_that_is_missing_and_what_to_do)
{
    char                *folder = folder_make();
    char                *deeper = mx_path_join(folder, "nothing");
    struct worker_params params = {.data_set = WORKER_DATA_FASHION_MNIST};
    struct mx_err        err = {0};
    char                 text[512];

    expect_refusal(deeper, "kmnist: there is no folder %s: get it with `mixsweep data fetch "
                           "kmnist`, put its four files (train-images-idx3-ubyte and so on, "
                           "gzipped or not) there, or set data.path");
    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    snprintf(
        text, sizeof text,
        "fashion-mnist: there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz "
        "in %s: install the Debian package dataset-fashion-mnist, or get it with `mixsweep data "
        "fetch fashion-mnist`, or set data.path",
        folder);
    cr_expect_null(worker_dataset_open(&params, 1, &err));
    cr_expect_str_eq(err.text, text);
    put_bytes(folder, "nothing", "", 0);
    expect_refusal(deeper, "kmnist: cannot read the folder %s: Not a directory");
    free(deeper);
    folder_remove(folder);
}

Test(idx, says_that_a_folder_may_not_be_read)
{
    char *folder = folder_make(), *inner = mx_path_join(folder, "set");
    char *file = mx_path_join(inner, "train-labels-idx1-ubyte.gz");

    mx_dir_make(inner, NULL);
    put_set(inner, 20, 5);
    chmod(folder, 0755);
    chmod(file, 0);
    if (geteuid() == 0) /* root may read everything: be nobody for a while */
        cr_assert_eq(seteuid(65534), 0);
    expect_refusal(inner, "cannot open %s/train-labels-idx1-ubyte.gz: Permission denied");
    if (geteuid() == 65534)
        cr_assert_eq(seteuid(0), 0);
    chmod(inner, 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
    expect_refusal(inner, "kmnist: cannot read the folder %s: Permission denied");
    if (geteuid() == 65534)
        cr_assert_eq(seteuid(0), 0);
    chmod(inner, 0755);
    free(file);
    free(inner);
    folder_remove(folder);
}

Test(idx, a_folder_in_a_files_place_is_not_a_file)
{
    char *folder = folder_make();
    char *inner = mx_path_join(folder, "train-images-idx3-ubyte");

    put_set(folder, 20, 5);
    mx_dir_make(inner, NULL);
    expect_refusal(folder, "%s/train-images-idx3-ubyte is not a file");
    free(inner);
    folder_remove(folder);
}

/* The first `keep` bytes of a compressed file (less if negative), one byte changed. */
static void spoil(const char *folder, const char *name, long keep, long changed)
{
    char         *path = mx_path_join(folder, name);
    struct mx_buf content = {0};
    long          len;

    cr_assert_eq(mx_file_read(path, 1 << 20, &content, NULL), 0);
    len = (long)content.len;
    if (changed)
        content.data[len + changed] ^= 0x55;
    cr_assert_eq(mx_file_write(path, content.data, (size_t)(keep > 0 ? keep : len + keep), NULL),
                 0);
    mx_buf_free(&content);
    free(path);
}

Test(idx, finds_damage_inside_gzip)
{
    char *folder = folder_make();

    put_set(folder, 20, 5);
    spoil(folder, "train-labels-idx1-ubyte.gz", 0, -6); /* the checksum is 8 bytes from the end */
    expect_refusal(folder, "%s/train-labels-idx1-ubyte.gz is damaged (incorrect data check): get "
                           "the file again");
    put_labels(folder, "train-labels-idx1-ubyte.gz", 20, 10);
    spoil(folder, "train-labels-idx1-ubyte.gz", -3, 0);
    expect_refusal(folder, "%s/train-labels-idx1-ubyte.gz is cut short in its last bytes: get the "
                           "file again");
    put_labels(folder, "train-labels-idx1-ubyte.gz", 20, 10);
    spoil(folder, "t10k-images-idx3-ubyte.gz", 12, 0);
    expect_refusal(folder, "%s/t10k-images-idx3-ubyte.gz is cut short: 0 of the 16 bytes of its "
                           "header: get the file again");
    folder_remove(folder);
}

/* 64 MiB of zeros behind a header that declares one label. */
Test(idx, unpacks_no_more_than_was_declared)
{
    enum {
        BOMB = 64 << 20
    };
    char             *folder = folder_make(), *path = mx_path_join(folder, "bomb.gz");
    uint8_t          *bomb = calloc(1, BOMB);
    struct mx_err     err = {0};
    struct worker_idx idx;

    memcpy(bomb, "\0\0\x8\1\0\0\0\1", 8);
    put_bytes(folder, "bomb.gz", bomb, BOMB);
    cr_expect_eq(worker_idx_read(path, 1, &idx, &err), -1);
    cr_expect_null(idx.data);
    cr_expect(strstr(err.text, "goes on behind the 1 bytes that its header declares") != NULL);
    free(bomb);
    free(path);
    folder_remove(folder);
}

Test(idx, reads_plain_gzipped_and_dotted_names_alike)
{
    static const char *const names[][4] = {
        {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
         "t10k-labels-idx1-ubyte"},
        {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
         "t10k-labels-idx1-ubyte.gz"},
        {"train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte",
         "t10k-labels.idx1-ubyte"},
    };
    struct worker_params params = {.data_set = WORKER_DATA_MNIST};
    uint64_t             fingerprints[3];

    for (int k = 0; k < 3; k++) {
        char                  *folder = folder_make();
        struct worker_dataset *set;

        put_images(folder, names[k][0], 30, 28);
        put_labels(folder, names[k][1], 30, 10);
        put_images(folder, names[k][2], 10, 28);
        put_labels(folder, names[k][3], 10, 10);
        snprintf(params.data_path, sizeof params.data_path, "%s", folder);
        cr_assert_not_null(set = worker_dataset_open(&params, 1, NULL));
        cr_expect_eq(set->train.n + set->val.n, 30);
        cr_expect_eq(set->test.n, 10);
        cr_expect_eq(set->test.pixels[9 * 784 + 783], 63);
        cr_expect_eq(set->test.labels[9], 9);
        cr_expect_eq(worker_dataset_probe(&params, &fingerprints[k], NULL), 0);
        worker_dataset_free(set);
        folder_remove(folder);
    }
    cr_expect_neq(fingerprints[0], fingerprints[1]); /* names and bytes on disk count */
    cr_expect_neq(fingerprints[0], fingerprints[2]);
}

Test(idx, fingerprint_follows_the_bytes_and_not_the_folder)
{
    char                *a = folder_make(), *b = folder_make();
    struct worker_params params = {.data_set = WORKER_DATA_MNIST};
    uint64_t             one, two, changed;

    put_set(a, 20, 5);
    put_set(b, 20, 5);
    snprintf(params.data_path, sizeof params.data_path, "%s", a);
    cr_assert_eq(worker_dataset_probe(&params, &one, NULL), 0);
    snprintf(params.data_path, sizeof params.data_path, "%s", b);
    cr_assert_eq(worker_dataset_probe(&params, &two, NULL), 0);
    put_labels(b, "t10k-labels-idx1-ubyte.gz", 5, 4);
    cr_assert_eq(worker_dataset_probe(&params, &changed, NULL), 0);
    cr_expect_eq(one, two);
    cr_expect_neq(one, changed);
    folder_remove(a);
    folder_remove(b);
}

/* A file that another process writes anew all the time is read as one of the two that it is, or
 * refused; what is refused leaves nothing behind. */
Test(idx, a_file_that_changes_while_it_is_read_is_whole_or_refused)
{
    char          *folder = folder_make(), *path = mx_path_join(folder, "f");
    static uint8_t few[8 + 100000], many[8 + 200000];
    unsigned       whole = 0, refused = 0;
    struct mx_err  err = {.code = MX_OK};
    pid_t          child;

    memcpy(few, "\0\0\x08\x01\0\x01\x86\xa0", 8);
    memcpy(many, "\0\0\x08\x01\0\x03\x0d\x40", 8);
    memset(few + 8, 1, sizeof few - 8);
    memset(many + 8, 2, sizeof many - 8);
    put_bytes(folder, "f", few, sizeof few);
    if ((child = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned k = 0;; k++) /* until it is killed */
            put_bytes(folder, "f", k % 2 ? few : many, k % 2 ? sizeof few : sizeof many);
    }
    for (unsigned k = 0; k < 300; k++) {
        struct worker_idx idx = {.data = NULL};

        if (worker_idx_read(path, 1, &idx, &err)) {
            cr_expect_null(idx.data);
            cr_expect_eq(err.code, MX_EDATA, "%s", err.text);
            refused++;
        } else {
            cr_expect(idx.dims[0] == 100000 || idx.dims[0] == 200000);
            whole++;
        }
        free(idx.data);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_expect_eq(whole + refused, 300);
    free(path);
    folder_remove(folder);
}
