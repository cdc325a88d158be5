/* known_sets.h - what is known of each data set without reading it. */
#ifndef MX_WORKER_KNOWN_SETS_H
#define MX_WORKER_KNOWN_SETS_H

#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_known_set {
    uint32_t    channels, height, width, classes;
    uint32_t    train, test;  /* images of the whole set */
    const char *package_path; /* where its Debian package puts it, or NULL */
    const char *advice;       /* what to do where a file is missing */
    float       mean, sd;     /* published constants (methods.md 0); sd 0: from its pixels */
};

/* The row of an IDX set, or NULL with MX_EINVAL: unknown, or not one of them. */
const struct worker_known_set *worker_known_set(unsigned data_set, struct mx_err *err);

/* The set's name in a configuration. */
const char *worker_set_name(unsigned data_set);

#ifdef __cplusplus
}
#endif

#endif
