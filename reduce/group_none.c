/* Stands in for group_cuda.c where there is no CUDA, or no NCCL, in the build. */
#include "reduce/group.h"

static const char without[] = "this mixsweep was built without NCCL";

bool reduce_group_built(void)
{
    return false;
}

int reduce_group_name(unsigned char id[REDUCE_GROUP_ID], struct mx_err *err)
{
    (void)id;
    return mx_fail(err, MX_EGPU, "%s", without);
}

struct reduce_group *reduce_group_join(const unsigned char id[REDUCE_GROUP_ID], unsigned position,
                                       unsigned count, const struct reduce_patience *patience,
                                       struct mx_err *err)
{
    (void)id;
    (void)position;
    (void)count;
    (void)patience;
    mx_fail(err, MX_EGPU, "%s", without);
    return NULL;
}

uint64_t *reduce_group_words(struct reduce_group *group, size_t n, struct mx_err *err)
{
    (void)group;
    (void)n;
    mx_fail(err, MX_EGPU, "%s", without);
    return NULL;
}

int reduce_group_sum(struct reduce_group *group, size_t n, struct mx_err *err)
{
    (void)group;
    (void)n;
    return mx_fail(err, MX_EGPU, "%s", without);
}

int reduce_group_leave(struct reduce_group *group, bool done, struct mx_err *err)
{
    (void)group;
    (void)done;
    (void)err;
    return 0;
}
