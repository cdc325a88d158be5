#include "sweep/owner.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

enum {
    MAX_BYTES = 1 << 16
};

/* What owner.json says. */
struct claim {
    bool              there;    /* there is a file */
    bool              readable; /* and it makes sense */
    bool              released;
    struct mx_process process;
    unsigned          incarnation; /* 0 = not told */
    char              token[MX_HASH128_HEX];
    char              updated[MX_UTC_SIZE];
};

struct mx_owner {
    const struct mx_owner_system *system;
    char                         *directory, *path;
    struct mx_process             self;
    char                          token[MX_HASH128_HEX];
    unsigned                      incarnation;
};

static void get_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));

    snprintf(out, size, "%s", text ? text : "");
}

static void parse(const struct mx_buf *text, struct claim *claim)
{
    json_t     *object = json_loadb(mx_buf_str(text), text->len, 0, NULL);
    const char *start = json_string_value(json_object_get(object, "start"));
    json_int_t  incarnation = json_integer_value(json_object_get(object, "incarnation"));

    get_text(object, "host", claim->process.host, sizeof claim->process.host);
    get_text(object, "boot", claim->process.boot, sizeof claim->process.boot);
    get_text(object, "pid_namespace", claim->process.pid_space, sizeof claim->process.pid_space);
    get_text(object, "token", claim->token, sizeof claim->token);
    get_text(object, "updated", claim->updated, sizeof claim->updated);
    claim->process.pid = (long)json_integer_value(json_object_get(object, "pid"));
    claim->process.start = start ? strtoull(start, NULL, 10) : 0;
    claim->incarnation = incarnation > 0 && incarnation <= UINT_MAX ? (unsigned)incarnation : 0;
    claim->released = json_is_true(json_object_get(object, "released"));
    claim->readable = claim->token[0] && claim->process.host[0] && claim->process.pid > 0;
    json_decref(object);
}

/* A file that is not there is no error. */
static int read_claim(const char *path, struct claim *claim, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc = 0;

    *claim = (struct claim){.there = mx_file_exists(path)};
    if (claim->there && (rc = mx_file_read(path, MAX_BYTES, &text, err)) == 0)
        parse(&text, claim);
    mx_buf_free(&text);
    return rc;
}

static int write_claim(const struct mx_owner *owner, bool released, struct mx_err *err)
{
    struct mx_buf  text = {0};
    struct mx_json json = {.out = &text};
    char           utc[MX_UTC_SIZE], start[24];
    int            rc;

    snprintf(start, sizeof start, "%" PRIu64, owner->self.start);
    mx_json_object(&json, NULL);
    mx_json_text(&json, "host", owner->self.host);
    mx_json_text(&json, "boot", owner->self.boot);
    mx_json_text(&json, "pid_namespace", owner->self.pid_space);
    mx_json_int(&json, "pid", owner->self.pid);
    mx_json_text(&json, "start", start);
    if (owner->incarnation > 0)
        mx_json_uint(&json, "incarnation", owner->incarnation);
    else
        mx_json_null(&json, "incarnation");
    mx_json_text(&json, "token", owner->token);
    mx_json_text(&json, "updated",
                 mx_clock_format_utc(owner->system->utc_s(owner->system->user), utc));
    mx_json_bool(&json, "released", released);
    mx_json_end_object(&json);
    mx_buf_text(&text, "\n");
    rc = mx_buf_ok(&text) ? mx_file_write(owner->path, text.data, text.len, err)
                          : mx_fail(err, MX_ENOMEM, "no memory to write %s", owner->path);
    mx_buf_free(&text);
    return rc;
}

static bool same_place(const struct mx_process *a, const struct mx_process *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->pid_space, b->pid_space) == 0;
}

bool mx_process_same_space(const struct mx_process *a, const struct mx_process *b)
{
    return same_place(a, b) && strcmp(a->boot, b->boot) == 0;
}

/* Whether the claim's process lives; *tell_by_age if only time can tell. */
static bool claim_lives(const struct mx_owner_system *system, const struct mx_process *self,
                        const struct claim *claim, bool *tell_by_age)
{
    uint64_t start;

    *tell_by_age = false;
    if (!claim->there || claim->released)
        return false;
    if (!claim->readable || !same_place(&claim->process, self)) {
        *tell_by_age = true;
        return true;
    }
    return strcmp(claim->process.boot, self->boot) == 0 &&
           system->start_of(system->user, claim->process.pid, &start) &&
           start == claim->process.start;
}

static int fail_owned(const char *directory, const struct claim *claim, struct mx_err *err)
{
    return mx_fail(err, MX_EOWNED,
                   "%.150s is owned by process %ld on %s; wait for it, or stop it with mixsweep "
                   "stop %.150s",
                   directory, claim->process.pid, claim->process.host, directory);
}

/* Wait until an owner elsewhere writes again (it lives: -1 with MX_EOWNED) or
 * has been silent for long enough (0). */
static int wait_for_silence(struct mx_owner *owner, struct claim                *claim,
                            void (*waiting)(void *user, const char *text), void *user,
                            struct mx_err *err)
{
    const struct mx_owner_system *system = owner->system;
    struct claim                  now = *claim;
    double                        age_s, last_age_s = -1;
    char                          text[512];

    for (;;) {
        if (!now.there || now.released)
            return 0;
        if (strcmp(now.token, claim->token) != 0 || strcmp(now.updated, claim->updated) != 0)
            return fail_owned(owner->directory, &now, err);
        if (system->age_s(system->user, owner->path, &age_s, err))
            return -1;
        if (age_s < last_age_s)
            return fail_owned(owner->directory, &now, err);
        if (age_s >= MX_OWNER_ALIVE_S)
            return 0;
        if (last_age_s < 0 && waiting) {
            snprintf(text, sizeof text,
                     "%.200s was owned by process %ld on %s %.0f s ago; waiting up to %.0f s to "
                     "see whether it is alive",
                     owner->directory, claim->process.pid,
                     claim->readable ? claim->process.host : "an unknown host", age_s,
                     MX_OWNER_ALIVE_S - age_s);
            waiting(user, text);
        }
        last_age_s = age_s;
        system->sleep_s(system->user, 1);
        if (read_claim(owner->path, &now, err))
            return -1;
    }
}

/* A word that no other process has. */
static void make_token(struct mx_owner *owner)
{
    struct mx_buf text = {0};

    mx_buf_printf(&text, "%s %s %s %ld %" PRIu64 " %.9f", owner->self.host, owner->self.boot,
                  owner->self.pid_space, owner->self.pid, owner->self.start,
                  owner->system->utc_s(owner->system->user));
    mx_hash128_hex(mx_hash128(mx_buf_str(&text), text.len), owner->token);
    mx_buf_free(&text);
}

/* Of two on one host that take a directory at the same time one goes first, and the other
 * sees it. Held by the descriptor returned; -1 where the file system has no such locks. */
static int lock_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Write our claim in place of one that is dead, unless another process was quicker. */
static int replace_claim(struct mx_owner *owner, const struct claim *dead, struct mx_err *err)
{
    const int    lock = lock_directory(owner->directory);
    struct claim now;
    int          rc = read_claim(owner->path, &now, err);

    if (rc == 0 && now.there && !now.released && strcmp(now.token, dead->token) != 0)
        rc = fail_owned(owner->directory, &now, err);
    if (rc == 0)
        rc = write_claim(owner, false, err);
    if (lock >= 0)
        close(lock);
    return rc;
}

static int take(struct mx_owner *owner, void (*waiting)(void *user, const char *text), void *user,
                struct mx_err *err)
{
    struct claim claim;
    bool         tell_by_age;

    if (owner->system->self(owner->system->user, &owner->self, err) ||
        read_claim(owner->path, &claim, err))
        return -1;
    make_token(owner);
    if (claim_lives(owner->system, &owner->self, &claim, &tell_by_age)) {
        if (!tell_by_age)
            return fail_owned(owner->directory, &claim, err);
        if (wait_for_silence(owner, &claim, waiting, user, err))
            return -1;
    }
    /* Of two on different hosts that take over at the same time the last to write wins. */
    return replace_claim(owner, &claim, err) || mx_owner_still_mine(owner, err) ? -1 : 0;
}

struct mx_owner *mx_owner_take(const char *directory, const struct mx_owner_system *system,
                               void (*waiting)(void *user, const char *text), void *user,
                               struct mx_err *err)
{
    struct mx_owner *owner = calloc(1, sizeof *owner);

    if (!owner || !(owner->directory = strdup(directory)) ||
        !(owner->path = mx_path_join(directory, "owner.json"))) {
        mx_fail(err, MX_ENOMEM, "no memory to take %s", directory);
        goto fail;
    }
    owner->system = system;
    if (take(owner, waiting, user, err))
        goto fail;
    return owner;
fail:
    mx_owner_free(owner);
    return NULL;
}

int mx_owner_look(const char *directory, const struct mx_owner_system *system,
                  struct mx_owner_look *look, struct mx_err *err)
{
    char             *path = mx_path_join(directory, "owner.json");
    struct claim      claim;
    struct mx_process self;
    double            age = 0;
    bool              tell_by_age = false;
    int               rc = -1;

    if (!path) {
        mx_fail(err, MX_ENOMEM, "no memory to look at %s", directory);
        goto done;
    }
    if (system->self(system->user, &self, err) || read_claim(path, &claim, err))
        goto done;
    *look = (struct mx_owner_look){.alive = claim_lives(system, &self, &claim, &tell_by_age),
                                   .process = claim.process,
                                   .incarnation = claim.incarnation};
    if (!claim.process.host[0])
        snprintf(look->process.host, sizeof look->process.host, "an unknown host");
    if (tell_by_age && system->age_s(system->user, path, &age, err))
        goto done;
    look->alive &= age < MX_OWNER_ALIVE_S;
    rc = 0;
done:
    free(path);
    return rc;
}

int mx_owner_still_mine(const struct mx_owner *owner, struct mx_err *err)
{
    struct claim claim;

    if (read_claim(owner->path, &claim, err))
        return -1;
    if (claim.there && strcmp(claim.token, owner->token) == 0)
        return 0;
    if (!claim.readable)
        return mx_fail(err, MX_EOWNED, "%s no longer names this process; it stops here",
                       owner->path);
    return mx_fail(err, MX_EOWNED,
                   "%.300s was taken over by process %ld on %s; this process stops here",
                   owner->directory, claim.process.pid, claim.process.host);
}

int mx_owner_guard(void *owner, struct mx_err *err)
{
    return mx_owner_still_mine(owner, err);
}

int mx_owner_refresh(struct mx_owner *owner, unsigned incarnation, struct mx_err *err)
{
    owner->incarnation = incarnation;
    return mx_owner_still_mine(owner, err) || write_claim(owner, false, err) ? -1 : 0;
}

void mx_owner_release(struct mx_owner *owner)
{
    if (owner && mx_owner_still_mine(owner, NULL) == 0)
        write_claim(owner, true, NULL);
    mx_owner_free(owner);
}

void mx_owner_free(struct mx_owner *owner)
{
    if (!owner)
        return;
    free(owner->directory);
    free(owner->path);
    free(owner);
}
