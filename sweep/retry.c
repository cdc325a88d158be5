#include "sweep/retry.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "sweep/kept.h"
#include "sweep/outdir.h"
#include "sweep/owner.h"
#include "sweep/stages.h"
#include "sweep/status_file.h"

enum {
    SHOWN = 20 /* trials listed by name */
};

struct retry {
    const struct mx_retry *asked;
    struct mx_kept         kept;
    struct mx_owner       *owner;
    struct mx_journal     *journal;
    bool                  *again; /* by stage */
};

/* True if a file that stage.json lists is not there, or not whole. */
static bool lacks_file(const struct retry *retry, uint32_t stage, const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    char       *path = name ? mx_kept_path(&retry->kept, stage, name) : NULL;
    struct stat info;
    bool        lacks;

    lacks = path && (stat(path, &info) != 0 ||
                     info.st_size != (off_t)json_integer_value(json_object_get(entry, "bytes")));
    free(path);
    return lacks;
}

/* Of a stage that is done: whether what it left is gone, in whole or in part. Where only
 * results are kept, its arrays go by themselves. */
static bool has_lost_files(const struct retry *retry, uint32_t stage, const char *record,
                           enum mx_keep keep)
{
    json_t *root = json_load_file(record, 0, NULL);
    json_t *files = json_object_get(root, "files");
    bool    lost = !root;

    for (size_t k = 0; k < json_array_size(files) && keep != MX_KEEP_RESULTS && !lost; k++)
        lost = lacks_file(retry, stage, json_array_get(files, k));
    json_decref(root);
    return lost;
}

static int is_missing(const struct retry *retry, uint32_t stage, bool *missing, struct mx_err *err)
{
    const enum mx_keep keep = (enum mx_keep)retry->kept.config->base[KEY_SCHEDULE_KEEP].choice;
    char              *record;

    *missing = false;
    if (!retry->kept.replay.done[stage] ||
        !mx_stage_leaves_folder(retry->kept.plan->stages[stage].kind, keep))
        return 0;
    if (!(record = mx_kept_path(&retry->kept, stage, "stage.json")))
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    *missing = has_lost_files(retry, stage, record, keep);
    free(record);
    return 0;
}

static int choose_stages(struct retry *retry, struct mx_err *err)
{
    const struct mx_replay *replay = &retry->kept.replay;

    for (uint32_t s = 0; s < retry->kept.plan->nstages; s++) {
        bool missing = false;

        if (retry->asked->missing && is_missing(retry, s, &missing, err))
            return -1;
        retry->again[s] = missing || (retry->asked->failed && replay->failed[s]);
    }
    return 0;
}

static int choose_named(struct retry *retry, struct mx_err *err)
{
    const struct mx_plan   *plan = retry->kept.plan;
    const struct mx_replay *replay = &retry->kept.replay;
    bool                    found = false;

    for (uint32_t t = 0; t < plan->ntrials; t++) {
        if (!mx_trial_is(&plan->trials[t], retry->asked->id))
            continue;
        found = true;
        for (uint32_t k = 0; k < plan->trials[t].nstages; k++) {
            const uint32_t s = plan->stage_of[plan->trials[t].first_stage + k];

            retry->again[s] =
                replay->done[s] || replay->failed[s] || mx_sched_stage_stopped(replay->sched, s);
        }
    }
    if (!found)
        return mx_fail(err, MX_EINVAL, "%s has no trial or cell %s: results.csv lists them",
                       retry->kept.directory, retry->asked->id);
    return 0;
}

/* A quarantined trial has no stage that failed: it is open again since those are
 * whose failures broke its cell. */
static bool is_open_again(const struct retry *retry, uint32_t trial)
{
    const struct mx_plan *plan = retry->kept.plan;

    for (uint32_t k = 0; k < plan->trials[trial].nstages; k++)
        if (retry->again[plan->stage_of[plan->trials[trial].first_stage + k]])
            return true;
    return retry->asked->failed &&
           mx_sched_trial_state(retry->kept.replay.sched, trial) == MX_STATE_QUARANTINED;
}

/* One line of the list: what came of the trial before. */
static void tell_trial(const struct retry *retry, uint32_t trial, struct mx_buf *out)
{
    const struct mx_plan   *plan = retry->kept.plan;
    const struct mx_replay *replay = &retry->kept.replay;
    char                    name[MX_TRIAL_NAME_SIZE];

    mx_buf_printf(out, "  %s ", mx_trial_name(&plan->trials[trial], name));
    if (mx_sched_trial_state(replay->sched, trial) == MX_STATE_QUARANTINED)
        mx_buf_printf(out, " %s", mx_reason_names[mx_sched_trial_reason(replay->sched, trial)]);
    for (uint32_t k = 0; k < plan->trials[trial].nstages; k++) {
        const uint32_t s = plan->stage_of[plan->trials[trial].first_stage + k];

        if (retry->again[s])
            mx_buf_printf(out, " %s %s", worker_kinds[plan->stages[s].kind].word,
                          replay->failed[s] ? mx_reason_names[replay->reasons[s]]
                          : replay->done[s] ? "done"
                                            : mx_state_names[MX_STATE_STOPPED]);
    }
    mx_buf_text(out, "\n");
}

static void tell(const struct retry *retry, struct mx_buf *out)
{
    const struct mx_plan *plan = retry->kept.plan;
    struct mx_buf         list = {0};
    uint32_t              trials = 0;

    for (uint32_t t = 0; t < plan->ntrials; t++)
        if (is_open_again(retry, t) && trials++ < SHOWN)
            tell_trial(retry, t, &list);
    if (trials == 0)
        mx_buf_printf(out, "%s: none of %u trials is to be run again\n", retry->kept.directory,
                      plan->ntrials);
    else
        mx_buf_printf(out, "%s: %u of %u trials%s:\n%s", retry->kept.directory, trials,
                      plan->ntrials,
                      retry->asked->dry_run ? " would be run again" : " will be run again",
                      mx_buf_str(&list));
    if (trials > SHOWN)
        mx_buf_printf(out, "  ... and %u more\n", trials - SHOWN);
    if (trials > 0 && !retry->asked->dry_run)
        mx_buf_printf(out, "mixsweep resume %s does that\n", retry->kept.directory);
    out->failed |= list.failed;
    mx_buf_free(&list);
}

static int record(struct retry *retry, struct mx_err *err)
{
    struct mx_record record = {.kind = MX_RECORD_RETRY, .started_utc_s = mx_clock_utc_s()};

    gethostname(record.host, sizeof record.host - 1);
    for (uint32_t s = 0; s < retry->kept.plan->nstages; s++) {
        if (!retry->again[s])
            continue;
        record.key = retry->kept.plan->stages[s].key;
        if (mx_journal_append(retry->journal, &record, err))
            return -1;
    }
    return mx_journal_sync(retry->journal, err);
}

/* Tables and status say what is open now, as after an interruption: what the
 * next `resume` will find. */
static int write_files(const char *directory, unsigned incarnation, struct mx_err *err)
{
    const int        code = mx_exit_code(MX_EINTERRUPTED);
    struct mx_kept   kept;
    struct mx_status status = {.state = "interrupted",
                               .incarnation = incarnation,
                               .updated_utc_s = mx_clock_utc_s(),
                               .rate_per_hour = NAN,
                               .eta_s = NAN,
                               .exit_code = code};
    int              rc = -1;

    if (mx_kept_open(directory, &kept, err))
        return -1;
    if (mx_kept_read(&kept, err) == 0) {
        status.name = kept.config->name;
        mx_sched_counts(kept.replay.sched, &status.counts);
        if (mx_results_write(kept.replay.results, directory, err) == 0 &&
            mx_status_write(directory, &status, err) == 0)
            rc = mx_outdir_write_exit_code(directory, code, err);
    }
    mx_kept_close(&kept);
    return rc;
}

static int choose(struct retry *retry, struct mx_err *err)
{
    if (!(retry->again = calloc((size_t)retry->kept.plan->nstages + 1, sizeof *retry->again)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u stages", retry->kept.plan->nstages);
    return retry->asked->id ? choose_named(retry, err) : choose_stages(retry, err);
}

static bool any(const struct retry *retry)
{
    for (uint32_t s = 0; s < retry->kept.plan->nstages; s++)
        if (retry->again[s])
            return true;
    return false;
}

static int look(struct retry *retry, struct mx_err *err)
{
    return mx_kept_read(&retry->kept, err) ? -1 : choose(retry, err);
}

/* It is known already. */
static int accept_any(void *user, const struct mx_record *record, struct mx_err *err)
{
    (void)user;
    (void)record;
    (void)err;
    return 0;
}

/* The journal is read as its owner, so that no record is missed. An incarnation
 * that would have nothing to write does not begin. */
static int mark(struct retry  *retry, void (*waiting)(void *user, const char *text),
                struct mx_buf *out, struct mx_err *err)
{
    struct mx_kept          *kept = &retry->kept;
    struct mx_journal_report report = {0};

    retry->owner = mx_owner_take(kept->directory, &mx_owner_machine, waiting, NULL, err);
    if (!retry->owner || look(retry, err))
        return -1;
    tell(retry, out);
    if (!any(retry))
        return 0;
    if (mx_outdir_begin(kept->directory, err) ||
        !(retry->journal = mx_journal_open(kept->directory, accept_any, NULL, &report, err)))
        return -1;
    mx_journal_guard(retry->journal, mx_owner_guard, retry->owner);
    if (mx_owner_refresh(retry->owner, mx_journal_incarnation(retry->journal), err) ||
        record(retry, err))
        return -1;
    return write_files(kept->directory, mx_journal_incarnation(retry->journal), err);
}

int mx_retry(const char *directory, const struct mx_retry                 *asked,
             void (*waiting)(void *user, const char *text), struct mx_buf *out, struct mx_err *err)
{
    struct retry retry = {.asked = asked};
    int          rc;

    if (mx_kept_open(directory, &retry.kept, err))
        return -1;
    if (asked->dry_run) {
        rc = look(&retry, err);
        if (rc == 0)
            tell(&retry, out);
    } else {
        rc = mark(&retry, waiting, out, err);
    }
    mx_journal_close(retry.journal);
    mx_owner_release(retry.owner);
    free(retry.again);
    mx_kept_close(&retry.kept);
    return rc;
}
