/* A group of GPUs, as far as one process can make it, on whatever backend there is.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kernels/kern.h"
#include "reduce/group.h"

enum {
    SKIPPED = 77
};

static void check(bool right, const char *what, const struct mx_err *err)
{
    if (right)
        return;
    printf("%s: %s\n", what, err->text);
    exit(1);
}

static struct reduce_group *join(unsigned position, unsigned count,
                                 const struct reduce_patience *patience, struct mx_err *err)
{
    unsigned char id[REDUCE_GROUP_ID];

    check(reduce_group_name(id, err) == 0, "a name", err);
    return reduce_group_join(id, position, count, patience, err);
}

/* Says to leave when asked for the n-th time. */
static bool leaves_at(void *user)
{
    return --*(int *)user <= 0;
}

static void sum_alone(void)
{
    const struct reduce_patience patience = {mx_clock_monotonic_s() + 60, NULL, NULL};
    struct mx_err                err = {0};
    struct reduce_group         *group = join(0, 1, &patience, &err);

    check(group != NULL, "a group of one", &err);
    for (size_t n = 1; n <= 100000; n *= 10) {
        uint64_t *words = reduce_group_words(group, n, &err);

        check(words != NULL, "its memory", &err);
        for (size_t k = 0; k < n; k++)
            words[k] = UINT64_MAX - k * k;
        check(reduce_group_sum(group, n, &err) == 0, "its sum", &err);
        for (size_t k = 0; k < n; k++)
            check(words[k] == UINT64_MAX - k * k, "its sum", &(struct mx_err){.text = "is wrong"});
    }
    check(reduce_group_leave(group, true, &err) == 0, "its end", &err);
}

static void wait_for_nobody(void)
{
    int                    asked = 20;
    struct reduce_patience leaving = {mx_clock_monotonic_s() + 60, leaves_at, &asked};
    struct reduce_patience short_one = {mx_clock_monotonic_s() + 0.05, NULL, NULL};
    struct mx_err          err = {0};

    check(!join(0, 2, &leaving, &err), "a group that is left", &err);
    check(err.code == MX_EINTERRUPTED && asked == 0 &&
              strcmp(err.text, "ncclCommInitRankConfig: left before its end") == 0,
          "its error", &err);
    check(!join(1, 2, &short_one, &err), "a group whose time is over", &err);
    check(err.code == MX_EINTERRUPTED &&
              strcmp(err.text, "ncclCommInitRankConfig: it did not come to its end in time") == 0,
          "its error", &err);
}

/* What all calls say where there is no NCCL. */
static void ask_in_vain(void)
{
    struct mx_err err = {0};
    unsigned char id[REDUCE_GROUP_ID];

    check(reduce_group_name(id, &err) == -1 && err.code == MX_EGPU &&
              strcmp(err.text, "this mixsweep was built without NCCL") == 0,
          "a name", &err);
    check(reduce_group_leave(NULL, true, &err) == 0, "no group", &err);
}

int main(void)
{
    struct mx_err err = {.text = "this build has no NCCL"};

    if (!reduce_group_built())
        ask_in_vain();
    if (!reduce_group_built() || !kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    sum_alone();
    wait_for_nobody();
    return 0;
}
