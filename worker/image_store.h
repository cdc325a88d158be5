/* image_store.h - the decoded images of a list of files.
 *
 * All images of a store have one number of channels, and one size, or each the size of its
 * file, brought to a shorter side at most. It lies in memory of its own, or is a mapped file of the cache (worker/image_cache.h), whose
 * pages all processes of a node share. Files that are damaged have a place in
 * the list and no image.
 */
#ifndef MX_WORKER_IMAGE_STORE_H
#define MX_WORKER_IMAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"
#include "worker/folder.h"
#include "worker/params.h"
#include "worker/stage.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a file. The values are in cache files: never renumber. */
enum worker_file_state {
    WORKER_FILE_UNSEEN = 0, /* enough images had been found before it */
    WORKER_FILE_DAMAGED = 1,
    WORKER_FILE_GOOD = 2,
    WORKER_FILE_TURNED = 3, /* good, and asks to be turned */
};

struct worker_image_store {
    uint32_t  nfiles, good, kept; /* files; images among them; the first of these, with pixels */
    uint32_t  channels, height, width; /* of sizes that vary: the largest of those kept */
    uint8_t  *state;                   /* (nfiles) */
    uint64_t *rows;   /* (good, 1 + 2 channels): XXH3-64 of an image's bytes; sums and sums of
                         squares of its channels, or, where sizes vary, its height and width */
    uint8_t  *pixels; /* (kept, channels, height, width), not to be written to */
    uint32_t *number; /* (nfiles), which of the good ones a file is */
    uint64_t *offset; /* (kept + 1), where each image's pixels begin; NULL: they have one size */
    void     *map; /* that state, rows and pixels lie in, of map_bytes; or NULL: they are owned */
    size_t    map_bytes;
    uint32_t  decoded; /* files that this process decoded for it; 0: it was mapped as it is */
};

/* Some files of a list, decoded before: those from number `first` of the list on. NULL: none. */
struct worker_store_piece {
    const struct worker_image_store *store;
    uint32_t                         first;
};

/* Where decoding looks for such pieces. find() is asked before each file, in their order, and lends
 * the piece that has it until it is asked again; -1 with *err ends the decoding. */
struct worker_store_share {
    int (*find)(void *user, uint32_t file, struct worker_store_piece *piece, struct mx_err *err);
    void *user;
};

/* What a store is to hold. All is lent. */
struct worker_store_spec {
    const struct worker_params      *params; /* data.size and data.on_decode_error */
    uint32_t                         side;   /* images of their own size, but a shorter side of at
                                                most this; 0: squares of data.size */
    const char                      *path;   /* the folder that the names are below */
    const struct worker_folder_file *files;
    uint32_t                         nfiles;
    const uint64_t *hashes;   /* (nfiles), of their contents; NULL where nobody knows them */
    uint32_t        keep;     /* at most that many images with pixels */
    bool            all;      /* look at all files, even when there are as many */
    uint32_t        channels; /* 1 or 3 */

    /* Without data.size, an image that the others have to be as large as, or NULL; its shape. */
    const char                *first;
    const struct worker_shape *first_shape;

    bool only_helps; /* another process makes the store; this one decodes for it, and waits */
    const struct worker_store_share *share;    /* NULL: all files are decoded here */
    const struct worker_progress    *progress; /* told of each file; NULL: nobody asks */
};

/* Decode the files in their order, or take them from spec->share, whose images are compared with their
 * hashes. With fd >= 0 the pixels are written to that file (`growing`
 * is its path) from where it stands, and the store has none. Returns 0, or -1 with
 * an empty store: MX_EDATA for a damaged file, unless data.on_decode_error skips it; MX_EINVAL
 * for images of several sizes without a data.size; MX_EIO; MX_ENOMEM; MX_EINTERRUPTED if spec->progress asks to stop. *unwritable tells whether it
 * is writing to fd that failed; it may be NULL without one. */
int worker_image_store_decode(const struct worker_store_spec *spec, int fd, const char *growing,
                              struct worker_image_store *store, bool *unwritable,
                              struct mx_err *err);

/* Number the good files and, with `varied` sizes, find where their pixels begin; where they are
 * not `good`, one is in no known state, or of no possible size, the store is unsound: -1 with
 * MX_EDATA. MX_ENOMEM. */
int worker_image_store_number(struct worker_image_store *store, bool varied, struct mx_err *err);

/* Image number < kept. */
struct worker_image {
    const uint8_t *pixels; /* (channels, height, width), lent */
    uint32_t       height, width;
};

struct worker_image worker_image_store_at(const struct worker_image_store *store, uint32_t number);

/* Fail because two images differ in size and there is no data.size; the shapes' height and
 * width are used. */
int worker_image_sizes_differ(const char *path, const struct worker_shape *shape,
                              const char *other_path, const struct worker_shape *other,
                              struct mx_err *err);

/* Bytes of all pixels, and numbers of a row. */
size_t worker_image_store_bytes(const struct worker_image_store *store);
size_t worker_image_store_columns(uint32_t channels);

/* Release what a store has; it is empty again. */
void worker_image_store_clear(struct worker_image_store *store);
void worker_image_store_free(struct worker_image_store *store); /* and itself; NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
