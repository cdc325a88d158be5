/* cmd_data_fetch.c - `mixsweep data fetch`. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/cmd_data.h"
#include "sweep/command.h"
#include "sweep/fetch.h"
#include "worker/dataset.h"

struct options {
    const char *name, *out, *part;
    bool        yes;
};

static const struct mx_option known[] = {
    {.name = "yes", .at = offsetof(struct options, yes), .help = "do not ask"},
    {.name = "out",
     .value = "FOLDER",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .completes = MX_COMPLETES_FOLDERS,
     .help = "put it there instead, and set data.path to it"},
    {.name = "part",
     .value = "WORD",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, part),
     .help = "which of the parts of a set that has several (emnist: its split)"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep data fetch cifar10", "Terms first, then a question:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_data_fetch = {
    .command = "data fetch",
    .forms = {"data fetch NAME [OPTIONS]"},
    .takes = "one NAME",
    .most = 1,
    .completes = MX_COMPLETES_FETCHED,
    .summary = "get a data set from its publisher",
    .about =
        "Get a data set from its publisher: NAME is one of mixsweep data list. Tells what it is, "
        "from where, how large and under what terms, and asks; then downloads, checks size and "
        "checksum, and unpacks. What was cut off is gone on with by the same command. The set "
        "is then found without a data.path.",
    .options = known,
    .notes =
        "MIXSWEEP_DATA_MIRROR: an address (http, https, file) or folder with NAME/FILE to fetch "
        "from instead; sizes and checksums are those published all the same.",
    .examples = examples,
    .exits =
        "0 fetched, or there already; 2 usage, or the answer was no; 3 network, disk, or not the "
        "file that was published; 4 another process is fetching it.",
};

static int choose_part(const struct mx_download *download, struct options *options,
                       struct mx_err *err)
{
    struct mx_buf words = {0};

    if (!download->parts)
        return options->part ? mx_fail(err, MX_EINVAL, "%s has no parts to choose from",
                                       mx_download_word(download))
                             : 0;
    if (!options->part)
        options->part = download->parts[0];
    for (const char *const *part = download->parts; *part; part++) {
        if (strcmp(*part, options->part) == 0) {
            mx_buf_free(&words);
            return 0;
        }
        mx_buf_printf(&words, "%s%s", words.len > 0 ? ", " : "", *part);
    }
    mx_fail(err, MX_EINVAL, "%s has no part '%s' (parts: %s)", mx_download_word(download),
            options->part, mx_buf_str(&words));
    mx_buf_free(&words);
    return -1;
}

/* EMNIST's splits lie in files that are called after them: whether the chosen one is there. */
static bool has_part(const char *folder, const char *part)
{
    struct mx_buf path = {0};
    bool          there;

    mx_buf_printf(&path, "%s/emnist-%s-train-images-idx3-ubyte", folder, part);
    there = mx_file_exists(mx_buf_str(&path));
    mx_buf_text(&path, ".gz");
    there |= mx_file_exists(mx_buf_str(&path));
    mx_buf_free(&path);
    return there;
}

/* What lies in the place of the set has to be it, and of the part that was asked for. Sets that
 * people have put there themselves are large, and looked at when they are used. */
static int check_there(const struct mx_download *download, const char *part, const char *folder,
                       struct mx_err *err)
{
    struct worker_params params = {.data_set = download->set};
    struct mx_err        why = {.code = MX_OK};
    uint64_t             fingerprint;

    if (download->by_hand)
        return 0;
    if (strlen(folder) >= sizeof params.data_path)
        return mx_fail(err, MX_EINVAL, "the path %.100s... is too long: give --out another FOLDER",
                       folder);
    strcpy(params.data_path, folder);
    if (worker_dataset_probe(&params, &fingerprint, &why))
        return mx_fail(err, MX_EDATA,
                       "%s is there, and is not all of %s (%.300s): remove it, or give --out "
                       "another FOLDER",
                       folder, mx_download_word(download), why.text);
    if (part && !has_part(folder, part))
        return mx_fail(err, MX_EDATA,
                       "%s holds another part of %s than %s: remove it, or give --out another "
                       "FOLDER",
                       folder, mx_download_word(download), part);
    return 0;
}

static void tell(const struct mx_download *download, const struct options *options,
                 const char *mirror, const char *folder)
{
    struct mx_buf out = {0};

    mx_buf_printf(&out, "%s: %s\nterms: %s\n       %s\n", mx_download_word(download),
                  download->what, download->terms, download->page);
    if (options->part)
        mx_buf_printf(&out, "part:  %s\n", options->part);
    for (size_t f = 0; f < download->nfiles; f++) {
        mx_buf_text(&out, f == 0 ? "from:  " : "       ");
        mx_fetch_url(download, &download->files[f], mirror, &out);
        mx_buf_text(&out, ", ");
        mx_download_size(download->files[f].bytes, &out);
        mx_buf_text(&out, "\n");
    }
    mx_buf_printf(&out, "to:    %s\n", folder);
    if (download->package)
        mx_buf_printf(&out, "also:  the Debian package %s\n", download->package);
    fputs(mx_buf_str(&out), stdout);
    fflush(stdout);
    mx_buf_free(&out);
}

static int ask(const struct options *options, struct mx_err *err)
{
    char line[16] = "";

    if (options->yes)
        return 0;
    if (!isatty(STDIN_FILENO))
        return mx_fail(err, MX_EINVAL,
                       "nobody is there to be asked whether to download that: give --yes");
    fputs("download it? [y/N] ", stdout);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y'))
        return 0;
    return mx_fail(err, MX_EINVAL, "nothing was downloaded");
}

static int fetch_to(const struct mx_download *download, const struct options *options,
                    const char *folder, struct mx_err *err)
{
    const char                   *mirror = getenv("MIXSWEEP_DATA_MIRROR");
    const struct mx_fetch_options fetch = {folder, mirror && *mirror ? mirror : NULL, options->part,
                                           stderr};

    if (mx_fetch_check_mirror(fetch.mirror, err))
        return -1;
    tell(download, options, fetch.mirror, folder);
    if (ask(options, err) || mx_fetch(download, &fetch, err))
        return -1;
    printf("%s is at %s\n", mx_download_word(download), folder);
    return 0;
}

static int fetch(struct options *options, struct mx_err *err)
{
    const struct mx_download *download = mx_download_find(options->name, err);
    struct mx_buf             folder = {0}, look = {0};
    int                       rc;

    if (!download || choose_part(download, options, err))
        return -1;
    worker_dataset_look_path(download->set, &look);
    if (options->out)
        mx_buf_text(&folder, options->out);
    else
        worker_dataset_fetch_path(download->set, &folder);
    while (folder.len > 1 && folder.data[folder.len - 1] == '/')
        folder.data[--folder.len] = '\0';
    if (!mx_buf_ok(&folder) || folder.len == 0 || !mx_buf_ok(&look)) {
        rc = mx_fail(err, MX_EINVAL, "there is no place for %s: give --out FOLDER", options->name);
    } else if (mx_file_exists(mx_buf_str(options->out ? &folder : &look))) {
        const char *there = mx_buf_str(options->out ? &folder : &look);

        if ((rc = check_there(download, options->part, there, err)) == 0)
            printf("%s is there already: %s\n", options->name, there);
    } else if (download->by_hand) {
        printf("%s: %s\nterms: %s\n       %s\n", options->name, download->what, download->terms,
               download->page);
        rc = mx_fail(err, MX_EINVAL, "%s cannot be fetched: %s (%s), or set data.path",
                     options->name, download->by_hand, mx_buf_str(&folder));
    } else {
        rc = fetch_to(download, options, mx_buf_str(&folder), err);
    }
    mx_buf_free(&folder);
    mx_buf_free(&look);
    return rc;
}

int mx_cmd_data_fetch(int argc, char **argv)
{
    struct options options = {.name = NULL};
    struct mx_err  err = {0};
    size_t         n;
    int rc = mx_command_read(&mx_usage_data_fetch, argc, argv, &options, &options.name, &n, &err);

    if (rc == 0 && n == 0)
        rc = mx_fail(&err, MX_EINVAL,
                     "data fetch takes one NAME; mixsweep data list tells which there are");
    if (rc == 0)
        rc = fetch(&options, &err);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
