/* Configurations: YAML, its values, and all that check does with them. */
#include "sweep/config.h"
#include "sweep/grid.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mx_config_report report = {.errors = 0};
    struct mx_config       *config =
        mx_config_read(fuzz_file(data, size), NULL, 0, size % 2, &report, NULL);
    struct mx_grid *grid = config ? mx_grid_new(config, NULL) : NULL;
    struct mx_buf   text = {0};

    if (config)
        mx_config_write(config, &text);
    mx_buf_free(&text);
    mx_grid_free(grid);
    mx_config_free(config);
    mx_buf_free(&report.text);
    return 0;
}
