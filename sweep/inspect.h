/* inspect.h - what a data set holds, before anything trains on it.
 *
 * The set is opened as a training would open it: every image is decoded, damaged ones are left out
 * and counted. Images are compared as they are then, so that a picture is found again also where
 * it was stored with other bytes.
 */
#ifndef MX_SWEEP_INSPECT_H
#define MX_SWEEP_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/canvas.h"
#include "worker/annotations.h"
#include "worker/dataset.h"
#include "worker/features.h"
#include "worker/image_files.h"
#include "worker/params.h"

enum {
    MX_INSPECT_PARTS = 3,     /* train, val, test */
    MX_INSPECT_SIDE = 64,     /* to which images of several sizes are brought */
    MX_INSPECT_EXAMPLE = 400, /* bytes of what is said of one image */
};

/* Sizes of a set's image files. */
struct mx_inspect_sizes {
    uint64_t files;                        /* whose heads tell; 0: the set has no image files */
    uint32_t least[2], most[2], middle[2]; /* width, height; medians */
    uint64_t grey;
    double   longest; /* the longer side by the shorter one, at most, and whose */
    char     longest_name[MX_INSPECT_EXAMPLE];
};

/* Images that are there more than once. */
struct mx_inspect_copies {
    uint64_t within;      /* again in their part */
    uint64_t across;      /* of val and test images, those that training has too */
    uint64_t other_class; /* copies with another class than the first of them */
    char     example[MX_INSPECT_EXAMPLE], other_example[MX_INSPECT_EXAMPLE];
};

struct mx_inspection {
    struct worker_params       params; /* as the set was opened */
    struct worker_dataset     *set;
    struct worker_image_files *files;       /* NULL: the set has none */
    struct worker_annotations *annotations; /* NULL: none; why_not says why if they are bad */
    char                       why_not[512];
    bool                       resized;  /* the files differ in size: to MX_INSPECT_SIDE */
    bool                       held_out; /* there is no test part: some of training stands in */
    struct mx_inspect_sizes    sizes;
    struct mx_inspect_copies   copies;
    uint64_t                   flat;          /* images of one colour only */
    uint64_t                   boxed, masked; /* test images with a box, with some mask */
};

/* Which set lies in a folder, by the names of its files: enum worker_data_set. */
unsigned mx_inspect_guess(const char *folder);

/* Open and look. Without a data.size, images of several sizes are brought to one; a folder without
 * a test part lends a fifth of its images. Returns 0 with an inspection to be given to
 * mx_inspection_free(), or -1 with *err of worker_dataset_open(). */
int  mx_inspect(const struct worker_params *params, uint64_t seed, struct mx_inspection *inspection,
                struct mx_err *err);
void mx_inspection_free(struct mx_inspection *inspection);

/* A part of the set, and its name. */
const struct worker_split *mx_inspect_part(const struct worker_dataset *set, int part);
extern const char *const   mx_inspect_parts[MX_INSPECT_PARTS];

/* Its steps. */
int mx_inspect_sizes(const struct worker_image_files *files, struct mx_inspect_sizes *sizes,
                     struct mx_err *err);
int mx_inspect_copies(struct mx_inspection *inspection, struct mx_err *err);

/* Append what was found as text. */
void mx_inspect_text(const struct mx_inspection *inspection, struct mx_buf *out);

/* The same for features as worker_features_read() gives them. */
void mx_inspect_features(const char *folder, const struct worker_features *features,
                         struct mx_buf *out);

/* Draw images of each class, the first of training and of test, with boxes. Returns 0 with a
 * canvas to be freed, or -1 with MX_ENOMEM. */
int mx_inspect_sheet(const struct mx_inspection *inspection, struct mx_canvas *canvas,
                     struct mx_err *err);

#endif
