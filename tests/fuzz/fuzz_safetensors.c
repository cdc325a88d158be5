/* Files of weights: what opens can be read whole, and every array lies in the file. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "worker/engine.h"
#include "worker/safetensors.h"

static void read_one(const struct worker_safetensors *file, const struct worker_stored *stored,
                     size_t size)
{
    struct worker_tensor tensor = {.ndims = stored->ndims};
    char                 shown[WORKER_STORED_SHOWN];

    fuzz_expect(stored->bytes <= size && stored->begin <= size - stored->bytes,
                "an array lies in its file");
    fuzz_expect(worker_safetensors_find(file, stored->name) == stored, "names are found");
    worker_stored_shown(stored->name, shown);
    fuzz_expect(strlen(shown) < sizeof shown, "a shown name is short");
    if ((tensor.data = malloc(stored->count * sizeof *tensor.data + 1)))
        worker_safetensors_read(file, stored, tensor.data, NULL);
    free(tensor.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct worker_safetensors *file = worker_safetensors_open(fuzz_file(data, size), NULL);

    for (size_t t = 0; file && t < worker_safetensors_count(file); t++)
        read_one(file, worker_safetensors_at(file, t), size);
    worker_safetensors_close(file);
    return 0;
}
