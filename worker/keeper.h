/* keeper.h - saves a training now and then, and takes it up again. */
#ifndef MX_WORKER_KEEPER_H
#define MX_WORKER_KEEPER_H

#include "worker/batch.h"
#include "worker/checkpoint.h"
#include "worker/engine.h"
#include "worker/stage.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Good while what it was made of is there. */
struct worker_keeper {
    const struct worker_job    *job; /* NULL: it keeps nothing */
    struct worker_engine       *engine;
    struct worker_batch        *batch;
    size_t                      image, classes; /* floats of an image, of its targets */
    struct worker_engine_memory memory;         /* the engine's, once it was asked */
    struct worker_checkpoint    checkpoint;
    unsigned                    next;    /* file to write */
    double                      saved_s; /* when the last one was written, or the start */
    bool                        kept;    /* a file holds the step that `checkpoint` names */
};

/* Get ready to keep a training on images of `shape`. A job without a folder, or
 * with checkpoint_s 0, keeps nothing. */
void worker_keeper_open(struct worker_keeper *keeper, const struct worker_job *job,
                        const struct worker_shape *shape, struct worker_engine *engine,
                        struct worker_batch *batch);
void worker_keeper_close(struct worker_keeper *keeper); /* a zeroed one is allowed */

/* Take up the newest checkpoint that is good: the engine and the batch become as
 * they were, and *position and *history what they were. Without one all stay as
 * they are. What there is to tell is appended to *notes, a line each. Returns 0,
 * or -1 with *err of worker_engine_memory(). */
int worker_keeper_find(struct worker_keeper *keeper, struct worker_position *position,
                       struct mx_buf *history, struct mx_buf *notes, struct mx_err *err);

/* Save now, unless the last step is in a file already. Returns 0; or -1, with MX_EIO if the folder did not take it. Without a
 * job that keeps something, nothing is done. */
int worker_keeper_save(struct worker_keeper *keeper, const struct worker_position *position,
                       const struct mx_buf *history, struct mx_err *err);

/* A batch is done. Saves if job->checkpoint_s have passed since the last time,
 * or half of that and the epoch is at its end. Returns 0; or -1, with MX_EIO if
 * the folder did not take it. */
int worker_keeper_step(struct worker_keeper *keeper, const struct worker_position *position,
                       const struct mx_buf *history, bool end_of_epoch, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
