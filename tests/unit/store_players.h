/* store_players.h - processes that open one store of decoded images at once, and what each does. */
#ifndef MX_TESTS_STORE_PLAYERS_H
#define MX_TESTS_STORE_PLAYERS_H

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

static inline void hash_files(struct list *list)
{
    for (uint32_t i = 0; i < FILES; i++) {
        char    *path = mx_path_join(list->folder, list->names[i]);
        uint64_t bytes;

        cr_assert_eq(mx_hash_file(path, &bytes, &list->hashes[i], NULL), 0);
        free(path);
    }
}

/* Name the store, which depends on the files. */
static inline void name_store(struct list *list)
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
static inline struct list *make_list(uint32_t size)
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

static inline void free_list(struct list *list)
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

static inline bool play(void *user, uint64_t done, uint64_t total)
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

static inline void open_store(struct player *player, const char *cache)
{
    struct mx_err              note = {.code = MX_OK};
    struct worker_image_store *store =
        worker_image_cache_open(cache, &player->spec, &note, &player->outcome->err);

    player->outcome->opened = store && store->map && note.code == MX_OK;
    player->outcome->decoded = store ? store->decoded : 0;
    worker_image_store_free(store);
}

/* A process that opens the store. */
static inline struct player *start(const struct list *list, enum act act, uint32_t at,
                                   uint64_t file_bytes)
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

static inline void await_act(const struct player *player)
{
    char byte;

    cr_assert_eq(read(player->told[0], &byte, 1), 1);
}

static inline void release(const struct player *player)
{
    char byte = 0;

    cr_assert_eq(write(player->release[1], &byte, 1), 1);
}

/* The process has ended, or been killed by `signal_number`, or one of both (-1). Returns what came of
 * it. */
static inline struct outcome end(struct player *player, int signal_number)
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

static inline bool exists(const struct list *list, const char *ending)
{
    char path[TEXT];

    snprintf(path, sizeof path, "%s%s", list->stem, ending);
    return access(path, F_OK) == 0;
}

static inline void await_file(const struct list *list, const char *ending)
{
    const double until = mx_clock_monotonic_s() + DEADLINE_S;

    while (!exists(list, ending)) {
        cr_assert(mx_clock_monotonic_s() < until, "no %s", ending);
        mx_clock_sleep_s(0.002);
    }
}

static inline uint32_t count_files(const struct list *list)
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
static inline struct mx_buf take_store(const struct list *list)
{
    struct mx_buf bytes = {0};

    cr_expect_eq(count_files(list), 1);
    cr_assert_eq(mx_file_read(list->stem, 1 << 26, &bytes, NULL), 0);
    cr_assert_eq(unlink(list->stem), 0);
    return bytes;
}

/* The store as one process alone makes it. */
static inline struct mx_buf make_alone(const struct list *list)
{
    struct outcome outcome = end(start(list, GO_ON, 0, 0), 0);

    cr_assert(outcome.opened, "%s", outcome.err.text);
    cr_assert_eq(outcome.decoded, FILES);
    return take_store(list);
}

static inline void expect_store(const struct list *list, const struct mx_buf *due)
{
    struct mx_buf bytes = take_store(list);

    cr_assert_eq(bytes.len, due->len);
    cr_expect_arr_eq(bytes.data, due->data, due->len);
    mx_buf_free(&bytes);
}

/* A holder that has decoded one file and waits. */
static inline struct player *start_holder(const struct list *list, enum act act)
{
    struct player *holder = start(list, act, 0, 0);

    await_act(holder);
    return holder;
}

#endif
