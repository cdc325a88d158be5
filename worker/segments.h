/* segments.h - which concept each pixel of a test image shows, as people marked it: what network
 * dissection (methods.md 3) compares units with.
 *
 *     data.path/segments/names.csv   number,name: a line a concept, numbers from 1 to 255
 *     data.path/segments/NAME.png    grey, of the image's size, NAME as masks have it
 *                                    (docs/data.md): a pixel's value is the number of its
 *                                    concept, 0 for none
 *
 * Of the synthetic set they are known: concept 1 + class is the shape that belongs to the class, 101
 * lying stripes and 102 standing ones.
 *
 * Numbers cannot be averaged: a pixel of the image as the network sees it takes the number at its
 * centre. Which images have segments is settled when the folder is opened; a picture is read when it
 * is asked for.
 */
#ifndef MX_WORKER_SEGMENTS_H
#define MX_WORKER_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_segments;

enum {
    WORKER_CONCEPTS = 256, /* numbers, 0 among them */
};

/* Whether sets of this name can have segments: those of image files, and the synthetic one. */
bool worker_segments_possible(unsigned data_set);

/* Open those of set->test, which was opened with the same parameters and seed. Returns segments to
 * be released with worker_segments_free(); or NULL with MX_EINVAL for a set that has no image files,
 * MX_EDATA that names the file and line (no names.csv, no concept, a number out of range or there
 * twice, no name, no picture for any test image), MX_EIO or MX_ENOMEM. */
struct worker_segments *worker_segments_open(const struct worker_params *params, uint64_t seed,
                                             const struct worker_dataset *set, struct mx_err *err);
void worker_segments_free(struct worker_segments *segments); /* NULL is allowed */

/* The name of a concept, lent; NULL if no concept has this number. */
const char *worker_segments_name(const struct worker_segments *segments, uint32_t number);

/* How many concepts there are, and test images with a picture. */
uint32_t worker_segments_concepts(const struct worker_segments *segments);
uint32_t worker_segments_images(const struct worker_segments *segments);

/* How many of the first `most` test images there are, into *n, and how many of these have a picture,
 * into *with. Returns 0, or -1 with MX_EDATA if none has. */
int worker_segments_among(const struct worker_segments *segments, int64_t most, uint32_t *n,
                          uint32_t *with, struct mx_err *err);

/* Look at all that dissecting the first `most` test images of a set would read: the names, and each
 * picture. Returns 0, or -1 with what worker_segments_open(), _among() and _read() say. */
int worker_segments_check(const struct worker_params *params, uint64_t seed, int64_t most,
                          struct mx_err *err);

/* Whether the set's folder has names of concepts, or may have: a look at no more than that. */
bool worker_segments_there(const struct worker_params *params);

/* Whether test image i has a picture. */
bool worker_segments_has(const struct worker_segments *segments, uint32_t i);

/* The numbers of test image i as the network sees it, into out (height, width). Returns 1; 0, out
 * untouched, if it has no picture; or -1 with MX_EDATA (damaged, in colour, of another size than its
 * image, a number without a name), MX_EIO or MX_ENOMEM. */
int worker_segments_read(const struct worker_segments *segments, uint32_t i, uint8_t *out,
                         struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
