/* trial_view.h - everything about one trial of a sweep. */
#ifndef MX_SWEEP_TRIAL_VIEW_H
#define MX_SWEEP_TRIAL_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/kept.h"

/* Something that happened to a stage of the trial, in the order of the journal. */
struct mx_trial_attempt {
    uint32_t         stage;
    struct mx_record record; /* its metrics are not kept; STARTED: an end is not on record */
};

struct mx_trial_view {
    struct mx_kept           kept;
    uint32_t                 trial;
    struct mx_trial_attempt *attempts;
    size_t                   nattempts, room;
    const char              *status; /* of formats.md */
    bool                     alive;  /* a sweep runs in the directory */
};

/* Read it. `id` is CELL.rN, or CELL if that has one repeat. Returns 0; or -1
 * with MX_EINVAL if DIR holds no sweep or no such trial, MX_EIO, MX_ENOMEM; then
 * there is nothing to free. */
int  mx_trial_view_open(const char *directory, const char *id, struct mx_trial_view *view,
                        struct mx_err *err);
void mx_trial_view_close(struct mx_trial_view *view);

/* Append it for a terminal of `width` columns (0 = no limit), or as the object of
 * formats.md "trial". */
void mx_trial_view_text(const struct mx_trial_view *view, unsigned width, struct mx_buf *out);
void mx_trial_view_json(const struct mx_trial_view *view, struct mx_buf *out);

#endif
