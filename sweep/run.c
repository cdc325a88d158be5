/* run.c - opening and closing a sweep around its event loop. */
#include "sweep/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/estimate.h"
#include "sweep/outdir.h"
#include "sweep/run_state.h"
#include "sweep/signals.h"
#include "sweep/spawn.h"
#include "sweep/terminal.h"

enum {
    TABLE_ROWS = 20,
    MEMORY_MARGIN = 2,        /* an executor may use this many times its estimate ... */
    MEMORY_EXTRA = 256 << 20, /* ... and this much more, before its trial fails */
    PLAIN_WIDTH = 100,        /* columns where there is no terminal */
};

unsigned run_terminal_width(const struct run *run, int fd)
{
    return run->options->comm ? 0 : mx_terminal_width(fd);
}

/* Each line of a text as a record of its own. */
static void tell_lines(struct run *run, const char *text)
{
    for (size_t len; *text; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        mx_console_log(run->console, MX_LOG_INFO, NULL, "%.*s", (int)len, text);
    }
}

/* The executors, as many as memory and CPUs allow, each held to what a trial
 * of this sweep can need and some more. */
static int start_executors(struct run *run, struct mx_err *err)
{
    const struct mx_value *base = run->config->base;
    const bool             on_gpus = base[KEY_SCHEDULE_DEVICE].choice == MX_DEVICE_CUDA;
    struct mx_estimate     estimate;
    struct mx_buf          why = {0};
    char                  *program = mx_program_path(err);
    struct mx_link_options options = {.program = program,
                                      .directory = run->directory,
                                      .comm = run->options->comm,
                                      .share = {.asked = run->options->workers,
                                                .jobs = run->plan->nstages,
                                                .cuda = on_gpus,
                                                .per_gpu = run->options->per_gpu},
                                      .gpus = &run->gpus,
                                      .stall_timeout_s = base[KEY_SCHEDULE_STALL_TIMEOUT].real,
                                      .rank_timeout_s = base[KEY_SCHEDULE_RANK_TIMEOUT].real};
    int                    rc = -1;

    tell_lines(run, mx_buf_str(&run->device_notes));
    if (!program || mx_estimate(run->config, run->grid, 1, &estimate, err))
        goto done;
    memcpy(run->expected_s, estimate.kind_s, sizeof run->expected_s);
    options.share.bytes_each =
        run_images_are_cached(run) ? estimate.own_bytes : estimate.memory_bytes;
    options.share.bytes_node = run_images_are_cached(run) ? estimate.shared_bytes : 0;
    /* Else its need is unknown; and with CUDA what is counted is what the driver maps. */
    if (estimate.timed && !on_gpus)
        options.memory_bytes = MEMORY_MARGIN * estimate.memory_bytes + MEMORY_EXTRA;
    if (!(run->link = mx_link_open(&options, &why, err)))
        goto done;
    tell_lines(run, mx_buf_str(&why));
    run->workers = mx_link_workers(run->link);
    run->ranks = mx_link_ranks(run->link);
    run->nodes = calloc(run->ranks, sizeof *run->nodes);
    run->makers = malloc(run->plan->nstages * sizeof *run->makers);
    if (!run->nodes || !run->makers) {
        mx_fail(err, MX_ENOMEM, "no memory for %u executors", run->workers);
        goto done;
    }
    memset(run->makers, 0xFF, run->plan->nstages * sizeof *run->makers);
    for (unsigned r = 0; r < run->ranks; r++) {
        struct mx_link_rank rank = mx_link_rank(run->link, r);

        run->nodes[r].first = rank.first;
        run->nodes[r].workers = rank.workers;
        snprintf(run->nodes[r].host, sizeof run->nodes[r].host, "%s", rank.host);
    }
    run_number_hosts(run);
    rc = run_note_gpus(run, err);
done:
    mx_buf_free(&why);
    free(program);
    return rc;
}

/* A trial that diverged or has no fit data would do so again. */
static bool retries_would_help(const struct run *run)
{
    for (uint32_t t = 0; t < run->plan->ntrials; t++) {
        const enum mx_reason reason = mx_sched_trial_reason(run->sched, t);

        if (mx_sched_trial_state(run->sched, t) == MX_STATE_FAILED &&
            reason != MX_REASON_DIVERGED && reason != MX_REASON_DATA_ERROR)
            return true;
    }
    return false;
}

/* "begun: 24 trials of 8 cells, 20 done, 1 failed, 3 to run; 2 executors" */
static void tell_counts(const struct run *run, const char *when)
{
    struct mx_sched_counts counts;
    struct mx_buf          text = {0}, hands = {0};
    uint64_t               open;
    unsigned               executors = 0;

    mx_sched_counts(run->sched, &counts);
    open = counts.planned - run_ended(&counts);
    for (unsigned r = 0; r < run->ranks; r++)
        executors += run_executors(&run->nodes[r]);
    if (executors > 0)
        mx_buf_printf(&hands, "; %u executor%s", executors, executors == 1 ? "" : "s");
    for (int state = MX_STATE_DONE; state < MX_STATES; state++)
        if (counts.by_state[state] > 0)
            mx_buf_printf(&text, ", %llu %s", (unsigned long long)counts.by_state[state],
                          mx_state_names[state]);
    mx_console_log(run->console, MX_LOG_INFO, NULL,
                   "%s: %llu trial%s of %llu cell%s%s, %llu to run%s", when,
                   (unsigned long long)counts.planned, counts.planned == 1 ? "" : "s",
                   (unsigned long long)run->plan->cells, run->plan->cells == 1 ? "" : "s",
                   mx_buf_str(&text), (unsigned long long)open, mx_buf_str(&hands));
    mx_buf_free(&hands);
    if (open == 0 && retries_would_help(run))
        mx_console_log(run->console, MX_LOG_INFO, NULL,
                       "failed trials stay failed; mixsweep retry %s --failed has the next "
                       "resume try them again",
                       run->directory);
    mx_buf_free(&text);
}

/* The new incarnation begins. */
static int begin(struct run *run, struct mx_err *err)
{
    struct mx_sched_counts counts;

    if (mx_outdir_begin(run->directory, err) || run_restore(run, err))
        return -1;
    mx_sched_counts(run->sched, &counts);
    run->ended_before = run_ended(&counts);
    /* A status before a configuration: what holds a sweep can always be asked how it is. */
    if (run_write_status(run, "running", -1, err) || run_write_config(run, err) ||
        (!mx_sched_finished(run->sched) && start_executors(run, err)))
        return -1;
    run_tell_remarks(run);
    if (getenv("MIXSWEEP_RUN_ID")) /* slurm/mixsweep.sbatch sets it */
        mx_console_log(run->console, MX_LOG_INFO, NULL, "run %.60s", getenv("MIXSWEEP_RUN_ID"));
    tell_counts(run, run->ended_before > 0 ? "continued" : "begun");
    return 0;
}

static void print_hosts(const struct run *run)
{
    for (unsigned r = 0; r < run->ranks; r++)
        if (run->nodes[r].host_number == r && mx_sched_host_quarantined(run->sched, r))
            printf("quarantined: host %s, where different cells failed one after the other\n",
                   run->nodes[r].host);
}

static void print_table(const struct run *run)
{
    struct mx_sched_counts counts;
    struct mx_buf          text = {0};
    unsigned               width = run_terminal_width(run, STDOUT_FILENO);

    mx_sched_counts(run->sched, &counts);
    mx_results_print(run->results, &counts, TABLE_ROWS, width ? width : PLAIN_WIDTH, &text);
    fputs(mx_buf_str(&text), stdout);
    print_hosts(run);
    printf("results: %s/results.csv\n", run->directory);
    if (run_ended(&counts) == counts.planned && !run->options->empty_stages)
        printf("report: %s/report.html\n", run->directory);
    if (run_ended(&counts) < counts.planned)
        printf("not finished: mixsweep resume %s goes on\n", run->directory);
    mx_buf_free(&text);
}

/* The exit code of a loop that ended without an error. */
static int verdict(const struct run *run)
{
    struct mx_sched_counts counts;

    mx_sched_counts(run->sched, &counts);
    if (run_ended(&counts) < counts.planned)
        return mx_exit_code(MX_EINTERRUPTED);
    return counts.by_state[MX_STATE_FAILED] + counts.by_state[MX_STATE_QUARANTINED] > 0 ? 1 : 0;
}

/* Write what people and scripts read at the end. The first error counts. */
static int finish(struct run *run, int code, struct mx_err *err)
{
    const char *state = code == 0 || code == 1 ? "finished" : "interrupted";

    if (run_write_results(run, err) || run_write_status(run, state, code, err))
        return mx_exit_code(err->code);
    if ((code == 0 || code == 1) && !run->options->empty_stages)
        run_write_report(run);
    if (mx_outdir_write_exit_code(run->directory, code, err))
        return mx_exit_code(err->code);
    return code;
}

static void close_all(struct run *run)
{
    mx_link_close(run->link, mx_signals_grace_s(run->options->comm != NULL));
    mx_console_close(run->console);
    mx_journal_close(run->journal);
    mx_sched_free(run->sched);
    mx_results_free(run->results);
    mx_actions_free(&run->actions);
    mx_plan_free(run->plan);
    mx_grid_free(run->grid);
    mx_config_free(run->config);
    mx_owner_release(run->owner);
    mx_replay_end(&run->replay);
    mx_gpus_free(&run->gpus);
    mx_buf_free(&run->device_notes);
    free(run->gpu_list);
    free(run->nodes);
    free(run->makers);
    free(run->readers);
    worker_job_free(&run->job);
    free(run->smoke_data);
    run_forget_data(run);
    free(run->directory);
}

/* The executors end, and with them every lease: nothing runs any more. */
static void end_executors(struct run *run)
{
    struct mx_event end = {.kind = MX_EVENT_END, .now_s = mx_clock_monotonic_s()};

    mx_link_close(run->link, mx_signals_grace_s(run->options->comm != NULL));
    run->link = NULL;
    mx_sched_event(run->sched, &end, &run->actions, NULL);
}

/* Something other than a trial failed. One that lost the directory must not
 * touch it; otherwise what is known is written, as far as that still works. */
static int give_up(struct run *run, const struct mx_err *err)
{
    struct mx_err later;
    int           code = mx_exit_code(err->code);

    end_executors(run);
    if (err->code == MX_EIO || err->code == MX_ENOMEM)
        mx_console_log(run->console, MX_LOG_ERROR, NULL,
                       mx_outdir_holds_sweep(run->directory)
                           ? "%s; what is done is kept: mend this, then mixsweep resume "
                             "%s goes on"
                           : "%s; nothing is done yet: mend this, then start again "
                             "with --out %s --resume",
                       err->text, run->directory);
    else
        mx_console_log(run->console, MX_LOG_ERROR, NULL, "%s", err->text);
    if (err->code != MX_EOWNED && run->journal)
        finish(run, code, &later);
    else if (err->code != MX_EOWNED)
        mx_outdir_write_exit_code(run->directory, code, &later);
    return code;
}

/* The sweep proper, with the console open. Returns the exit code; what went
 * wrong has been told there. */
static int run_sweep(struct run *run)
{
    struct mx_err err = {0};
    int           code;

    if (begin(run, &err) || run_loop(run, &err))
        return give_up(run, &err);
    /* Whoever ended the sweep at once does not wait for sums. */
    if (run->link && !run->ending && run_reduce(run, &err))
        return give_up(run, &err);
    end_executors(run);
    code = finish(run, verdict(run), &err);
    if (err.code != MX_OK)
        return give_up(run, &err);
    tell_counts(run, code == mx_exit_code(MX_EINTERRUPTED) ? "interrupted" : "finished");
    mx_console_close(run->console);
    run->console = NULL;
    print_table(run);
    return code;
}

/* What a start that came to nothing has made is removed, if nobody else has begun there. */
static void undo_directory(const struct run *run)
{
    if (!run->made_directory)
        return;
    if (run->owner && mx_owner_still_mine(run->owner, NULL) == 0)
        mx_dir_remove(run->directory, NULL);
    else
        mx_outdir_unmake(run->directory);
}

int mx_run(const struct mx_run_options *options, struct mx_err *err)
{
    struct run run = {
        .options = options,
        .started_s = mx_clock_monotonic_s(),
        .launcher = (long)getppid(),
        .job_stage = UINT32_MAX,
    };
    int code;

    err->code = MX_OK;
    if (mx_signals_install(err))
        return mx_exit_code(err->code);
    if (run_open(&run, err) == 0) {
        const struct mx_value *keep = &run.config->base[KEY_SCHEDULE_KEEP];

        run.keep = (enum mx_keep)keep->choice;
        printf("output: %s\n", run.directory);
        fflush(stdout);
        code = run_sweep(&run);
    } else {
        code = mx_exit_code(err->code);
        undo_directory(&run);
    }
    close_all(&run);
    return code;
}
