#include "sweep/kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/noted.h"
#include "sweep/outdir.h"
#include "sweep/plan_early.h"
#include "sweep/plan_sched.h"
#include "sweep/smoke_data.h"
#include "worker/dataset.h"
#include "worker/known_sets.h"
#include "worker/mark_files.h"
#include "worker/weights.h"

/* What fingerprints are looked up with. */
struct lookup {
    struct mx_noted *noted;
    char            *smoke_data;
};

static int add_file(const struct lookup *lookup, const char *path, uint64_t *fingerprint,
                    struct mx_err *err)
{
    uint64_t file;

    if (!path[0])
        return 0;
    if (!mx_noted_file(lookup->noted, path, &file) && worker_weights_fingerprint(path, &file, err))
        return -1;
    *fingerprint = mx_fingerprint_add(*fingerprint, file);
    return 0;
}

static int add_marks(const struct lookup *lookup, const struct worker_params *params,
                     uint64_t *fingerprint, struct mx_err *err)
{
    for (unsigned what = 0; what < WORKER_MARK_FILES; what++) {
        char     name[MX_NOTED_MARKS];
        uint64_t files;

        if (!worker_mark_files_matter(params, what))
            continue;
        mx_noted_marks(params, what, name);
        if (!mx_noted_file(lookup->noted, name, &files) &&
            worker_mark_files_fingerprint(params, what, &files, err))
            return -1;
        *fingerprint = mx_fingerprint_add(*fingerprint, files);
    }
    return 0;
}

/* As run_fingerprint() of a sweep that runs. */
static int fingerprint_of(void *user, const struct worker_params *original, uint64_t *fingerprint,
                          struct mx_err *err)
{
    const struct lookup  *lookup = user;
    struct worker_params *params = malloc(sizeof *params);
    char                  place[WORKER_PATH_SIZE];
    int                   rc = -1;

    if (!params)
        return mx_fail(err, MX_ENOMEM, "no memory to read the plan");
    *params = *original;
    mx_smoke_use(lookup->smoke_data, params);
    worker_dataset_place(params, place);
    if ((mx_noted_data(lookup->noted, worker_data_sets[params->data_set].word, place,
                       fingerprint) ||
         worker_dataset_probe(params, fingerprint, err) == 0) &&
        add_file(lookup, params->model_weights, fingerprint, err) == 0 &&
        add_marks(lookup, params, fingerprint, err) == 0)
        rc = add_file(lookup, params->head_hsfm_support_indices, fingerprint, err);
    free(params);
    return rc;
}

static int read_config(struct mx_kept *kept, struct mx_err *err)
{
    struct mx_config_report report = {{0}, 0, 0};
    char                   *file = mx_path_join(kept->directory, "config.yaml");

    if (!file)
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    kept->config = mx_config_read(file, NULL, 0, false, &report, err);
    mx_buf_free(&report.text);
    free(file);
    return kept->config ? 0 : -1;
}

static int make_plan(struct mx_kept *kept, struct mx_err *err)
{
    struct lookup lookup = {0};

    if (!(kept->grid = mx_grid_new(kept->config, err)) ||
        !(lookup.noted = mx_noted_read(kept->directory, err)))
        return -1;
    if (mx_smoke_find(kept->directory, &lookup.smoke_data, err) == 0)
        kept->plan = mx_plan_new(kept->config, kept->grid, fingerprint_of, &lookup, err);
    mx_noted_free(lookup.noted);
    free(lookup.smoke_data);
    return kept->plan ? 0 : -1;
}

static int make_replay(struct mx_kept *kept, struct mx_err *err)
{
    struct mx_sched_options options = {
        .retries = (unsigned)kept->config->base[KEY_SCHEDULE_RETRIES].integer,
        .early = mx_plan_early_rule(kept->config)};

    if (!(kept->replay.sched = mx_plan_sched(kept->plan, &options, err)) ||
        !(kept->replay.results = mx_results_new(kept->config, kept->plan, err)))
        return -1;
    return mx_replay_begin(&kept->replay, kept->plan, err);
}

int mx_kept_open(const char *directory, struct mx_kept *kept, struct mx_err *err)
{
    *kept = (struct mx_kept){0};
    if (mx_outdir_expect(directory, err))
        return -1;
    if (!(kept->directory = strdup(directory)))
        mx_fail(err, MX_ENOMEM, "no memory for a path");
    else if (read_config(kept, err) == 0 && make_plan(kept, err) == 0 &&
             make_replay(kept, err) == 0)
        return 0;
    mx_kept_close(kept);
    return -1;
}

void mx_kept_close(struct mx_kept *kept)
{
    mx_results_free(kept->replay.results);
    mx_sched_free(kept->replay.sched);
    mx_replay_end(&kept->replay);
    mx_plan_free(kept->plan);
    mx_grid_free(kept->grid);
    mx_config_free(kept->config);
    free(kept->directory);
    *kept = (struct mx_kept){0};
}

int mx_kept_read(struct mx_kept *kept, struct mx_err *err)
{
    struct mx_journal_report report = {0};

    if (mx_journal_read(kept->directory, mx_replay_record, &kept->replay, &report, err))
        return -1;
    mx_replay_forget_partial(&kept->replay);
    mx_replay_settle(&kept->replay);
    return 0;
}

uint32_t mx_kept_trial(const struct mx_kept *kept, const char *name)
{
    char text[MX_TRIAL_NAME_SIZE];

    for (uint32_t t = 0; t < kept->plan->ntrials; t++)
        if (strcmp(mx_trial_name(&kept->plan->trials[t], text), name) == 0)
            return t;
    return UINT32_MAX;
}

char *mx_kept_path(const struct mx_kept *kept, uint32_t stage, const char *file)
{
    return mx_plan_stage_path(kept->plan, stage, kept->directory, file);
}
