#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char path[64], folder[] = "/tmp/mx_fuzz_XXXXXX";

void fuzz_expect(int holds, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", text);
    abort();
}

static int open_memory(void)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    fuzz_expect(fd >= 0, "a file in memory can be made");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fd;
}

const char *fuzz_file(const void *data, size_t size)
{
    static int fd = -1;

    if (fd < 0)
        fd = open_memory();
    fuzz_expect(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size,
                "a file in memory can be written");
    return path;
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

static void add_link(const char *name)
{
    char  at[sizeof folder + 64];
    char *slash;

    snprintf(at, sizeof at, "%s/%s", folder, name);
    if ((slash = strchr(at + sizeof folder, '/'))) {
        *slash = '\0';
        mkdir(at, 0700);
        *slash = '/';
    }
    fuzz_expect(symlink(path, at) == 0, "a link can be made");
}

const char *fuzz_folder(const char *const *names)
{
    static int made;

    if (made)
        return folder;
    made = 1;
    fuzz_file("", 0);
    fuzz_expect(mkdtemp(folder) != NULL, "a folder can be made");
    atexit(remove_folder);
    for (; *names; names++)
        add_link(*names);
    return folder;
}
