#include "worker/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"

static size_t bytes_of(const struct worker_tensor *tensor)
{
    size_t bytes = sizeof(float);

    for (uint32_t d = 0; d < tensor->ndims; d++)
        bytes *= tensor->dims[d];
    return bytes;
}

struct entry {
    const struct worker_tensor *tensor;
};

static int by_name(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    return strcmp(left->tensor->name, right->tensor->name);
}

static void put_header(struct mx_buf *out, const struct entry *sorted, size_t count)
{
    struct mx_json json = {out, false};
    size_t         offset = 0;

    mx_json_object(&json, NULL);
    for (size_t t = 0; t < count; t++) {
        const struct worker_tensor *tensor = sorted[t].tensor;

        mx_json_object(&json, tensor->name);
        mx_json_text(&json, "dtype", "F32");
        mx_json_array(&json, "shape");
        for (uint32_t d = 0; d < tensor->ndims; d++)
            mx_json_uint(&json, NULL, tensor->dims[d]);
        mx_json_end_array(&json);
        mx_json_array(&json, "data_offsets");
        mx_json_uint(&json, NULL, offset);
        offset += bytes_of(tensor);
        mx_json_uint(&json, NULL, offset);
        mx_json_end_array(&json);
        mx_json_end_object(&json);
    }
    mx_json_end_object(&json);
    while (out->len % 8)
        mx_buf_text(out, " ");
}

int worker_safetensors_write(const char *path, const struct worker_tensor *tensors, size_t count,
                             struct mx_err *err)
{
    struct entry *sorted = calloc(count + 1, sizeof *sorted);
    struct mx_buf header = {0}, file = {0};
    unsigned char length[8];
    int           result = -1;

    if (!sorted)
        goto nomem;
    for (size_t t = 0; t < count; t++)
        sorted[t].tensor = &tensors[t];
    qsort(sorted, count, sizeof *sorted, by_name);
    put_header(&header, sorted, count);
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header.len >> 8 * i);
    mx_buf_add(&file, length, sizeof length);
    mx_buf_add(&file, mx_buf_str(&header), header.len);
    for (size_t t = 0; t < count; t++)
        mx_buf_add(&file, sorted[t].tensor->data, bytes_of(sorted[t].tensor));
    if (!mx_buf_ok(&header) || !mx_buf_ok(&file))
        goto nomem;
    result = mx_file_write(path, file.data, file.len, err);
    goto done;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory to write %s", path);
done:
    free(sorted);
    mx_buf_free(&header);
    mx_buf_free(&file);
    return result;
}
