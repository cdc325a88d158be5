/* submit.h - the sbatch line of a sweep. Pure text: nothing is started here. */
#ifndef MX_SWEEP_SUBMIT_H
#define MX_SWEEP_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct mx_submit {
    const char        *script;  /* slurm/mixsweep.sbatch */
    const char        *job;     /* slurm/mixsweep-job.sh, which it reads */
    const char        *site;    /* a file of settings, "" for none */
    const char        *program; /* this program */
    const char        *config, *directory, *name;
    unsigned           nodes;
    unsigned           tasks;    /* ranks a node */
    unsigned           cpus;     /* a node; 0 = whole nodes, for this job alone; with gpus what
                                  * Slurm gives to those */
    unsigned           gpus;     /* a node; 0 = none are asked for */
    unsigned           per_gpu;  /* executors that share one; 0 = not told */
    double             time_s;   /* 0 = the partition's own limit */
    const char        *launcher; /* "mpirun", "srun" or "none" */
    unsigned           workers;  /* a node; 0 = not told */
    bool               smoke;
    bool               report; /* another job follows, which makes the report */
    const char *const *sets;
    size_t             nsets;
    const char *const *extra; /* options for sbatch, as they are */
    size_t             nextra;
};

/* How long before the limit the sweep is warned: a fifth of the limit, three minutes at
 * most; those where the limit is not known. Seconds. */
unsigned mx_submit_lead_s(double time_s);

/* The arguments of sbatch, itself the first, ended by NULL; texts are copied. To be released
 * with mx_submit_free(); NULL with MX_ENOMEM. */
char **mx_submit_line(const struct mx_submit *submit, struct mx_err *err);
void   mx_submit_free(char **line); /* NULL is allowed */

/* The arguments of sbatch for a job of one CPU that makes DIR/report.html once the sweep's job,
 * `id`, has left the queue for good, however it ended. Released and failing as above. */
char **mx_submit_report_line(const struct mx_submit *submit, const char *id, struct mx_err *err);

/* Append what a shell would be given to submit, whatever is in a word: the sweep's line, or both, where the report's
 * waits for the job that the first one says. report: NULL for none; its id is not looked at. */
void mx_submit_print(char *const *line, char *const *report, struct mx_buf *out);

/* Where the batch script of this program lies: as installed, or in the tree that the program
 * was built in. To be freed; NULL with MX_EIO, naming both places, or MX_ENOMEM. */
char *mx_submit_script(const char *program, struct mx_err *err);

/* The file that a batch script reads, beside it: mixsweep-job.sh. To be freed; NULL as above. */
char *mx_submit_job(const char *script, struct mx_err *err);

#endif
