/* run.h - the sweep itself: scheduler, executors, journal and tables in one
 * event loop. */
#ifndef MX_SWEEP_RUN_H
#define MX_SWEEP_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/log.h"
#include "sweep/comm.h"
#include "sweep/system_log.h"

struct mx_run_options {
    const char             *config_file; /* NULL: DIRECTORY/config.yaml */
    const char             *directory;   /* --out or DIR; NULL: named after the configuration */
    bool                    resume;      /* go on where the directory stands */
    const char *const      *sets;        /* --set key=value */
    size_t                  nsets;
    bool                    smoke;
    unsigned                workers;      /* 0 = as many as the machine carries */
    unsigned                per_gpu;      /* executors that share a GPU; 0 = one each */
    double                  time_limit_s; /* 0 = none */
    enum mx_log_format      log_format;
    enum mx_system_log_kind system_log;
    int                     argc; /* the command line, for provenance.json */
    char                  **argv;
    bool            empty_stages; /* stages do nothing and give made-up numbers: to time the rest */
    bool            alone;        /* each stage goes to an executor by itself, as long ones do */
    bool            launched;     /* by mpirun or its like, which it must not outlive */
    struct mx_comm *comm;         /* the job's other ranks; NULL: this process is alone */
};

/* Run or resume a sweep to its end, or to an interruption. Prints "output: DIR"
 * and at the end the table on standard output, everything else on standard
 * error. Returns the process exit code of formats.md; *err says why it did not
 * begin, and is MX_OK once it has: what comes later is told as it happens. */
int mx_run(const struct mx_run_options *options, struct mx_err *err);

#endif
