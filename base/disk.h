/* disk.h - the few calls by which the program changes or reads its durable
 * files: the file helpers (base/file.h), the journal, and what asks for names.
 *
 * Each is the system call of its name, with the same errno after -1. They stand
 * between for one reason: which disk.c is linked decides what disk it is, and the
 * simulation (docs/simulation.md) links one that fills up, tears writes and loses
 * power. A program has one disk; nothing is passed around and nothing is slower.
 */
#ifndef MX_DISK_H
#define MX_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* open(2), with O_CLOEXEC added and mode 0666. */
int mx_disk_open(const char *path, int flags);

ssize_t mx_disk_read(int fd, void *data, size_t len);
ssize_t mx_disk_write(int fd, const void *data, size_t len);
ssize_t mx_disk_write_at(int fd, const void *data, size_t len, off_t offset);
int     mx_disk_sync(int fd);
int     mx_disk_truncate(int fd, off_t len);
void    mx_disk_close(int fd);

int mx_disk_rename(const char *from, const char *to);
int mx_disk_remove(const char *path);   /* unlink(2) */
int mx_disk_make_dir(const char *path); /* mkdir(2), mode 0777 */

/* Flush a directory's entries: -1 with errno of open(2) or, *opened then true, of
 * fsync(2). */
int mx_disk_sync_dir(const char *path, bool *opened);

bool mx_disk_exists(const char *path); /* whatever it is, a dangling link too */
bool mx_disk_is_dir(const char *path);

/* Each name in a directory but . and .., in any order; each() may end it with a
 * value other than 0, which is returned. -1 with errno if it cannot be opened. */
int mx_disk_list(const char *path, int (*each)(void *user, const char *name), void *user);

/* realpath(3): to be freed, NULL with errno. */
char *mx_disk_real_path(const char *path);

#ifdef __cplusplus
}
#endif

#endif
