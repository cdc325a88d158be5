/* fetch.h - getting a data set's files from their publisher, or from a mirror.
 *
 * Files are downloaded into FOLDER.fetch beside the set's FOLDER, one .part each, which a
 * later fetch goes on with; what is whole and has its checksum loses the .part. When all
 * files are there, archives are unpacked into FOLDER.new, which is renamed to FOLDER: a set is
 * whole or not there. One process at a time fetches into a folder.
 *
 * An archive may hold files and folders only: links, devices, absolute paths, ".." and more than
 * the set's known size end it. Built without libcurl, libarchive and libmd
 * (MX_FETCH) everything here says so.
 */
#ifndef MX_SWEEP_FETCH_H
#define MX_SWEEP_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "sweep/downloads.h"

struct mx_fetch_options {
    const char *folder;   /* where the set goes */
    const char *mirror;   /* MIRROR/SET/FILE is fetched instead; NULL: the publisher's */
    const char *part;     /* of download->parts; NULL without any */
    FILE       *progress; /* told what is going on; on a terminal also how far; NULL: nothing */
};

/* Fetch all files, check and unpack them. Returns 0; or -1 with MX_EIO (network, disk),
 * MX_EDATA (another size, another checksum, an archive that is not what it should be) or MX_EOWNED
 * (somebody else is at it), and what was downloaded so far left for the next try, unless its
 * checksum was wrong; nothing is left where nothing was downloaded. */
int mx_fetch(const struct mx_download *download, const struct mx_fetch_options *options,
             struct mx_err *err);

/* Check that a mirror is a folder, or an address that can be fetched from. Returns 0, or -1 with
 * MX_EINVAL. NULL is allowed. */
int mx_fetch_check_mirror(const char *mirror, struct mx_err *err);

/* The address of a file, appended. */
void mx_fetch_url(const struct mx_download *download, const struct mx_download_file *file,
                  const char *mirror, struct mx_buf *out);

/* The parts of it; fetch_none.c stands in for all three where the libraries are missing. */

/* Download url to path, going on behind what path already holds; `bytes` is how large the file
 * must be, and no more is ever written. Connections that end early are taken up again as long as
 * each brings something. Returns 0 or -1. */
int mx_fetch_get(const char *url, const char *path, uint64_t bytes, FILE *progress,
                 struct mx_err *err);

/* Check a file's "sha256:HEX" or "md5:HEX". *wrong tells whether it is another one. */
int mx_fetch_check(const char *path, const char *checksum, bool *wrong, struct mx_err *err);

/* Unpack what lies below `below` in an archive (tar, compressed or not, or zip) into folder, which is
 * there; of at most *room bytes, which becomes less by what was written. */
int mx_fetch_unpack(const char *archive, const char *below, const char *folder, uint64_t *room,
                    struct mx_err *err);

#endif
