/* cmd_data.c - `mixsweep data`, and its `list`. */
#include "sweep/cmd_data.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "sweep/command.h"
#include "sweep/downloads.h"
#include "sweep/text_table.h"
#include "worker/dataset.h"

const struct mx_usage mx_usage_data_list = {
    .command = "data list",
    .forms = {"data list"},
    .summary = "the data sets that are known",
    .about =
        "The data sets that are known: how much there is to download, where a set lies if it is "
        "there, and what it holds. Nothing is downloaded.",
    .exits = "0, 2 for usage.",
};

const struct mx_usage mx_usage_data = {
    .command = "data",
    .forms = {"data list", "data fetch NAME [OPTIONS]", "data inspect PATH|CONFIG|NAME [OPTIONS]"},
    .takes = "list, fetch NAME or inspect PATH",
    .least = 1,
    .most = 1,
    .topics =
        (const struct mx_topic[]){
            {"list", "the data sets that are known, and where those lie that are there"},
            {"fetch", "get one from its publisher: tells the terms, and asks, before it downloads"},
            {"inspect", "look into one: images of each class, group and part, sizes, what is odd"},
            {NULL, NULL}},
    .topics_head = "The parts:",
    .summary = "data sets: list, fetch NAME, or inspect PATH to look into one",
    .about = "Data sets: which are known, getting one, looking into one.",
    .notes = "mixsweep data fetch --help and so on tell more.",
};

static void add_row(struct mx_text_table *table, const struct mx_download *download)
{
    struct mx_buf size = {0}, place = {0};

    worker_dataset_look_path(download->set, &place);
    if (download->by_hand)
        mx_buf_text(&size, "by hand");
    else
        mx_download_size(mx_download_bytes(download), &size);
    mx_text_table_add(table, mx_download_word(download));
    mx_text_table_add(table, mx_buf_str(&size));
    mx_text_table_add(table, mx_file_exists(mx_buf_str(&place)) ? mx_buf_str(&place) : "-");
    mx_text_table_add(table, download->what);
    mx_buf_free(&size);
    mx_buf_free(&place);
}

static int list(struct mx_err *err)
{
    static const struct mx_text_column columns[] = {
        {"name", NULL, false, false, false},
        {"download", NULL, true, false, false},
        {"is at", NULL, false, false, false},
        {"holds", NULL, false, false, false},
    };
    struct mx_text_table *table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);
    struct mx_buf         out = {0};

    if (!table)
        return mx_fail(err, MX_ENOMEM, "no memory for a table of data sets");
    for (const struct mx_download *row = mx_downloads; row->what; row++)
        add_row(table, row);
    mx_text_table_print(table, 0, &out);
    fputs(mx_buf_str(&out), stdout);
    puts("\nmixsweep data fetch NAME tells address and terms before it downloads anything.");
    mx_buf_free(&out);
    mx_text_table_free(table);
    return 0;
}

int mx_cmd_data_list(int argc, char **argv)
{
    struct mx_err err = {0};
    size_t        n;
    int           rc = mx_command_read(&mx_usage_data_list, argc, argv, NULL, NULL, &n, &err);

    if (rc == 0)
        rc = list(&err);
    return rc < 0 ? mx_command_fail(&err) : 0;
}

int mx_cmd_data(int argc, char **argv)
{
    static const struct {
        const char *word;
        int (*run)(int argc, char **argv);
    } parts[] = {
        {"list", mx_cmd_data_list}, {"fetch", mx_cmd_data_fetch}, {"inspect", mx_cmd_data_inspect}};
    struct mx_err err = {0};
    const char   *word;
    size_t        n;
    int           rc;

    for (size_t p = 0; argc > 1 && p < sizeof parts / sizeof parts[0]; p++)
        if (strcmp(argv[1], parts[p].word) == 0)
            return parts[p].run(argc - 1, argv + 1);
    rc = mx_command_read(&mx_usage_data, argc, argv, NULL, &word, &n, &err);
    if (rc == 0)
        rc = mx_usage_fail(&mx_usage_data, &err, "does not know '%.60s' (list, fetch, inspect)",
                           word);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
