#include "base/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mx_disk_open(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC, 0666);
}

ssize_t mx_disk_read(int fd, void *data, size_t len)
{
    return read(fd, data, len);
}

ssize_t mx_disk_write(int fd, const void *data, size_t len)
{
    return write(fd, data, len);
}

ssize_t mx_disk_write_at(int fd, const void *data, size_t len, off_t offset)
{
    return pwrite(fd, data, len, offset);
}

int mx_disk_sync(int fd)
{
    return fsync(fd);
}

int mx_disk_truncate(int fd, off_t len)
{
    return ftruncate(fd, len);
}

void mx_disk_close(int fd)
{
    close(fd);
}

int mx_disk_rename(const char *from, const char *to)
{
    return rename(from, to);
}

int mx_disk_remove(const char *path)
{
    return unlink(path);
}

int mx_disk_make_dir(const char *path)
{
    return mkdir(path, 0777);
}

int mx_disk_sync_dir(const char *path, bool *opened)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc, saved;

    *opened = fd >= 0;
    if (fd < 0)
        return -1;
    rc = fsync(fd);
    saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

bool mx_disk_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

bool mx_disk_is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int mx_disk_list(const char *path, int (*each)(void *user, const char *name), void *user)
{
    DIR           *dir = opendir(path);
    struct dirent *entry;
    int            rc = 0;

    if (!dir)
        return -1;
    while (rc == 0 && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = each(user, entry->d_name);
    closedir(dir);
    return rc;
}

char *mx_disk_real_path(const char *path)
{
    return realpath(path, NULL);
}
