/* run_restore.c - what earlier incarnations know. */
#include <dirent.h>
#include <stdlib.h>

#include "base/file.h"
#include "sweep/run_state.h"

struct restore {
    struct run *run;
    bool       *has_folder, *done, *failed; /* by stage */
};

static struct mx_hash128 key_of_stage(const void *plan, uint32_t stage)
{
    return ((const struct mx_plan *)plan)->stages[stage].key;
}

/* To find the stages that journal records speak of. */
static int index_stages(struct run *run, struct mx_err *err)
{
    run->stage_index = (struct mx_plan_index){.key_of = key_of_stage, .user = run->plan};
    for (uint32_t i = 0; i < run->plan->nstages; i++)
        if (mx_plan_index_add(&run->stage_index, i, err))
            return -1;
    return 0;
}

/* Note the stages whose folders are there: the directory is read once, since
 * asking for each of many folders takes long on a shared file system. */
static int find_folders(struct restore *restore, struct mx_err *err)
{
    const struct run *run = restore->run;
    char             *path = mx_path_join(run->directory, "stages");
    DIR              *dir = path ? opendir(path) : NULL;
    struct dirent    *entry;

    free(path);
    if (!(restore->has_folder = calloc(3 * (size_t)run->plan->nstages, sizeof(bool)))) {
        if (dir)
            closedir(dir);
        return mx_fail(err, MX_ENOMEM, "no memory for %u stages", run->plan->nstages);
    }
    restore->done = restore->has_folder + run->plan->nstages;
    restore->failed = restore->done + run->plan->nstages;
    while (dir && (entry = readdir(dir))) {
        struct mx_hash128 key;
        uint32_t          stage;

        if (mx_hash128_parse(entry->d_name, &key) &&
            mx_plan_index_find(&run->stage_index, key, &stage))
            restore->has_folder[stage] = true;
    }
    if (dir)
        closedir(dir);
    return 0;
}

/* A failure stands if today's options, retries among them, make it final too:
 * one who raises schedule.retries and resumes gets new attempts. */
static void restore_failure(struct restore *restore, uint32_t stage, const struct mx_record *record)
{
    struct run *run = restore->run;
    bool        final;

    mx_sched_restore_attempts(run->sched, stage, record->attempt - 1);
    final = record->final && mx_sched_final(run->sched, stage, record->reason);
    mx_sched_restore_attempts(run->sched, stage, record->attempt);
    if (!final)
        return;
    restore->failed[stage] = true;
    mx_sched_restore_failed(run->sched, stage, record->reason);
    run_note_failure(run, run->plan->stages[stage].first_trial, record->reason, record->attempt,
                     record->text);
}

/* A record of a stage that the plan no longer has is left alone: its result
 * stays in the journal for a configuration that asks for it again. */
static int accept_record(void *user, const struct mx_record *record, struct mx_err *err)
{
    struct restore    *restore = user;
    struct run        *run = restore->run;
    struct mx_run_info info;
    uint32_t           stage;

    if (record->kind == MX_RECORD_INCARNATION ||
        !mx_plan_index_find(&run->stage_index, record->key, &stage))
        return 0;
    info = run_info(record);
    switch (record->kind) {
    case MX_RECORD_DONE:
        restore->done[stage] = true;
        return mx_results_stage(run->results, stage, record->metrics, record->nmetrics, &info, err);
    case MX_RECORD_FAILED:
        restore_failure(restore, stage, record);
        return mx_results_stage(run->results, stage, NULL, 0, &info, err);
    default:
        return 0;
    }
}

/* Without a later file that names its records, how many a file held is unknown. */
static void tell_lost(struct run *run, const struct mx_journal_report *report)
{
    bool several = report->lost_files > 1;

    if (report->lost_files == 0)
        return;
    if (report->lost_records == 0)
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "journal: %06u.jsonl%s missing; what %s held is run again",
                       report->first_lost, several ? " and others are" : " is",
                       several ? "they" : "it");
    else
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "journal: %llu record%s gone that an earlier incarnation had read "
                       "(%06u.jsonl%s missing or shorter); what %s held is run again",
                       (unsigned long long)report->lost_records,
                       report->lost_records == 1 ? " is" : "s are", report->first_lost,
                       several ? " and others are" : " is",
                       report->lost_records == 1 ? "it" : "they");
}

/* Damage in the journal is told, never hidden: what it hit is run again. */
static void tell_report(struct run *run, const struct mx_journal_report *report)
{
    if (report->files == 0)
        return;
    mx_console_log(
        run->console, MX_LOG_INFO, NULL, "journal: %llu records of %u incarnation%s read",
        (unsigned long long)report->records, report->files, report->files == 1 ? "" : "s");
    if (report->torn_bytes > 0)
        mx_console_log(run->console, MX_LOG_INFO, NULL,
                       "journal: %llu bytes at the end of a file were cut off in writing; what "
                       "they held is run again",
                       (unsigned long long)report->torn_bytes);
    if (report->skipped_bad > 0)
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "journal: %llu damaged records skipped; what they held is run again",
                       (unsigned long long)report->skipped_bad);
    tell_lost(run, report);
    if (report->ignored_late > 0)
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "journal: %llu records ignored that an earlier incarnation wrote after it "
                       "lost the directory",
                       (unsigned long long)report->ignored_late);
}

/* Done stages, but for those whose files others still need and nobody has. */
static int restore_done(struct restore *restore, struct mx_err *err)
{
    struct run *run = restore->run;
    uint64_t    gone = 0;

    if (run_count_readers(run, restore->done, restore->failed, err))
        return -1;
    for (uint32_t s = 0; s < run->plan->nstages; s++)
        if (restore->done[s]) {
            mx_sched_restore_done(run->sched, s);
            gone += run_leaves_folder(run, run->plan->stages[s].kind) && !restore->has_folder[s];
        }
    if (gone > 0)
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "the folders of %llu done stages are gone from %s/stages; their numbers "
                       "are in the journal, their weights are lost",
                       (unsigned long long)gone, run->directory);
    return 0;
}

int run_restore(struct run *run, struct mx_err *err)
{
    struct restore           restore = {.run = run};
    struct mx_journal_report report = {0};
    int                      rc = -1;

    if (index_stages(run, err) || find_folders(&restore, err))
        return -1;
    run->journal = mx_journal_open(run->directory, accept_record, &restore, &report, err);
    if (run->journal)
        rc = restore_done(&restore, err);
    free(restore.has_folder);
    if (rc)
        return -1;
    mx_sched_set_incarnation(run->sched, mx_journal_incarnation(run->journal));
    mx_journal_guard(run->journal, mx_owner_guard, run->owner);
    if (mx_owner_refresh(run->owner, mx_journal_incarnation(run->journal), err))
        return -1;
    tell_report(run, &report);
    for (uint32_t i = 0; i < run->plan->ntrials; i++)
        mx_results_trial(run->results, i, mx_sched_trial_state(run->sched, i),
                         mx_sched_trial_reason(run->sched, i));
    return 0;
}
