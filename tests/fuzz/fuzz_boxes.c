/* Boxes in a table, in CUB's two and in Pascal VOC's XML; the first byte chooses. */
#include <math.h>

#include "tests/fuzz/fuzz.h"
#include "worker/marked.h"

static void look_at(const struct worker_marked_list *list)
{
    for (size_t k = 0; k < list->n; k++) {
        const struct worker_marked *box = &list->boxes[k];
        size_t                      n = 0;

        fuzz_expect(isfinite(box->x0) && isfinite(box->y0) && isfinite(box->x1) &&
                        isfinite(box->y1),
                    "corners are numbers");
        fuzz_expect(worker_marked_find(list, box->file, &n) != NULL && n > 0,
                    "each box is found by its file");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const  names[] = {"boxes.csv", "images.txt", "bounding_boxes.txt", NULL};
    struct worker_marked_list list = {.n = 0};
    const char               *folder = fuzz_folder(names), *file;

    if (size == 0)
        return 0;
    file = fuzz_file(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        worker_marked_csv(&list, folder, NULL);
        break;
    case 1:
        worker_marked_cub(&list, folder, NULL);
        break;
    default:
        worker_marked_voc(&list, file, "image", 30, 20, NULL);
    }
    worker_marked_sort(&list);
    look_at(&list);
    worker_marked_free(&list);
    return 0;
}
