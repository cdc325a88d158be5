/* smoke_data.h - the generated data of a sweep under --smoke, in its directory:
 * DIR/smoke-data/SET for each set of files. A NULL folder: no smoke run. */
#ifndef MX_SWEEP_SMOKE_DATA_H
#define MX_SWEEP_SMOKE_DATA_H

#include "base/err.h"
#include "worker/params.h"

/* The folder of a sweep's generated data if it was begun under --smoke, to be
 * freed. Returns 0 with *folder, NULL if there is none; or -1 with MX_ENOMEM. */
int mx_smoke_find(const char *directory, char **folder, struct mx_err *err);

/* Read generated data in place of the set's own. */
void mx_smoke_use(const char *folder, struct worker_params *params);

/* Generate the files that mx_smoke_use() has pointed to, where they are
 * missing. Returns 0, or -1 with *err. */
int mx_smoke_make(const char *folder, const struct worker_params *params, struct mx_err *err);

#endif
