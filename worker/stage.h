/* stage.h - a piece of a trial, run here.
 *
 * A stage takes its parameters, its random streams and a folder, and gives
 * named numbers. It knows neither the sweep nor who asked; it tells how far it
 * is through a callback and leaves files that are whole or not there.
 */
#ifndef MX_WORKER_STAGE_H
#define MX_WORKER_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of stages, in the order in which a trial goes through them. Words and
 * engine versions are in worker/stage.c; raise a version when numbers change. */
enum worker_kind {
    WORKER_STAGE_TRAIN,
    WORKER_STAGE_FEATURES,
    WORKER_STAGE_HEAD,
    WORKER_STAGE_MAPS,
    WORKER_STAGE_SCORES,
    WORKER_STAGE_SCORER,      /* of a comparison across models: one scores the maps of all */
    WORKER_STAGE_INTER_MODEL, /* their scores side by side */
    WORKER_STAGE_STANDING,    /* what it says of one model */
    WORKER_STAGE_KINDS
};

struct worker_kind_info {
    const char *word;   /* "train", as in stage.json and plan --json */
    unsigned    engine; /* part of the stage key */
};

extern const struct worker_kind_info worker_kinds[WORKER_STAGE_KINDS];

enum {
    WORKER_METRIC_NAME_SIZE = 96
};

/* "val.accuracy" and its value. */
struct worker_metric {
    char   name[WORKER_METRIC_NAME_SIZE];
    double value; /* NaN = not measured */
};

/* What a stage gives. A zeroed struct is empty. */
struct worker_result {
    struct worker_metric *metrics; /* owned */
    size_t                nmetrics, room;
    uint32_t              paused_epoch; /* > 0: the training waits after so many epochs; the
                                           numbers are of its validation part there */
};

/* Add a number. Returns 0, or -1 with MX_ENOMEM. */
int worker_result_add(struct worker_result *result, const char *name, double value,
                      struct mx_err *err);

/* Release the numbers; the struct is empty again. */
void worker_result_free(struct worker_result *result);

/* A stage that is done and whose files another one reads; or one that has failed for
 * good, of which a comparison across models goes on without. */
struct worker_input {
    enum worker_kind kind;
    char             key[33];  /* 32 hex digits: the name of its folder in job->stages */
    char             name[40]; /* of a comparison: the trial whose model it is of; else "" */
    uint32_t         repeat;   /* of a comparison: its */
    bool             failed;
};

/* What a stage may use besides its parameters. Copies share the inputs, which
 * belong to the job that worker_job_add_input() was called with. */
struct worker_job {
    enum worker_kind        kind;
    struct worker_params    params;
    struct worker_param_set used; /* the parameters that determine what it gives: stage.json
                                     lists them */
    uint64_t                seed;
    uint32_t                repeat;
    uint64_t                stream_extra;          /* see mx_stream_make() */
    char                    key[33];               /* the stage's key: 32 hex digits */
    char                 folder[WORKER_PATH_SIZE]; /* exists, and holds nothing but checkpoints of
                                                      earlier attempts; "" = leave no files */
    char                 stages[WORKER_PATH_SIZE]; /* the folder of all stages' folders */
    struct worker_input *inputs;                   /* owned: in the order of the plan */
    uint32_t             ninputs, inputs_room;
    double               checkpoint_s; /* between two checkpoints; 0 = none */
    uint32_t             until_epoch;  /* a training saves itself after so many epochs and ends
                                          for now; 0 = it goes to its end */
    bool                 keep_weights; /* leave what other stages read: weights.safetensors, maps */
    bool                 temporary;    /* what other stages read is removed after the last of
                                          them: stage.json does not list it */
    bool                 empty; /* do nothing: made-up numbers at once, to time the way here */
};

/* One more input. Returns 0, or -1 with MX_ENOMEM. */
int worker_job_add_input(struct worker_job *job, enum worker_kind kind, const char *key,
                         struct mx_err *err);

/* Release the inputs; the job has none then. */
void worker_job_free(struct worker_job *job);

/* True if the job has an input of that kind. */
bool worker_job_has_input(const struct worker_job *job, enum worker_kind kind);

/* The path of a file of the first input of a kind, "" for its folder, to be
 * freed; NULL if there is no memory or no such input. */
char *worker_job_input_path(const struct worker_job *job, enum worker_kind kind, const char *file);

/* Called now and then with work done so far, in steps of the stage's own
 * choosing. Returning true asks the stage to end early (MX_EINTERRUPTED). note,
 * which may be NULL, is told what people should know: one line. */
struct worker_progress {
    bool (*tick)(void *user, uint64_t done, uint64_t total);
    void *user;
    void (*note)(void *user, const char *text);
};

/* Call tick() where there is one; true if the stage is to end. `progress` may be NULL. */
bool worker_progress_tick(const struct worker_progress *progress, uint64_t done, uint64_t total);

/* What an executor keeps between stages (data sets, engines). */
struct worker_cache;

struct worker_cache *worker_cache_new(void);                        /* NULL: no memory */
void                 worker_cache_free(struct worker_cache *cache); /* NULL is allowed */

/* Run one stage. Returns 0 with *result filled, or -1 with *err:
 *   MX_EDIVERGED     the loss or a weight became infinite or NaN
 *   MX_ENOMEM        out of memory
 *   MX_EDATA         a data file is missing or damaged
 *   MX_EIO           the folder could not be written
 *   MX_EINTERRUPTED  progress->tick said so; a training has saved its last step
 * Files in job->folder are complete only after a return of 0; stage.json is
 * written last. A training leaves checkpoints there until it is done, or has
 * diverged, and goes on from them when it is run again. One that has come to
 * job->until_epoch returns 0 with result->paused_epoch set and is not done. *result must be
 * empty and is empty after a failure. */
int worker_stage_run(const struct worker_job *job, struct worker_cache *cache,
                     const struct worker_progress *progress, struct worker_result *result,
                     struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
