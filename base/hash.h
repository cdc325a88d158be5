/* hash.h - XXH3 fingerprints of bytes and files, as fixed-width hex text. */
#ifndef MX_HASH_H
#define MX_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MX_HASH64_HEX = 16 + 1, /* bytes for a 64-bit hash in hex with its NUL */
    MX_HASH128_HEX = 32 + 1,
};

/* A 128-bit hash; equal inputs give equal bytes on every machine. */
struct mx_hash128 {
    uint64_t high, low;
};

/* XXH3-64 and XXH3-128 with seed 0. */
uint64_t          mx_hash64(const void *data, size_t len);
struct mx_hash128 mx_hash128(const void *data, size_t len);

/* Lower-case hex, high half first; return out. */
const char *mx_hash64_hex(uint64_t hash, char out[MX_HASH64_HEX]);
const char *mx_hash128_hex(struct mx_hash128 hash, char out[MX_HASH128_HEX]);

/* Read the 32 digits that mx_hash128_hex() writes from the front of a text; false,
 * *out untouched, if there are others. */
bool mx_hash128_parse(const char *text, struct mx_hash128 *out);

/* The same for the 16 digits of mx_hash64_hex(). */
bool mx_hash64_parse(const char *text, uint64_t *out);

/* Size in bytes and XXH3-64 of a file's content, read in pieces. Returns 0, or
 * -1 with MX_EIO that names the file. */
int mx_hash_file(const char *path, uint64_t *bytes, uint64_t *hash, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
