/* Processes that a launcher of another MPI started say so. ctest: slow timeout=60 ranks=1 */
#include <stdlib.h>

#include "tests/mpi/ranks.h"

extern char **environ;

/* Forget the mpirun that started this process. */
static void leave_job(void)
{
    static const char *const ours[] = {"OMPI_", "PMIX_", "PRTE_"};

    for (char **variable = environ; *variable;) {
        char name[256];
        bool own = false;

        snprintf(name, sizeof name, "%.*s", (int)strcspn(*variable, "="), *variable);
        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
            own = own || strncmp(name, ours[i], strlen(ours[i])) == 0;
        if (!own || strstr(name, "ROOT"))
            variable++;
        else if (unsetenv(name))
            return;
    }
}

/* The end of the text that mx_comm_open() refuses with. */
static void is_refused(bool quiet_expected, const char *expected)
{
    struct mx_comm *comm = NULL;
    struct mx_err   err = {0};
    bool            quiet = !quiet_expected;

    CHECK(mx_comm_open(&comm, &quiet, &err) == -1 && comm == NULL && err.code == MX_EIO);
    CHECK(quiet == quiet_expected);
    if (strcmp(err.text, expected))
        fprintf(stderr, "%s\n", err.text);
    CHECK(strcmp(err.text, expected) == 0);
}

int main(void)
{
    struct mx_comm *comm = NULL;
    char            text[512];
    bool            quiet;

    /* mpirun -n 1 */
    CHECK(mx_comm_open(&comm, &quiet, NULL) == 0 && comm == NULL);
    leave_job();
    setenv("SLURM_STEP_ID", "0", 1);
    setenv("SLURM_NTASKS", "4", 1);
    setenv("SLURM_PROCID", "3", 1);
    is_refused(true, "srun started 4 processes without a way to find each other; use srun "
                     "--mpi=pmix, or mpirun");
    unsetenv("SLURM_STEP_ID");
    setenv("PMI_SIZE", "2", 1);
    setenv("PMI_RANK", "0", 1);
    snprintf(text, sizeof text,
             "mpiexec started 2 processes, but this program was built for %s, and the launcher is "
             "of another MPI; use the mpirun that belongs to it",
             mx_comm_library());
    is_refused(false, text);
    return 0;
}
