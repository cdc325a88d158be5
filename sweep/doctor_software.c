/* doctor_software.c - libraries, launchers, data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kernels/nn.h"
#include "sweep/comm.h"
#include "sweep/doctor.h"
#include "worker/choices.h"
#include "worker/dataset.h"

static void look_at_program(struct mx_doctor *doctor)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "mixsweep");

    snprintf(check->text, sizeof check->text, "%s, built with %s", MX_VERSION,
#ifdef __clang__
             __VERSION__
#else
             "GCC " __VERSION__
#endif
    );
}

static void look_at_onednn(struct mx_doctor *doctor)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "oneDNN");
    struct mx_err           err = {0};
    struct kern_nn         *nn = kern_nn_new(1, &err);

    snprintf(check->text, sizeof check->text, "%.390s", nn ? kern_nn_name(nn) : err.text);
    if (!nn) {
        check->health = MX_HEALTH_FAIL;
        snprintf(check->hint, sizeof check->hint,
                 "networks cannot be run: install oneDNN (libdnnl) again");
    }
    kern_nn_free(nn);
}

/* The first folder of PATH that has this program; "" if none. */
static void find_program(const char *name, char *path, size_t size)
{
    const char *at = getenv("PATH");

    for (path[0] = '\0'; at && *at; at += *at == ':') {
        const size_t len = strcspn(at, ":");

        snprintf(path, size, "%.*s/%s", (int)len, at, name);
        if (len > 0 && access(path, X_OK) == 0)
            return;
        path[0] = '\0';
        at += len;
    }
}

/* The first line that `mpirun --version` prints; "" if it does not. */
static void ask_version(const char *program, char *line, size_t size)
{
    char  command[600];
    FILE *answer;

    line[0] = '\0';
    snprintf(command, sizeof command, "'%s' --version 2>/dev/null", program);
    if (strchr(program, '\'') || !(answer = popen(command, "r")))
        return;
    if (!fgets(line, (int)size, answer))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    while (fgetc(answer) != EOF)
        ;
    pclose(answer);
}

/* "4.1.4" of "Open MPI 4.1.4" and of "mpirun (Open MPI) 4.1.4". */
static const char *version_in(const char *text)
{
    return text + strcspn(text, "0123456789");
}

static void look_at_mpi(struct mx_doctor *doctor)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "MPI");
    const char             *library = mx_comm_library();
    char                    path[500], version[100];

    if (strcmp(library, "none") == 0) {
        check->health = MX_HEALTH_ABSENT;
        snprintf(check->text, sizeof check->text, "not built in: sweeps run on one node");
        snprintf(check->hint, sizeof check->hint,
                 "for more: install libopenmpi-dev and openmpi-bin, and build again");
        return;
    }
    find_program("mpirun", path, sizeof path);
    if (!path[0]) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->text, sizeof check->text, "%s is built in, and there is no mpirun",
                 library);
        snprintf(check->hint, sizeof check->hint,
                 "install openmpi-bin, or load the module that brings mpirun; srun does too");
        return;
    }
    ask_version(path, version, sizeof version);
    snprintf(check->text, sizeof check->text, "%s; %.200s: %s", library, path,
             version[0] ? version : "tells no version");
    if (version[0] && strncmp(version_in(library), version_in(version), 2) != 0) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->hint, sizeof check->hint,
                 "this mpirun is of another MPI than the program: use the one of %s, or build "
                 "again with this one's mpicc",
                 library);
    }
}

static void look_at_slurm(struct mx_doctor *doctor)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "Slurm");
    char                    path[500], version[100];

    find_program("sbatch", path, sizeof path);
    if (!path[0]) {
        check->health = MX_HEALTH_ABSENT;
        snprintf(check->text, sizeof check->text, "no sbatch here");
        return;
    }
    ask_version(path, version, sizeof version);
    snprintf(check->text, sizeof check->text, "%.200s: %s", path,
             version[0] ? version : "does not tell its version");
    if (!version[0]) {
        check->health = MX_HEALTH_WARN;
        snprintf(check->hint, sizeof check->hint, "sbatch --version fails: is it configured here?");
    }
}

static void look_at_data(struct mx_doctor *doctor)
{
    struct mx_doctor_check *check = mx_doctor_add(doctor, "data sets");

    for (unsigned set = 0; worker_data_sets[set].word; set++) {
        const size_t  used = strlen(check->text);
        struct mx_buf path = {0};

        worker_dataset_look_path(set, &path);
        if (path.len > 0 && mx_file_exists(mx_buf_str(&path)))
            snprintf(check->text + used, sizeof check->text - used, "%s%s",
                     used > 0 ? ", " : "found: ", worker_data_sets[set].word);
        mx_buf_free(&path);
    }
    if (!check->text[0]) {
        check->health = MX_HEALTH_ABSENT;
        snprintf(check->text, sizeof check->text, "none is where sweeps look without a data.path");
        snprintf(check->hint, sizeof check->hint, "mixsweep data list, and data fetch NAME");
    }
}

void mx_doctor_software(struct mx_doctor *doctor)
{
    look_at_program(doctor);
    look_at_onednn(doctor);
    look_at_mpi(doctor);
    look_at_slurm(doctor);
    look_at_data(doctor);
}
