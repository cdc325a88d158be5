/* kept.h - a sweep that lies in its directory: what it consists of, without its
 * data, and what its journal says. For commands that look back. */
#ifndef MX_SWEEP_KEPT_H
#define MX_SWEEP_KEPT_H

#include "base/err.h"
#include "sweep/config.h"
#include "sweep/grid.h"
#include "sweep/journal.h"
#include "sweep/plan.h"
#include "sweep/replay.h"

struct mx_kept {
    char             *directory;
    struct mx_config *config;
    struct mx_grid   *grid;
    struct mx_plan   *plan;
    struct mx_replay  replay; /* its scheduler and results are this one's too */
};

/* Read configuration and plan of DIR. Stage keys hold fingerprints of data, and
 * these are taken from DIR/provenance.json; only what is not noted there is
 * looked at itself. Returns 0; or -1 with MX_EINVAL if DIR holds no sweep, or what
 * reading and planning say; *kept then needs no mx_kept_close(). */
int  mx_kept_open(const char *directory, struct mx_kept *kept, struct mx_err *err);
void mx_kept_close(struct mx_kept *kept);

/* Then, once, read the journal: afterwards scheduler, results and replay say how
 * all trials stand. replay.each may have been set before. Returns 0, or -1 with
 * MX_EIO, MX_ENOMEM or what each() said. */
int mx_kept_read(struct mx_kept *kept, struct mx_err *err);

/* The trial of that name, CELL.rN; or UINT32_MAX. */
uint32_t mx_kept_trial(const struct mx_kept *kept, const char *name);

/* The path of a file of a stage, or of its folder if `file` is "", to be freed;
 * NULL if there is no memory. */
char *mx_kept_path(const struct mx_kept *kept, uint32_t stage, const char *file);

#endif
