#include "sweep/outdir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/control.h"
#include "sweep/owner.h"

enum {
    MOST_NAMES = 100000 /* NAME-2, NAME-3 ...: more would be a mistake */
};

static const char *const folders[] = {"journal", "log", "stages"};

static int nomem(const char *path, struct mx_err *err)
{
    return mx_fail(err, MX_ENOMEM, "no memory to open %s", path);
}

static int make_folders(const char *path, struct mx_err *err)
{
    for (size_t k = 0; k < sizeof folders / sizeof folders[0]; k++) {
        char *folder = mx_path_join(path, folders[k]);
        int   rc = folder ? mx_dir_make(folder, err) : nomem(path, err);

        free(folder);
        if (rc)
            return -1;
    }
    return 0;
}

char *mx_outdir_create(const char *name, struct mx_err *err)
{
    size_t size = strlen(name) + 16;
    char  *path = malloc(size);

    if (!path) {
        nomem(name, err);
        return NULL;
    }
    for (int n = 1; n <= MOST_NAMES; n++) {
        if (n == 1)
            snprintf(path, size, "%s", name);
        else
            snprintf(path, size, "%s-%d", name, n);
        if (mkdir(path, 0777) == 0) {
            if (make_folders(path, err))
                break;
            return path;
        }
        if (errno != EEXIST) {
            mx_fail_errno(err, MX_EIO, errno, "cannot make directory %s", path);
            break;
        }
        if (n == MOST_NAMES)
            mx_fail(err, MX_EIO, "%s to %s all exist; give --out", name, path);
    }
    free(path);
    return NULL;
}

static bool holds(const char *path, const char *name)
{
    char *file = mx_path_join(path, name);
    bool  there = file && mx_file_exists(file);

    free(file);
    return there;
}

bool mx_outdir_holds_sweep(const char *path)
{
    return holds(path, "config.yaml");
}

bool mx_outdir_remnant(const char *name)
{
    const char *mark = strstr(name, ".tmp.");

    return mark && mark[5] != '\0' && strspn(mark + 5, "0123456789") == strlen(mark + 5);
}

/* Remove them from the directory itself; a stage's folder is made anew anyway. Another process
 * may be about to claim the directory: it is to find that it comes too late, not a lost file. */
static void remove_remnants(const char *path)
{
    DIR           *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (mx_outdir_remnant(entry->d_name) && strncmp(entry->d_name, "owner.json.", 11) != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

/* What a sweep writes before it notes its configuration. */
static const char *const before_config[] = {"owner.json", "status.json", "metrics.prom"};

/* True if there is nothing in it but what beginning a sweep makes. */
static bool is_fresh(const char *path)
{
    DIR           *dir = opendir(path);
    struct dirent *entry;
    bool           fresh = dir != NULL;

    while (fresh && (entry = readdir(dir))) {
        bool known = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;

        for (size_t k = 0; k < sizeof folders / sizeof folders[0]; k++)
            known |= strcmp(entry->d_name, folders[k]) == 0;
        for (size_t k = 0; k < sizeof before_config / sizeof before_config[0]; k++)
            known |= strcmp(entry->d_name, before_config[k]) == 0;
        fresh = known || mx_outdir_remnant(entry->d_name);
    }
    if (dir)
        closedir(dir);
    return fresh;
}

static int make_parent(const char *path, struct mx_err *err)
{
    char *parent = strdup(path), *slash;
    int   rc = 0;

    if (!parent)
        return nomem(path, err);
    for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--)
        parent[n - 1] = '\0';
    if ((slash = strrchr(parent, '/')) && slash != parent) {
        *slash = '\0';
        rc = mx_dir_make(parent, err);
    }
    free(parent);
    return rc;
}

int mx_outdir_open(const char *path, bool resume, bool *existed, struct mx_err *err)
{
    *existed = false;
    if (make_parent(path, err))
        return -1;
    if (mkdir(path, 0777) == 0)
        return make_folders(path, err);
    if (errno != EEXIST)
        return mx_fail_errno(err, MX_EIO, errno, "cannot make directory %s", path);
    if (!resume)
        return mx_fail(err, MX_EINVAL, "%s exists; give --resume to continue it, or another --out",
                       path);
    *existed = mx_outdir_holds_sweep(path);
    if (!*existed && !is_fresh(path))
        return mx_fail(err, MX_EINVAL, "%s exists and holds no sweep; give another --out", path);
    return make_folders(path, err);
}

/* Its owner wrote its name before anything else. */
static bool was_begun(const char *path)
{
    return holds(path, "owner.json");
}

void mx_outdir_unmake(const char *path)
{
    if (was_begun(path))
        return;
    for (size_t k = 0; k < sizeof folders / sizeof folders[0]; k++) {
        char *folder = mx_path_join(path, folders[k]);

        if (folder)
            rmdir(folder);
        free(folder);
    }
    rmdir(path);
}

int mx_outdir_expect(const char *path, struct mx_err *err)
{
    struct mx_owner_look look;

    if (!mx_file_exists(path))
        return mx_fail(err, MX_EINVAL, "there is no %s", path);
    if (mx_outdir_holds_sweep(path))
        return 0;
    if (mx_owner_look(path, &mx_owner_machine, &look, NULL) == 0 && look.alive)
        return mx_fail(
            err, MX_EINVAL,
            "%s holds a sweep that is just beginning (process %ld on %s): ask again in a "
            "moment",
            path, look.process.pid, look.process.host);
    return was_begun(path)
               ? mx_fail(err, MX_EINVAL,
                         "%s holds a sweep that ended before it had noted its configuration: "
                         "mixsweep run CONFIG --out %s --resume begins it again",
                         path, path)
               : mx_fail(err, MX_EINVAL, "%s holds no sweep: it has no config.yaml", path);
}

/* Remove a file that may be there. */
static int remove_file(const char *path, const char *name, struct mx_err *err)
{
    char *file = mx_path_join(path, name);
    int   rc = 0;

    if (!file)
        return nomem(path, err);
    if (remove(file) && errno != ENOENT)
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot remove %s", file);
    free(file);
    return rc;
}

int mx_outdir_begin(const char *path, struct mx_err *err)
{
    if (remove_file(path, "exit_code", err) || remove_file(path, MX_CONTROL_FILE, err))
        return -1;
    remove_remnants(path);
    return make_folders(path, err);
}

int mx_outdir_write(const char *path, const char *name, const struct mx_buf *text,
                    struct mx_err *err)
{
    char *file = mx_path_join(path, name);
    int   rc;

    if (!file || !mx_buf_ok(text))
        rc = mx_fail(err, MX_ENOMEM, "no memory to write %s in %s", name, path);
    else
        rc = mx_file_write(file, mx_buf_str(text), text->len, err);
    free(file);
    return rc;
}

int mx_outdir_write_exit_code(const char *path, int code, struct mx_err *err)
{
    struct mx_buf text = {0};
    int           rc;

    mx_buf_printf(&text, "%d\n", code);
    rc = mx_outdir_write(path, "exit_code", &text, err);
    mx_buf_free(&text);
    return rc;
}
