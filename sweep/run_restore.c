/* run_restore.c - what earlier incarnations know. */
#include <stdlib.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/hash.h"
#include "sweep/run_state.h"

struct folders {
    const struct mx_plan_index *index;
    bool                       *found; /* by stage */
};

static int note_folder(void *user, const char *name)
{
    const struct folders *folders = user;
    struct mx_hash128     key;
    uint32_t              stage;

    if (mx_hash128_parse(name, &key) && mx_plan_index_find(folders->index, key, &stage))
        folders->found[stage] = true;
    return 0;
}

/* Note the stages whose folders are there: the directory is read once, since
 * asking for each of many folders takes long on a shared file system. */
static int find_folders(const struct run *run, bool **out, struct mx_err *err)
{
    char          *path = mx_path_join(run->directory, "stages");
    bool          *found = calloc((size_t)run->plan->nstages + 1, sizeof *found);
    struct folders folders = {&run->replay.index, found};

    if (path && found)
        mx_disk_list(path, note_folder, &folders); /* there may be none yet */
    free(path);
    *out = found;
    return found ? 0 : mx_fail(err, MX_ENOMEM, "no memory for %u stages", run->plan->nstages);
}

/* For status.json. */
static int note_failure(void *user, uint32_t stage, const struct mx_record *record,
                        struct mx_err *err)
{
    struct run    *run = user;
    const uint32_t trial = run->plan->stages[stage].first_trial;

    (void)err;
    if (record->kind == MX_RECORD_RETRY)
        run_forget_failures(run, trial);
    else if (record->kind == MX_RECORD_FAILED && run->replay.failed[stage])
        run_note_failure(run, trial, record->reason, record->attempt, record->text);
    return 0;
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
static int settle(struct run *run, struct mx_err *err)
{
    struct mx_replay *replay = &run->replay;
    bool             *folders;
    uint64_t          gone = 0;

    mx_replay_forget_partial(replay);
    if (run_count_readers(run, replay->done, replay->failed, err) ||
        find_folders(run, &folders, err))
        return -1;
    for (uint32_t s = 0; s < run->plan->nstages; s++)
        gone += replay->done[s] && run_leaves_folder(run, run->plan->stages[s].kind) && !folders[s];
    free(folders);
    if (gone > 0)
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "the folders of %llu done stages are gone from %s/stages; their numbers "
                       "are in the journal, their weights are lost; mixsweep retry %s --missing "
                       "has them run again",
                       (unsigned long long)gone, run->directory, run->directory);
    mx_replay_settle(replay);
    return 0;
}

int run_restore(struct run *run, struct mx_err *err)
{
    struct mx_journal_report report = {0};

    run->replay = (struct mx_replay){
        .sched = run->sched, .results = run->results, .each = note_failure, .user = run};
    if (mx_replay_begin(&run->replay, run->plan, err) ||
        !(run->journal =
              mx_journal_open(run->directory, mx_replay_record, &run->replay, &report, err)) ||
        settle(run, err))
        return -1;
    mx_sched_set_incarnation(run->sched, mx_journal_incarnation(run->journal));
    mx_journal_guard(run->journal, mx_owner_guard, run->owner);
    if (mx_owner_refresh(run->owner, mx_journal_incarnation(run->journal), err))
        return -1;
    tell_report(run, &report);
    return 0;
}
