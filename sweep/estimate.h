/* estimate.h - how large a sweep is and what it will cost, without running or
 * even listing it.
 *
 * Points are walked through once and nothing is kept of them but counts, so
 * memory does not grow with their number. No data file is read.
 */
#ifndef MX_SWEEP_ESTIMATE_H
#define MX_SWEEP_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/config.h"
#include "sweep/grid.h"
#include "worker/stage.h"

enum {
    MX_ESTIMATE_POINTS = 100000000 /* larger grids are not walked through */
};

/* points = cells + excluded + folded + not_chosen. Where search.budget bounds the
 * cells, what is not chosen is not looked at: it is neither excluded nor folded. A point that repeats an earlier one
 * counts as folded, whether an exclude rule matches them or not. */
struct mx_counts {
    bool     counted; /* false: more than MX_ESTIMATE_POINTS points, only `points` is known */
    uint64_t points, cells, excluded, folded;
    uint64_t trials;     /* cells times repeats; stops at UINT64_MAX */
    uint64_t not_chosen; /* by search.* */
};

/* Returns 0; or -1 with MX_EINVAL if cells differ in data.path alone (two are
 * named), or MX_ENOMEM. */
int mx_estimate_counts(const struct mx_config *config, const struct mx_grid *grid,
                       struct mx_counts *counts, struct mx_err *err);

/* Stages of one kind: how many there are, and how many trials use them. */
struct mx_kind_counts {
    uint64_t planned, uses;
    bool     estimated; /* planned is an estimate (sweep/distinct.h) */
};

enum {
    MX_BASIS_SIZE = 256,
    MX_ESTIMATE_SPEEDS = 3 /* fast, middling, slow */
};

struct mx_estimate {
    struct mx_counts      counts;
    struct mx_kind_counts kinds[WORKER_STAGE_KINDS];
    bool                  holdout; /* some networks are trained for head.afr.split holdout alone */
    bool                  timed;   /* false: hours, disk and memory are unknown, `basis` says why */
    double                hours_low, hours_mid, hours_high;
    double                kind_s[WORKER_STAGE_KINDS]; /* mean time of a stage, mid; 0 = none */
    char                  basis[MX_BASIS_SIZE];
    uint64_t              disk_bytes, files;
    struct {
        uint64_t models;    /* that meet each other; 0: none do */
        double   pairs;     /* of one that scores and one that is scored */
        double   hours_mid; /* of the sweep's, for that */
    } cross;                /* the comparison of models, see sweep/cross.h */
    struct {
        double all_s, longest_s; /* all work on one GPU; the longest way through it */
    } on_gpu[MX_ESTIMATE_SPEEDS];
    unsigned gpus;         /* 0: hours are those of CPUs */
    uint64_t memory_bytes; /* of one executor, the largest of the trials it is known of */
    uint64_t shared_bytes; /* of them, what all executors of a node have in common: decoded images
                               of all data sets that come from the cache */
    uint64_t own_bytes; /* what each needs besides: with those, as much as memory_bytes or more */
};

/* Count, and estimate the cost on `workers` executors of one CPU each. If the
 * points are not counted, only counts.points and basis are filled. Returns 0, or
 * -1 as above, or with MX_EINVAL from a path that is too long. */
int mx_estimate(const struct mx_config *config, const struct mx_grid *grid, unsigned workers,
                struct mx_estimate *estimate, struct mx_err *err);

/* Have an estimate's hours and basis be those of so many GPUs, 1 or more, with an executor each.
 * What is unknown stays so. */
void mx_estimate_on_gpus(struct mx_estimate *estimate, unsigned gpus);

/* Append one line "FILE: warning: ...\n" for each data set or file of weights that is
 * not where it should be. Looks at paths only; grids of very many points are looked through
 * in part. Returns 0, or -1 with *err. */
int mx_estimate_missing_data(const struct mx_config *config, const struct mx_grid *grid,
                             struct mx_buf *out, struct mx_err *err);

#endif
