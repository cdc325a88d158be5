/* group.h - GPUs of several processes that add what they hold: NCCL.
 *
 * Each process takes part with the first device that is visible to it. Nothing here waits
 * for ever: each call is asked for its end again and again, until a deadline, or until the caller's
 * own function says that the group is to be left. What cannot be bounded from inside (a
 * communicator with an error that does not let itself be aborted) is bounded by whoever
 * can end the process.
 */
#ifndef REDUCE_GROUP_H
#define REDUCE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    REDUCE_GROUP_ID = 128 /* bytes of an identifier */
};

/* Whether this build has NCCL; touches no GPU. */
bool reduce_group_built(void);

/* How long a call may take. */
struct reduce_patience {
    double deadline_s; /* on mx_clock_monotonic_s() */
    bool (*leave)(void *user);
    void *user;
};

/* Make the identifier of a new group. The process that does is its first member and
 * lives as long as others join. -1 with MX_EGPU. */
int reduce_group_name(unsigned char id[REDUCE_GROUP_ID], struct mx_err *err);

struct reduce_group;

/* Become member `position` of `count`; comes back when all have. The patience is that of all later
 * calls, too, and lent until the group is left. NULL with
 *   MX_EGPU         CUDA or NCCL said no, for this member's or for another's sake
 *   MX_EINTERRUPTED the caller's function said so, or the deadline is reached
 *   MX_ENOMEM
 */
struct reduce_group *reduce_group_join(const unsigned char id[REDUCE_GROUP_ID], unsigned position,
                                       unsigned count, const struct reduce_patience *patience,
                                       struct mx_err *err);

/* Memory of the group's for n words, of the host, lent until the next call of this function
 * or the group's end; NULL with MX_EGPU. */
uint64_t *reduce_group_words(struct reduce_group *group, size_t n, struct mx_err *err);

/* Add the first n words of that memory over all members, as unsigned integers; all have the
 * sum there. All call it with the same n. Returns 0; or -1 as reduce_group_join(), and
 * then the group can only be left. */
int reduce_group_sum(struct reduce_group *group, size_t n, struct mx_err *err);

/* Leave, and release everything: at the end of its work (`done`), which is waited for; or before
 * it, or after a failure, at once. Returns 0, or -1 as reduce_group_join() if that end did not come;
 * released all the same. NULL is allowed. */
int reduce_group_leave(struct reduce_group *group, bool done, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
