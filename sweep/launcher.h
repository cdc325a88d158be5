/* launcher.h - who started this process, by its environment: mpirun, srun, or
 * nobody that matters.
 *
 * Read before MPI_Init, which a process that is alone never calls, and which
 * ends the process itself where it does not like what it finds.
 */
#ifndef MX_SWEEP_LAUNCHER_H
#define MX_SWEEP_LAUNCHER_H

#include <stdbool.h>

struct mx_launcher {
    const char *name; /* "mpirun", "mpiexec" or "srun"; NULL if there is none */
    unsigned    size; /* processes that it started; 1 without one, 0 if it does not say */
    unsigned    rank; /* which of them this is */
    bool        pmi;  /* it offers a way for them to find each other (PMI or PMIx) */
};

/* Find out from "NAME=value" strings, ended by NULL. A batch script's own
 * processes, which Slurm gives a rank 0 but no step, have no launcher. */
struct mx_launcher mx_launcher_find(char *const *environment);

/* True if the launcher ends with 0 whatever its processes return, and tells the
 * user, in words of its own, of each that does not return 0: mpirun
 * --enable-recovery of Open MPI 4. */
bool mx_launcher_drops_status(char *const *environment);

/* True if it may have started more than one process. */
bool mx_launcher_many(const struct mx_launcher *launcher);

#endif
