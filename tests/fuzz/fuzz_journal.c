/* Journals. Checksums of lines are put right, so that their content is read. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sweep/journal.h"
#include "sweep/journal_record.h"
#include "tests/fuzz/fuzz.h"

static void mend_sum(char *line, size_t len)
{
    char   hex[MX_HASH64_HEX];
    size_t body = len - MX_JOURNAL_SUM_LENGTH;

    mx_hash64_hex(mx_hash64(line, body), hex);
    memcpy(line + body, MX_JOURNAL_SUM, 8);
    memcpy(line + body + 8, hex, 16);
    memcpy(line + body + 24, "\"}", 2);
}

static void mend_sums(char *text, size_t size)
{
    for (char *at = text, *end; (end = memchr(at, '\n', (size_t)(text + size - at))); at = end + 1)
        if ((size_t)(end - at) > MX_JOURNAL_SUM_LENGTH)
            mend_sum(at, (size_t)(end - at));
}

static int accept(void *user, const struct mx_record *record, struct mx_err *err)
{
    (void)err;
    *(uint64_t *)user += record->nmetrics + 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"journal/000001.jsonl", NULL};
    struct mx_journal_report report = {.records = 0};
    uint64_t                 sum = 0;
    char                    *own = malloc(size + 1);

    if (!own)
        return 0;
    memcpy(own, data, size);
    if (size > 0 && data[0] & 1) /* else as they came */
        mend_sums(own, size);
    fuzz_folder(names);
    fuzz_file(own, size);
    if (mx_journal_read(fuzz_folder(names), accept, &sum, &report, NULL) == 0)
        fuzz_expect(report.records <= size, "there are no more records than bytes");
    free(own);
    return 0;
}
