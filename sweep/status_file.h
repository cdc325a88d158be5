/* status_file.h - how a sweep is doing, for other programs: status.json and
 * metrics.prom (Prometheus text format) in the output directory. */
#ifndef MX_SWEEP_STATUS_FILE_H
#define MX_SWEEP_STATUS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/gpu_use.h"
#include "sweep/sched.h"

/* Texts and arrays are lent; NaN = not known, null in JSON. */
struct mx_status_gpu {
    const char *uuid, *model;
    const char *fault;     /* why it is left out, "" if it is used */
    uint32_t    executors; /* that compute on it */
    uint64_t    memory_bytes;
    double      memory_used_bytes, load; /* load: 0..1 */
    double      energy_j;                /* the card's own counter */
};
struct mx_status_node {
    const char *host;
    uint32_t    rank, executors;
    uint64_t    running, done, failed; /* stages: under way, done, attempts that failed */
    double      rate_per_hour;
    double      busy_s; /* that its executors worked on stages which have ended */
    bool        quarantined, lost;

    const struct mx_status_gpu *gpus;
    size_t                      ngpus;
    struct mx_gpu_use           gpu; /* that these stages took */
};

/* A stage that runs, the slowest first; or a trial that fails, the last first. */
struct mx_status_running {
    const char *trial, *stage; /* one of its trials; kind of the stage */
    const char *host;
    uint32_t    executor;
    double      seconds, progress; /* 0..1 */
};
struct mx_status_failing {
    const char    *trial, *text;
    unsigned       attempts;
    enum mx_reason reason;
};

struct mx_status_reduction {
    const char *path; /* "nccl" or "tree" */
    uint32_t    ranks;
    uint64_t    bytes;
    double      seconds;
    bool        matches;
};

struct mx_status {
    const char                  *name, *state; /* state: running draining finished interrupted; lost
                                                   * (never written: sweep/status_read.h) */
    unsigned                     incarnation;
    double                       updated_utc_s;
    struct mx_sched_counts       counts;
    double                       rate_per_hour, eta_s;
    const char                  *eta_basis; /* what the ETA was made from; NULL */
    struct mx_gpu_use            gpu;       /* of all attempts of all incarnations */
    int                          exit_code; /* -1 = none yet */
    const struct mx_status_node *nodes;
    size_t                       nnodes;
    const struct mx_status_running   *slowest;
    size_t                            nslowest;
    const struct mx_status_failing   *failing;
    size_t                            nfailing;
    const struct mx_status_reduction *reduction; /* NULL = none took place */
};

/* States in the order in which they are told. */
extern const enum mx_state mx_status_order[MX_STATES];

/* Append the status as the JSON object of formats.md, and as metrics. */
void mx_status_json(const struct mx_status *status, struct mx_buf *out);
void mx_status_metrics(const struct mx_status *status, struct mx_buf *out);

/* Write DIR/status.json and DIR/metrics.prom, each whole or as it was. */
int mx_status_write(const char *directory, const struct mx_status *status, struct mx_err *err);

#endif
