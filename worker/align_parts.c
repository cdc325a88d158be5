#include "worker/align_parts.h"

#include <stdlib.h>

int align_parts_new(struct align_parts *parts, uint32_t height, uint32_t width, struct mx_err *err)
{
    const size_t n = (size_t)height * width;

    *parts = (struct align_parts){.height = height, .width = width};
    parts->above = calloc(n, sizeof *parts->above);
    parts->boxes = calloc(n, sizeof *parts->boxes);
    parts->sizes = calloc(2 * n, sizeof *parts->sizes);
    if (!parts->above || !parts->boxes || !parts->sizes)
        return mx_fail(err, MX_ENOMEM, "no memory to find the parts of a map");
    parts->stack = parts->sizes + n;
    return 0;
}

void align_parts_free(struct align_parts *parts)
{
    free(parts->above);
    free(parts->boxes);
    free(parts->sizes);
}

void align_stretch(struct worker_box *box, uint32_t y, uint32_t x)
{
    box->top = y < box->top ? y : box->top;
    box->left = x < box->left ? x : box->left;
    box->bottom = y >= box->bottom ? y + 1 : box->bottom;
    box->right = x >= box->right ? x + 1 : box->right;
}

static uint32_t shared(uint32_t a0, uint32_t a1, uint32_t b0, uint32_t b1)
{
    const uint32_t low = a0 > b0 ? a0 : b0, high = a1 < b1 ? a1 : b1;

    return high > low ? high - low : 0;
}

static double area(const struct worker_box *box)
{
    return (double)(box->bottom - box->top) * (box->right - box->left);
}

double align_box_iou(const struct worker_box *a, const struct worker_box *b)
{
    const double both = (double)shared(a->top, a->bottom, b->top, b->bottom) *
                        shared(a->left, a->right, b->left, b->right);

    return both / (area(a) + area(b) - both);
}

/* Take a pixel's neighbours that are above, and mark them taken. */
static uint32_t take_neighbours(struct align_parts *parts, uint32_t pixel, uint32_t depth)
{
    const uint32_t width = parts->width > 0 ? parts->width : 1;
    const uint32_t y = pixel / width, x = pixel % width;

    for (uint32_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < parts->height; v++)
        for (uint32_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < parts->width; u++)
            if (parts->above[v * parts->width + u]) {
                parts->above[v * parts->width + u] = false;
                parts->stack[depth++] = v * parts->width + u;
            }
    return depth;
}

void align_find_parts(struct align_parts *parts)
{
    parts->count = 0;
    for (uint32_t p = 0; p < parts->height * parts->width; p++) {
        const uint32_t k = parts->count;
        uint32_t       depth = 0;

        if (!parts->above[p])
            continue;
        parts->boxes[k] = (struct worker_box){parts->height, parts->width, 0, 0};
        parts->sizes[k] = 0;
        parts->above[p] = false;
        parts->stack[depth++] = p;
        while (depth > 0) {
            const uint32_t at = parts->stack[--depth];

            align_stretch(&parts->boxes[k], at / parts->width, at % parts->width);
            parts->sizes[k]++;
            depth = take_neighbours(parts, at, depth);
        }
        parts->count++;
    }
}
