/* What is remembered of a folder's files. Its checksum is put right if the first byte is odd, so
 * that the entries are read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "tests/fuzz/fuzz.h"
#include "worker/file_index.h"

enum {
    HEADER = 32, /* 16 letters, how many entries, the hash of them */
    ENTRY = 24
};

static void mend(uint8_t *text, size_t size)
{
    const uint64_t n = (size - HEADER) / ENTRY;
    const uint64_t hash = mx_hash64((const char *)text + HEADER, n * ENTRY);

    memcpy(text, "mx files 1\n\0\0\0\0", 16);
    memcpy(text + 16, &n, 8);
    memcpy(text + 24, &hash, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char               name[32];
    const char *const         names[] = {name, NULL};
    struct worker_file_index *index;
    uint8_t                  *own = malloc(size + 1);
    uint64_t                  bytes, hash;

    if (!own)
        return 0;
    memcpy(own, data, size);
    if (size >= 1 + HEADER && data[0] & 1) {
        size = 1 + HEADER + (size - 1 - HEADER) / ENTRY * ENTRY;
        mend(own + 1, size - 1);
    }
    snprintf(name, sizeof name, "files-%016" PRIx64, mx_hash64("/", 1));
    fuzz_folder(names);
    fuzz_file(own + (size > 0), size > 0 ? size - 1 : 0);
    if ((index = worker_file_index_open(fuzz_folder(names), "/", 0, NULL)))
        worker_file_index_hash(index, "proc/self/limits", &bytes, &hash, NULL);
    worker_file_index_close(index);
    free(own);
    return 0;
}
