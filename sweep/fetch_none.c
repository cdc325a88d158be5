/* What stands in for downloading and unpacking where their libraries are missing. */
#include "sweep/fetch.h"

static int fail(struct mx_err *err)
{
    return mx_fail(
        err, MX_EINVAL,
        "this mixsweep was built without libcurl, libarchive and libmd, which data fetch "
        "needs: install libcurl4-openssl-dev, libarchive-dev and libmd-dev, and build "
        "it again");
}

int mx_fetch_get(const char *url, const char *path, uint64_t bytes, FILE *progress,
                 struct mx_err *err)
{
    (void)url;
    (void)path;
    (void)bytes;
    (void)progress;
    return fail(err);
}

int mx_fetch_check(const char *path, const char *checksum, bool *wrong, struct mx_err *err)
{
    (void)path;
    (void)checksum;
    *wrong = false;
    return fail(err);
}

int mx_fetch_unpack(const char *archive, const char *below, const char *folder, uint64_t *room,
                    struct mx_err *err)
{
    (void)archive;
    (void)below;
    (void)folder;
    (void)room;
    return fail(err);
}
