/* noted.h - the data of a sweep as they were when it was begun, from its
 * provenance.json: a directory can be read where the data are not. */
#ifndef MX_SWEEP_NOTED_H
#define MX_SWEEP_NOTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/mark_files.h"
#include "worker/params.h"

struct mx_noted;

/* What DIR/provenance.json notes; without a readable file nothing is noted.
 * To be released with mx_noted_free(); NULL with MX_ENOMEM. */
struct mx_noted *mx_noted_read(const char *directory, struct mx_err *err);
void             mx_noted_free(struct mx_noted *noted); /* NULL is allowed */

/* The fingerprint of a set at a place (worker_dataset_place()), or of another
 * file that the configuration names. False if there is no note of it. */
bool mx_noted_data(const struct mx_noted *noted, const char *set, const char *place,
                   uint64_t *fingerprint);
bool mx_noted_file(const struct mx_noted *noted, const char *path, uint64_t *fingerprint);

/* The hash of DIR/config.yaml as the sweep wrote it. False if there is no note of it. */
bool mx_noted_config(const struct mx_noted *noted, uint64_t *hash);

enum {
    MX_NOTED_MARKS = WORKER_PATH_SIZE + 32
};

/* The path under which the files of people's marks are noted: "/data/birds: boxes and masks". */
void mx_noted_marks(const struct worker_params *params, enum worker_mark_files what,
                    char out[MX_NOTED_MARKS]);

#endif
