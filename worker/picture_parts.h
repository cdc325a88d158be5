/* picture_parts.h - private to picture*.c. */
#ifndef MX_WORKER_PICTURE_PARTS_H
#define MX_WORKER_PICTURE_PARTS_H

#include "worker/picture.h"

/* Decoders, as worker_picture_decode(). */
int worker_picture_jpeg(const uint8_t *data, size_t len, const char *name,
                        struct worker_picture *picture, struct mx_err *err);
int worker_picture_png(const uint8_t *data, size_t len, const char *name,
                       struct worker_picture *picture, struct mx_err *err);

/* Append their versions. */
void worker_picture_jpeg_version(struct mx_buf *out);
void worker_picture_png_version(struct mx_buf *out);

/* Room for the planes of a picture of that size. Returns 0, or -1 with MX_EDATA if
 * it has more than WORKER_MAX_PIXELS, or MX_ENOMEM. */
int worker_picture_alloc(struct worker_picture *picture, uint32_t channels, uint32_t height,
                         uint32_t width, const char *name, struct mx_err *err);

/* One row of interleaved pixels into the planes; of each pixel the first
 * `channels` of `step` bytes. */
void worker_picture_put_row(struct worker_picture *picture, uint32_t y, const uint8_t *row,
                            uint32_t step);

/* The orientation tag in the APP1 segment of a JPEG file, marker and length
 * not included; 1 if it has none that makes sense. */
unsigned worker_exif_turn(const uint8_t *segment, size_t len);

#endif
