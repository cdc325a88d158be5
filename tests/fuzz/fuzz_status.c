/* How a sweep is doing: status.json and owner.json, divided by the first byte 0. */
#include <math.h>
#include <string.h>

#include "sweep/status_read.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"status.json", "+owner.json", "config.yaml", NULL};
    const uint8_t           *zero = size ? memchr(data, 0, size) : NULL;
    const size_t             first = zero ? (size_t)(zero - data) : size;
    const char              *folder = fuzz_folder(names);
    struct mx_status_view    view;

    fuzz_file(data, first);
    fuzz_other_file(data + (zero ? first + 1 : first), size - (zero ? first + 1 : first));
    if (mx_status_view_open(folder, &mx_owner_machine, &view, NULL))
        return 0;
    fuzz_expect(view.age_s >= 0, "an age is not negative");
    mx_status_view_close(&view);
    return 0;
}
