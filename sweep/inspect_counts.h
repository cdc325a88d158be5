/* inspect_counts.h - how many images of each class, or of each group, the parts of a set have. */
#ifndef MX_SWEEP_INSPECT_COUNTS_H
#define MX_SWEEP_INSPECT_COUNTS_H

#include "base/buf.h"
#include "sweep/inspect.h"

struct mx_inspect_ids {
    const char     *head; /* "class", "group" */
    uint32_t        n;    /* of them; ids are below */
    const uint32_t *of[MX_INSPECT_PARTS];
    uint32_t        rows[MX_INSPECT_PARTS];
    const char *(*name)(const void *owner,
                        uint32_t    id); /* or NULL: numbers only; may return NULL */
    const void *owner;
};

/* (n, MX_INSPECT_PARTS), to be freed; NULL without memory. */
uint64_t *mx_inspect_count(const struct mx_inspect_ids *ids);

/* Append them as a table. */
void mx_inspect_counts(const struct mx_inspect_ids *ids, const uint64_t *counts,
                       struct mx_buf *out);

#endif
