/* The worked example of docs/cell-ids.md, read from the page. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "sweep/grid.h"
#include "sweep/lines.h"

/* The text between the line "```LANGUAGE" and the next "```", in memory that
 * the caller frees. */
static char *fenced(const char *page, const char *language)
{
    char        fence[32];
    const char *begin, *end;

    snprintf(fence, sizeof fence, "```%s\n", language);
    begin = strstr(page, fence);
    cr_assert_not_null(begin);
    begin += strlen(fence);
    end = strstr(begin, "```");
    cr_assert_not_null(end);
    return strndup(begin, (size_t)(end - begin));
}

static struct mx_config *read_yaml(const char *text)
{
    char                    path[] = "/tmp/mixsweep-ids-XXXXXX";
    int                     fd = mkstemp(path);
    struct mx_config_report report = {.errors = 0};
    struct mx_err           err;
    struct mx_config       *config;

    cr_assert_geq(fd, 0);
    cr_assert_eq(mx_file_write_all(fd, text, strlen(text), path, &err), 0);
    close(fd);
    config = mx_config_read(path, NULL, 0, false, &report, &err);
    unlink(path);
    cr_assert_not_null(config, "%s", mx_buf_str(&report.text));
    mx_buf_free(&report.text);
    return config;
}

Test(cell_ids, are_what_the_page_says)
{
    struct mx_buf     page = {0}, scratch = {0};
    struct mx_err     err;
    char             *yaml, *lines, hex[MX_HASH64_HEX], sentence[64];
    struct mx_config *config;
    struct mx_grid   *grid;
    struct mx_lines  *cache = mx_lines_new(NULL);
    struct mx_point   point;

    cr_assert_eq(mx_file_read(MX_SOURCE_DIR "/docs/cell-ids.md", 1 << 20, &page, &err), 0);
    yaml = fenced(mx_buf_str(&page), "yaml");
    lines = fenced(mx_buf_str(&page), "text");
    config = read_yaml(yaml);
    grid = mx_grid_new(config, NULL);
    cr_assert_eq(mx_grid_count(grid), 1);
    mx_grid_point(grid, 0, &point);

    mx_lines_add(cache, &point, MX_SECTIONS_OF_CELL, &scratch);
    cr_expect_str_eq(mx_buf_str(&scratch), lines);
    mx_hash64_hex(mx_hash64(lines, strlen(lines)), hex);
    snprintf(sentence, sizeof sentence, "has the id `%s`", hex);
    cr_expect_not_null(strstr(mx_buf_str(&page), sentence), "%s", hex);
    cr_expect_eq(mx_grid_cell(&point, &scratch), mx_hash64(lines, strlen(lines)));
    cr_expect_eq(mx_lines_cell(cache, &point, &scratch), mx_hash64(lines, strlen(lines)));

    mx_lines_free(cache);
    mx_grid_free(grid);
    mx_config_free(config);
    free(yaml);
    free(lines);
    mx_buf_free(&page);
    mx_buf_free(&scratch);
}

/* Fixed bytes and their published hash: XXH3-64 of nothing. */
Test(cell_ids, use_the_published_hash)
{
    cr_expect_eq(mx_hash64("", 0), UINT64_C(0x2d06800538d394c2));
}

Test(cell_ids, keep_the_text_of_a_line_until_its_value_changes)
{
    struct mx_config *config = read_yaml("data: {set: synthetic}\nmodel: {arch: linear}\n");
    struct mx_grid   *grid = mx_grid_new(config, NULL);
    struct mx_lines  *cache = mx_lines_new(NULL);
    struct mx_buf     scratch = {0};
    struct mx_point   point;

    mx_grid_point(grid, 0, &point);
    for (int i = 0; i < 3; i++) {
        point.value[KEY_TRAIN_LR].real = 0.1 * (1 + i % 2);
        point.used[KEY_TRAIN_GAMMA] = i == 1;
        cr_expect_eq(mx_lines_cell(cache, &point, &scratch), mx_grid_cell(&point, &scratch));
    }
    mx_buf_free(&scratch);
    mx_lines_free(cache);
    mx_grid_free(grid);
    mx_config_free(config);
}
