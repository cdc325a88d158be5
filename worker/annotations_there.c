/* Whether the places of boxes and masks are there, and no more. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/annotations.h"
#include "worker/choices.h"
#include "worker/set_format.h"

enum {
    PLACES = 2
};

bool worker_annotations_there(const struct worker_params *params)
{
    static const char *const own[PLACES] = {"boxes.csv", "masks"};
    static const char *const cub[PLACES] = {"bounding_boxes.txt", "segmentations"};
    const char *const       *names = worker_annotations_own(params->data_set) ? own
                                     : params->data_set == WORKER_DATA_CUB    ? cub
                                                                              : NULL;
    struct mx_buf            folder = {0};
    bool                     there = true;

    if (!names)
        return true;
    if (worker_set_folder(params, &folder, NULL) == 0) {
        there = false;
        for (int k = 0; k < PLACES && !there; k++) {
            char *path = mx_path_join(mx_buf_str(&folder), names[k]);

            there = !path || mx_file_exists(path);
            free(path);
        }
    }
    mx_buf_free(&folder);
    return there;
}
