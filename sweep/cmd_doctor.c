/* cmd_doctor.c - `mixsweep doctor`. */
#include <stdio.h>

#include "sweep/command.h"
#include "sweep/doctor.h"

struct options {
    bool json;
};

static const struct mx_option known[] = {
    MX_OPTION_JSON(struct options, json, "the same as one JSON object"),
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"srun -N 4 --ntasks-per-node 1 mixsweep doctor", "What each node of a job has:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_doctor = {
    .command = "doctor",
    .forms = {"doctor [--json]"},
    .summary = "what this machine has for sweeps, what is wrong, and how to mend it",
    .about = "Look at this machine: processor, memory, limits, disks, MPI and its launcher, Slurm, "
             "GPUs with their driver and libraries, data sets. Each line says ok, warn, fail or "
             "absent; absent is what is not there and not needed.",
    .options = known,
    .examples = examples,
    .exits = "0, warnings or not; 2 usage; 3 something makes sweeps impossible.",
};

int mx_cmd_doctor(int argc, char **argv)
{
    struct options   options = {.json = false};
    struct mx_doctor doctor;
    struct mx_buf    out = {0};
    struct mx_err    err = {0};
    size_t           n;
    int              rc = mx_command_read(&mx_usage_doctor, argc, argv, &options, NULL, &n, &err);

    if (rc)
        return rc < 0 ? mx_command_fail(&err) : 0;
    mx_doctor_look(&doctor);
    if (options.json)
        mx_doctor_json(&doctor, &out);
    else
        mx_doctor_text(&doctor, &out);
    fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return mx_doctor_worst(&doctor) == MX_HEALTH_FAIL ? mx_exit_code(MX_EIO) : 0;
}
