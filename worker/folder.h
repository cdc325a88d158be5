/* folder.h - class folders of image files, listed.
 *
 *     PATH/CLASS/FILE                          one part, to be divided
 *     PATH/{train,val,test}/CLASS/FILE         parts; val and test may be missing
 *
 * The second form is taken where PATH has a folder `train`. Every file of a
 * class folder counts, whatever its name; passed over are names that begin
 * with a dot, what systems leave behind (Thumbs.db, desktop.ini), files
 * beside the class folders, and a folder `masks` there. Order: the k-th file of
 * each class, k = 0, 1, ...; classes and names by their bytes.
 */
#ifndef MX_WORKER_FOLDER_H
#define MX_WORKER_FOLDER_H

#include <stdint.h>

#include "base/err.h"
#include "worker/images.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_folder_file {
    const char *name; /* below PATH */
    uint32_t    label, group;
    uint32_t    place; /* of a part as listed, before anything is held out */
};

struct worker_folder_part {
    uint32_t                   n;
    struct worker_folder_file *files; /* (n), in the set's order */
    uint32_t                   room;  /* of a part that is listed file by file */
};

struct worker_folder {
    struct mx_arena          *arena; /* holds all of it */
    uint32_t                  nclasses;
    uint32_t                  ngroups; /* 0: the set has none */
    const char              **classes; /* (nclasses) */
    struct worker_folder_part parts[WORKER_PARTS];
};

/* List the folder; no file is opened. Returns a list to be released with
 * worker_folder_free(), or NULL with MX_EDATA that says what is not as it should be:
 * no such folder, no class, one class only, a class without a file, a class that
 * the training part does not have; or MX_EIO, MX_ENOMEM. */
struct worker_folder *worker_folder_list(const char *path, struct mx_err *err);
void                  worker_folder_free(struct worker_folder *folder); /* NULL is allowed */

/* Without a test part: move worker_share(fraction, n) of each class there, drawn by
 * the stream SPLIT of `seed`. Both parts keep the order. Returns 0, or -1 with
 * MX_ENOMEM, or MX_EDATA if there is then nothing to test on or to train on. */
int worker_folder_hold_out(struct worker_folder *folder, double fraction, uint64_t seed,
                           const char *path, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
