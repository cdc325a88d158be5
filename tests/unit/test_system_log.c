#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/system_log.h"

static char folder[] = "/tmp/mixsweep-system-log-XXXXXX";
static char path[64];

/* What a log daemon would be. */
static int listen_there(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (path[0] == '\0') {
        cr_assert_not_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/log", folder);
    }
    strcpy(address.sun_path, path);
    unlink(path);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static const char *received(int fd, char out[8192])
{
    const ssize_t n = recv(fd, out, 8191, MSG_DONTWAIT);

    out[n > 0 ? n : 0] = '\0';
    return out;
}

static const struct mx_log_record record = {.utc_s = 1769851800,
                                            .level = MX_LOG_WARNING,
                                            .host = "n2",
                                            .rank = 3,
                                            .trial = "00000000000000aa.r0",
                                            .text = "it\nfell"};

Test(system_log, syslog_gets_a_line_with_priority_time_and_name)
{
    int                   fd = listen_there();
    struct mx_err         err = {0};
    struct mx_system_log *log = mx_system_log_open(MX_SYSTEM_LOG_SYSLOG, path, "out", &err);
    char                  got[8192], expected[200];

    cr_assert_not_null(log, "%s", err.text);
    setenv("TZ", "UTC0", 1);
    mx_system_log_write(log, &record);
    snprintf(expected, sizeof expected,
             "<12>Jan 31 09:30:00 mixsweep[%d]: warning n2/3 00000000000000aa.r0: it\\nfell",
             (int)getpid());
    cr_expect_str_eq(received(fd, got), expected);
    mx_system_log_close(log);
    close(fd);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

Test(system_log, the_journal_gets_fields)
{
    int                   fd = listen_there();
    struct mx_system_log *log = mx_system_log_open(MX_SYSTEM_LOG_JOURNAL, path, "o\nut", NULL);
    struct mx_log_record  bare = {.level = MX_LOG_ERROR, .rank = -1, .text = "bye"};
    char                  got[8192];

    cr_assert_not_null(log);
    mx_system_log_write(log, &record);
    cr_expect_str_eq(received(fd, got),
                     "MESSAGE=warning n2/3 00000000000000aa.r0: it\\nfell\nPRIORITY=4\n"
                     "SYSLOG_IDENTIFIER=mixsweep\nMIXSWEEP_DIRECTORY=o?ut\nMIXSWEEP_HOST=n2\n"
                     "MIXSWEEP_RANK=3\nMIXSWEEP_TRIAL=00000000000000aa.r0\n");
    mx_system_log_write(log, &bare);
    cr_expect_str_eq(received(fd, got), "MESSAGE=error bye\nPRIORITY=3\n"
                                        "SYSLOG_IDENTIFIER=mixsweep\nMIXSWEEP_DIRECTORY=o?ut\n");
    mx_system_log_close(log);
    close(fd);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

Test(system_log, a_log_that_was_started_anew_is_found_again_and_losses_are_counted)
{
    int                   fd = listen_there();
    struct mx_system_log *log = mx_system_log_open(MX_SYSTEM_LOG_SYSLOG, path, "out", NULL);
    char                  got[8192];

    cr_assert_not_null(log);
    close(fd);
    mx_system_log_write(log, &record);
    cr_expect_eq(mx_system_log_lost(log), 1);
    fd = listen_there();
    mx_system_log_write(log, &record);
    cr_expect_eq(mx_system_log_lost(log), 1);
    cr_expect_eq(strncmp(received(fd, got), "<12>", 4), 0);
    for (int i = 0; i < 10000; i++) /* nobody reads: it is not waited for */
        mx_system_log_write(log, &record);
    cr_expect_gt(mx_system_log_lost(log), 1);
    mx_system_log_close(log);
    close(fd);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

Test(system_log, says_where_nobody_listens)
{
    struct mx_err err = {0};

    cr_expect_null(mx_system_log_open(MX_SYSTEM_LOG_SYSLOG, "/nowhere/log", "out", &err));
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text,
                     "--system-log: nobody takes records at /nowhere/log; leave the option "
                     "out, the sweep has its own log: No such file or directory");
}
