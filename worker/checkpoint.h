/* checkpoint.h - a training in the middle, on disk.
 *
 * Two files in the stage's folder are written in turn, each whole or not at all
 * (base/file.h), so that the one before is there while the newest is being
 * written, and if the newest turns out to be damaged. A file says which stage
 * it is of, by key, engine version and the order in which this machine keeps
 * its arrays, and carries a hash of every part; one that does not fit is never
 * used. Random streams are counters, so that their place is the step.
 *
 * A file is a frame of base/wire.h, its XXH3-64, and the blocks it lists, as
 * they lie in memory.
 */
#ifndef MX_WORKER_CHECKPOINT_H
#define MX_WORKER_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "worker/tally.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_CHECKPOINT_FILES = 2,
    WORKER_CHECKPOINT_BLOCKS = 4,
};

/* Where a training stands: `batch` batches of epoch `epoch` are done. */
struct worker_position {
    uint32_t            epoch, batch;
    uint64_t            ticks;   /* told as progress so far */
    double              seconds; /* that this epoch took */
    struct worker_tally tally;   /* of this epoch's batches */
};

/* Memory that is written out and read back, of a size that may change from one
 * checkpoint to the next up to `room`. */
struct worker_block {
    void  *data;
    size_t bytes, room;
};

/* What a checkpoint holds. */
struct worker_checkpoint {
    char                   key[33]; /* of the stage */
    unsigned               engine;  /* version of its kind */
    uint64_t               order;   /* of the arrays in memory; another machine may have another */
    uint64_t               step;    /* optimiser steps done: the larger, the newer */
    struct worker_position position;
    uint32_t            last_epoch, last_batch; /* name of the batch in the blocks, if there is */
    struct mx_buf       history;                /* history.csv so far */
    size_t              nblocks;
    struct worker_block blocks[WORKER_CHECKPOINT_BLOCKS];
};

/* Write file number `file` of the folder. Returns 0, or -1 with MX_EIO or
 * MX_ENOMEM; the file is then as it was. */
int worker_checkpoint_write(const char *folder, unsigned file,
                            const struct worker_checkpoint *checkpoint, struct mx_err *err);

/* Read the newest file that is good. *checkpoint says whose it must be (key,
 * engine, order) and where the blocks go (data, of at least `bytes` and at most
 * `room`); it gets the rest, and
 * its blocks are filled. Returns the number of the file, or -1 if there is none
 * to use: *checkpoint and the blocks are then as they were. Appends to *notes
 * why a file was not used, a line each. Empty *notes: none was there, or all
 * were good. */
int worker_checkpoint_read(const char *folder, struct worker_checkpoint *checkpoint,
                           struct mx_buf *notes);

/* True if the folder holds such a file, good or not. */
bool worker_checkpoint_exists(const char *folder);

/* True for the name of such a file, false for one that was not finished. */
bool worker_checkpoint_name(const char *name);

/* Remove them: what is not there, or cannot be removed, does no harm. */
void worker_checkpoint_remove(const char *folder);

#ifdef __cplusplus
}
#endif

#endif
