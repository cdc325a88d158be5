#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/file.h"

uint64_t mx_hash64(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

struct mx_hash128 mx_hash128(const void *data, size_t len)
{
    XXH128_hash_t hash = XXH3_128bits(data, len);

    return (struct mx_hash128){hash.high64, hash.low64};
}

const char *mx_hash64_hex(uint64_t hash, char out[MX_HASH64_HEX])
{
    for (int i = MX_HASH64_HEX - 1; i-- > 0; hash >>= 4)
        out[i] = "0123456789abcdef"[hash & 15];
    out[MX_HASH64_HEX - 1] = '\0';
    return out;
}

const char *mx_hash128_hex(struct mx_hash128 hash, char out[MX_HASH128_HEX])
{
    mx_hash64_hex(hash.high, out);
    mx_hash64_hex(hash.low, out + MX_HASH64_HEX - 1);
    return out;
}

bool mx_hash64_parse(const char *text, uint64_t *out)
{
    uint64_t hash = 0;

    for (int i = 0; i < MX_HASH64_HEX - 1; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (!digit && !(text[i] >= 'a' && text[i] <= 'f'))
            return false;
        hash = hash << 4 | (uint64_t)(text[i] - (digit ? '0' : 'a' - 10));
    }
    *out = hash;
    return true;
}

bool mx_hash128_parse(const char *text, struct mx_hash128 *out)
{
    struct mx_hash128 both;

    if (!mx_hash64_parse(text, &both.high) || !mx_hash64_parse(text + MX_HASH64_HEX - 1, &both.low))
        return false;
    *out = both;
    return true;
}

int mx_hash_file(const char *path, uint64_t *bytes, uint64_t *hash, struct mx_err *err)
{
    enum {
        PIECE = 1 << 16
    };
    XXH3_state_t *state = XXH3_createState();
    char         *piece = malloc(PIECE);
    FILE         *file = NULL;
    size_t        n;
    int           rc = -1;

    if (!state || !piece) {
        mx_fail(err, MX_ENOMEM, "no memory to fingerprint %s", path);
        goto done;
    }
    if (mx_file_refuse_pipe(path, err))
        goto done;
    if (!(file = fopen(path, "rb"))) {
        mx_fail_errno(err, MX_EIO, errno, "cannot open %s", path);
        goto done;
    }
    XXH3_64bits_reset(state);
    *bytes = 0;
    while ((n = fread(piece, 1, PIECE, file)) > 0) {
        XXH3_64bits_update(state, piece, n);
        *bytes += n;
    }
    if (ferror(file)) {
        mx_fail_errno(err, MX_EIO, errno, "cannot read %s", path);
        goto done;
    }
    *hash = XXH3_64bits_digest(state);
    rc = 0;
done:
    if (file)
        fclose(file);
    free(piece);
    XXH3_freeState(state);
    return rc;
}
