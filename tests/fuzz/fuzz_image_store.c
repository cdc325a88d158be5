/* Decoded images in the cache. The first byte says what they should be; if it is odd, the header's
 * names and checksums are put right, so that the rest is read. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "tests/fuzz/fuzz.h"
#include "worker/store_file.h"

enum {
    MEND = 1,
    OWN_SIZES = 2,
    COLOURS = 4,
    ONE_KEPT = 8,
    FILES_BIT = 4, /* and those above: how many files but one */
    HEADER = 80,
};

/* The header as it lies in the file. */
struct head {
    char     magic[16];
    uint64_t key[2];
    uint32_t nfiles, good, kept, channels, height, width;
    uint64_t state_hash, rows_hash, own_hash;
};

static void mend(uint8_t *file, size_t size, const struct worker_store_spec *spec,
                 const struct mx_hash128 *key)
{
    const size_t rows = (HEADER + spec->nfiles + 7) / 8 * 8;
    const size_t columns = worker_image_store_columns(spec->channels);
    struct head  head;
    size_t       row_bytes;

    memcpy(&head, file, sizeof head);
    memcpy(head.magic, "mx images 1\n\0\0\0\0", sizeof head.magic);
    memcpy(head.key, key, sizeof head.key);
    head.nfiles = spec->nfiles;
    head.channels = spec->channels;
    head.good %= spec->nfiles + 1;
    head.kept = head.good < spec->keep ? head.good : spec->keep;
    row_bytes = head.good * columns * sizeof(uint64_t);
    if (rows + row_bytes > size)
        return;
    head.state_hash = mx_hash64((const char *)file + HEADER, head.nfiles);
    head.rows_hash = mx_hash64((const char *)file + rows, row_bytes);
    memcpy(file, &head, sizeof head);
    head.own_hash = mx_hash64((const char *)file, HEADER - sizeof head.own_hash);
    memcpy(file, &head, sizeof head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned            what = size ? data[0] : 0;
    const uint32_t            nfiles = 1 + (what >> FILES_BIT);
    struct worker_store_spec  spec = {.nfiles = nfiles,
                                      .keep = what & ONE_KEPT ? 1 : nfiles,
                                      .side = what & OWN_SIZES ? 8 : 0,
                                      .channels = what & COLOURS ? 3 : 1};
    const struct mx_hash128   key = {.high = 1, .low = 2};
    struct worker_image_store store;
    uint8_t                  *own = malloc(size + 1);

    if (!own)
        return 0;
    memcpy(own, data, size);
    if (what & MEND && size > HEADER)
        mend(own + 1, size - 1, &spec, &key);
    if (worker_store_load(fuzz_file(own + (size > 0), size > 0 ? size - 1 : 0), &key, &spec,
                          data && what & MEND, &store)) {
        const uint8_t *end = (const uint8_t *)store.map + store.map_bytes;

        fuzz_expect(store.good <= nfiles && store.kept <= store.good, "no image without a file");
        for (uint32_t i = 0; i < store.kept; i++) {
            const struct worker_image image = worker_image_store_at(&store, i);
            const uint64_t            bytes = (uint64_t)store.channels * image.height * image.width;

            fuzz_expect(bytes <= (uint64_t)(end - image.pixels), "pixels lie in the file");
        }
        worker_image_store_clear(&store);
    }
    free(own);
    return 0;
}
