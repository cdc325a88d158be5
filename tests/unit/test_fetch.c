/* Fetching data sets: from a small HTTP server in a thread of the test, which cuts connections, ignores
 * ranges and lies about sizes as it is told, and from folders. No network is used. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/fetch.h"
#include "worker/choices.h"

enum {
    BYTES = 100000
};

/* How the server behaves. */
struct server {
    int       fd, port;
    pthread_t thread;
    size_t    cut;          /* a connection ends after so many bytes of the file; 0: never */
    size_t    bytes;        /* of the file */
    bool      no_ranges;    /* it sends all of it whatever is asked for */
    int       status;       /* 0, or what it says instead */
    unsigned  connections;  /* so far */
    size_t    first_offset; /* that a connection asked for, the last one */
};

static uint8_t content(size_t k)
{
    return (uint8_t)(k * 31 + k / 256);
}

static void send_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

static void answer(struct server *server, int fd)
{
    char    request[4096] = "", head[256];
    size_t  len = 0, from = 0, until;
    uint8_t body[4096];
    char   *range;
    ssize_t n;

    while (!strstr(request, "\r\n\r\n") && len < sizeof request - 1 &&
           (n = recv(fd, request + len, sizeof request - 1 - len, 0)) > 0)
        request[len += (size_t)n] = '\0';
    if ((range = strstr(request, "Range: bytes=")))
        from = (size_t)strtoul(range + 13, NULL, 10);
    server->first_offset = from;
    if (server->no_ranges)
        from = 0;
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n",
             server->status ? "404 Not Found"
             : from > 0     ? "206 Partial Content"
                            : "200 OK",
             server->status ? (size_t)0 : server->bytes - from);
    send_all(fd, head, strlen(head));
    if (from > 0) {
        snprintf(head, sizeof head, "Content-Range: bytes %zu-%zu/%zu\r\n", from, server->bytes - 1,
                 server->bytes);
        send_all(fd, head, strlen(head));
    }
    send_all(fd, "\r\n", 2);
    until = server->cut && from + server->cut < server->bytes ? from + server->cut : server->bytes;
    while (!server->status && from < until) {
        size_t k = 0;

        for (; k < sizeof body && from < until; k++)
            body[k] = content(from++);
        send_all(fd, body, k);
    }
}

static void *serve(void *user)
{
    struct server *server = user;
    int            fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        server->connections++;
        answer(server, fd);
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
    return NULL;
}

static void server_start(struct server *server)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          len = sizeof at;

    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(server->fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(server->fd, 8), 0);
    cr_assert_eq(getsockname(server->fd, (struct sockaddr *)&at, &len), 0);
    server->port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static const char *const right =
    "sha256:5f3d22bea9131f434d922d55fb4b3359164af01bc996a9bbfd4b308f4bbebf75";

/* One file at the server, in a folder of its own. */
struct fixture {
    char               folder[64], to[128], mirror[128], path[256];
    struct mx_download download;
    struct server      server;
};

static struct mx_fetch_options options_of(const struct fixture *f)
{
    return (struct mx_fetch_options){.folder = f->to, .mirror = f->mirror};
}

static void fixture_make(struct fixture *f)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/mx_fetch_XXXXXX");
    cr_assert_not_null(mkdtemp(f->folder));
    snprintf(f->to, sizeof f->to, "%s/mnist", f->folder);
    f->server.bytes = BYTES;
    server_start(&f->server);
    snprintf(f->mirror, sizeof f->mirror, "http://127.0.0.1:%d/", f->server.port);
    f->download =
        (struct mx_download){.set = WORKER_DATA_MNIST,
                             .what = "a test",
                             .nfiles = 1,
                             .files = {{"http://no.such.host/a/file.bin", BYTES, right, NULL}}};
}

static void fixture_free(struct fixture *f)
{
    server_stop(&f->server);
    mx_dir_remove(f->folder, NULL);
}

static const char *in(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s%s", f->to, name);
    return f->path;
}

static void expect_whole(struct fixture *f)
{
    struct mx_buf data = {0};

    cr_assert_eq(mx_file_read(in(f, "/file.bin"), BYTES + 1, &data, NULL), 0);
    cr_assert_eq(data.len, BYTES);
    for (size_t k = 0; k < BYTES; k++)
        cr_assert_eq((uint8_t)data.data[k], content(k));
    mx_buf_free(&data);
    cr_expect(!mx_file_exists(in(f, ".fetch")));
    cr_expect(!mx_file_exists(in(f, ".new")));
}

static void expect_failure(struct fixture *f, enum mx_code code, const char *text)
{
    const struct mx_fetch_options options = options_of(f);
    struct mx_err                 err = {0};

    cr_assert_eq(mx_fetch(&f->download, &options, &err), -1);
    cr_expect_eq(err.code, code, "%s", err.text);
    cr_expect_not_null(strstr(err.text, text), "%s", err.text);
    cr_expect(!mx_file_exists(f->to));
}

Test(fetch, downloads_checks_and_places_a_file)
{
    struct fixture          f = {0};
    struct mx_fetch_options options;

    fixture_make(&f);
    options = options_of(&f);
    cr_assert_eq(mx_fetch(&f.download, &options, NULL), 0);
    expect_whole(&f);
    cr_expect_eq(f.server.connections, 1);
    fixture_free(&f);
}

Test(fetch, goes_on_where_a_connection_was_cut)
{
    struct fixture          f = {0};
    struct mx_fetch_options options;

    fixture_make(&f);
    f.server.cut = 30000;
    options = options_of(&f);
    cr_assert_eq(mx_fetch(&f.download, &options, NULL), 0);
    expect_whole(&f);
    cr_expect_eq(f.server.connections, 4);
    cr_expect_eq(f.server.first_offset, 90000);
    fixture_free(&f);
}

/* What another process had begun, also where the server knows no ranges. */
Test(fetch, goes_on_with_what_an_earlier_fetch_left)
{
    for (int no_ranges = 0; no_ranges < 2; no_ranges++) {
        struct fixture          f = {0};
        struct mx_fetch_options options;
        uint8_t                 part[4000];

        fixture_make(&f);
        f.server.no_ranges = no_ranges != 0;
        for (size_t k = 0; k < sizeof part; k++)
            part[k] = content(k);
        cr_assert_eq(mkdir(in(&f, ".fetch"), 0777), 0);
        cr_assert_eq(mx_file_write(in(&f, ".fetch/file.bin.part"), part, sizeof part, NULL), 0);
        options = options_of(&f);
        cr_assert_eq(mx_fetch(&f.download, &options, NULL), 0);
        expect_whole(&f);
        cr_expect_eq(f.server.connections, no_ranges ? 2 : 1);
        cr_expect_eq(f.server.first_offset, no_ranges ? 0 : 4000);
        fixture_free(&f);
    }
}

Test(fetch, refuses_another_size_before_it_is_there)
{
    struct fixture f = {0};

    fixture_make(&f);
    f.server.bytes = BYTES + 1;
    expect_failure(&f, MX_EDATA,
                   "/mnist/file.bin is not the file that was published: it has 100001 "
                   "bytes, not 100000");
    f.server.bytes = BYTES - 1;
    expect_failure(&f, MX_EDATA, "it has 99999 bytes, not 100000");
    fixture_free(&f);
}

Test(fetch, refuses_and_removes_a_file_with_another_checksum)
{
    struct fixture f = {0};

    fixture_make(&f);
    f.download.files[0].checksum = "md5:00000000000000000000000000000000";
    expect_failure(&f, MX_EDATA,
                   "/mnist/file.bin is not the file that was published (its checksum is not "
                   "md5:00000000000000000000000000000000); it was removed: try again, or another "
                   "mirror");
    cr_expect(!mx_file_exists(in(&f, ".fetch/file.bin.part")));
    fixture_free(&f);
}

Test(fetch, tells_what_the_server_says_and_that_there_is_none)
{
    struct fixture f = {0};

    fixture_make(&f);
    f.server.status = 404;
    expect_failure(&f, MX_EIO, "/mnist/file.bin: the server says 404");
    snprintf(f.mirror, sizeof f.mirror, "%s/nothing", f.folder);
    expect_failure(&f, MX_EIO, "/nothing/mnist/file.bin: ");
    snprintf(f.mirror, sizeof f.mirror, "gopher://127.0.0.1/");
    expect_failure(&f, MX_EIO, "Unsupported protocol");
    fixture_free(&f);
}

Test(fetch, one_process_at_a_time)
{
    struct fixture f = {0};
    char           text[256];
    int            fd;

    fixture_make(&f);
    cr_assert_eq(mkdir(in(&f, ".fetch"), 0777), 0);
    fd = open(f.path, O_RDONLY | O_DIRECTORY);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    snprintf(text, sizeof text, "another process is fetching into %s.fetch: wait for it", f.to);
    expect_failure(&f, MX_EOWNED, text);
    close(fd);
    fixture_free(&f);
}

/* Archives are made with Python's modules, as anybody might make them. */
static void make_archive(struct fixture *f, const char *script)
{
    char command[4096];

    snprintf(command, sizeof command,
             "cd %s && mkdir -p mirror/mnist && python3 -c \"\nimport io, os, tarfile, zipfile\n"
             "def add(t, name, data=b'', **more):\n"
             " i = tarfile.TarInfo(name); i.size = len(data)\n"
             " for k, v in more.items(): setattr(i, k, v)\n"
             " t.addfile(i, io.BytesIO(data))\n"
             "%s\n\"",
             f->folder, script);
    cr_assert_eq(system(command), 0); /* NOLINT(cert-env33-c): the text is ours */
    snprintf(f->mirror, sizeof f->mirror, "file://%s/mirror", f->folder);
}

/* The archive's own size, and no checksum of it: what is unpacked is looked at. */
static void describe_archive(struct fixture *f, const char *name, const char *below)
{
    static char url[64], checksum[128];
    char        path[256], command[512];
    struct stat at;
    FILE       *md5;

    snprintf(url, sizeof url, "http://no.such.host/%s", name);
    snprintf(path, sizeof path, "%s/mirror/mnist/%s", f->folder, name);
    cr_assert_eq(stat(path, &at), 0);
    snprintf(command, sizeof command, "md5sum %s", path);
    md5 = popen(command, "r"); /* NOLINT(cert-env33-c): the text is ours */
    strcpy(checksum, "md5:");
    cr_assert_eq(fread(checksum + 4, 1, 32, md5), 32);
    checksum[36] = '\0';
    pclose(md5);
    f->download.files[0] = (struct mx_download_file){url, (uint64_t)at.st_size, checksum, below};
    f->download.unpacked_bytes = 1000;
}

static void expect_text(struct fixture *f, const char *name, const char *text)
{
    struct mx_buf data = {0};

    cr_assert_eq(mx_file_read(in(f, name), 1000, &data, NULL), 0);
    cr_expect_str_eq(mx_buf_str(&data), text);
    mx_buf_free(&data);
}

Test(fetch, unpacks_tar_and_zip_below_a_folder)
{
    struct fixture          f = {0};
    struct mx_fetch_options options;

    fixture_make(&f);
    make_archive(&f, "t = tarfile.open('mirror/mnist/a.tgz', 'w:gz')\n"
                     "add(t, './set/a/1.txt', b'one'); add(t, 'set/2.txt', b'two')\n"
                     "add(t, 'other.txt', b'no'); t.close()");
    describe_archive(&f, "a.tgz", "set/");
    options = options_of(&f);
    cr_assert_eq(mx_fetch(&f.download, &options, NULL), 0);
    expect_text(&f, "/a/1.txt", "one");
    expect_text(&f, "/2.txt", "two");
    cr_expect(!mx_file_exists(in(&f, "/other.txt")));
    cr_expect(!mx_file_exists(in(&f, ".fetch")));
    mx_dir_remove(f.to, NULL);
    make_archive(&f,
                 "z = zipfile.ZipFile('mirror/mnist/a.zip', 'w', zipfile.ZIP_DEFLATED)\n"
                 "z.writestr('gzip/set-b-x', b'x'); z.writestr('gzip/set-c-x', b'y'); z.close()");
    describe_archive(&f, "a.zip", "gzip/set-%s-");
    options.part = "b";
    cr_assert_eq(mx_fetch(&f.download, &options, NULL), 0);
    expect_text(&f, "/set-b-x", "x");
    cr_expect(!mx_file_exists(in(&f, "/set-c-x")));
    fixture_free(&f);
}

Test(fetch, uses_nothing_of_an_archive_that_leads_elsewhere)
{
    static const struct {
        const char *script, *text;
    } bad[] = {
        {"add(t, 'ok', b'ok'); add(t, '../out', b'x')",
         "holds the path '../out', which leads out of "
         "it: nothing of it is used"},
        {"add(t, '/tmp/mx_out', b'x')", "holds the path '/tmp/mx_out'"},
        {"add(t, 'a/../../out', b'x')", "holds the path 'a/../../out'"},
        {"add(t, 'link', type=tarfile.SYMTYPE, linkname='/etc')",
         "holds 'link', which is neither file nor folder: nothing of it is used"},
        {"add(t, 'a', b'x'); add(t, 'b', type=tarfile.LNKTYPE, linkname='a')",
         "holds 'b', which is neither file nor folder"},
        {"add(t, 'pipe', type=tarfile.FIFOTYPE)", "holds 'pipe', which is neither"},
        {"add(t, 'big', b'0' * 1001)", "unpacks to more than its set has"},
        {"add(t, 'one', b'0' * 600); add(t, 'two', b'0' * 600)",
         "unpacks to more than its set has"},
        {"add(t, 'one', b'0'); add(t, 'one', b'1')", "File exists"},
    };

    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        struct fixture f = {0};
        char           script[512];

        fixture_make(&f);
        snprintf(script, sizeof script,
                 "t = tarfile.open('mirror/mnist/a.tgz', 'w:gz')\n%s\nt.close()", bad[k].script);
        make_archive(&f, script);
        describe_archive(&f, "a.tgz", "");
        expect_failure(&f, MX_EDATA, bad[k].text);
        snprintf(f.path, sizeof f.path, "%s/out", f.folder);
        cr_expect(!mx_file_exists(f.path) && !mx_file_exists("/tmp/mx_out"));
        fixture_free(&f);
    }
}

Test(fetch, tells_of_an_archive_that_is_none_or_cut_short)
{
    struct fixture f = {0};

    fixture_make(&f);
    make_archive(&f, "open('mirror/mnist/a.tgz', 'wb').write(b'no archive at all' * 100)");
    describe_archive(&f, "a.tgz", "");
    expect_failure(&f, MX_EDATA, "a.tgz is damaged: Unrecognized archive format");
    make_archive(&f, "t = tarfile.open('a.tgz', 'w:gz')\n"
                     "add(t, 'a', os.urandom(900)); t.close()\n"
                     "open('mirror/mnist/a.tgz', 'wb').write(open('a.tgz', 'rb').read()[:500])");
    mx_dir_remove(in(&f, ".fetch"), NULL);
    describe_archive(&f, "a.tgz", "");
    expect_failure(&f, MX_EDATA, "a.tgz is damaged: ");
    fixture_free(&f);
}

Test(fetch, says_how_much_room_is_needed)
{
    struct fixture f = {0};

    fixture_make(&f);
    f.download.unpacked_bytes = UINT64_C(1) << 60;
    expect_failure(&f, MX_EIO, "576460.8 TB are needed and ");
    fixture_free(&f);
}
