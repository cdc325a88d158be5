/* The one thing we ask of EXIF: does the photo want to be turned? */
#include <stdbool.h>
#include <string.h>

#include "worker/picture_parts.h"

/* A TIFF structure, of either byte order. */
struct tiff {
    const uint8_t *data;
    size_t         len;
    bool           little;
};

/* A number of 2 or 4 bytes; 0 where there are not as many. */
static uint32_t number_at(const struct tiff *tiff, size_t at, unsigned bytes)
{
    uint32_t x = 0;

    if (at > tiff->len || tiff->len - at < bytes)
        return 0;
    for (unsigned k = 0; k < bytes; k++)
        x = x << 8 | tiff->data[at + (tiff->little ? bytes - 1 - k : k)];
    return x;
}

unsigned worker_exif_turn(const uint8_t *segment, size_t len)
{
    enum {
        HEADER = 6, /* "Exif" and two zeros */
        ENTRY = 12, /* tag, type, count, value */
        ORIENTATION = 0x112,
        SHORT = 3,
    };
    struct tiff tiff = {.data = segment + HEADER, .len = len - HEADER};
    uint32_t    entries, entry;

    if (len < HEADER + 8 || memcmp(segment, "Exif\0", HEADER) != 0)
        return 1;
    tiff.little = tiff.data[0] == 'I';
    if (number_at(&tiff, 2, 2) != 42)
        return 1;
    entry = number_at(&tiff, 4, 4);
    entries = number_at(&tiff, entry, 2);
    for (uint32_t k = 0; k < entries; k++) {
        size_t   at = (size_t)entry + 2 + (size_t)k * ENTRY;
        uint32_t value = number_at(&tiff, at + 8, 2);

        if (number_at(&tiff, at, 2) == ORIENTATION && number_at(&tiff, at + 2, 2) == SHORT)
            return value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}
