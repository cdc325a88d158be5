#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "idx_files.h"
#include "picture_files.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/file_index.h"
#include "worker/stage.h"

enum {
    TRAIN = 8,
    TEST = 4,
    BYTES = 3 * 8 * 8,
};

/* Two classes of images whose level is their number, below `below`. */
static void put_levels(const char *folder, const char *below, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        char name[64];

        snprintf(name, sizeof name, "%s%s/%03u.png", below, k % 2 ? "dog" : "cat", k / 2);
        put_level(folder, name, 8, (uint8_t)(10 * k));
    }
}

/* A set of TRAIN and TEST images, and a cache that is its own. */
struct fixture {
    char                *folder, *cache;
    struct worker_params params;
};

static struct fixture make(void)
{
    struct fixture f = {.params = {.data_set = WORKER_DATA_FOLDER, .data_size = 8}};

    f.folder = folder_make();
    f.cache = mx_path_join(f.folder, ".images");
    cr_assert_eq(setenv("MIXSWEEP_CACHE", f.cache, 1), 0);
    snprintf(f.params.data_path, sizeof f.params.data_path, "%s", f.folder);
    put_levels(f.folder, "train/", TRAIN);
    put_levels(f.folder, "test/", TEST);
    return f;
}

static void end(struct fixture *f)
{
    free(f->cache);
    folder_remove(f->folder);
}

static struct worker_dataset *must_open(const struct fixture *f, uint64_t seed)
{
    struct mx_err          err = {0};
    struct worker_dataset *set = worker_dataset_open(&f->params, seed, &err);

    cr_assert_not_null(set, "%s", err.text);
    return set;
}

/* How many files an opening decodes. */
static uint32_t decoded(const struct fixture *f, uint64_t seed)
{
    struct worker_dataset *set = must_open(f, seed);
    uint32_t               n = set->decoded;

    worker_dataset_free(set);
    return n;
}

static void expect_same_split(const struct worker_split *a, const struct worker_split *b)
{
    cr_assert_eq(a->n, b->n);
    cr_expect_arr_eq(a->labels, b->labels, a->n * sizeof *a->labels);
    cr_expect_arr_eq(a->rows, b->rows, a->n * sizeof *a->rows);
    for (uint32_t i = 0; i < a->n; i++)
        cr_expect_arr_eq(worker_split_image(a, i, BYTES), worker_split_image(b, i, BYTES), BYTES);
}

static void expect_same(const struct worker_dataset *a, const struct worker_dataset *b)
{
    expect_same_split(&a->train, &b->train);
    expect_same_split(&a->val, &b->val);
    expect_same_split(&a->test, &b->test);
    cr_expect_arr_eq(a->mean, b->mean, sizeof a->mean);
    cr_expect_arr_eq(a->sd, b->sd, sizeof a->sd);
    cr_expect_eq(a->remarks.skipped, b->remarks.skipped);
    cr_expect_str_eq(a->remarks.first_skipped, b->remarks.first_skipped);
    cr_expect_eq(a->remarks.turned, b->remarks.turned);
    cr_expect_str_eq(a->remarks.first_turned, b->remarks.first_turned);
}

/* Files of the cache whose name begins so; the path of the largest, to be freed, in *largest. */
static uint32_t count_files(const struct fixture *f, const char *prefix, char **largest)
{
    DIR           *dir = opendir(f->cache);
    struct dirent *entry;
    uint32_t       n = 0;
    off_t          most = -1;

    cr_assert_not_null(dir);
    while ((entry = readdir(dir))) {
        char       *path = mx_path_join(f->cache, entry->d_name);
        struct stat st;

        if (!strncmp(entry->d_name, prefix, strlen(prefix)) && stat(path, &st) == 0) {
            n++;
            if (largest && st.st_size > most) {
                most = st.st_size;
                free(*largest);
                *largest = strdup(path);
            }
        }
        free(path);
    }
    closedir(dir);
    return n;
}

/* Opened with no cache, into memory. */
static struct worker_dataset *open_without(const struct fixture *f, uint64_t seed)
{
    struct worker_dataset *set;

    setenv("MIXSWEEP_CACHE", "/dev/null/none", 1);
    set = must_open(f, seed);
    setenv("MIXSWEEP_CACHE", f->cache, 1);
    return set;
}

Test(image_cache, the_second_opening_decodes_nothing_and_both_are_as_without_a_cache)
{
    struct fixture         f = make();
    struct worker_dataset *first, *second, *without;

    f.params.data_val_fraction = 0.25;
    first = must_open(&f, 1);
    second = must_open(&f, 1);
    without = open_without(&f, 1);
    cr_expect_eq(first->decoded, TRAIN + TEST);
    cr_expect_eq(second->decoded, 0);
    cr_expect_eq(without->decoded, TRAIN + TEST);
    cr_expect_eq(first->val.n, 2);
    expect_same(first, second);
    expect_same(first, without);
    cr_expect_eq(second->val.pixels, second->train.pixels); /* one and the same memory */
    cr_expect_str_eq(first->remarks.uncached, "");
    worker_dataset_free(first);
    worker_dataset_free(second);
    worker_dataset_free(without);
    end(&f);
}

Test(image_cache, other_pixels_have_another_file_and_other_seeds_and_names_have_not)
{
    struct fixture f = make();
    char          *from = mx_path_join(f.folder, "train"), *to = mx_path_join(f.folder, "moved");

    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    cr_expect_eq(count_files(&f, "images-", NULL), 2);
    f.params.data_size = 9;
    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    f.params.data_channels = 1;
    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    f.params.data_on_decode_error = WORKER_ON_DECODE_ERROR_SKIP;
    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    cr_expect_eq(decoded(&f, 2), 0);
    cr_expect_eq(count_files(&f, "images-", NULL), 8);
    put_level(f.folder, "train/cat/000.png", 8, 5);
    cr_expect_eq(decoded(&f, 1), TRAIN); /* of this part, the file may be elsewhere in all */
    cr_assert_eq(rename(from, to), 0);
    f.params.data_test_fraction = 0.25;
    snprintf(f.params.data_path, sizeof f.params.data_path, "%s", to);
    cr_expect_eq(decoded(&f, 1), 0);
    cr_expect_eq(decoded(&f, 2), 0); /* other test images are held out of the same ones */
    free(from);
    free(to);
    end(&f);
}

Test(image_cache, held_out_images_are_those_of_every_seed_without_it)
{
    struct fixture f = make();

    snprintf(f.params.data_path, sizeof f.params.data_path, "%s/train", f.folder);
    f.params.data_test_fraction = 0.25;
    for (uint64_t seed = 1; seed < 4; seed++) {
        struct worker_dataset *with = must_open(&f, seed), *without = open_without(&f, seed);

        cr_expect_eq(with->decoded, seed == 1 ? TRAIN : 0);
        cr_expect_eq(with->test.n, 2);
        expect_same(with, without);
        worker_dataset_free(with);
        worker_dataset_free(without);
    }
    end(&f);
}

Test(image_cache, limits_decode_and_keep_no_more_than_they_need)
{
    struct fixture         f = make();
    struct worker_dataset *with, *without;

    f.params.data_train_limit = 3;
    f.params.data_test_limit = 2;
    with = must_open(&f, 1);
    cr_expect_eq(with->decoded, TRAIN + 2); /* the constants are those of all */
    without = open_without(&f, 1);
    expect_same(with, without);
    cr_expect_eq(with->train.n, 3);
    cr_expect_eq(decoded(&f, 1), 0);
    f.params.data_normalize = WORKER_NORMALIZE_NONE;
    cr_expect_eq(decoded(&f, 1), 3);
    cr_expect_eq(decoded(&f, 1), 0);
    worker_dataset_free(with);
    worker_dataset_free(without);
    end(&f);
}

/* Change a byte of a file. */
static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    int   byte;

    cr_assert(file && fseek(file, at, SEEK_SET) == 0);
    byte = fgetc(file);
    cr_assert(fseek(file, at, SEEK_SET) == 0 && fputc(byte ^ 4, file) != EOF && !fclose(file));
}

Test(image_cache, a_file_that_is_cut_or_changed_or_foreign_is_made_again)
{
    struct fixture         f = make();
    struct worker_dataset *good = open_without(&f, 1);
    char                  *path = NULL;
    struct stat            st;

    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    cr_assert_eq(count_files(&f, "images-", &path), 2); /* the larger one is training */
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 4096 + TRAIN * BYTES);
    /* magic, key, counts, hashes, states, rows, pixels; then shorter, longer, empty, foreign */
    for (long k = 0; k < 11; k++) {
        static const long      at[] = {3, 17, 33, 60, 82, 120, 4096 + 700};
        static const char      foreign[] = "something that somebody else has put there";
        struct worker_dataset *again;

        if (k < 7)
            flip(path, at[k]);
        else if (k < 10)
            cr_assert_eq(truncate(path, (off_t[]){st.st_size - 1, st.st_size + 1, 0}[k - 7]), 0);
        else
            put_text(f.cache, strrchr(path, '/') + 1, foreign);
        again = must_open(&f, 1);
        cr_expect_eq(again->decoded, TRAIN, "%ld", k);
        expect_same(good, again);
        cr_expect_eq(decoded(&f, 1), 0, "%ld", k);
        worker_dataset_free(again);
    }
    worker_dataset_free(good);
    free(path);
    end(&f);
}

Test(image_cache, what_a_killed_process_left_is_no_hindrance)
{
    struct fixture f = make();
    char          *path = NULL, left[512];

    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    count_files(&f, "images-", &path);
    cr_assert_eq(unlink(path), 0);
    snprintf(left, sizeof left, "%s.tmp", strrchr(path, '/') + 1);
    put_text(f.cache, left, "half of it");
    cr_expect_eq(decoded(&f, 1), TRAIN);
    cr_expect_eq(decoded(&f, 1), 0);
    cr_expect_eq(count_files(&f, "images-", NULL), 2);
    free(path);
    end(&f);
}

Test(image_cache, processes_that_start_at_once_decode_each_file_once)
{
    enum {
        PROCESSES = 4
    };
    struct fixture f = make();
    int            start[2], each = 0;

    put_levels(f.folder, "train/", 100);
    cr_assert_eq(pipe(start), 0);
    for (int p = 0; p < PROCESSES; p++)
        if (fork() == 0) {
            struct worker_dataset *set;
            char                   byte;

            close(start[1]);
            if (read(start[0], &byte, 1) != 0 || !(set = worker_dataset_open(&f.params, 1, NULL)))
                _exit(255);
            _exit((int)set->decoded);
        }
    close(start[0]);
    close(start[1]);
    for (int p = 0; p < PROCESSES; p++) {
        int status;

        cr_assert(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 255);
        each += WEXITSTATUS(status);
    }
    cr_expect_eq(each, 100 + TEST);
    cr_expect_eq(count_files(&f, "images-", NULL), 2);
    end(&f);
}

Test(image_cache, without_a_place_for_it_images_are_decoded_each_time_and_that_is_told)
{
    struct fixture         f = make();
    struct worker_dataset *set;
    char                  *file = mx_path_join(f.folder, "boxes.csv"), wanted[512], below[400];

    put_text(f.folder, "boxes.csv", "");
    snprintf(below, sizeof below, "%s/cache", file);
    snprintf(wanted, sizeof wanted, "cannot make directory %s: Not a directory", below);
    setenv("MIXSWEEP_CACHE", below, 1);
    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    set = must_open(&f, 1);
    cr_expect_eq(set->decoded, TRAIN + TEST);
    cr_expect_str_eq(set->remarks.uncached, wanted);
    worker_dataset_free(set);
    unsetenv("MIXSWEEP_CACHE");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    set = must_open(&f, 1);
    cr_expect_str_eq(set->remarks.uncached, "there is no home directory: set MIXSWEEP_CACHE");
    worker_dataset_free(set);
    free(file);
    end(&f);
}

Test(image_cache, a_cache_that_gets_full_is_told_and_leaves_nothing_behind)
{
    struct fixture         f = make();
    struct rlimit          small = {4096 + 300, 4096 + 300};
    struct worker_dataset *set, *without = open_without(&f, 1);

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    set = must_open(&f, 1);
    cr_expect_eq(set->decoded, TRAIN + TEST);
    cr_expect(strstr(set->remarks.uncached, "cannot write "));
    cr_expect(strstr(set->remarks.uncached, ".tmp: File too large"));
    expect_same(set, without);
    cr_expect_eq(count_files(&f, "images-", NULL), 0);
    worker_dataset_free(set);
    worker_dataset_free(without);
    end(&f);
}

Test(image_cache, a_damaged_file_is_named_each_time_until_it_is_mended)
{
    struct fixture f = make();
    char           wanted[512];
    struct mx_err  err;

    put_text(f.folder, "train/cat/001.png", "no image");
    snprintf(wanted, sizeof wanted,
             "%s/train/cat/001.png is neither a JPEG nor a PNG file: convert it", f.folder);
    for (int k = 0; k < 2; k++) {
        cr_expect_null(worker_dataset_open(&f.params, 1, &err));
        cr_expect_eq(err.code, MX_EDATA);
        cr_expect_str_eq(err.text, wanted);
    }
    cr_expect_eq(count_files(&f, "images-", NULL), 0);
    put_level(f.folder, "train/cat/001.png", 8, 1);
    cr_expect_eq(decoded(&f, 1), TRAIN + TEST);
    end(&f);
}

Test(image_cache, what_was_skipped_is_counted_from_the_cache_too)
{
    struct fixture         f = make();
    struct worker_dataset *first, *second, *without;

    put_text(f.folder, "train/cat/001.png", "no image");
    put_text(f.folder, "train/dog/003.png", "");
    f.params.data_on_decode_error = WORKER_ON_DECODE_ERROR_SKIP;
    first = must_open(&f, 1);
    second = must_open(&f, 1);
    without = open_without(&f, 1);
    cr_expect_eq(second->decoded, 0);
    cr_expect_eq(second->remarks.skipped, 2);
    cr_expect_eq(second->train.n, TRAIN - 2);
    expect_same(first, second);
    expect_same(first, without);
    worker_dataset_free(first);
    worker_dataset_free(second);
    worker_dataset_free(without);
    end(&f);
}

struct counter {
    uint64_t ticks, last; /* `last` of them asks for the end; 0: none */
};

static bool count(void *user, uint64_t done, uint64_t total)
{
    struct counter *counter = user;

    (void)done;
    cr_expect_eq(total, 0); /* it is no share of the stage's own work */
    counter->ticks++;
    return counter->last > 0 && counter->ticks >= counter->last;
}

Test(image_cache, each_file_is_a_sign_of_life_and_the_end_can_be_asked_for_at_each)
{
    struct fixture               f = make();
    struct counter               counter = {0, 0};
    const struct worker_progress progress = {.tick = count, .user = &counter};
    struct worker_dataset       *set;

    for (counter.last = 1; counter.last <= 2 * (TRAIN + TEST); counter.last += TRAIN - 1) {
        struct mx_err err = {.code = MX_OK};

        counter.ticks = 0;
        cr_expect_null(worker_dataset_open_told(&f.params, 1, &progress, &err));
        cr_expect_eq(err.code, MX_EINTERRUPTED, "%s", err.text);
        cr_expect_eq(counter.ticks, counter.last);
        cr_assert_eq(mx_dir_remove(f.cache, NULL), 0);
    }
    counter = (struct counter){0, 0};
    set = worker_dataset_open_told(&f.params, 1, &progress, NULL);
    cr_assert_not_null(set);
    cr_expect_eq(counter.ticks, 2 * (TRAIN + TEST)); /* hashed, and decoded */
    worker_dataset_free(set);
    end(&f);
}

/* Files that are read to hash the training images, `later` seconds from now. */
static uint32_t reads(const struct fixture *f, double later)
{
    struct worker_file_index *index =
        worker_file_index_open(f->cache, f->folder, mx_clock_utc_s() + later, NULL);
    uint32_t n;

    for (uint32_t k = 0; k < TRAIN; k++) {
        char     name[64];
        uint64_t bytes, hash, bytes_now, hash_now;
        char    *path;

        snprintf(name, sizeof name, "train/%s/%03u.png", k % 2 ? "dog" : "cat", k / 2);
        path = mx_path_join(f->folder, name);
        cr_assert_eq(worker_file_index_hash(index, name, &bytes, &hash, NULL), 0);
        cr_assert_eq(mx_hash_file(path, &bytes_now, &hash_now, NULL), 0);
        cr_expect_eq(hash, hash_now);
        cr_expect_eq(bytes, bytes_now);
        free(path);
    }
    n = worker_file_index_reads(index);
    worker_file_index_close(index);
    return n;
}

Test(image_cache, an_unchanged_file_is_not_read_again_unless_it_was_young)
{
    struct fixture f = make();
    char          *path = NULL;

    cr_assert_eq(mx_dir_make(f.cache, NULL), 0);
    cr_expect_eq(reads(&f, 0), TRAIN); /* written a moment ago */
    cr_expect_eq(reads(&f, 0), TRAIN);
    cr_expect_eq(reads(&f, 60), TRAIN);
    cr_expect_eq(reads(&f, 60), 0);
    put_level(f.folder, "train/dog/002.png", 8, 200);
    cr_expect_eq(reads(&f, 60), 1);
    cr_expect_eq(reads(&f, 0), 0);
    cr_assert_eq(count_files(&f, "files-", &path), 1);
    flip(path, 50);
    cr_expect_eq(reads(&f, 60), TRAIN);
    cr_assert_eq(truncate(path, 70), 0);
    cr_expect_eq(reads(&f, 60), TRAIN);
    cr_expect_eq(reads(&f, 60), 0);
    free(path);
    end(&f);
}
