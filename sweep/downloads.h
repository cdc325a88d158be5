/* downloads.h - data sets that `mixsweep data` knows: where their publishers offer them, how
 * large the files are, their checksums, and under what terms. One row each.
 */
#ifndef MX_SWEEP_DOWNLOADS_H
#define MX_SWEEP_DOWNLOADS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    MX_DOWNLOAD_FILES = 4
};

struct mx_download_file {
    const char *url; /* what is behind its last slash names the file */
    uint64_t    bytes;
    const char *checksum; /* "sha256:HEX" or "md5:HEX" */
    /* Of a tar or zip archive: its entries below this are unpacked, without it; a %s in it
     * stands for the part that was chosen. NULL: the file is used as it is. */
    const char *below;
};

struct mx_download {
    unsigned    set; /* enum worker_data_set */
    const char *what;
    const char *terms;   /* the licence, or what the publisher says instead */
    const char *page;    /* where that is said */
    const char *package; /* Debian package that brings it, or NULL */
    const char *by_hand; /* why and how, where it cannot be fetched; or NULL */
    const char *const
          *parts; /* to choose one of, ended by NULL, the first is the default; or NULL */
    size_t nfiles;
    struct mx_download_file files[MX_DOWNLOAD_FILES];
    uint64_t                unpacked_bytes; /* at most, of all archives */
};

/* The rows in their order, ended by one without `what`. */
extern const struct mx_download mx_downloads[];

/* The row of a set's word. NULL with MX_EINVAL that lists the words. */
const struct mx_download *mx_download_find(const char *word, struct mx_err *err);

/* Its word; the sum of its files' bytes; the name of a file. */
const char *mx_download_word(const struct mx_download *download);
uint64_t    mx_download_bytes(const struct mx_download *download);
const char *mx_download_name(const struct mx_download_file *file);

/* Append a number of bytes as people read it: "26.4 MB". */
void mx_download_size(uint64_t bytes, struct mx_buf *out);

#endif
