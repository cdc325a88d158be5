/* known_sets.h - what is known of each data set without reading it. */
#ifndef MX_WORKER_KNOWN_SETS_H
#define MX_WORKER_KNOWN_SETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_set_format;

struct worker_known_set {
    const struct worker_set_format *format;
    uint32_t                        channels, height, width, classes; /* 0: only its files tell */
    uint32_t                        train, test;                      /* images of the whole set */
    const char                     *package_path;   /* where its Debian package puts it, or NULL */
    const char                     *advice;         /* what to do where a file is missing */
    float                           mean[3], sd[3]; /* published constants; sd 0: from its pixels */
    const char *const              *class_names;    /* (classes), or NULL */
};

/* The row of a set, or NULL with MX_EINVAL: this version cannot read it. */
const struct worker_known_set *worker_known_set(unsigned data_set, struct mx_err *err);

/* The data set of an enum worker_domino_set. */
unsigned worker_domino_data_set(unsigned domino_set);

/* Whether it is of image files, whose decoded images all processes of a node share. */
bool worker_set_cached(unsigned data_set);

/* The set's name in a configuration. */
const char *worker_set_name(unsigned data_set);

#ifdef __cplusplus
}
#endif

#endif
