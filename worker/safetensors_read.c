/* Reading what others wrote: nothing in the header is believed before it is checked,
 * and nothing is allocated by its word. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/half.h"
#include "worker/safetensors.h"

enum {
    LENGTH_BYTES = 8,
    MAX_HEADER = 1 << 20, /* bytes: some 10,000 tensors */
    CHUNK = 1 << 16,      /* bytes that are read at a time */
};

static const struct dtype {
    const char *word;
    unsigned    bytes;
} dtypes[] = {
    {"F32", 4}, {"F16", 2}, {"BF16", 2},    {"F64", 8},     {"I64", 8},
    {"I32", 4}, {"I16", 2}, {"I8", 1},      {"U64", 8},     {"U32", 4},
    {"U16", 2}, {"U8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"BOOL", 1},
};

struct worker_safetensors {
    int                   fd;
    char                 *path;
    json_t               *header; /* owns the names */
    uint64_t              data_at, data_bytes;
    struct worker_stored *tensors; /* by place in the file */
    size_t                count;
};

const char *worker_stored_shown(const char *text, char out[WORKER_STORED_SHOWN])
{
    size_t n = 0;

    for (; text[n] && n < WORKER_STORED_SHOWN - 1; n++)
        out[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
    if (text[n])
        memcpy(out + n - 3, "...", 3);
    out[n] = '\0';
    return out;
}

__attribute__((format(printf, 4, 5))) static int wrong(const struct worker_safetensors *file,
                                                       const char *tensor, struct mx_err *err,
                                                       const char *fmt, ...)
{
    char    text[160], name[WORKER_STORED_SHOWN];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (tensor)
        return mx_fail(err, MX_EDATA, "%s: tensor '%s': %s", file->path,
                       worker_stored_shown(tensor, name), text);
    return mx_fail(err, MX_EDATA, "%s: not a safetensors file: %s", file->path, text);
}

static int read_at(const struct worker_safetensors *file, uint64_t at, void *out, size_t bytes,
                   struct mx_err *err)
{
    char *to = out;

    while (bytes > 0) {
        ssize_t got = pread(file->fd, to, bytes, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mx_fail_errno(err, MX_EIO, errno, "cannot read %s", file->path);
        if (got == 0)
            return mx_fail(err, MX_EDATA, "%s became shorter while it was read", file->path);
        to += got;
        at += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return 0;
}

static uint64_t little_endian(const unsigned char *bytes, int n)
{
    uint64_t value = 0;

    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

/* Measure the file and parse its header. */
static int read_header(struct worker_safetensors *file, struct mx_err *err)
{
    unsigned char length[LENGTH_BYTES];
    struct stat   status;
    json_error_t  problem;
    uint64_t      bytes, size;
    char         *text, near[WORKER_STORED_SHOWN];
    int           failed;

    if (fstat(file->fd, &status))
        return mx_fail_errno(err, MX_EIO, errno, "cannot look at %s", file->path);
    if (!S_ISREG(status.st_mode))
        return wrong(file, NULL, err, "it is no regular file");
    size = (uint64_t)status.st_size;
    if (size < LENGTH_BYTES)
        return wrong(file, NULL, err, "it has %" PRIu64 " bytes", size);
    if (read_at(file, 0, length, sizeof length, err))
        return -1;
    bytes = little_endian(length, LENGTH_BYTES);
    if (bytes > MAX_HEADER)
        return wrong(file, NULL, err, "a header of %" PRIu64 " bytes (more than %d)", bytes,
                     MAX_HEADER);
    if (bytes > size - LENGTH_BYTES)
        return wrong(file, NULL, err, "it ends within its header of %" PRIu64 " bytes", bytes);
    file->data_at = LENGTH_BYTES + bytes;
    file->data_bytes = size - file->data_at;
    if (!(text = malloc(bytes + 1)))
        return mx_fail(err, MX_ENOMEM, "no memory for the header of %s", file->path);
    failed = read_at(file, LENGTH_BYTES, text, bytes, err);
    if (!failed && !(file->header = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &problem)))
        failed = wrong(file, NULL, err, "header: %s", worker_stored_shown(problem.text, near));
    free(text);
    return failed;
}

static bool natural(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static int read_dtype(const struct worker_safetensors *file, const json_t *entry,
                      struct worker_stored *tensor, struct mx_err *err)
{
    const char *word = json_string_value(json_object_get(entry, "dtype"));
    char        name[WORKER_STORED_SHOWN];

    if (!word)
        return wrong(file, tensor->name, err, "it has no dtype");
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++)
        if (strcmp(dtypes[d].word, word) == 0) {
            tensor->dtype = dtypes[d].word;
            return 0;
        }
    return wrong(file, tensor->name, err, "unknown dtype '%s'", worker_stored_shown(word, name));
}

static unsigned bytes_of_dtype(const char *dtype)
{
    size_t d = 0;

    while (strcmp(dtypes[d].word, dtype) != 0)
        d++;
    return dtypes[d].bytes;
}

static int read_shape(const struct worker_safetensors *file, const json_t *entry,
                      struct worker_stored *tensor, struct mx_err *err)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t        ndims = json_array_size(shape);

    if (!json_is_array(shape))
        return wrong(file, tensor->name, err, "it has no shape");
    if (ndims > WORKER_STORED_DIMS)
        return wrong(file, tensor->name, err, "%zu dimensions", ndims);
    tensor->ndims = (uint32_t)ndims;
    tensor->count = 1;
    for (size_t d = 0; d < ndims; d++)
        if (!natural(json_array_get(shape, d), &tensor->dims[d]))
            return wrong(file, tensor->name, err, "dimension %zu is no natural number", d);
    for (size_t d = 0; d < ndims; d++)
        if (__builtin_mul_overflow(tensor->count, tensor->dims[d], &tensor->count))
            return wrong(file, tensor->name, err, "a shape beyond counting");
    return 0;
}

static int read_place(const struct worker_safetensors *file, const json_t *entry,
                      struct worker_stored *tensor, struct mx_err *err)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t      end, bytes;

    if (json_array_size(offsets) != 2 || !natural(json_array_get(offsets, 0), &tensor->begin) ||
        !natural(json_array_get(offsets, 1), &end))
        return wrong(file, tensor->name, err, "data_offsets are not two natural numbers");
    if (tensor->begin > end || end > file->data_bytes)
        return wrong(file, tensor->name, err,
                     "data_offsets %" PRIu64 " to %" PRIu64 " of %" PRIu64 " bytes", tensor->begin,
                     end, file->data_bytes);
    tensor->bytes = end - tensor->begin;
    if (__builtin_mul_overflow(tensor->count, bytes_of_dtype(tensor->dtype), &bytes) ||
        bytes != tensor->bytes)
        return wrong(file, tensor->name, err,
                     "its shape and data_offsets disagree: %" PRIu64 " values of %s in %" PRIu64
                     " bytes",
                     tensor->count, tensor->dtype, tensor->bytes);
    return 0;
}

static int check_metadata(const struct worker_safetensors *file, json_t *metadata,
                          struct mx_err *err)
{
    const char *key;
    json_t     *value;

    if (!json_is_object(metadata))
        return wrong(file, NULL, err, "its __metadata__ is no object");
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return wrong(
        file, NULL, err, "its __metadata__ holds more than text");
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct worker_stored *left = a, *right = b;

    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    return (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

/* The arrays must fill what follows the header, each byte once. */
static int check_cover(const struct worker_safetensors *file, struct mx_err *err)
{
    uint64_t at = 0;

    for (size_t t = 0; t < file->count; t++) {
        const struct worker_stored *tensor = &file->tensors[t];

        if (tensor->begin < at)
            return wrong(file, tensor->name, err, "it overlaps another");
        if (tensor->begin > at)
            return wrong(file, tensor->name, err, "%" PRIu64 " bytes before it belong to no tensor",
                         tensor->begin - at);
        at += tensor->bytes;
    }
    if (at != file->data_bytes)
        return wrong(file, NULL, err, "%" PRIu64 " bytes at its end belong to no tensor",
                     file->data_bytes - at);
    return 0;
}

static int read_entries(struct worker_safetensors *file, struct mx_err *err)
{
    const char *name;
    json_t     *entry;

    if (!json_is_object(file->header))
        return wrong(file, NULL, err, "its header is no object");
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof *file->tensors);
    if (!file->tensors)
        return mx_fail(err, MX_ENOMEM, "no memory for the tensors of %s", file->path);
    json_object_foreach(file->header, name, entry)
    {
        struct worker_stored *tensor = &file->tensors[file->count];

        if (strcmp(name, "__metadata__") == 0) {
            if (check_metadata(file, entry, err))
                return -1;
            continue;
        }
        tensor->name = name;
        if (read_dtype(file, entry, tensor, err) || read_shape(file, entry, tensor, err) ||
            read_place(file, entry, tensor, err))
            return -1;
        file->count++;
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    return check_cover(file, err);
}

struct worker_safetensors *worker_safetensors_open(const char *path, struct mx_err *err)
{
    struct worker_safetensors *file = calloc(1, sizeof *file);

    if (!file || !(file->path = strdup(path))) {
        mx_fail(err, MX_ENOMEM, "no memory to open %s", path);
        free(file);
        return NULL;
    }
    if ((file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        mx_fail_errno(err, MX_EDATA, errno, "cannot open %s", path);
    else if (!read_header(file, err) && !read_entries(file, err))
        return file;
    worker_safetensors_close(file);
    return NULL;
}

void worker_safetensors_close(struct worker_safetensors *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    json_decref(file->header);
    free(file->tensors);
    free(file->path);
    free(file);
}

size_t worker_safetensors_count(const struct worker_safetensors *file)
{
    return file->count;
}

const struct worker_stored *worker_safetensors_at(const struct worker_safetensors *file, size_t t)
{
    return &file->tensors[t];
}

const struct worker_stored *worker_safetensors_find(const struct worker_safetensors *file,
                                                    const char                      *name)
{
    for (size_t t = 0; t < file->count; t++)
        if (strcmp(file->tensors[t].name, name) == 0)
            return &file->tensors[t];
    return NULL;
}

static float from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static float convert(const char *dtype, const unsigned char *bytes)
{
    if (dtype[0] == 'B')
        return from_bits((uint32_t)little_endian(bytes, 2) << 16);
    return dtype[1] == '1' ? mx_half_float((uint16_t)little_endian(bytes, 2))
                           : from_bits((uint32_t)little_endian(bytes, 4));
}

int worker_safetensors_read(const struct worker_safetensors *file,
                            const struct worker_stored *tensor, float *out, struct mx_err *err)
{
    const unsigned width = bytes_of_dtype(tensor->dtype);
    unsigned char  chunk[CHUNK];
    uint64_t       done = 0;

    if (strcmp(tensor->dtype, "F32") != 0 && strcmp(tensor->dtype, "F16") != 0 &&
        strcmp(tensor->dtype, "BF16") != 0)
        return wrong(file, tensor->name, err, "dtype %s (only F32, F16 and BF16 can be read)",
                     tensor->dtype);
    while (done < tensor->bytes) {
        size_t some = tensor->bytes - done < CHUNK ? (size_t)(tensor->bytes - done) : CHUNK;

        if (read_at(file, file->data_at + tensor->begin + done, chunk, some, err))
            return -1;
        for (size_t k = 0; k < some; k += width)
            *out++ = convert(tensor->dtype, chunk + k);
        done += some;
    }
    return 0;
}
