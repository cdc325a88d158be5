/* submit_call.h - sbatch, called. */
#ifndef MX_SWEEP_SUBMIT_CALL_H
#define MX_SWEEP_SUBMIT_CALL_H

#include "base/err.h"

enum {
    MX_SUBMIT_JOB_SIZE = 128
};

/* Call a line of mx_submit_line() and wait for its end; what it says goes to our own standard
 * output and error. With `job` its standard output is read instead: what --parsable says, "N" or
 * "N;CLUSTER", of MX_SUBMIT_JOB_SIZE bytes. Returns 0; or -1 with MX_EIO: it cannot be started,
 * or says no. */
int mx_submit_call(char *const *line, char *job, struct mx_err *err);

#endif
