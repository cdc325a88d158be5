/* folder_read.h - the images of a set of image files, through the cache.
 *
 * Private to worker/.
 */
#ifndef MX_WORKER_FOLDER_READ_H
#define MX_WORKER_FOLDER_READ_H

#include "worker/folder.h"
#include "worker/set_format.h"

enum {
    WORKER_FOLDER_LEAST = 8, /* pixels a side */
    WORKER_FOLDER_MOST = 1024,
    WORKER_FOLDER_CHANNELS = 3, /* native */
};

/* The shape of a listed set; height and width are 0 where only its files tell them. */
void worker_folder_shape(const struct worker_params *params, const struct worker_folder *folder,
                         struct worker_shape *shape);

/* As `read` of struct worker_set_format. The parts look into stores (worker/image_store.h),
 * which are raw->stores. */
int worker_folder_read(const struct worker_params *params, const char *path, uint64_t seed,
                       struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err);

#endif
