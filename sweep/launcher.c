#include "sweep/launcher.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The variables by which a launcher tells a process its place, NULL where it has
 * none; the first that applies counts. mpirun inside srun is mpirun's job, so
 * srun's own come last. */
static const struct rule {
    const char *name, *needs, *size, *other_size, *rank;
} rules[] = {
    {"mpirun", NULL, "OMPI_COMM_WORLD_SIZE", NULL, "OMPI_COMM_WORLD_RANK"},
    {"srun", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_PROCID"},
    {"mpiexec", NULL, "PMI_SIZE", NULL, "PMI_RANK"},
    {"mpirun", "PMIX_RANK", NULL, NULL, "PMIX_RANK"},
};

/* The value of a variable, NULL if it is not set. */
static const char *value_of(char *const *environment, const char *name)
{
    size_t len = name ? strlen(name) : 0;

    for (; name && *environment; environment++)
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return *environment + len + 1;
    return NULL;
}

/* A number of processes or a rank; false if the variable has none. */
static bool number_of(char *const *environment, const char *name, unsigned *number)
{
    const char   *value = value_of(environment, name);
    char         *end;
    unsigned long x;

    if (!value || *value < '0' || *value > '9')
        return false;
    x = strtoul(value, &end, 10);
    if (*end != '\0' || x > INT_MAX)
        return false;
    *number = (unsigned)x;
    return true;
}

static bool applies(const struct rule *rule, char *const *environment, struct mx_launcher *launcher)
{
    *launcher = (struct mx_launcher){.name = rule->name};
    if (rule->needs && !value_of(environment, rule->needs))
        return false;
    if (!number_of(environment, rule->rank, &launcher->rank))
        return false;
    return !rule->size || number_of(environment, rule->size, &launcher->size) ||
           number_of(environment, rule->other_size, &launcher->size);
}

struct mx_launcher mx_launcher_find(char *const *environment)
{
    struct mx_launcher launcher;
    bool pmi = value_of(environment, "PMIX_RANK") || value_of(environment, "PMI_RANK") ||
               value_of(environment, "PMI_FD");

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (applies(&rules[i], environment, &launcher)) {
            launcher.pmi = pmi;
            return launcher;
        }
    return (struct mx_launcher){.size = 1};
}

bool mx_launcher_many(const struct mx_launcher *launcher)
{
    return launcher->size != 1;
}

bool mx_launcher_drops_status(char *const *environment)
{
    const char *recovery = value_of(environment, "OMPI_MCA_orte_enable_recovery");

    return recovery && strcmp(recovery, "0") != 0;
}
