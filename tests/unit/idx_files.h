/* idx_files.h - IDX files made for a test, in a folder of its own. */
#ifndef MX_TEST_IDX_FILES_H
#define MX_TEST_IDX_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"

/* A new empty folder, "/tmp/mixsweep-XXXXXX", to be given to folder_remove(). */
static inline char *folder_make(void)
{
    char *folder = strdup("/tmp/mixsweep-XXXXXX"), *cache;

    if (!folder || !mkdtemp(folder) || !(cache = mx_path_join(folder, ".images")) ||
        setenv("MIXSWEEP_CACHE", cache, 1))
        abort();
    free(cache);
    return folder;
}

static inline void folder_remove(char *folder)
{
    mx_dir_remove(folder, NULL);
    free(folder);
}

/* Write bytes to folder/name; names that end in .gz are compressed. */
static inline void put_bytes(const char *folder, const char *name, const void *data, size_t len)
{
    char  *path = mx_path_join(folder, name);
    bool   compressed = strlen(name) > 3 && !strcmp(name + strlen(name) - 3, ".gz");
    /* Mode T writes as it is. */
    gzFile file = path ? gzopen(path, compressed ? "wb" : "wbT") : NULL;

    if (!file || gzwrite(file, data, (unsigned)len) != (int)len || gzclose(file) != Z_OK)
        abort();
    free(path);
}

static inline void put_u32(uint8_t **at, uint32_t x)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *(*at)++ = (uint8_t)(x >> shift);
}

/* n images of side x side pixels; image i has byte level(i) everywhere. */
static inline void put_images(const char *folder, const char *name, uint32_t n, uint32_t side)
{
    size_t   len = 16 + (size_t)n * side * side;
    uint8_t *data = malloc(len), *at = data;

    if (!data)
        abort();
    put_u32(&at, 0x803);
    put_u32(&at, n);
    put_u32(&at, side);
    put_u32(&at, side);
    for (uint32_t i = 0; i < n; i++, at += side * side)
        memset(at, (int)(i * 7 % 256), side * side);
    put_bytes(folder, name, data, len);
    free(data);
}

/* n labels, image i of class i % classes. */
static inline void put_labels(const char *folder, const char *name, uint32_t n, uint32_t classes)
{
    uint8_t *data = malloc(8 + (size_t)n), *at = data;

    if (!data)
        abort();
    put_u32(&at, 0x801);
    put_u32(&at, n);
    for (uint32_t i = 0; i < n; i++)
        *at++ = (uint8_t)(i % classes);
    put_bytes(folder, name, data, 8 + (size_t)n);
    free(data);
}

/* A whole set of 28 x 28 pixels and 10 classes. */
static inline void put_set(const char *folder, uint32_t train, uint32_t test)
{
    put_images(folder, "train-images-idx3-ubyte.gz", train, 28);
    put_labels(folder, "train-labels-idx1-ubyte.gz", train, 10);
    put_images(folder, "t10k-images-idx3-ubyte.gz", test, 28);
    put_labels(folder, "t10k-labels-idx1-ubyte.gz", test, 10);
}

#endif
