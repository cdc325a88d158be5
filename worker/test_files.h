/* test_files.h - the files of a set's test images, in the set's order. */
#ifndef MX_WORKER_TEST_FILES_H
#define MX_WORKER_TEST_FILES_H

#include <stdint.h>

#include "base/err.h"
#include "worker/folder.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_test_files {
    uint32_t              n;
    const char          **names; /* (n), below data.path */
    struct worker_folder *folder;
};

/* The first `most` of them; none of a set that is not made of image files. Where damaged
 * ones are left out (data.on_decode_error), files are decoded to know which those are.
 * Returns 0 with what is to be released with worker_test_files_free(); or -1 with what
 * worker_listing() says, MX_EIO or MX_ENOMEM. */
int  worker_test_files_list(const struct worker_params *params, uint64_t seed, uint32_t most,
                            struct worker_test_files *files, struct mx_err *err);
void worker_test_files_free(struct worker_test_files *files);

#ifdef __cplusplus
}
#endif

#endif
