/* stage_parts.h - what the kinds of stages share; for worker/stage*.c and the
 * stages themselves. */
#ifndef MX_WORKER_STAGE_PARTS_H
#define MX_WORKER_STAGE_PARTS_H

#include "worker/dataset.h"
#include "worker/explain.h"
#include "worker/features.h"
#include "worker/resamples.h"
#include "worker/stage.h"

/* The data set of a job, from the cache or read anew. Lent: it stays the
 * cache's, until the next call. NULL with *err of worker_dataset_open_told(). */
const struct worker_dataset *worker_cache_dataset(struct worker_cache          *cache,
                                                  const struct worker_job      *job,
                                                  const struct worker_progress *progress,
                                                  struct mx_err                *err);

/* The features that a head is trained on: of the job's features stage, or of
 * data.path where it has none, in its precision. The same lending as above. */
const struct worker_features *
worker_cache_features(struct worker_cache *cache, const struct worker_job *job, struct mx_err *err);

/* Resamples that are kept; NULL without memory for any. */
struct worker_resamples *worker_cache_resamples(struct worker_cache *cache);

/* How often features were read from files so far. */
uint64_t worker_cache_feature_reads(const struct worker_cache *cache);

/* Tell lines of text, one note each. */
void worker_progress_notes(const struct worker_progress *progress, const struct mx_buf *lines);

/* Make the weights that the job's train stage left those of its parameters, with the
 * stem that they have. Returns 0, or -1 with MX_EINVAL, MX_ENOMEM, or what
 * worker_weights_stem() said. */
int worker_job_take_weights(struct worker_job *job, struct mx_err *err);

/* How the job's maps are made. */
struct worker_map_options worker_job_map_options(const struct worker_job *job);

/* A file that a stage left, for its stage.json. */
struct worker_stage_file {
    const char *name;
    const char *dtype; /* NULL: not one array */
    uint32_t    ndims, dims[4];
};

/* Write stage.json, the mark that a stage is whole: the files are read back for
 * their size and hash. Returns 0, or -1 with MX_EIO or MX_ENOMEM. */
int worker_stage_write_record(const struct worker_job *job, const struct worker_stage_file *files,
                              size_t nfiles, struct mx_err *err);

/* What a stage chose for itself, for its stage.json: a word, or a number where that is NULL. */
struct worker_stage_choice {
    const char *key; /* the key that left it open */
    const char *word;
    double      number;
};

/* The same with an object "chosen". */
int worker_stage_write_choices(const struct worker_job *job, const struct worker_stage_file *files,
                               size_t nfiles, const struct worker_stage_choice *choices,
                               size_t nchoices, struct mx_err *err);

/* Those fields of *params that are in the set, in an object "parameters", each under its key's
 * name. */
struct mx_json;
void worker_params_json(struct mx_json *json, const struct worker_params *params,
                        const struct worker_param_set *used);

/* The stages that are built. */
int worker_train_run(const struct worker_job *job, struct worker_cache *cache,
                     const struct worker_progress *progress, struct worker_result *result,
                     struct mx_err *err);
int worker_features_run(const struct worker_job *job, struct worker_cache *cache,
                        const struct worker_progress *progress, struct worker_result *result,
                        struct mx_err *err);
int worker_head_run(const struct worker_job *job, struct worker_cache *cache,
                    const struct worker_progress *progress, struct worker_result *result,
                    struct mx_err *err);
int worker_maps_run(const struct worker_job *job, struct worker_cache *cache,
                    const struct worker_progress *progress, struct worker_result *result,
                    struct mx_err *err);
int worker_scores_run(const struct worker_job *job, struct worker_cache *cache,
                      const struct worker_progress *progress, struct worker_result *result,
                      struct mx_err *err);
int worker_scorer_run(const struct worker_job *job, struct worker_cache *cache,
                      const struct worker_progress *progress, struct worker_result *result,
                      struct mx_err *err);
int worker_inter_model_run(const struct worker_job *job, struct worker_cache *cache,
                           const struct worker_progress *progress, struct worker_result *result,
                           struct mx_err *err);
int worker_standing_run(const struct worker_job *job, struct worker_cache *cache,
                        const struct worker_progress *progress, struct worker_result *result,
                        struct mx_err *err);

#endif
