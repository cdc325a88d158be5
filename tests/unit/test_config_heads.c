/* Head methods, and the data sets that they go with. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/config.h"

static char folder[] = "/tmp/mx_heads_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

TestSuite(config_heads, .init = make_folder, .fini = remove_folder);

/* What check says of a configuration, each line from behind the file's folder on. */
static void expect_said(const char *yaml, const char *said)
{
    struct mx_config_report report = {0};
    struct mx_err           err = {.text = ""};
    char                   *path = mx_path_join(folder, "c.yaml");
    struct mx_config       *config;

    cr_assert_eq(mx_file_write(path, yaml, strlen(yaml), NULL), 0);
    config = mx_config_read(path, NULL, 0, false, &report, &err);
    if (*said)
        cr_expect_str_eq(mx_buf_str(&report.text) + strlen(folder) + 1, said);
    else
        cr_expect_str_eq(mx_buf_str(&report.text), "");
    cr_expect_eq(config == NULL, strstr(said, " error: ") != NULL, "%s", yaml);
    mx_config_free(config);
    mx_buf_free(&report.text);
    free(path);
}

#define NO_GROUPS                                                                                  \
    "head.method: dfr, group_dro and subg balance groups, and the data set has none (use llr, "    \
    "jtt_head, afr, feature_mixup or hsfm)\n"

Test(config_heads, methods_that_balance_groups_need_some)
{
    expect_said("data: {set: synthetic}\nmodel: {arch: linear}\nhead: {method: dfr}\n", "");
    expect_said("data: {set: features, path: frozen}\nhead: {method: subg}\n", "");
    expect_said("data: {set: mnist}\nmodel: {arch: linear}\nhead: {method: llr}\n", "");
    expect_said("data: {set: mnist}\nmodel: {arch: linear}\nhead: {method: dfr}\n",
                "c.yaml:3:8: error: " NO_GROUPS);
    expect_said("data: {set: mnist}\nmodel: {arch: linear}\ngrid: {head.method: [erm, subg]}\n",
                "c.yaml:3:8: error: " NO_GROUPS);
    expect_said("model: {arch: linear}\n"
                "grid: {data.set: [mnist, synthetic], head.method: [erm, dfr]}\n"
                "exclude: [{data.set: mnist, head.method: dfr}]\n",
                "");
}

Test(config_heads, a_holdout_needs_a_training)
{
    expect_said("data: {set: synthetic}\nmodel: {arch: linear}\n"
                "head: {method: afr, afr: {split: holdout}}\n",
                "");
    expect_said("data: {set: features, path: frozen}\nhead: {method: afr, afr: {split: holdout}}\n",
                "c.yaml:2:27: error: head.afr.split: holdout keeps images out of the training, "
                "which is over where there are only features (use val_half)\n");
    expect_said("data: {set: synthetic}\nmodel: {arch: linear, weights: w.safetensors}\n"
                "train: {epochs: 0}\nhead: {method: afr, afr: {split: holdout}}\n",
                "c.yaml:4:27: error: head.afr.split: holdout keeps images out of the training, and "
                "with train.epochs 0 there is none (use val_half)\n");
}

Test(config_heads, weights_can_be_taken_back_and_places_cannot)
{
    expect_said("data: {set: synthetic}\nmodel: {arch: linear, weights: ''}\n", "");
    expect_said("data: {set: mnist, path: ''}\nmodel: {arch: linear}\n",
                "c.yaml:1:26: error: data.path: '' is empty\n");
}

Test(config_heads, features_have_a_place_and_no_images)
{
    expect_said("data: {set: features}\n",
                "c.yaml:1:1: error: data.path is missing (write data: {path: features})\n");
    expect_said("data: {set: features, path: frozen, val_fraction: 0.2}\n",
                "c.yaml:1:37: warning: data.val_fraction has no effect: it is not used with "
                "data.set: features\n");
}
