/* comm_mpi_job.h - a process's part in an MPI job: its beginning and its end. */
#ifndef MX_SWEEP_COMM_MPI_JOB_H
#define MX_SWEEP_COMM_MPI_JOB_H

#include <stdbool.h>

#include "base/err.h"

/* MPI_Init, if a launcher started several processes. *size is 1 if this one is
 * alone, and MPI is then not in use. Returns -1 and sets *quiet as
 * mx_comm_open() does. */
int mx_mpi_job_start(unsigned *rank, unsigned *size, bool *quiet, struct mx_err *err);

/* MPI_Finalize. No request may be under way. Should a rank have died unseen, for
 * which it could wait for ever, the process ends after half a minute (rank 0; ten
 * minutes in the others) with exit_code. */
void mx_mpi_job_finish(int exit_code);

/* After a loss: flush the standard streams and end the process, within seconds. */
__attribute__((noreturn)) void mx_mpi_job_abandon(int exit_code);

#endif
