/* names.h - the names in a folder, in the order of their bytes. Private to worker/. */
#ifndef MX_WORKER_NAMES_H
#define MX_WORKER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A zeroed struct is empty. */
struct worker_names {
    char **name; /* (n), owned */
    size_t n, room;
};

/* Read them; passed over are those that begin with a dot and what systems leave behind
 * (Thumbs.db, desktop.ini). Returns 0, or -1 with *names empty: MX_EDATA, whose text
 * begins with `set`, if the folder is not there or cannot be opened; MX_EIO, MX_ENOMEM. */
int  worker_names_read(const char *set, const char *path, struct worker_names *names,
                       struct mx_err *err);
void worker_names_free(struct worker_names *names); /* it is empty again */

/* Keep the folders among the names in `path`. */
void worker_names_keep_folders(const char *path, struct worker_names *names);

/* Drop the names that end in `ending`. */
void worker_names_drop(struct worker_names *names, const char *ending);

/* True if "path/name" is a folder, links followed; name may be "". */
bool worker_names_folder(const char *path, const char *name);

/* True if there is something called "path/name". */
bool worker_names_there(const char *path, const char *name);

#endif
