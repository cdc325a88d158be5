/* picture.h - one image file, decoded to bytes.
 *
 * JPEG and PNG, told apart by their first bytes, never by their name. A file
 * that libjpeg or libpng only warns about because bytes are missing or wrong
 * is damaged: nothing is ever filled in. What becomes of the many kinds:
 * grey stays grey, palettes become colours, 16 bits become 8 (rounded), alpha
 * is dropped, CMYK becomes red (255 - C)(255 - K) / 255 and so on. Orientation
 * tags are not followed: pixels stay where the file has them.
 */
#ifndef MX_WORKER_PICTURE_H
#define MX_WORKER_PICTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_MAX_PIXELS = 100000000, /* of one image */
    WORKER_MAX_FILE_BYTES = 512 << 20,
};

/* A zeroed struct is empty. */
struct worker_picture {
    uint32_t channels; /* 1 or 3 */
    uint32_t height, width;
    uint8_t *pixels; /* (channels, height, width), owned */
    unsigned turn;   /* EXIF orientation, 1 to 8; 1: upright, or nothing was said */
};

void worker_picture_free(struct worker_picture *picture); /* it is empty again */

/* Read an image file. Returns 0, or -1 with *picture empty: MX_EDATA for a file
 * that is no image or a damaged one, MX_EIO for one that cannot be read or is no
 * file at all, MX_ENOMEM. Every text names the file. */
int worker_picture_read(const char *path, struct worker_picture *picture, struct mx_err *err);

/* The file's bytes, as that reads them; data is cleared first. */
int worker_picture_load(const char *path, struct mx_buf *data, struct mx_err *err);

/* Append the names and versions of what decodes, " libpng 1.6.39" and so on. */
void worker_picture_decoders(struct mx_buf *out);

/* Check that a path is a file that can be there for an image: not a folder, a pipe, a
 * link that goes round in circles. Returns 0, or -1 as above. */
int worker_picture_check(const char *path, struct mx_err *err);

/* The same; *st is what stat() tells of it. */
int worker_picture_status(const char *path, struct stat *st, struct mx_err *err);

/* Decode from bytes in memory; `name` is for the texts. */
int worker_picture_decode(const void *data, size_t len, const char *name,
                          struct worker_picture *picture, struct mx_err *err);

/* Make it 1 channel (.299 red + .587 green + .114 blue, rounded) or 3 (grey
 * repeated). Returns 0, or -1 with MX_ENOMEM and the picture as it was. */
int worker_picture_channels(struct worker_picture *picture, uint32_t channels, struct mx_err *err);

/* An interleaved image of 1 or 3 channels as a PNG file, appended to *out.
 * pixels: (height, width, channels). Returns 0, or -1 with MX_ENOMEM or MX_EIO. */
int worker_png_encode(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                      struct mx_buf *out, struct mx_err *err);

/* A path as text: what is not UTF-8, or a control character, becomes \xNN; of a
 * long one the end is kept. Returns out. */
enum {
    WORKER_SHOWN_SIZE = 256
};
const char *worker_shown_path(const char *path, char out[WORKER_SHOWN_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
