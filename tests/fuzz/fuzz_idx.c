/* Files of MNIST and its kin, plain or gzipped; the first byte chooses labels or images. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "worker/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct worker_idx idx = {.data = NULL};
    const uint32_t    ndims = size > 0 && data[0] & 1 ? 1 : 3;

    if (size == 0)
        return 0;
    if (worker_idx_read(fuzz_file(data + 1, size - 1), ndims, &idx, NULL))
        fuzz_expect(idx.data == NULL, "nothing is left of a file that is refused");
    free(idx.data);
    return 0;
}
