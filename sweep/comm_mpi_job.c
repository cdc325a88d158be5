#include "sweep/comm_mpi_job.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sweep/comm.h"
#include "sweep/launcher.h"

extern char **environ;

/* Seconds for MPI_Finalize. Ranks other than 0 wait longer: without fault
 * tolerance, one that ends before takes rank 0 with it. */
static const struct limits {
    int first, others;
} in_peace = {30, 600}, after_a_loss = {2, 5};

enum {
    START_S = 300 /* for MPI_Init: large jobs take their time */
};

#define TEXT_OF(x)  #x
#define VALUE_OF(x) TEXT_OF(x)

const char *mx_comm_library(void)
{
#if defined OMPI_MAJOR_VERSION
    return "Open MPI " VALUE_OF(OMPI_MAJOR_VERSION) "." VALUE_OF(OMPI_MINOR_VERSION) "." VALUE_OF(
        OMPI_RELEASE_VERSION);
#elif defined MPICH_VERSION
    return "MPICH " MPICH_VERSION;
#else
    return "MPI " VALUE_OF(MPI_VERSION) "." VALUE_OF(MPI_SUBVERSION);
#endif
}

/* Settings of Open MPI that spare the user a surprise; what is set already stays. */
static void set_defaults(void)
{
    static const struct {
        const char *name, *value, *with; /* only if that variable is set; NULL: always */
    } defaults[] = {
        /* Microseconds between two looks at TCP sockets. The default of 10 ms,
         * several times for each message, is meant for those who never sleep. */
        {"OMPI_MCA_mpi_event_tick_rate", "100", NULL},
        /* Containers often forbid reading another process's memory, which is then
         * told in a page of text; pieces are small enough to be copied twice. */
        {"OMPI_MCA_btl_vader_single_copy_mechanism", "none", NULL},
        /* No warning on a host with InfiniBand's driver and no adapter. */
        {"OMPI_MCA_btl_base_warn_component_unused", "0", NULL},
        /* mpirun --enable-recovery: of the ways to carry messages, the one that
         * Open MPI 5 takes for fault tolerance too. Others end the process when
         * a peer is gone. */
        {"OMPI_MCA_pml", "ob1", "OMPI_MCA_orte_enable_recovery"},
    };

    /* Meant for mpirun, whose own messages then go to that descriptor. Here it
     * could be any file of ours. */
    unsetenv("PMIX_OUTPUT_STDERR_FD");
    unsetenv("OPAL_OUTPUT_STDERR_FD");
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (!defaults[i].with || getenv(defaults[i].with))
            setenv(defaults[i].name, defaults[i].value, 0);
}

/* The text for a job whose processes do not find each other. */
static int strangers(const struct mx_launcher *launcher, struct mx_err *err)
{
    return mx_fail(err, MX_EIO,
                   "%s started %u processes, but this program was built for %s, and the launcher "
                   "is of another MPI; use the mpirun that belongs to it",
                   launcher->name, launcher->size, mx_comm_library());
}

static void give_up_start(union sigval rank)
{
    static const char words[] = "mixsweep: MPI has not started within 5 minutes: a process of the "
                                "job may have died before; start the job again\n";

    if (rank.sival_int == 0)
        (void)!write(STDERR_FILENO, words, sizeof words - 1);
    _exit(mx_exit_code(MX_EIO));
}

/* MPI_Init, which waits for all processes, and for ever if one of them has died
 * in it and mpirun --enable-recovery does not mind. */
static int start(unsigned rank, int *provided)
{
    struct sigevent   event = {.sigev_notify = SIGEV_THREAD,
                               .sigev_value.sival_int = (int)rank,
                               .sigev_notify_function = give_up_start};
    struct itimerspec limit = {.it_value.tv_sec = START_S};
    timer_t           timer;
    bool              timed = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    int               rc;

    if (timed)
        timer_settime(timer, 0, &limit, NULL);
    rc = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, provided);
    if (timed)
        timer_delete(timer);
    return rc;
}

int mx_mpi_job_start(unsigned *rank, unsigned *size, bool *quiet, struct mx_err *err)
{
    struct mx_launcher launcher = mx_launcher_find(environ);
    int                provided, r = 0, n = 1;

    *rank = 0;
    *size = 1;
    *quiet = launcher.rank > 0;
    if (!mx_launcher_many(&launcher))
        return 0;
    /* MPI_Init would end the process with a page of text. */
    if (!launcher.pmi)
        return mx_fail(err, MX_EIO,
                       "%s started %u processes without a way to find each other; use srun "
                       "--mpi=pmix, or mpirun",
                       launcher.name, launcher.size);
    set_defaults();
    /* MPI maps files of its own: a limit on their size is an error to be told,
     * not the silent end of the process. */
    signal(SIGXFSZ, SIG_IGN);
    if (start(launcher.rank, &provided) != MPI_SUCCESS)
        return strangers(&launcher, err);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &r);
    MPI_Comm_size(MPI_COMM_WORLD, &n);
    *rank = (unsigned)r;
    *size = (unsigned)n;
    if (n > 1)
        return 0;
    MPI_Finalize();
    return launcher.size > 1 || launcher.rank > 0 ? strangers(&launcher, err) : 0;
}

static void end_now(union sigval exit_code)
{
    _exit(exit_code.sival_int);
}

/* MPI_Finalize; the process ends with exit_code if that takes too long. */
static void finalize(const struct limits *limits, int exit_code)
{
    struct sigevent   event = {.sigev_notify = SIGEV_THREAD,
                               .sigev_value.sival_int = exit_code,
                               .sigev_notify_function = end_now};
    struct itimerspec limit = {0};
    timer_t           timer;
    int               rank = 0;

    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    limit.it_value.tv_sec = rank == 0 ? limits->first : limits->others;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer))
        return;
    timer_settime(timer, 0, &limit, NULL);
    MPI_Finalize();
    timer_delete(timer);
}

void mx_mpi_job_finish(int exit_code)
{
    fflush(NULL);
    finalize(&in_peace, exit_code);
}

/* With Open MPI 4, mpirun --enable-recovery lets the living finalize, and tells
 * the user of each process that ends without. With fault tolerance in 5 it
 * tells nothing, and MPI_Finalize hangs now and then. */
static bool can_finalize_after_a_loss(void)
{
#if defined OMPI_MAJOR_VERSION && OMPI_MAJOR_VERSION < 5
    return true;
#else
    return false;
#endif
}

void mx_mpi_job_abandon(int exit_code)
{
    fflush(NULL);
    if (can_finalize_after_a_loss())
        finalize(&after_a_loss, exit_code);
    _exit(exit_code);
}
