#include <criterion/criterion.h>

#include "sweep/launcher.h"

static struct mx_launcher find(const char *const *environment)
{
    return mx_launcher_find((char *const *)environment);
}

static bool drops(const char *const *environment)
{
    return mx_launcher_drops_status((char *const *)environment);
}

Test(launcher, is_known_by_the_variables_it_sets)
{
    static const struct {
        const char *environment[8], *name;
        unsigned    size, rank;
        bool        pmi, many;
    } rows[] = {
        {{"OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_RANK=3", "PMIX_RANK=3"},
         "mpirun",
         4,
         3,
         true,
         true},
        {{"OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_RANK=0", "PMIX_RANK=0"},
         "mpirun",
         1,
         0,
         true,
         false},
        /* mpirun of Open MPI inside an allocation, started by srun or not */
        {{"SLURM_STEP_ID=0", "SLURM_NTASKS=2", "SLURM_PROCID=1", "OMPI_COMM_WORLD_RANK=5",
          "OMPI_COMM_WORLD_SIZE=8", "PMIX_RANK=5"},
         "mpirun",
         8,
         5,
         true,
         true},
        {{"PMI_RANK=1", "PMI_SIZE=2", "PMI_FD=7"}, "mpiexec", 2, 1, true, true},
        {{"SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=4", "SLURM_NTASKS=9", "SLURM_PROCID=2",
          "PMIX_RANK=2"},
         "srun",
         4,
         2,
         true,
         true},
        {{"SLURM_STEP_ID=3", "SLURM_NTASKS=2", "SLURM_PROCID=1", "PMI_RANK=1", "PMI_SIZE=2"},
         "srun",
         2,
         1,
         true,
         true},
        /* srun --mpi=none: nothing to find each other by */
        {{"SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=4", "SLURM_PROCID=0"},
         "srun",
         4,
         0,
         false,
         true},
        {{"SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=1", "SLURM_NTASKS=4", "SLURM_PROCID=0"},
         "srun",
         1,
         0,
         false,
         false},
        /* an unknown launcher that speaks PMIx */
        {{"PMIX_RANK=2"}, "mpirun", 0, 2, true, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mx_launcher launcher = find(rows[i].environment);

        cr_assert_not_null(launcher.name, "row %zu", i);
        cr_expect_str_eq(launcher.name, rows[i].name, "row %zu: %s", i, launcher.name);
        cr_expect_eq(launcher.size, rows[i].size, "row %zu: size %u", i, launcher.size);
        cr_expect_eq(launcher.rank, rows[i].rank, "row %zu: rank %u", i, launcher.rank);
        cr_expect_eq(launcher.pmi, rows[i].pmi, "row %zu: pmi", i);
        cr_expect_eq(mx_launcher_many(&launcher), rows[i].many, "row %zu: many", i);
    }
}

Test(launcher, is_nobody_where_nothing_tells_a_rank)
{
    static const char *const rows[][6] = {
        {NULL},
        {"HOME=/root", "OMPI_MCA_btl=self,tcp"},
        /* a batch script's own processes */
        {"SLURM_JOB_ID=7", "SLURM_NTASKS=4", "SLURM_PROCID=0", "SLURM_NNODES=2"},
        /* what is no number of processes */
        {"OMPI_COMM_WORLD_SIZE=four", "OMPI_COMM_WORLD_RANK=0"},
        {"OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_RANK=-1"},
        {"OMPI_COMM_WORLD_SIZE=99999999999999999999", "OMPI_COMM_WORLD_RANK=1"},
        {"OMPI_COMM_WORLD_SIZE_MAX=4", "OMPI_COMM_WORLD_RANK=1"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mx_launcher launcher = find(rows[i]);

        cr_expect_null(launcher.name, "row %zu: %s", i, launcher.name);
        cr_expect_eq(launcher.size, 1, "row %zu: size %u", i, launcher.size);
        cr_expect_not(mx_launcher_many(&launcher), "row %zu", i);
    }
}

Test(launcher, that_lets_ranks_die_drops_what_they_return)
{
    const char *const with[6] = {"OMPI_COMM_WORLD_SIZE=2", "OMPI_MCA_orte_enable_recovery=1"};
    const char *const off[6] = {"OMPI_MCA_orte_enable_recovery=0"};
    const char *const without[6] = {"OMPI_COMM_WORLD_SIZE=2"};

    cr_expect(drops(with));
    cr_expect_not(drops(off));
    cr_expect_not(drops(without));
}
