#include "sweep/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/file.h"
#include "sweep/journal_scan.h"

static const double group_s = 0.2; /* a record waits at most this long */

struct mx_journal {
    char         *path;
    int           fd;
    unsigned      incarnation;
    uint64_t      seq;     /* of the last record appended */
    off_t         written; /* bytes that are durable */
    struct mx_buf group;
    double        first_s; /* when the group began */
    int (*guard)(void *user, struct mx_err *err);
    void *guard_user;
};

/* Write the group at the place behind what is durable: a try that failed
 * leaves nothing behind, and the next one goes to the same place. */
static int write_group(struct mx_journal *journal, struct mx_err *err)
{
    size_t done = 0;

    while (done < journal->group.len) {
        ssize_t n = mx_disk_write_at(journal->fd, journal->group.data + done,
                                     journal->group.len - done, journal->written + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            mx_fail_errno(err, MX_EIO, errno, "cannot write %s", journal->path);
            goto fail;
        }
        done += (size_t)n;
    }
    if (mx_disk_sync(journal->fd)) {
        mx_fail_errno(err, MX_EIO, errno, "cannot sync %s", journal->path);
        goto fail;
    }
    return 0;
fail:
    if (mx_disk_truncate(journal->fd, journal->written))
        mx_err_prefix(err, "half a record is left in the file");
    return -1;
}

int mx_journal_sync(struct mx_journal *journal, struct mx_err *err)
{
    if (journal->group.len == 0)
        return 0;
    if (journal->guard && journal->guard(journal->guard_user, err))
        return -1;
    if (write_group(journal, err))
        return -1;
    journal->written += (off_t)journal->group.len;
    mx_buf_clear(&journal->group);
    return 0;
}

static int append_line(struct mx_journal *journal, struct mx_journal_line *line, struct mx_err *err)
{
    size_t before = journal->group.len;

    line->seq = journal->seq + 1;
    mx_journal_line_format(line, &journal->group);
    if (!mx_buf_ok(&journal->group)) {
        journal->group.failed = false; /* what was in it still is */
        journal->group.len = before;
        return mx_fail(err, MX_ENOMEM, "no memory for a record of %s", journal->path);
    }
    journal->seq++;
    if (before == 0)
        journal->first_s = mx_clock_monotonic_s();
    return 0;
}

int mx_journal_append(struct mx_journal *journal, const struct mx_record *record,
                      struct mx_err *err)
{
    struct mx_journal_line line = {.record = *record};

    return append_line(journal, &line, err);
}

/* The first record: who we are and what we accepted. */
static int write_first(struct mx_journal *journal, const struct mx_journal_file *files,
                       size_t count, struct mx_err *err)
{
    struct mx_journal_line line = {.incarnation = journal->incarnation};
    int                    rc = -1;

    line.record.kind = MX_RECORD_INCARNATION;
    line.record.pid = (long)getpid();
    line.record.started_utc_s = mx_clock_utc_s();
    gethostname(line.record.host, sizeof line.record.host - 1);
    if (!(line.tails = calloc(count + 1, sizeof line.tails[0])))
        return mx_fail(err, MX_ENOMEM, "no memory for a record of %s", journal->path);
    for (size_t f = 0; f < count; f++)
        line.tails[line.ntails++] = (struct mx_journal_tail){files[f].number, files[f].last};
    if (append_line(journal, &line, err) == 0)
        rc = mx_journal_sync(journal, err);
    free(line.tails);
    return rc;
}

static int create_file(struct mx_journal *journal, const char *folder, struct mx_err *err)
{
    journal->fd = mx_disk_open(journal->path, O_WRONLY | O_CREAT | O_EXCL);
    if (journal->fd < 0 && errno == EEXIST)
        return mx_fail(err, MX_EOWNED, "another process has just begun %s", journal->path);
    if (journal->fd < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot create %s", journal->path);
    return mx_dir_sync(folder, err);
}

/* What was read may have been written by a process that died before its sync: it
 * is made to last before this incarnation builds on it. */
static int sync_files(const char *folder, const struct mx_journal_file *files, size_t count,
                      struct mx_err *err)
{
    int rc = 0;

    for (size_t f = 0; f < count && rc == 0; f++) {
        char *path = mx_journal_file_path(folder, files[f].number);
        int   fd = path ? mx_disk_open(path, O_RDONLY) : -1;

        if (!path)
            rc = mx_fail(err, MX_ENOMEM, "no memory to sync %s", folder);
        else if (fd < 0 || mx_disk_sync(fd))
            rc = mx_fail_errno(err, MX_EIO, errno, "cannot sync %s", path);
        if (fd >= 0)
            mx_disk_close(fd);
        free(path);
    }
    return rc;
}

struct mx_journal *mx_journal_open(const char *directory,
                                   int (*accept)(void *user, const struct mx_record *record,
                                                 struct mx_err *err),
                                   void *user, struct mx_journal_report *report, struct mx_err *err)
{
    struct mx_journal_acceptor to = {accept, user, report};
    struct mx_journal         *journal = calloc(1, sizeof *journal);
    char                      *folder = mx_path_join(directory, "journal");
    struct mx_journal_file    *files = NULL;
    size_t                     count = 0;

    if (!journal || !folder)
        goto nomem;
    journal->fd = -1;
    if (mx_dir_make(folder, err) || mx_journal_read_all(folder, &to, &files, &count, err) ||
        sync_files(folder, files, count, err))
        goto fail;
    journal->incarnation = count > 0 ? files[count - 1].number + 1 : 1;
    if (!(journal->path = mx_journal_file_path(folder, journal->incarnation)))
        goto nomem;
    if (create_file(journal, folder, err))
        goto fail;
    if (write_first(journal, files, count, err)) {
        mx_disk_remove(journal->path);
        mx_buf_clear(&journal->group);
        goto fail;
    }
    free(files);
    free(folder);
    return journal;
nomem:
    mx_fail(err, MX_ENOMEM, "no memory to open the journal of %s", directory);
fail:
    free(files);
    free(folder);
    mx_journal_close(journal);
    return NULL;
}

unsigned mx_journal_incarnation(const struct mx_journal *journal)
{
    return journal->incarnation;
}

void mx_journal_guard(struct mx_journal *journal, int (*guard)(void *user, struct mx_err *err),
                      void              *user)
{
    journal->guard = guard;
    journal->guard_user = user;
}

double mx_journal_due_s(const struct mx_journal *journal)
{
    return journal->group.len > 0 ? journal->first_s + group_s : INFINITY;
}

void mx_journal_close(struct mx_journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0) {
        mx_journal_sync(journal, NULL);
        mx_disk_close(journal->fd);
    }
    mx_buf_free(&journal->group);
    free(journal->path);
    free(journal);
}
