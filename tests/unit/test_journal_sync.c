/* What a sweep relies on is durable first. fsync() is this file's own: it takes
 * note of the file, and does what it is asked. */
#include <sys/syscall.h>
#include <unistd.h>

#include "journal_files.h"
#include "sweep/run_state.h"

static char noted[4096]; /* names of the files that were synced, in order */

int fsync(int fd)
{
    char    link[64], path[512];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    snprintf(noted + strlen(noted), sizeof noted - strlen(noted), "%s ",
             strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
    return (int)syscall(SYS_fsync, fd);
}

TestSuite(journal_sync, .init = make_folder, .fini = remove_folder);

/* Its writer may have died before its own sync. */
Test(journal_sync, makes_what_it_read_last_before_it_builds_on_it)
{
    struct mx_journal_report report;

    mx_journal_close(open_journal(&report));
    mx_journal_close(open_journal(&report));
    noted[0] = '\0';
    mx_journal_close(open_journal(&report));
    cr_expect_str_eq(noted, "000001.jsonl 000002.jsonl journal 000003.jsonl ");
}

static int refuse(void *user, struct mx_err *err)
{
    (void)user;
    return mx_fail(err, MX_EOWNED, "it is not ours");
}

/* The tables are not even looked at: there are none. */
Test(journal_sync, comes_before_tables_show_a_result)
{
    struct mx_journal_report report;
    struct mx_journal       *journal = open_journal(&report);
    struct run               run = {.journal = journal, .directory = folder};
    struct mx_record         record = {.kind = MX_RECORD_DONE, .attempt = 1};
    struct mx_err            err = {0};

    mx_journal_guard(journal, refuse, NULL);
    cr_assert_eq(mx_journal_append(journal, &record, &err), 0);
    cr_assert_eq(run_write_results(&run, &err), -1);
    cr_expect_eq(err.code, MX_EOWNED);
    cr_expect_str_eq(err.text, "it is not ours");
    mx_journal_close(journal);
}
