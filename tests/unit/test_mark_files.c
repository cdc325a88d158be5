/* Whether what people marked has changed: boxes, masks, segments. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "idx_files.h"
#include "picture_files.h"
#include "worker/choices.h"
#include "worker/map_scores.h"
#include "worker/mark_files.h"

static struct worker_params params_of(const char *folder, unsigned set)
{
    struct worker_params params = {.data_set = set};

    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    return params;
}

static uint64_t of(const char *folder, unsigned set, enum worker_mark_files what)
{
    const struct worker_params params = params_of(folder, set);
    uint64_t                   fingerprint = 77;
    struct mx_err              err = {.code = MX_OK};

    cr_assert_eq(worker_mark_files_fingerprint(&params, what, &fingerprint, &err), 0, "%s",
                 err.text);
    return fingerprint;
}

Test(mark_files, are_zero_where_there_are_none)
{
    char *folder = folder_make();

    put_text(folder, "train/cat/1.png", "an image");
    cr_assert_eq(of(folder, WORKER_DATA_FOLDER, WORKER_MARK_FILES_BOXES), 0);
    cr_assert_eq(of(folder, WORKER_DATA_FOLDER, WORKER_MARK_FILES_SEGMENTS), 0);
    folder_remove(folder);
}

Test(mark_files, change_with_each_file_that_a_set_can_have)
{
    static const struct {
        unsigned               set;
        enum worker_mark_files what;
        const char            *name;
    } files[] = {
        {WORKER_DATA_FOLDER, WORKER_MARK_FILES_BOXES, "boxes.csv"},
        {WORKER_DATA_FOLDER, WORKER_MARK_FILES_BOXES, "masks/test/cat/1.png"},
        {WORKER_DATA_FOLDER, WORKER_MARK_FILES_SEGMENTS, "segments/names.csv"},
        {WORKER_DATA_FOLDER, WORKER_MARK_FILES_SEGMENTS, "segments/cat/1.png"},
        {WORKER_DATA_CUB, WORKER_MARK_FILES_BOXES, "bounding_boxes.txt"},
        {WORKER_DATA_CUB, WORKER_MARK_FILES_BOXES, "segmentations/001.Bird/a.png"},
        {WORKER_DATA_IMAGENET, WORKER_MARK_FILES_BOXES, "Annotations/CLS-LOC/val/ILSVRC_1.xml"},
        {WORKER_DATA_IMAGENET, WORKER_MARK_FILES_BOXES, "val/n01440764/ILSVRC_1.xml"},
    };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
        char    *folder = folder_make();
        uint64_t first, second;

        put_text(folder, files[k].name, "one");
        first = of(folder, files[k].set, files[k].what);
        cr_assert_neq(first, 0, "%s", files[k].name);
        cr_assert_eq(of(folder, files[k].set, files[k].what), first);
        put_text(folder, "train/cat/2.png", "not a mark");
        cr_assert_eq(of(folder, files[k].set, files[k].what), first);
        put_text(folder, files[k].name, "two");
        second = of(folder, files[k].set, files[k].what);
        cr_assert_neq(second, first, "%s", files[k].name);
        cr_assert_eq(of(folder, files[k].set, 1 - files[k].what), 0, "not of the other kind");
        folder_remove(folder);
    }
}

Test(mark_files, change_when_a_mask_has_another_name)
{
    char    *folder = folder_make();
    uint64_t first;

    put_text(folder, "masks/a.png", "one");
    first = of(folder, WORKER_DATA_FOLDER, WORKER_MARK_FILES_BOXES);
    folder_remove(folder);
    folder = folder_make();
    put_text(folder, "masks/b.png", "one");
    cr_assert_neq(of(folder, WORKER_DATA_FOLDER, WORKER_MARK_FILES_BOXES), first);
    folder_remove(folder);
}

Test(mark_files, matter_to_scores_that_read_them)
{
    struct worker_params params = params_of("x", WORKER_DATA_FOLDER);

    params.score_metrics = WORKER_SCORE_BIT(POINTING_GAME);
    cr_assert(worker_mark_files_matter(&params, WORKER_MARK_FILES_BOXES));
    cr_assert_not(worker_mark_files_matter(&params, WORKER_MARK_FILES_SEGMENTS));
    params.score_metrics = WORKER_SCORE_BIT(CONCEPT_UNITS);
    cr_assert_not(worker_mark_files_matter(&params, WORKER_MARK_FILES_BOXES));
    cr_assert(worker_mark_files_matter(&params, WORKER_MARK_FILES_SEGMENTS));
    params.score_metrics = WORKER_SCORE_BIT(DELETION);
    cr_assert_not(worker_mark_files_matter(&params, WORKER_MARK_FILES_BOXES));
    params.score_metrics = WORKER_SCORE_BIT(POINTING_GAME) | WORKER_SCORE_BIT(CONCEPTS);
    params.data_set = WORKER_DATA_SYNTHETIC;
    cr_assert_not(worker_mark_files_matter(&params, WORKER_MARK_FILES_BOXES), "they are made");
    cr_assert_not(worker_mark_files_matter(&params, WORKER_MARK_FILES_SEGMENTS));
}

Test(mark_files, say_where_a_link_goes_round_in_a_circle)
{
    char                *folder = folder_make(), link[512];
    struct worker_params params = params_of(folder, WORKER_DATA_FOLDER);
    uint64_t             fingerprint;
    struct mx_err        err = {.code = MX_OK};

    put_text(folder, "masks/a.png", "one");
    snprintf(link, sizeof link, "%s/masks/again", folder);
    cr_assert_eq(symlink(".", link), 0);
    cr_assert_eq(
        worker_mark_files_fingerprint(&params, WORKER_MARK_FILES_BOXES, &fingerprint, &err), -1);
    cr_assert_eq(err.code, MX_EDATA);
    cr_assert_not_null(strstr(err.text, "folders lie more than 16 deep in each other; is one a "
                                        "link to a folder above it?"),
                       "%s", err.text);
    folder_remove(folder);
}
