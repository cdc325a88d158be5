#include "sweep/clean.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "sweep/kept.h"
#include "sweep/outdir.h"
#include "sweep/owner.h"
#include "sweep/stages.h"
#include "worker/checkpoint.h"

/* Why something goes. */
enum why {
    STAYS,
    REMNANT,
    CHECKPOINT,
    FOR_OTHERS,
    NO_FOLDER,
    WHYS
};

static const char *const why_words[WHYS] = {
    [REMNANT] = "half-written files",
    [CHECKPOINT] = "checkpoints of stages that are done",
    [FOR_OTHERS] = "files for stages that are done too (schedule.keep results)",
    [NO_FOLDER] = "files of heads (kept only under schedule.keep all)",
};

struct clean {
    struct mx_kept kept;
    enum mx_keep   keep;
    bool           dry_run;
    bool          *read; /* by stage: one that is not done reads it */
    uint64_t       files[WHYS], bytes[WHYS], unknown;
    struct mx_buf *out;
};

/* Inputs of what is not done, or failed and may be tried again, are still needed. */
static int find_readers(struct clean *clean, struct mx_err *err)
{
    const struct mx_plan *plan = clean->kept.plan;

    if (!(clean->read = calloc((size_t)plan->nstages + 1, sizeof *clean->read)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u stages", plan->nstages);
    for (uint32_t s = 0; s < plan->nstages; s++)
        for (uint32_t i = 0; i < plan->stages[s].ninputs && !clean->kept.replay.done[s]; i++)
            clean->read[plan->inputs[plan->stages[s].first_input + i]] = true;
    return 0;
}

static bool is_result(const char *name)
{
    const char *end = strrchr(name, '.');

    return end && (strcmp(end, ".json") == 0 || strcmp(end, ".csv") == 0);
}

/* What becomes of a file in a stage's folder. */
static enum why judge(const struct clean *clean, uint32_t stage, const char *name)
{
    const enum worker_kind kind = clean->kept.plan->stages[stage].kind;

    if (mx_outdir_remnant(name))
        return REMNANT;
    if (!clean->kept.replay.done[stage])
        return STAYS;
    if (worker_checkpoint_name(name))
        return CHECKPOINT;
    if (!mx_stage_leaves_folder(kind, clean->keep))
        return NO_FOLDER;
    if (clean->keep == MX_KEEP_RESULTS && kind != WORKER_STAGE_INTER_MODEL && !is_result(name) &&
        !clean->read[stage])
        return FOR_OTHERS;
    return STAYS;
}

static int drop(struct clean *clean, int folder, const char *place, const char *name, enum why why,
                struct mx_err *err)
{
    struct stat info;

    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode))
        return 0;
    if (clean->dry_run)
        mx_buf_printf(clean->out, "  %s/%s\n", place, name);
    else if (unlinkat(folder, name, 0) != 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot remove %s/%s", place, name);
    clean->files[why]++;
    clean->bytes[why] += (uint64_t)info.st_size;
    return 0;
}

/* The files of a folder; stage UINT32_MAX: of the directory itself. */
static int clean_folder(struct clean *clean, const char *place, uint32_t stage, struct mx_err *err)
{
    DIR           *dir = opendir(place);
    struct dirent *entry;
    int            rc = 0;

    if (!dir)
        return mx_fail_errno(err, MX_EIO, errno, "cannot read %s", place);
    while (rc == 0 && (entry = readdir(dir))) {
        const enum why why = stage == UINT32_MAX
                                 ? mx_outdir_remnant(entry->d_name) ? REMNANT : STAYS
                                 : judge(clean, stage, entry->d_name);

        if (why != STAYS)
            rc = drop(clean, dirfd(dir), place, entry->d_name, why, err);
    }
    closedir(dir);
    return rc;
}

/* DIR/stages/NAME. A folder that is empty afterwards, of a stage that leaves none, goes. */
static int clean_stage(struct clean *clean, const char *stages, const char *name,
                       struct mx_err *err)
{
    char             *place = mx_path_join(stages, name);
    struct mx_hash128 key;
    uint32_t          stage;
    int               rc = 0;

    if (!place)
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    if (strlen(name) != MX_HASH128_HEX - 1 || !mx_hash128_parse(name, &key) ||
        !mx_plan_index_find(&clean->kept.replay.index, key, &stage)) {
        clean->unknown++;
    } else {
        rc = clean_folder(clean, place, stage, err);
        if (rc == 0 && !clean->dry_run && clean->kept.replay.done[stage] &&
            !mx_stage_leaves_folder(clean->kept.plan->stages[stage].kind, clean->keep))
            rmdir(place);
    }
    free(place);
    return rc;
}

static int clean_stages(struct clean *clean, struct mx_err *err)
{
    char           *stages = mx_path_join(clean->kept.directory, "stages");
    struct dirent **names = NULL;
    const int       n = stages ? scandir(stages, &names, NULL, alphasort) : -1;
    int             rc = 0;

    for (int k = 0; k < n; k++) {
        if (names[k]->d_name[0] != '.' && rc == 0)
            rc = clean_stage(clean, stages, names[k]->d_name, err);
        free(names[k]);
    }
    if (n < 0)
        rc = mx_fail(err, MX_EIO, "cannot read %s/stages", clean->kept.directory);
    free(names);
    free(stages);
    return rc;
}

static void put_bytes(struct mx_buf *out, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double                   size = (double)bytes;
    size_t                   unit = 0;

    for (; size >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        size /= 1000;
    mx_buf_printf(out, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

static void tell(struct clean *clean)
{
    const char *directory = clean->kept.directory;
    uint64_t    files = 0, bytes = 0;

    for (int w = 0; w < WHYS; w++) {
        files += clean->files[w];
        bytes += clean->bytes[w];
    }
    if (files == 0)
        mx_buf_printf(clean->out, "%s: nothing to remove", directory);
    else {
        mx_buf_printf(clean->out, "%s: %s%" PRIu64 " files, ", directory,
                      clean->dry_run ? "would remove " : "removed ", files);
        put_bytes(clean->out, bytes);
    }
    mx_buf_text(clean->out, "\n");
    for (int w = 0; w < WHYS; w++)
        if (clean->files[w] > 0) {
            mx_buf_printf(clean->out, "  %" PRIu64 " %s, ", clean->files[w], why_words[w]);
            put_bytes(clean->out, clean->bytes[w]);
            mx_buf_text(clean->out, "\n");
        }
    if (clean->unknown > 0)
        mx_buf_printf(clean->out,
                      "left alone: %" PRIu64 " in %s/stages that this configuration and version "
                      "do not know\n",
                      clean->unknown, directory);
}

static int clean_all(struct clean *clean, struct mx_err *err)
{
    if (mx_kept_read(&clean->kept, err) || find_readers(clean, err) ||
        clean_folder(clean, clean->kept.directory, UINT32_MAX, err) || clean_stages(clean, err))
        return -1;
    tell(clean);
    return mx_buf_ok(clean->out) ? 0 : mx_fail(err, MX_ENOMEM, "no memory for a list of files");
}

int mx_clean(const char *directory, bool dry_run, void (*waiting)(void *user, const char *text),
             struct mx_buf *out, struct mx_err *err)
{
    struct clean     clean = {.dry_run = dry_run, .out = out};
    struct mx_owner *owner = NULL;
    int              rc = -1;

    if (mx_kept_open(directory, &clean.kept, err))
        return -1;
    clean.keep = (enum mx_keep)clean.kept.config->base[KEY_SCHEDULE_KEEP].choice;
    if (dry_run || (owner = mx_owner_take(directory, &mx_owner_machine, waiting, NULL, err)))
        rc = clean_all(&clean, err);
    mx_owner_release(owner);
    free(clean.read);
    mx_kept_close(&clean.kept);
    return rc;
}
