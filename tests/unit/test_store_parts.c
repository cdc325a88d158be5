/* Processes that decode one store together: its bytes and its mistakes are those of one alone,
 * whoever is killed, stopped or slow, and nothing else stays. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "idx_files.h"
#include "picture_files.h"
#include "worker/choices.h"
#include "worker/image_cache.h"
#include "worker/stage.h"
#include "worker/store_file.h"

enum {
    FILES = 42,
    PART = 4, /* files of a part */
    PARTS = 11,
    SIDE = 16,
    TEXT = 512,
    DEADLINE_S = 60,
};

/* A list of files, and a cache that is its own. */
struct list {
    char                     *folder, *cache, *stem;
    struct worker_params      params;
    char                      names[FILES][16];
    struct worker_folder_file files[FILES];
    uint64_t                  hashes[FILES];
    struct worker_store_spec  spec;
};

static void hash_files(struct list *list)
{
    for (uint32_t i = 0; i < FILES; i++) {
        char    *path = mx_path_join(list->folder, list->names[i]);
        uint64_t bytes;

        cr_assert_eq(mx_hash_file(path, &bytes, &list->hashes[i], NULL), 0);
        free(path);
    }
}

/* Name the store, which depends on the files. */
static void name_store(struct list *list)
{
    struct mx_hash128 key;
    char              hex[MX_HASH128_HEX], name[64];

    hash_files(list);
    cr_assert_eq(worker_store_key(&list->spec, &key, NULL), 0);
    snprintf(name, sizeof name, "images-%s", mx_hash128_hex(key, hex));
    free(list->stem);
    list->stem = mx_path_join(list->cache, name);
}

/* Images of sizes of their own, brought to `size`; 0: all of one size. */
static struct list *make_list(uint32_t size)
{
    struct list *list = calloc(1, sizeof *list);

    list->folder = folder_make();
    list->cache = mx_path_join(list->folder, "cache");
    cr_assert_eq(mx_dir_make(list->cache, NULL), 0);
    list->params.data_size = size;
    for (uint32_t i = 0; i < FILES; i++) {
        snprintf(list->names[i], sizeof list->names[i], "%u.png", i);
        list->files[i].name = list->names[i];
        put_level(list->folder, list->names[i], size > 0 ? SIDE + i % 5 : SIDE, (uint8_t)(3 * i));
    }
    list->spec = (struct worker_store_spec){.params = &list->params,
                                            .path = list->folder,
                                            .files = list->files,
                                            .nfiles = FILES,
                                            .hashes = list->hashes,
                                            .keep = FILES,
                                            .all = true,
                                            .channels = 3};
    name_store(list);
    return list;
}

static void free_list(struct list *list)
{
    free(list->stem);
    free(list->cache);
    folder_remove(list->folder);
    free(list);
}

/* What a process does when its work has gone so far. */
enum act {
    GO_ON,
    HOLD,  /* tell so, and wait to be released */
    DIE,   /* of SIGKILL, once released */
    SLEEP, /* of SIGSTOP */
    ASK,   /* ask for the end */
};

struct outcome {
    uint32_t      decoded;
    bool          opened;
    struct mx_err err;
};

struct player {
    enum act                 act;
    uint32_t                 at, ticks;
    uint64_t                 file_bytes; /* it may write no larger file; 0: any */
    pid_t                    pid;
    int                      told[2], release[2];
    struct outcome          *outcome; /* shared with its process */
    struct worker_store_spec spec;
    struct worker_progress   progress;
};

static bool play(void *user, uint64_t done, uint64_t total)
{
    struct player *player = user;
    const uint32_t tick = player->ticks++;
    char           byte = 0;

    (void)done;
    (void)total;
    if (player->act == ASK) /* and so from then on */
        return tick >= player->at;
    if (tick != player->at)
        return false;
    if (player->act == HOLD || player->act == DIE)
        if (write(player->told[1], &byte, 1) != 1 || read(player->release[0], &byte, 1) != 1)
            _exit(3);
    if (player->act == DIE)
        kill(getpid(), SIGKILL);
    if (player->act == SLEEP)
        kill(getpid(), SIGSTOP);
    return false;
}

static void open_store(struct player *player, const char *cache)
{
    struct mx_err              note = {.code = MX_OK};
    struct worker_image_store *store =
        worker_image_cache_open(cache, &player->spec, &note, &player->outcome->err);

    player->outcome->opened = store && store->map && note.code == MX_OK;
    player->outcome->decoded = store ? store->decoded : 0;
    worker_image_store_free(store);
}

/* A process that opens the store. */
static struct player *start(const struct list *list, enum act act, uint32_t at, uint64_t file_bytes)
{
    struct player *player = calloc(1, sizeof *player);

    *player = (struct player){.act = act, .at = at, .file_bytes = file_bytes, .spec = list->spec};
    player->progress = (struct worker_progress){.tick = play, .user = player};
    player->spec.progress = &player->progress;
    player->outcome = mmap(NULL, sizeof *player->outcome, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(player->outcome != MAP_FAILED);
    cr_assert(pipe(player->told) == 0 && pipe(player->release) == 0);
    if ((player->pid = fork()) == 0) {
        struct rlimit small = {player->file_bytes, player->file_bytes};

        prctl(PR_SET_PDEATHSIG, SIGKILL); /* of a test that fails, nothing stays */
        signal(SIGXFSZ, SIG_IGN);
        if (file_bytes > 0 && setrlimit(RLIMIT_FSIZE, &small))
            _exit(4);
        open_store(player, list->cache);
        _exit(0);
    }
    cr_assert(player->pid > 0);
    return player;
}

static void await_act(const struct player *player)
{
    char byte;

    cr_assert_eq(read(player->told[0], &byte, 1), 1);
}

static void release(const struct player *player)
{
    char byte = 0;

    cr_assert_eq(write(player->release[1], &byte, 1), 1);
}

/* The process has ended, or been killed by `signal_number`, or one of both (-1). Returns what came of
 * it. */
static struct outcome end(struct player *player, int signal_number)
{
    struct outcome outcome;
    int            status;

    cr_assert_eq(waitpid(player->pid, &status, 0), player->pid);
    if (signal_number > 0)
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == signal_number);
    else if (signal_number == 0)
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    outcome = *player->outcome;
    munmap(player->outcome, sizeof *player->outcome);
    for (int k = 0; k < 2; k++) {
        close(player->told[k]);
        close(player->release[k]);
    }
    free(player);
    return outcome;
}

static bool exists(const struct list *list, const char *ending)
{
    char path[TEXT];

    snprintf(path, sizeof path, "%s%s", list->stem, ending);
    return access(path, F_OK) == 0;
}

static void await_file(const struct list *list, const char *ending)
{
    const double until = mx_clock_monotonic_s() + DEADLINE_S;

    while (!exists(list, ending)) {
        cr_assert(mx_clock_monotonic_s() < until, "no %s", ending);
        mx_clock_sleep_s(0.002);
    }
}

static uint32_t count_files(const struct list *list)
{
    DIR           *dir = opendir(list->cache);
    struct dirent *entry;
    uint32_t       n = 0;

    cr_assert_not_null(dir);
    while ((entry = readdir(dir)))
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* The file of the store, which is the only one there, and is removed. */
static struct mx_buf take_store(const struct list *list)
{
    struct mx_buf bytes = {0};

    cr_expect_eq(count_files(list), 1);
    cr_assert_eq(mx_file_read(list->stem, 1 << 26, &bytes, NULL), 0);
    cr_assert_eq(unlink(list->stem), 0);
    return bytes;
}

/* The store as one process alone makes it. */
static struct mx_buf make_alone(const struct list *list)
{
    struct outcome outcome = end(start(list, GO_ON, 0, 0), 0);

    cr_assert(outcome.opened, "%s", outcome.err.text);
    cr_assert_eq(outcome.decoded, FILES);
    return take_store(list);
}

static void expect_store(const struct list *list, const struct mx_buf *due)
{
    struct mx_buf bytes = take_store(list);

    cr_assert_eq(bytes.len, due->len);
    cr_expect_arr_eq(bytes.data, due->data, due->len);
    mx_buf_free(&bytes);
}

/* A holder that has decoded one file and waits. */
static struct player *start_holder(const struct list *list, enum act act)
{
    struct player *holder = start(list, act, 0, 0);

    await_act(holder);
    return holder;
}

Test(store_parts, helpers_make_all_parts_that_the_holder_has_not_begun_and_the_bytes_are_the_same)
{
    for (uint32_t size = 0; size <= 8; size += 8)
        for (uint32_t side = 0; side <= size; side += 8)
            for (int helpers = 1; helpers <= 2; helpers++) {
                struct list   *list = make_list(size);
                struct mx_buf  alone;
                struct player *holder, *others[2];
                uint32_t       helped = 0;

                list->spec.side = side;
                name_store(list);
                alone = make_alone(list);
                holder = start_holder(list, HOLD);
                for (int h = 0; h < helpers; h++)
                    others[h] = start(list, GO_ON, 0, 0);
                for (uint32_t k = 1; k < PARTS; k++) {
                    char ending[32];

                    snprintf(ending, sizeof ending, ".part-%u", k);
                    await_file(list, ending);
                }
                release(holder);
                cr_expect_eq(end(holder, 0).decoded, PART);
                for (int h = 0; h < helpers; h++) {
                    const struct outcome outcome = end(others[h], 0);

                    cr_expect(outcome.opened, "%s", outcome.err.text);
                    helped += outcome.decoded;
                }
                cr_expect_eq(helped, FILES - PART);
                expect_store(list, &alone);
                mx_buf_free(&alone);
                free_list(list);
            }
}

Test(store_parts, limits_share_what_is_certain_and_no_more)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone;
    struct player *holder, *helper;

    list->spec.keep = 10; /* three parts, the last of two files */
    for (int all = 0; all <= 1; all++) {
        const uint32_t looked_at = all ? FILES : list->spec.keep;

        list->spec.all = all;
        name_store(list);
        cr_assert_eq(end(start(list, GO_ON, 0, 0), 0).decoded, looked_at);
        alone = take_store(list);
        holder = start_holder(list, HOLD);
        helper = start(list, GO_ON, 0, 0);
        await_file(list, all ? ".part-10" : ".part-2");
        release(holder);
        cr_expect_eq(end(holder, 0).decoded, PART);
        cr_expect_eq(end(helper, 0).decoded, looked_at - PART);
        expect_store(list, &alone);
        mx_buf_free(&alone);
    }
    free_list(list);
}

Test(store_parts, a_helper_that_is_killed_leaves_nothing)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, DIE, 2, 0);

    await_act(helper); /* in the middle of a part */
    release(helper);
    end(helper, SIGKILL);
    cr_expect(exists(list, ".part-1.tmp"));
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, FILES);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, after_a_holder_that_is_killed_a_helper_goes_on_with_all_parts)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, DIE), *helper = start(list, GO_ON, 0, 0);
    struct outcome outcome;

    await_file(list, ".part-10");
    release(holder);
    end(holder, SIGKILL);
    outcome = end(helper, 0);
    cr_expect(outcome.opened, "%s", outcome.err.text);
    cr_expect_eq(outcome.decoded, FILES); /* each once */
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, what_is_left_when_all_are_killed_is_used_by_the_next)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, DIE), *helper = start(list, DIE, 6, 0);

    await_act(helper); /* it has made a part, and begun another */
    release(holder);
    end(holder, SIGKILL);
    release(helper);
    end(helper, SIGKILL);
    cr_expect(exists(list, ".part-1") && exists(list, ".part-2.tmp") && exists(list, ".claims"));
    cr_expect_eq(end(start(list, GO_ON, 0, 0), 0).decoded, FILES - PART);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, a_part_that_is_damaged_is_decoded_again)
{
    enum {
        PIXELS = 4096
    };
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, GO_ON, 0, 0);

    await_file(list, ".part-10");
    for (long k = 0; k < 5;
         k++) { /* magic, key, a row; pixels of the third image; the end is missing */
        char  path[TEXT];
        FILE *file;
        long  at = (long[]){2, 20, 150, PIXELS + 2 * 3 * 8 * 8 + 5, 0}[k];
        int   byte;

        snprintf(path, sizeof path, "%s.part-%ld", list->stem, 2 * k + 1);
        if (at == 0) {
            cr_assert_eq(truncate(path, PIXELS + 10), 0);
            continue;
        }
        file = fopen(path, "r+b");
        cr_assert(file && fseek(file, at, SEEK_SET) == 0);
        byte = fgetc(file);
        cr_assert(fseek(file, at, SEEK_SET) == 0 && fputc(byte ^ 4, file) != EOF && !fclose(file));
    }
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, PART + 4 * PART + 1);
    cr_expect_eq(end(helper, 0).decoded, FILES - PART);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

/* Opened by a holder and a helper, the store fails as by one alone. */
static void expect_failure(struct list *list, enum mx_code code, const char *part)
{
    const struct outcome alone = end(start(list, GO_ON, 0, 0), 0);
    struct player       *holder, *helper;
    struct outcome       outcome;

    cr_assert(!alone.opened);
    cr_expect_eq(alone.err.code, code);
    cr_assert_eq(count_files(list), 0);
    holder = start_holder(list, HOLD);
    helper = start(list, GO_ON, 0, 0);
    await_file(list, part);
    mx_clock_sleep_s(0.05);
    release(holder);
    for (int k = 0; k < 2; k++) {
        outcome = end(k ? helper : holder, 0);
        cr_expect(!outcome.opened);
        cr_expect_eq(outcome.err.code, code);
        cr_expect_str_eq(outcome.err.text, alone.err.text);
    }
    cr_expect_eq(count_files(list), 0);
}

Test(store_parts, of_several_mistakes_the_first_is_told_by_all)
{
    struct list *list = make_list(8);

    put_text(list->folder, "21.png", "no image");
    put_text(list->folder, "9.png", "no image either");
    name_store(list);
    expect_failure(list, MX_EDATA, ".part-1");
    free_list(list);
}

Test(store_parts, a_file_that_is_changed_is_told_by_all)
{
    struct list *list = make_list(8);

    put_level(list->folder, "9.png", SIDE, 201); /* after it was hashed */
    expect_failure(list, MX_EIO, ".part-1");
    free_list(list);
}

Test(store_parts, an_image_of_another_size_is_told_by_all)
{
    for (uint32_t odd = 8; odd <= 10; odd++) { /* the first of a part, or not */
        struct list *list = make_list(0);
        char         name[16];

        snprintf(name, sizeof name, "%u.png", odd);
        put_level(list->folder, name, SIDE + 1, 1);
        for (uint32_t i = 8; odd == 8 && i < 12; i++) { /* or all of it */
            snprintf(name, sizeof name, "%u.png", i);
            put_level(list->folder, name, SIDE + 1, 1);
        }
        name_store(list);
        expect_failure(list, MX_EINVAL, ".part-1");
        free_list(list);
    }
}

Test(store_parts, damaged_files_that_are_skipped_are_skipped_by_all)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone;
    struct player *holder, *helper;

    list->params.data_on_decode_error = WORKER_ON_DECODE_ERROR_SKIP;
    put_text(list->folder, "2.png", "no image");
    for (uint32_t i = 8; i < 14; i++) /* a whole part, and half of one */
        put_text(list->folder, list->names[i], "no image either");
    name_store(list);
    alone = make_alone(list);
    holder = start_holder(list, HOLD);
    helper = start(list, GO_ON, 0, 0);
    await_file(list, ".part-10");
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, PART);
    cr_expect_eq(end(helper, 0).decoded, FILES - PART);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, nobody_waits_long_for_a_helper_that_is_stopped)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, SLEEP, 2, 0);
    int            status;

    cr_assert_eq(waitpid(helper->pid, &status, WUNTRACED), helper->pid);
    cr_assert(WIFSTOPPED(status));
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, FILES);
    cr_assert_eq(kill(helper->pid, SIGCONT), 0);
    cr_expect(end(helper, 0).opened);
    expect_store(list, &alone); /* and what it had begun is gone */
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, a_helper_whose_disk_is_full_waits_as_if_it_did_not_help)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, HOLD, 9, 4096 + 300);
    struct outcome outcome;

    await_act(helper); /* it has tried one part, and waits */
    cr_expect(!exists(list, ".part-1") && !exists(list, ".part-1.tmp"));
    release(helper);
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, FILES);
    outcome = end(helper, 0);
    cr_expect(outcome.opened, "%s", outcome.err.text);
    cr_expect_eq(outcome.decoded, 0);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, who_is_asked_to_end_ends_and_the_others_go_on)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper;
    struct outcome outcome;

    for (uint32_t at = 0; at < 2 * FILES; at += 7) { /* in a part, between two, waiting */
        outcome = end(start(list, ASK, at, 0), 0);
        cr_expect_eq(outcome.err.code, MX_EINTERRUPTED, "%u", at);
        cr_expect(!outcome.opened);
    }
    release(holder);
    cr_expect(end(holder, 0).opened);
    expect_store(list, &alone);

    holder = start(list, ASK, 20, 0);
    outcome = end(holder, 0);
    cr_expect_eq(outcome.err.code, MX_EINTERRUPTED);
    cr_expect_eq(count_files(list), 0);

    holder = start_holder(list, HOLD);
    helper = start(list, GO_ON, 0, 0);
    await_file(list, ".part-10");
    release(holder);
    end(holder, 0);
    cr_expect(end(helper, 0).opened);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, many_at_once_make_the_same_bytes_whoever_is_killed)
{
    enum {
        PROCESSES = 6
    };
    struct list  *list = make_list(8);
    struct mx_buf alone = make_alone(list);

    for (uint32_t round = 0; round < 12; round++) {
        struct player *players[PROCESSES];

        for (uint32_t p = 0; p < PROCESSES; p++)
            players[p] = start(list, p == round % PROCESSES ? DIE : GO_ON, round * 4, 0);
        release(players[round % PROCESSES]);
        for (uint32_t p = 0; p < PROCESSES; p++) {
            /* One that is to die may have nothing left to do before it has gone so far. */
            const bool           dies = p == round % PROCESSES;
            const struct outcome outcome = end(players[p], dies ? -1 : 0);

            cr_expect(dies || outcome.opened, "%s", outcome.err.text);
        }
        expect_store(list, &alone);
    }
    mx_buf_free(&alone);
    free_list(list);
}
