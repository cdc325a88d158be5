/* What `data inspect` prints of frozen features. */
#include <stdlib.h>

#include "sweep/inspect_counts.h"

static const char *class_name(const void *owner, uint32_t id)
{
    return worker_feature_name(owner, WORKER_FEATURE_CLASS_NAMES, id);
}

static const char *group_name(const void *owner, uint32_t id)
{
    return worker_feature_name(owner, WORKER_FEATURE_GROUP_NAMES, id);
}

static void put_counts(const struct mx_inspect_ids *ids, struct mx_buf *out)
{
    uint64_t *counts = mx_inspect_count(ids);

    if (counts)
        mx_inspect_counts(ids, counts, out);
    else
        out->failed = true;
    free(counts);
}

void mx_inspect_features(const char *folder, const struct worker_features *features,
                         struct mx_buf *out)
{
    struct mx_inspect_ids labels = {
        .head = "class", .n = features->classes, .name = class_name, .owner = features};
    struct mx_inspect_ids groups = {
        .head = "group", .n = features->groups, .name = group_name, .owner = features};

    for (int p = 0; p < MX_INSPECT_PARTS; p++) {
        labels.of[p] = features->split[p].labels;
        groups.of[p] = features->split[p].groups;
        labels.rows[p] = groups.rows[p] = features->split[p].n;
    }
    mx_buf_printf(out, "features in %s\n%u classes, ", folder, features->classes);
    if (features->groups > 0)
        mx_buf_printf(out, "%u groups, ", features->groups);
    mx_buf_printf(out, "%u numbers an image; %u training, %u validation and %u test images\n",
                  features->dims, labels.rows[0], labels.rows[1], labels.rows[2]);
    put_counts(&labels, out);
    if (features->groups > 0)
        put_counts(&groups, out);
}
