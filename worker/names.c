#include "worker/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "worker/picture.h"

void worker_names_free(struct worker_names *names)
{
    for (size_t k = 0; k < names->n; k++)
        free(names->name[k]);
    free(names->name);
    *names = (struct worker_names){0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool passed_over(const char *name)
{
    return name[0] == '.' || !strcmp(name, "Thumbs.db") || !strcmp(name, "desktop.ini");
}

static int add_name(struct worker_names *names, const char *name)
{
    if (names->n == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        char **grown = realloc(names->name, room * sizeof *grown);

        if (!grown)
            return -1;
        names->name = grown;
        names->room = room;
    }
    if (!(names->name[names->n] = strdup(name)))
        return -1;
    names->n++;
    return 0;
}

int worker_names_read(const char *set, const char *path, struct worker_names *names,
                      struct mx_err *err)
{
    char           shown[WORKER_SHOWN_SIZE];
    DIR           *dir = opendir(path);
    struct dirent *entry;
    int            rc = 0;

    *names = (struct worker_names){0};
    worker_shown_path(path, shown);
    if (!dir && errno == ENOENT)
        return mx_fail(err, MX_EDATA,
                       "%s: there is no folder %s: set data.path to the one that holds the "
                       "class folders",
                       set, shown);
    if (!dir)
        return mx_fail_errno(err, MX_EDATA, errno, "%s: cannot read the folder %s", set, shown);
    while (rc == 0 && (errno = 0, entry = readdir(dir)))
        if (!passed_over(entry->d_name) && add_name(names, entry->d_name))
            rc = mx_fail(err, MX_ENOMEM, "no memory for the names of %s", shown);
    if (rc == 0 && errno)
        rc = mx_fail_errno(err, MX_EIO, errno, "%s: cannot read the folder %s", set, shown);
    closedir(dir);
    if (rc)
        worker_names_free(names);
    else if (names->n > 0)
        qsort(names->name, names->n, sizeof *names->name, by_bytes);
    return rc;
}

bool worker_names_folder(const char *path, const char *name)
{
    char       *joined = *name ? mx_path_join(path, name) : strdup(path);
    struct stat st;
    bool        is = joined && stat(joined, &st) == 0 && S_ISDIR(st.st_mode);

    free(joined);
    return is;
}

bool worker_names_there(const char *path, const char *name)
{
    char *joined = mx_path_join(path, name);
    bool  there = joined && mx_file_exists(joined);

    free(joined);
    return there;
}

void worker_names_keep_folders(const char *path, struct worker_names *names)
{
    size_t kept = 0;

    for (size_t k = 0; k < names->n; k++)
        if (worker_names_folder(path, names->name[k]))
            names->name[kept++] = names->name[k];
        else
            free(names->name[k]);
    names->n = kept;
}

void worker_names_drop(struct worker_names *names, const char *ending)
{
    const size_t length = strlen(ending);
    size_t       kept = 0;

    for (size_t k = 0; k < names->n; k++) {
        char        *name = names->name[k];
        const size_t n = strlen(name);

        if (n > length && strcmp(name + n - length, ending) == 0)
            free(name);
        else
            names->name[kept++] = name;
    }
    names->n = kept;
}
