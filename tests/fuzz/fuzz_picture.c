/* JPEG and PNG: what decodes has as many pixels as it says, and can be turned grey. */
#include "tests/fuzz/fuzz.h"
#include "worker/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct worker_picture picture = {.pixels = NULL};
    unsigned              sum = 0;
    size_t                n;

    if (worker_picture_decode(data, size, "input", &picture, NULL)) {
        fuzz_expect(picture.pixels == NULL, "nothing is left of an image that is refused");
        return 0;
    }
    fuzz_expect(picture.turn >= 1 && picture.turn <= 8, "an orientation is one of eight");
    n = (size_t)picture.channels * picture.height * picture.width;
    for (size_t k = 0; k < n; k++)
        sum += picture.pixels[k];
    fuzz_expect(n > 0 && sum <= 255 * n, "an image has pixels");
    worker_picture_channels(&picture, 1, NULL);
    worker_picture_free(&picture);
    return 0;
}
