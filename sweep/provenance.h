/* provenance.h - where results come from: DIR/provenance.json.
 *
 * What the sweep was made of (configuration, seed, data) and, for each
 * incarnation, program, libraries, machine, device and command line.
 */
#ifndef MX_SWEEP_PROVENANCE_H
#define MX_SWEEP_PROVENANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* A set that trials read; mean and sd (channels) are of pixels / 255. */
struct mx_provenance_data {
    const char  *set, *path;
    uint64_t     fingerprint;
    size_t       channels; /* 0: the constants are not known */
    const float *mean, *sd;
};

/* Another file that the results depend on: weights to start from, rows of a support set. */
struct mx_provenance_file {
    const char *path;
    uint64_t    fingerprint;
};

/* The form that hsfm's edits take for one shape. */
struct mx_provenance_form {
    const char *set, *arch; /* arch NULL: of features */
    uint32_t    dims, classes, support_per_class, inner_steps;
    const char *form;   /* "gram" or "direct" */
    bool        chosen; /* by the program: the configuration says auto */
};

struct mx_library_version {
    const char *name, *version;
};

/* Everything is lent. */
struct mx_provenance {
    const char                      *name;
    const char                      *config; /* text of config.yaml: its hash is kept */
    uint64_t                         seed;
    const struct mx_provenance_data *data;
    size_t                           ndata;
    const struct mx_provenance_file *files;
    size_t                           nfiles;
    const struct mx_provenance_form *forms;
    size_t                           nforms;
    unsigned                         incarnation;
    double                           started_utc_s;
    const char                      *device;
    const char *const               *command; /* (ncommand) */
    size_t                           ncommand;
    const struct mx_library_version *libraries; /* besides those that sweep/ links itself */
    size_t                           nlibraries;
};

/* Write DIR/provenance.json: the incarnations that are in it stay, this one is
 * added behind them. One that cannot be read is begun anew. */
int mx_provenance_write(const char *directory, const struct mx_provenance *provenance,
                        struct mx_err *err);

#endif
