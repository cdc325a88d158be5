/* head_parts.h - what the files of the head stage share; for worker/head_*.c. */
#ifndef MX_WORKER_HEAD_PARTS_H
#define MX_WORKER_HEAD_PARTS_H

#include "worker/head.h"
#include "worker/stage_parts.h"

/* Write head_w.npy, head_b.npy, epochs.csv for a method with epochs,
 * support_indices.npy, support_before.npy and support_after.npy for one with a
 * support set, and stage.json into job->folder. Returns 0, or -1 with MX_EIO or
 * MX_ENOMEM. */
int worker_head_write(const struct worker_job *job, const struct worker_head *head,
                      enum worker_precision precision, struct mx_err *err);

/* epochs.csv as text (formats.md). */
void worker_head_epochs_csv(const struct worker_head *head, struct mx_buf *out);

#endif
