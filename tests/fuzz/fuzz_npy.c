/* Arrays of NumPy: what opens is as long as its shape says. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "worker/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct worker_npy             *file = worker_npy_open(fuzz_file(data, size), NULL);
    const struct worker_npy_shape *shape = file ? worker_npy_shape(file) : NULL;
    double                        *out;

    if (!file)
        return 0;
    fuzz_expect(shape->row == 0 || shape->rows <= size / shape->row,
                "an array has no more numbers than its file has bytes");
    if (shape->row > 0 && (out = malloc(shape->rows * shape->row * sizeof *out + 1))) {
        worker_npy_read_f64(file, 0, shape->rows, out, NULL);
        worker_npy_read_f32(file, 0, shape->rows, (float *)out, NULL);
        worker_npy_read_u32(file, 0, shape->rows, 10, "classes", (uint32_t *)out, NULL);
        free(out);
    }
    worker_npy_close(file);
    return 0;
}
