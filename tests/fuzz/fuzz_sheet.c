/* Tables of a sweep that has ended, as report, export and diff read them: results.csv and cells.csv,
 * divided by the first byte 0. */
#include <string.h>

#include "sweep/sheet.h"
#include "tests/fuzz/fuzz.h"

static size_t look_at(const struct mx_sheet *sheet)
{
    size_t letters = 0;

    fuzz_expect(sheet->ncolumns > 0, "a table has columns");
    for (size_t r = 0; r < sheet->nrows; r++)
        for (size_t c = 0; c < sheet->ncolumns; c++) {
            letters += strlen(mx_sheet_field(sheet, r, c));
            mx_sheet_number(sheet, r, c);
        }
    for (size_t c = 0; c < sheet->ncolumns; c++)
        fuzz_expect(mx_sheet_find(sheet, sheet->columns[c].name) <= c, "each column is found");
    return letters;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"results.csv", "+cells.csv", "exit_code",
                                        "config.yaml", "owner.json", NULL};
    const uint8_t           *zero = size ? memchr(data, 0, size) : NULL;
    const size_t             first = zero ? (size_t)(zero - data) : size;
    const char              *folder = fuzz_folder(names);
    struct mx_sheets         sheets;

    fuzz_file(data, first);
    fuzz_other_file(data + (zero ? first + 1 : first), size - (zero ? first + 1 : first));
    if (mx_sheets_read(folder, &sheets, NULL))
        return 0;
    fuzz_expect(look_at(&sheets.trials) + look_at(&sheets.cells) <= size,
                "there are no more letters than bytes");
    mx_sheets_free(&sheets);
    return 0;
}
