/* edits.h - the edited features of a trial, found, told and drawn (`mixsweep edits`). */
#ifndef MX_SWEEP_EDITS_H
#define MX_SWEEP_EDITS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/canvas.h"
#include "worker/dataset.h"
#include "worker/edits.h"
#include "worker/stage.h"

/* What an hsfm trial left on disk. A zeroed struct is empty. */
struct mx_edits_case {
    struct worker_job       job;            /* of its head stage: parameters and seed */
    struct worker_features *features;       /* of its backbone */
    uint32_t                n;              /* support features */
    uint32_t               *rows;           /* (n) */
    double                 *before, *after; /* (n, dims) */
    double                 *texts;          /* (ntexts, dims); NULL without */
    uint32_t                ntexts;
};

/* Find trial "CELL.rN" of the sweep in directory and read its support set, and
 * the features that it is among; text: an npy file (ntexts, dims), or NULL. Returns 0
 * with *found to be released with mx_edits_free(); or -1 with *found empty: MX_EINVAL if there
 * is no such trial, or its method edits nothing; MX_EDATA if files are missing (schedule.keep
 * was not all, or it has not run) or damaged; MX_EIO, MX_ENOMEM. */
int  mx_edits_find(const char *directory, const char *trial, const char *text,
                   struct mx_edits_case *found, struct mx_err *err);
void mx_edits_free(struct mx_edits_case *found);

/* Append the answer: a table of where neighbours are, in words; or all of it as JSON. */
void mx_edits_text(const struct mx_edits_case *found, const struct worker_edits *edits,
                   struct mx_buf *out);
void mx_edits_json(const char *trial, const struct mx_edits_case *found,
                   const struct worker_edits *edits, struct mx_buf *out);

/* Draw the contact sheet: for `rows` support images, spread over the set, the image, its
 * neighbours before, and its neighbours after. The set is that of the trial's data. Returns 0
 * with a canvas to be freed, or -1 with *err. */
int mx_edits_sheet(const char *trial, const struct worker_dataset *set,
                   const struct mx_edits_case *found, const struct worker_edits *edits,
                   uint32_t rows, struct mx_canvas *canvas, struct mx_err *err);

#endif
