/* tables.c - what a sweep fills on its way, as stand-ins that look at what comes:
 * results, console, status, jobs. A mx_results is the process of rank 0. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/control.h"
#include "sweep/run_state.h"
#include "sweep/smoke_data.h"
#include "world.h"

static struct sim_process *process_of(const struct mx_results *results)
{
    return (struct sim_process *)(uintptr_t)results;
}

int mx_results_stage(struct mx_results *results, uint32_t stage,
                     const struct worker_metric *metrics, size_t nmetrics,
                     const struct mx_run_info *run, struct mx_err *err)
{
    struct sim_process *root = process_of(results);
    double              values[SIM_METRICS];

    (void)err;
    if (nmetrics == 0) {
        sim_oracle_accepted(root, stage, NULL, run->seconds);
        return 0;
    }
    if (nmetrics != SIM_METRICS)
        sim_fail("stage %u has %zu numbers", stage, nmetrics);
    for (unsigned k = 0; k < SIM_METRICS; k++) {
        if (strcmp(metrics[k].name, sim_metric_names[k]) != 0)
            sim_fail("stage %u has a number of the name %s", stage, metrics[k].name);
        values[k] = metrics[k].value;
    }
    sim_oracle_accepted(root, stage, values, run->seconds);
    return 0;
}

void mx_results_trial(struct mx_results *results, uint32_t trial, enum mx_state state,
                      enum mx_reason reason)
{
    sim_oracle_trial(process_of(results), trial, state, reason);
}

int mx_results_write(const struct mx_results *results, const char *directory, struct mx_err *err)
{
    (void)directory;
    if (!sim_is_real())
        return mx_fail(err, MX_EIO, "the process is dead");
    sim_oracle_written(process_of(results));
    return 0;
}

void mx_results_forget(struct mx_results *results, uint32_t stage)
{
    process_of(results)->done[stage] = false;
}

static void says(enum mx_log_level level, const char *fmt, va_list args)
{
    char text[512];

    if (!sim->trace || level == MX_LOG_DEBUG)
        return;
    vsnprintf(text, sizeof text, fmt, args);
    sim_tell("says: %s", text);
}

void mx_console_tell(struct mx_console *console, enum mx_log_level level,
                     struct mx_console_about about, const char *fmt, ...)
{
    va_list args;

    (void)console, (void)about;
    va_start(args, fmt);
    says(level, fmt, args);
    va_end(args);
}

void mx_console_log(struct mx_console *console, enum mx_log_level level, const char *trial,
                    const char *fmt, ...)
{
    va_list args;

    (void)console, (void)trial;
    va_start(args, fmt);
    says(level, fmt, args);
    va_end(args);
}

void mx_console_waiting(void *user, const char *text)
{
    (void)user;
    if (sim->trace)
        sim_tell("says: %s", text);
}

bool mx_console_wants(struct mx_console *console)
{
    (void)console;
    return false;
}

void mx_console_progress(struct mx_console *console, const struct mx_progress *progress,
                         uint64_t failed, double now_s)
{
    (void)console, (void)progress, (void)failed, (void)now_s;
}

double mx_console_due_s(const struct mx_console *console)
{
    (void)console;
    return INFINITY;
}

int run_write_status(struct run *run, const char *state, int exit_code, struct mx_err *err)
{
    (void)run, (void)state, (void)exit_code, (void)err;
    return 0;
}

void run_note_failure(struct run *run, uint32_t trial, enum mx_reason reason, unsigned attempts,
                      const char *text)
{
    (void)run, (void)trial, (void)reason, (void)attempts, (void)text;
}

int run_count_readers(struct run *run, bool *done, const bool *failed, struct mx_err *err)
{
    (void)run, (void)done, (void)failed, (void)err;
    return 0;
}

int run_release_inputs(struct run *run, uint32_t stage, struct mx_err *err)
{
    (void)run, (void)stage, (void)err;
    return 0;
}

int run_drop_checkpoints(struct run *run, uint32_t stage, struct mx_err *err)
{
    (void)run, (void)stage, (void)err;
    return 0;
}

bool run_leaves_folder(const struct run *run, enum worker_kind kind)
{
    (void)run, (void)kind;
    return false;
}

int run_place_job(struct run *run, uint32_t stage, struct worker_job *job, struct mx_err *err)
{
    (void)run, (void)stage, (void)job, (void)err;
    return 0;
}

void run_forget_failures(struct run *run, uint32_t trial)
{
    (void)run, (void)trial;
}

void mx_smoke_use(const char *folder, struct worker_params *params)
{
    (void)folder, (void)params;
}

int mx_plan_job(const struct mx_plan *plan, const struct mx_config *config, uint32_t stage,
                struct worker_job *job, struct mx_err *err)
{
    (void)config, (void)err;
    sim_oracle_started(sim->current, stage);
    job->kind = plan->stages[stage].kind;
    return 0;
}

int mx_plan_next_job(const struct mx_plan *plan, const struct mx_config *config, uint32_t before,
                     uint32_t stage, struct worker_job *job, struct mx_err *err)
{
    (void)before;
    return mx_plan_job(plan, config, stage, job, err);
}

const char *mx_trial_name(const struct mx_trial *trial, char out[MX_TRIAL_NAME_SIZE])
{
    snprintf(out, MX_TRIAL_NAME_SIZE, "%u.r%u", (unsigned)trial->cell, (unsigned)trial->repeat);
    return out;
}

int mx_control_take(const char *directory, unsigned incarnation, struct mx_control *control,
                    struct mx_err *err)
{
    (void)directory, (void)incarnation, (void)err;
    *control = (struct mx_control){.request = sim->current->control};
    sim->current->control = MX_REQUEST_NONE;
    return 0;
}
