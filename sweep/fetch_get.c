/* Downloads through libcurl: http, https and file addresses, taken up where they ended. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/fetch.h"

enum {
    CONNECT_S = 30, /* at most, to be connected */
    SILENT_S = 60,  /* and without a byte */
    REDIRECTS = 10,
};

/* One file on its way. */
struct transfer {
    CURL         *curl;
    const char   *url, *path;
    FILE         *progress; /* a terminal, or NULL */
    int           fd;
    uint64_t      start, have, bytes; /* as the connection began, so far, and in the end */
    uint64_t      offered; /* how large the file is where it comes from; 0: not told (yet) */
    double        told_s;
    struct mx_err err; /* of writing */
};

static void tell(struct transfer *t, bool last)
{
    const double  now = mx_clock_monotonic_s();
    struct mx_buf text = {0};

    if (!t->progress || (!last && now - t->told_s < 0.2))
        return;
    t->told_s = now;
    mx_download_size(t->have, &text);
    mx_buf_text(&text, " of ");
    mx_download_size(t->bytes, &text);
    fprintf(t->progress, "\r\033[K%s%s", mx_buf_str(&text), last ? "\n" : "");
    fflush(t->progress);
    mx_buf_free(&text);
}

/* Whatever a server sends, no more is written than the file has, and nothing of another one. */
static size_t on_bytes(char *data, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    const size_t     len = size * n;
    curl_off_t       coming = -1;

    if (t->offered == 0 &&
        curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &coming) == CURLE_OK &&
        coming > 0)
        t->offered = t->start + (uint64_t)coming;
    if (t->offered > 0 && t->offered != t->bytes)
        return 0;
    if (len > t->bytes - t->have) {
        t->offered = t->have + len;
        return 0;
    }
    if (mx_file_write_all(t->fd, data, len, t->path, &t->err))
        return 0;
    t->have += len;
    tell(t, false);
    return len;
}

static CURLcode connect_once(struct transfer *t)
{
    CURL    *curl = curl_easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;

    if (!curl)
        return code;
    t->curl = curl;
    t->start = t->have;
    t->offered = 0;
    curl_easy_setopt(curl, CURLOPT_URL, t->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "mixsweep/" MX_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->have);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    code = curl_easy_perform(curl);
    if (code == CURLE_HTTP_RETURNED_ERROR) {
        long status = 0;

        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        mx_fail(&t->err, MX_EIO, "%s: the server says %ld", t->url, status);
    }
    curl_easy_cleanup(curl);
    return code;
}

/* Begin anew where a server or file cannot go on behind what is there. */
static int start_over(struct transfer *t)
{
    t->have = 0;
    t->offered = 0;
    if (ftruncate(t->fd, 0) || lseek(t->fd, 0, SEEK_SET))
        return mx_fail_errno(&t->err, MX_EIO, errno, "cannot empty %s", t->path);
    return 0;
}

static int fail(const struct transfer *t, CURLcode code, struct mx_err *err)
{
    if (t->err.code != MX_OK)
        return mx_fail(err, t->err.code, "%s", t->err.text);
    if (t->offered && t->offered != t->bytes)
        return mx_fail(err, MX_EDATA,
                       "%s is not the file that was published: it has %" PRIu64
                       " bytes, not %" PRIu64,
                       t->url, t->offered, t->bytes);
    if (code == CURLE_OK)
        return mx_fail(err, MX_EDATA,
                       "%s is not the file that was published: it has %" PRIu64
                       " bytes, not %" PRIu64,
                       t->url, t->have, t->bytes);
    if (code == CURLE_FILE_COULDNT_READ_FILE)
        return mx_fail(err, MX_EIO, "%s: there is no such file, or it cannot be read", t->url);
    return mx_fail(
        err, MX_EIO,
        "%s: %s (%" PRIu64 " of %" PRIu64
        " bytes are there: the same command goes on, with MIXSWEEP_DATA_MIRROR from elsewhere)",
        t->url, curl_easy_strerror(code), t->have, t->bytes);
}

static bool may_go_on(CURLcode code)
{
    return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
           code == CURLE_OPERATION_TIMEDOUT || code == CURLE_HTTP2_STREAM ||
           code == CURLE_SSL_CONNECT_ERROR || code == CURLE_COULDNT_CONNECT;
}

static int transfer(struct transfer *t, struct mx_err *err)
{
    bool over = false; /* it was begun anew */

    while (t->have < t->bytes) {
        const uint64_t before = t->have;
        const CURLcode code = connect_once(t);
        const bool cannot_resume = code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME ||
                                   (before > 0 && code == CURLE_OK && t->have == before);

        if (t->have == t->bytes)
            break;
        if (cannot_resume && before > 0 && !over) {
            over = true;
            if (start_over(t))
                return fail(t, code, err);
        } else if (!may_go_on(code) || t->have == before) {
            return fail(t, code, err);
        }
    }
    tell(t, true);
    return 0;
}

int mx_fetch_get(const char *url, const char *path, uint64_t bytes, FILE *progress,
                 struct mx_err *err)
{
    struct transfer t = {.url = url, .path = path, .bytes = bytes};
    struct stat     at;
    int             rc;

    t.progress = progress && isatty(fileno(progress)) ? progress : NULL;
    t.fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0666);
    if (t.fd < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    t.have = fstat(t.fd, &at) == 0 ? (uint64_t)at.st_size : 0;
    if (t.have > bytes && start_over(&t))
        rc = fail(&t, CURLE_OK, err);
    else
        rc = transfer(&t, err);
    if (rc == 0 && fsync(t.fd))
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    close(t.fd);
    return rc;
}
