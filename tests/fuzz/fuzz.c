#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static struct memory_file {
    char path[64]; /* "" before it is made */
    int  fd;
} files[2];

static char folder[] = "/tmp/mx_fuzz_XXXXXX";

void fuzz_expect(int holds, const char *text)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", text);
    abort();
}

static const char *fill(struct memory_file *file, const void *data, size_t size)
{
    if (!file->path[0]) {
        file->fd = memfd_create("fuzz", MFD_CLOEXEC);
        fuzz_expect(file->fd >= 0, "a file in memory can be made");
        snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    }
    fuzz_expect(ftruncate(file->fd, 0) == 0 && pwrite(file->fd, data, size, 0) == (ssize_t)size,
                "a file in memory can be written");
    return file->path;
}

const char *fuzz_file(const void *data, size_t size)
{
    return fill(&files[0], data, size);
}

const char *fuzz_other_file(const void *data, size_t size)
{
    return fill(&files[1], data, size);
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

static void add_link(const char *name)
{
    char  at[sizeof folder + 64];
    char *slash;
    int   which = *name == '+';

    name += which;
    snprintf(at, sizeof at, "%s/%s", folder, name);
    if ((slash = strchr(at + sizeof folder, '/'))) {
        *slash = '\0';
        mkdir(at, 0700);
        *slash = '/';
    }
    fuzz_expect(symlink(files[which].path, at) == 0, "a link can be made");
}

const char *fuzz_folder(const char *const *names)
{
    static int made;

    if (made)
        return folder;
    made = 1;
    fuzz_file("", 0);
    fuzz_other_file("", 0);
    fuzz_expect(mkdtemp(folder) != NULL, "a folder can be made");
    atexit(remove_folder);
    for (; *names; names++)
        add_link(*names);
    return folder;
}
