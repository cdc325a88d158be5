/* disk.c - base/disk.h in a simulation: one file system that all hosts share.
 *
 * What is written is visible to all at once and durable after a sync. When a host
 * loses power, what its processes wrote last and did not sync is there in part,
 * as zeros, or not at all; names that they made, changed or removed and did not
 * sync may be as before.
 */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "world.h"

static const char journal_folder[] = SIM_DIRECTORY "/journal/";

struct inode {
    struct inode *next; /* of all that there ever were */
    char         *data;
    size_t        len, room, synced;
    double        changed_s;
    unsigned      host; /* whose process wrote last */
};

struct name {
    char         *path;
    struct inode *inode; /* NULL: a directory */
};

/* A change of names that is not durable yet: path was `before`. */
struct change {
    char         *path;
    struct inode *before;
    bool          was_there;
    unsigned      host;
};

struct opened {
    struct inode *inode;
    size_t        at;
    bool          journal; /* it is one of the journal's files */
};

struct sim_disk {
    struct inode  *inodes;
    struct name   *names;
    size_t         nnames;
    struct change *changes;
    size_t         nchanges;
    struct opened *opened; /* by descriptor */
    size_t         nopened;
};

static void *grown(void *array, size_t n, size_t size)
{
    if (!(array = realloc(array, n * size)))
        abort();
    return array;
}

static struct name *find(const char *path)
{
    struct sim_disk *disk = sim->disk;

    for (size_t i = disk->nnames; i-- > 0;)
        if (strcmp(disk->names[i].path, path) == 0)
            return &disk->names[i];
    return NULL;
}

/* path becomes a name of inode; there == false: of nothing. */
static void set_name(const char *path, struct inode *inode, bool there)
{
    struct sim_disk *disk = sim->disk;
    struct name     *name = find(path);

    if (name && there) {
        name->inode = inode;
    } else if (name) {
        free(name->path);
        *name = disk->names[--disk->nnames];
    } else if (there) {
        disk->names = grown(disk->names, disk->nnames + 1, sizeof disk->names[0]);
        disk->names[disk->nnames++] = (struct name){strdup(path), inode};
    }
}

static void change_name(const char *path, struct inode *inode, bool there)
{
    struct sim_disk *disk = sim->disk;
    struct name     *name = find(path);

    disk->changes = grown(disk->changes, disk->nchanges + 1, sizeof disk->changes[0]);
    disk->changes[disk->nchanges++] =
        (struct change){strdup(path), name ? name->inode : NULL, name != NULL,
                        sim->current ? sim->current->host : 0};
    set_name(path, inode, there);
}

static void forget_changes(size_t from)
{
    while (sim->disk->nchanges > from)
        free(sim->disk->changes[--sim->disk->nchanges].path);
}

static struct inode *new_inode(void)
{
    struct inode *inode = sim_calloc(1, sizeof *inode);

    inode->next = sim->disk->inodes;
    sim->disk->inodes = inode;
    inode->changed_s = sim->now_s;
    return inode;
}

struct sim_disk *sim_disk_new(void)
{
    sim->disk = sim_calloc(1, sizeof *sim->disk);
    set_name(SIM_DIRECTORY, NULL, true);
    return sim->disk;
}

void sim_disk_free(struct sim_disk *disk)
{
    if (!disk)
        return;
    forget_changes(0);
    for (size_t i = 0; i < disk->nnames; i++)
        free(disk->names[i].path);
    for (struct inode *next, *inode = disk->inodes; inode; inode = next) {
        next = inode->next;
        free(inode->data);
        free(inode);
    }
    free(disk->names);
    free(disk->changes);
    free(disk->opened);
    free(disk);
}

static int fail(int code)
{
    errno = code;
    return -1;
}

static bool full(void)
{
    return sim->now_s < sim->disk_full_s;
}

int mx_disk_open(const char *path, int flags)
{
    struct sim_disk *disk = sim->disk;
    struct name     *name = find(path);
    struct inode    *inode = name ? name->inode : NULL;
    size_t           fd = 0;

    if (!sim_is_real())
        return fail(EIO);
    if (!name && !(flags & O_CREAT))
        return fail(ENOENT);
    if (name && (!inode || (flags & O_EXCL)))
        return fail(inode ? EEXIST : EISDIR);
    if (!name && full() && sim_chance(0.5))
        return fail(ENOSPC);
    if (!name) {
        inode = new_inode();
        change_name(path, inode, true);
    }
    if (flags & O_TRUNC)
        inode->len = inode->synced = 0;
    while (fd < disk->nopened && disk->opened[fd].inode)
        fd++;
    if (fd == disk->nopened)
        disk->opened = grown(disk->opened, ++disk->nopened, sizeof disk->opened[0]);
    disk->opened[fd] = (struct opened){
        .inode = inode, .journal = strncmp(path, journal_folder, sizeof journal_folder - 1) == 0};
    return (int)fd;
}

ssize_t mx_disk_read(int fd, void *data, size_t len)
{
    struct opened *file = &sim->disk->opened[fd];
    size_t         left = file->inode->len > file->at ? file->inode->len - file->at : 0;

    if (!sim_is_real())
        return fail(EIO);
    if (len > left)
        len = left;
    if (len > 0)
        memcpy(data, file->inode->data + file->at, len);
    file->at += len;
    return (ssize_t)len;
}

static void put(struct inode *inode, const void *data, size_t len, size_t at)
{
    if (at + len > inode->room) {
        inode->room = 2 * inode->room + at + len;
        inode->data = grown(inode->data, inode->room, 1);
    }
    if (at > inode->len)
        memset(inode->data + inode->len, 0, at - inode->len);
    if (len > 0)
        memcpy(inode->data + at, data, len);
    if (at + len > inode->len)
        inode->len = at + len;
    inode->changed_s = sim->now_s;
    inode->host = sim->current ? sim->current->host : 0;
}

/* How much of a write is done before the process dies in it. */
static bool dies_here(size_t len, size_t *part)
{
    struct sim_process *process = sim->current;

    if (!process || process->dies_in_writes == 0 || --process->dies_in_writes > 0)
        return false;
    *part = len > 0 ? sim_below((uint32_t)len + 1) : 0;
    sim_happened(FAULT_ROOT_DIES_WRITING);
    return true;
}

ssize_t mx_disk_write_at(int fd, const void *data, size_t len, off_t offset)
{
    struct inode *inode = sim->disk->opened[fd].inode;
    size_t        part;

    if (!sim_is_real())
        return fail(EIO);
    if (sim->disk->opened[fd].journal && sim->current)
        sim_oracle_records(sim->current);
    if (dies_here(len, &part)) {
        put(inode, data, part, (size_t)offset);
        sim_process_kill(sim->current);
        return fail(EIO);
    }
    if (full()) {
        len = sim_below((uint32_t)len + 1);
        if (len == 0 || sim_chance(0.5))
            return fail(ENOSPC);
    } else if (len > 1 && sim_chance(0.02)) {
        len = 1 + sim_below((uint32_t)len - 1);
    }
    put(inode, data, len, (size_t)offset);
    return (ssize_t)len;
}

ssize_t mx_disk_write(int fd, const void *data, size_t len)
{
    struct opened *file = &sim->disk->opened[fd];
    ssize_t        n = mx_disk_write_at(fd, data, len, (off_t)file->at);

    file->at += n > 0 ? (size_t)n : 0;
    return n;
}

int mx_disk_sync(int fd)
{
    struct inode *inode = sim->disk->opened[fd].inode;
    size_t        part;

    if (!sim_is_real())
        return fail(EIO);
    if (dies_here(0, &part)) {
        if (sim_chance(0.5))
            inode->synced = inode->len;
        sim_process_kill(sim->current);
        return fail(EIO);
    }
    if (sim->syncs_to_fail > 0) {
        sim->syncs_to_fail--;
        return fail(sim_chance(0.5) ? EIO : ENOSPC);
    }
    inode->synced = inode->len;
    return 0;
}

int mx_disk_truncate(int fd, off_t len)
{
    struct inode *inode = sim->disk->opened[fd].inode;

    if (!sim_is_real() || sim_chance(sim->syncs_to_fail > 0 ? 0.3 : 0))
        return fail(EIO);
    if ((size_t)len < inode->len)
        inode->len = (size_t)len;
    if (inode->synced > inode->len)
        inode->synced = inode->len;
    return 0;
}

void mx_disk_close(int fd)
{
    sim->disk->opened[fd].inode = NULL;
}

int mx_disk_rename(const char *from, const char *to)
{
    struct name  *name = find(from);
    struct inode *inode = name ? name->inode : NULL;

    if (!sim_is_real())
        return fail(EIO);
    if (!name)
        return fail(ENOENT);
    change_name(to, inode, true);
    change_name(from, NULL, false);
    return 0;
}

int mx_disk_remove(const char *path)
{
    if (!sim_is_real())
        return fail(EIO);
    if (!find(path))
        return fail(ENOENT);
    change_name(path, NULL, false);
    return 0;
}

int mx_disk_make_dir(const char *path)
{
    if (!sim_is_real())
        return fail(EIO);
    if (find(path))
        return fail(EEXIST);
    set_name(path, NULL, true); /* folders stay: there is nothing to be found by losing them */
    return 0;
}

int mx_disk_sync_dir(const char *path, bool *opened)
{
    *opened = find(path) != NULL;
    if (!sim_is_real())
        return fail(EIO);
    if (!*opened)
        return fail(ENOENT);
    forget_changes(0);
    return 0;
}

bool mx_disk_exists(const char *path)
{
    return sim_is_real() && find(path);
}

bool mx_disk_is_dir(const char *path)
{
    const struct name *name = find(path);

    return sim_is_real() && name && !name->inode;
}

int mx_disk_list(const char *path, int (*each)(void *user, const char *name), void *user)
{
    size_t len = strlen(path);
    int    rc = 0;

    if (!sim_is_real())
        return fail(EIO);
    if (!find(path))
        return fail(ENOENT);
    for (size_t i = 0; i < sim->disk->nnames && rc == 0; i++) {
        const char *name = sim->disk->names[i].path;

        if (strncmp(name, path, len) == 0 && name[len] == '/' && !strchr(name + len + 1, '/'))
            rc = each(user, name + len + 1);
    }
    return rc;
}

char *mx_disk_real_path(const char *path)
{
    return strdup(path);
}

static void lose_bytes(struct inode *inode)
{
    size_t kept = inode->synced + sim_below((uint32_t)(inode->len - inode->synced) + 1);

    if (sim_chance(0.3)) /* blocks that were given to the file and never written */
        memset(inode->data + inode->synced, 0, kept - inode->synced);
    else if (kept > inode->synced && sim_chance(0.3))
        inode->data[inode->synced + sim_below((uint32_t)(kept - inode->synced))] ^= 0x20;
    inode->len = inode->synced = kept;
}

void sim_disk_lose_power(unsigned host)
{
    struct sim_disk *disk = sim->disk;

    for (struct inode *inode = disk->inodes; inode; inode = inode->next)
        if (inode->host == host && inode->len > inode->synced)
            lose_bytes(inode);
    while (disk->nchanges > 0 && disk->changes[disk->nchanges - 1].host == host &&
           sim_chance(0.7)) {
        struct change *last = &disk->changes[disk->nchanges - 1];

        set_name(last->path, last->before, last->was_there);
        forget_changes(disk->nchanges - 1);
    }
}

int sim_disk_age(void *user, const char *path, double *age_s, struct mx_err *err)
{
    const struct name *name = find(path);

    (void)user;
    if (!sim_is_real() || !name || !name->inode)
        return mx_fail(err, MX_EIO, "cannot tell how old %s is", path);
    *age_s = sim->now_s - name->inode->changed_s;
    return 0;
}

bool sim_disk_owned_by(const struct sim_process *process)
{
    const struct name *name = find(SIM_DIRECTORY "/owner.json");
    struct mx_buf      wanted = {0};
    bool               found;

    if (!name || name->inode->len == 0)
        return false;
    mx_buf_printf(&wanted, "\"pid\":%ld,\"start\":\"%llu\"", process->self.pid,
                  (unsigned long long)process->self.start);
    found = memmem(name->inode->data, name->inode->len, mx_buf_str(&wanted), wanted.len) != NULL;
    mx_buf_free(&wanted);
    return found;
}
