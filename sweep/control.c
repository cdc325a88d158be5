#include "sweep/control.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "sweep/outdir.h"
#include "sweep/owner.h"

enum {
    MAX_BYTES = 1 << 12
};

static const char *const words[] = {
    [MX_REQUEST_DRAIN] = "drain",
    [MX_REQUEST_END] = "end",
};

int mx_control_write(const char *directory, enum mx_request request, unsigned incarnation,
                     struct mx_err *err)
{
    struct mx_buf     text = {0};
    struct mx_json    json = {.out = &text};
    struct mx_process self;
    char              utc[MX_UTC_SIZE];
    int               rc;

    if (mx_owner_machine.self(NULL, &self, err))
        return -1;
    mx_json_object(&json, NULL);
    mx_json_text(&json, "request", words[request]);
    mx_json_uint(&json, "incarnation", incarnation);
    mx_json_text(&json, "host", self.host);
    mx_json_int(&json, "pid", self.pid);
    mx_json_text(&json, "at", mx_clock_format_utc(mx_clock_utc_s(), utc));
    mx_json_end_object(&json);
    mx_buf_text(&text, "\n");
    rc = mx_outdir_write(directory, MX_CONTROL_FILE, &text, err);
    mx_buf_free(&text);
    return rc;
}

/* A host's name goes into the log: nothing else than one may be in it. */
static bool is_host(const char *text)
{
    size_t n = 0;

    while (text && isgraph((unsigned char)text[n]))
        n++;
    return n > 0 && text[n] == '\0' && n < sizeof((struct mx_control *)0)->host;
}

/* False if this is not what mx_control_write() writes. */
static bool parse(const struct mx_buf *text, unsigned *incarnation, struct mx_control *control)
{
    json_t     *object = json_loadb(mx_buf_str(text), text->len, 0, NULL);
    const char *word = json_string_value(json_object_get(object, "request"));
    const char *host = json_string_value(json_object_get(object, "host"));
    json_int_t  number = json_integer_value(json_object_get(object, "incarnation"));
    bool        good = word && is_host(host) && number >= 1 && number <= UINT_MAX;

    if (good) {
        for (unsigned k = MX_REQUEST_DRAIN; k <= MX_REQUEST_END; k++)
            if (strcmp(word, words[k]) == 0)
                control->request = (enum mx_request)k;
        good = control->request != MX_REQUEST_NONE;
        snprintf(control->host, sizeof control->host, "%s", host);
        *incarnation = (unsigned)number;
    }
    json_decref(object);
    return good;
}

/* Read the file that was set aside, and remove it. */
static int read_aside(const char *path, const char *aside, unsigned incarnation,
                      struct mx_control *control, struct mx_err *err)
{
    struct mx_control found = {.request = MX_REQUEST_NONE};
    struct mx_buf     text = {0};
    unsigned          meant = 0;
    const bool        good =
        mx_file_read(aside, MAX_BYTES, &text, NULL) == 0 && parse(&text, &meant, &found);

    mx_buf_free(&text);
    if (remove(aside))
        return mx_fail_errno(err, MX_EIO, errno, "cannot remove %s", aside);
    if (!good)
        return mx_fail(err, MX_EINVAL, "%s was not written by mixsweep stop; it was removed", path);
    if (meant == incarnation)
        *control = found;
    return 0;
}

int mx_control_take(const char *directory, unsigned incarnation, struct mx_control *control,
                    struct mx_err *err)
{
    char         *path = mx_path_join(directory, MX_CONTROL_FILE);
    struct mx_buf aside = {0};
    int           rc = 0;

    *control = (struct mx_control){.request = MX_REQUEST_NONE};
    /* Set aside first: a request that comes meanwhile is not removed unread.
     * The name is one that mx_outdir_begin() cleans up. */
    if (path)
        mx_buf_printf(&aside, "%s.taken.tmp.%ld", path, (long)getpid());
    if (!path || !mx_buf_ok(&aside))
        rc = mx_fail(err, MX_ENOMEM, "no memory to look for requests in %s", directory);
    else if (rename(path, aside.data) == 0)
        rc = read_aside(path, aside.data, incarnation, control, err);
    else if (errno != ENOENT)
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot take %s", path);
    mx_buf_free(&aside);
    free(path);
    return rc;
}
