/* owner.h - one process at a time owns an output directory: owner.json.
 *
 * An owner on the same host and boot is alive while its pid has the same start
 * time; else it is taken over at once. On another host (or in another space of
 * process numbers) it is alive if owner.json was written within 60 s: a
 * newcomer waits that long, and takes over if nothing was written meanwhile.
 * The age of the file is measured by the clock of its file system, so clocks
 * of hosts may differ.
 *
 * Nothing here can stop a process that was only asleep from going on: it finds
 * out by mx_owner_still_mine() before each group of journal records.
 */
#ifndef MX_SWEEP_OWNER_H
#define MX_SWEEP_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
    MX_OWNER_ALIVE_S = 60,  /* after which an owner elsewhere that wrote nothing is dead */
    MX_OWNER_REFRESH_S = 10 /* how often a living owner writes */
};

/* A process, so that no other one is taken for it. */
struct mx_process {
    char     host[64];
    char     boot[40];      /* id of the boot; "" = unknown */
    char     pid_space[40]; /* in which the pid counts; "" = unknown */
    long     pid;
    uint64_t start; /* clock ticks from boot to its start */
};

/* True if the two are of one host, one boot and one space of process numbers:
 * each can see whether the other lives. */
bool mx_process_same_space(const struct mx_process *a, const struct mx_process *b);

/* What is asked of the machine; tests answer themselves. */
struct mx_owner_system {
    int (*self)(void *user, struct mx_process *self, struct mx_err *err);
    bool (*start_of)(void *user, long pid, uint64_t *start); /* false: no such process */
    int (*age_s)(void *user, const char *path, double *age_s, struct mx_err *err);
    double (*utc_s)(void *user);
    void (*sleep_s)(void *user, double seconds);
    void *user;
};

/* The machine that we are on. */
extern const struct mx_owner_system mx_owner_machine;

/* End a process of our own space at once (SIGKILL). */
void mx_process_end(const struct mx_process *process);

struct mx_owner;

/* Take the directory. `waiting` (may be NULL) is called once, with a line for
 * the user, if it comes to waiting. Returns the ownership, to be given up with
 * mx_owner_release() or mx_owner_free(); or NULL with MX_EOWNED, naming who has
 * it and what to do, MX_EIO or MX_ENOMEM. */
struct mx_owner *mx_owner_take(const char *directory, const struct mx_owner_system *system,
                               void (*waiting)(void *user, const char *text), void *user,
                               struct mx_err *err);

/* Who owns a directory, for one that does not want it. */
struct mx_owner_look {
    bool              alive;       /* by the rules above; false: nobody does, or it is dead */
    struct mx_process process;     /* of the last owner; host "an unknown host" if it is not told */
    unsigned          incarnation; /* 0 = not known yet */
};

/* Look at owner.json and leave it as it is. An owner elsewhere is told by the
 * age of the file, now: nothing is waited for, but for that a file is made beside
 * it and removed; where none can be made, the age is by this host's clock. Returns
 * 0, or -1 with MX_EIO or MX_ENOMEM. */
int mx_owner_look(const char *directory, const struct mx_owner_system *system,
                  struct mx_owner_look *look, struct mx_err *err);

/* Read owner.json again. Returns 0 if it still names us, else -1 with MX_EOWNED
 * (or MX_EIO if it cannot be read): write nothing more. The void form is a
 * guard for mx_journal_guard(). */
int mx_owner_still_mine(const struct mx_owner *owner, struct mx_err *err);
int mx_owner_guard(void *owner, struct mx_err *err);

/* Say that we are alive, every MX_OWNER_REFRESH_S at least. incarnation: of the
 * journal, 0 = not known yet. Fails as mx_owner_still_mine(). */
int mx_owner_refresh(struct mx_owner *owner, unsigned incarnation, struct mx_err *err);

/* Write that nobody owns the directory any more, if it is still ours; then as
 * mx_owner_free(). NULL is allowed. */
void mx_owner_release(struct mx_owner *owner);

/* Forget the ownership and leave owner.json as it is. NULL is allowed. */
void mx_owner_free(struct mx_owner *owner);

#endif
