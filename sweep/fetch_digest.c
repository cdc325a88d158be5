/* Checksums through libmd. */
#include <errno.h>
#include <md5.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/fetch.h"

enum {
    PIECE = 1 << 16
};

/* Both at once: reading costs more. */
static int digest(FILE *file, const char *path, char sha[SHA256_DIGEST_STRING_LENGTH],
                  char md5[MD5_DIGEST_STRING_LENGTH], struct mx_err *err)
{
    uint8_t *piece = malloc(PIECE);
    SHA2_CTX of_sha;
    MD5_CTX  of_md5;
    size_t   n;
    int      rc = 0;

    if (!piece)
        return mx_fail(err, MX_ENOMEM, "no memory to check %s", path);
    SHA256Init(&of_sha);
    MD5Init(&of_md5);
    while ((n = fread(piece, 1, PIECE, file)) > 0) {
        SHA256Update(&of_sha, piece, n);
        MD5Update(&of_md5, piece, n);
    }
    if (ferror(file))
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot read %s", path);
    SHA256End(&of_sha, sha);
    MD5End(&of_md5, md5);
    free(piece);
    return rc;
}

int mx_fetch_check(const char *path, const char *checksum, bool *wrong, struct mx_err *err)
{
    char  sha[SHA256_DIGEST_STRING_LENGTH], md5[MD5_DIGEST_STRING_LENGTH];
    FILE *file = fopen(path, "rb");
    int   rc;

    if (!file)
        return mx_fail_errno(err, MX_EIO, errno, "cannot open %s", path);
    rc = digest(file, path, sha, md5, err);
    fclose(file);
    *wrong = strncmp(checksum, "sha256:", 7) == 0 ? strcmp(checksum + 7, sha) != 0
             : strncmp(checksum, "md5:", 4) == 0  ? strcmp(checksum + 4, md5) != 0
                                                  : true;
    return rc;
}
