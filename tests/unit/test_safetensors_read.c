/* Files of weights that others wrote, and files that somebody made up. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/rng.h"
#include "worker/safetensors.h"

static char folder[] = "/tmp/mx_safetensors_read_XXXXXX", path[64];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/w", folder);
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

TestSuite(safetensors_read, .init = make_folder, .fini = remove_folder);

static void write_raw(const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");

    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, n, file), n);
    cr_assert_eq(fclose(file), 0);
}

/* A file of this header and so many bytes of data, all 1. */
static struct mx_buf compose(const char *header, size_t data)
{
    struct mx_buf file = {0};
    uint64_t      length = strlen(header);

    for (int i = 0; i < 8; i++)
        mx_buf_add(&file, &(unsigned char){(unsigned char)(length >> 8 * i)}, 1);
    mx_buf_text(&file, header);
    while (data-- > 0)
        mx_buf_add(&file, "\1", 1);
    cr_assert(mx_buf_ok(&file));
    return file;
}

static struct worker_safetensors *open_composed(const char *header, size_t data, struct mx_err *err)
{
    struct mx_buf file = compose(header, data);

    write_raw(file.data, file.len);
    mx_buf_free(&file);
    return worker_safetensors_open(path, err);
}

Test(safetensors_read, gives_back_what_was_written)
{
    float                      wide[6] = {1, -2, 3.5f, 4, 5, 6}, small[1] = {7}, out[6];
    struct worker_tensor       tensors[] = {{"z.weight", 2, {2, 3}, wide}, {"a", 1, {1}, small}};
    struct worker_safetensors *file;
    struct mx_err              err;

    cr_assert_eq(worker_safetensors_write(path, tensors, 2, &err), 0, "%s", err.text);
    cr_assert_not_null(file = worker_safetensors_open(path, &err), "%s", err.text);
    cr_assert_eq(worker_safetensors_count(file), 2);
    cr_expect_str_eq(worker_safetensors_at(file, 0)->name, "a");
    cr_expect_null(worker_safetensors_find(file, "z"));
    cr_expect_eq(worker_safetensors_find(file, "z.weight")->ndims, 2);
    cr_expect_eq(worker_safetensors_find(file, "z.weight")->dims[1], 3);
    cr_assert_eq(
        worker_safetensors_read(file, worker_safetensors_find(file, "z.weight"), out, &err), 0);
    cr_expect_arr_eq(out, wide, sizeof wide);
    worker_safetensors_close(file);
}

/* Every half, against its definition, and the upper halves of floats. */
Test(safetensors_read, converts_half_and_brain_floats)
{
    static float               values[65536];
    static unsigned char       data[2 * 65536];
    struct mx_buf              bytes = {0};
    struct worker_safetensors *file;
    struct mx_err              err;

    for (int which = 0; which < 2; which++) {
        char header[120];

        snprintf(header, sizeof header,
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[65536],\"data_offsets\":[0,131072]}}",
                 which ? "BF16" : "F16");
        bytes = compose(header, 0);
        for (unsigned k = 0; k < 65536; k++) {
            data[2 * k] = (unsigned char)k;
            data[2 * k + 1] = (unsigned char)(k >> 8);
        }
        mx_buf_add(&bytes, data, sizeof data);
        write_raw(bytes.data, bytes.len);
        mx_buf_free(&bytes);
        cr_assert_not_null(file = worker_safetensors_open(path, &err), "%s", err.text);
        cr_assert_eq(worker_safetensors_read(file, worker_safetensors_at(file, 0), values, &err),
                     0);
        worker_safetensors_close(file);
        for (unsigned k = 0; k < 65536; k++) {
            const int      bits = which ? 7 : 10, bias = which ? 127 : 15;
            const unsigned mantissa = k & ((1u << bits) - 1);
            const unsigned exponent = (k & 0x7fff) >> bits;
            double         expected = ldexp(mantissa + (exponent ? 1u << bits : 0u),
                                            (exponent ? (int)exponent : 1) - bias - bits);

            if (exponent == (which ? 255u : 31u)) {
                cr_assert(mantissa ? isnan(values[k]) : isinf(values[k]), "%x", k);
                continue;
            }
            cr_assert_eq(values[k], k & 0x8000 ? -expected : expected, "%x", k);
            cr_assert_eq(!!signbit(values[k]), k >> 15, "%x", k);
        }
    }
}

#define ENTRY(shape, from, to)                                                                     \
    "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

Test(safetensors_read, refuses_hostile_headers_and_says_why)
{
    static const struct {
        const char *header;
        size_t      data;
        const char *problem;
    } cases[] = {
        {"", 0, "not a safetensors file: header: '[' or '{' expected near end of file"},
        {"[1]", 0, "not a safetensors file: its header is no object"},
        {"{\"a\":", 0, "not a safetensors file: header: unexpected token near end of file"},
        {"{\"a\":1}", 0, "tensor 'a': it has no dtype"},
        {"{\"a\":{\"dtype\":\"F33\"}}", 0, "tensor 'a': unknown dtype 'F33'"},
        {"{\"a\":{\"dtype\":\"F32\"}}", 0, "tensor 'a': it has no shape"},
        {"{\"a\":" ENTRY("[-1]", "0", "4") "}", 4, "tensor 'a': dimension 0 is no natural number"},
        {"{\"a\":" ENTRY("[1.0]", "0", "4") "}", 4, "tensor 'a': dimension 0 is no natural number"},
        {"{\"a\":" ENTRY("[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, "tensor 'a': 9 dimensions"},
        {"{\"a\":" ENTRY("[4294967296,4294967296]", "0", "4") "}", 4,
         "tensor 'a': a shape beyond counting"},
        {"{\"a\":" ENTRY("[4611686018427387904]", "0", "0") "}", 0,
         "tensor 'a': its shape and data_offsets disagree: 4611686018427387904 values of F32 in 0 "
         "bytes"},
        {"{\"a\":" ENTRY("[300,7]", "0", "12") "}", 12,
         "tensor 'a': its shape and data_offsets disagree: 2100 values of F32 in 12 bytes"},
        {"{\"a\":" ENTRY("[1]", "0", "-4") "}", 4,
         "tensor 'a': data_offsets are not two natural numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
         "tensor 'a': data_offsets are not two natural numbers"},
        {"{\"a\":" ENTRY("[1]", "0", "99999999999999999999") "}", 4,
         "not a safetensors file: header: too big integer near '99999999999999999999'"},
        {"{\"a\":" ENTRY("[1]", "4", "0") "}", 4, "tensor 'a': data_offsets 4 to 0 of 4 bytes"},
        {"{\"a\":" ENTRY("[2]", "0", "8") "}", 4, "tensor 'a': data_offsets 0 to 8 of 4 bytes"},
        {"{\"a\":" ENTRY("[2]", "0", "8") ",\"b\":" ENTRY("[2]", "4", "12") "}", 12,
         "tensor 'b': it overlaps another"},
        {"{\"a\":" ENTRY("[1]", "0", "4") ",\"b\":" ENTRY("[1]", "0", "4") "}", 4,
         "overlaps another"},
        {"{\"a\":" ENTRY("[1]", "0", "4") ",\"b\":" ENTRY("[1]", "8", "12") "}", 12,
         "tensor 'b': 4 bytes before it belong to no tensor"},
        {"{\"a\":" ENTRY("[1]", "0", "4") "}", 7,
         "not a safetensors file: 3 bytes at its end belong to no tensor"},
        {"{\"a\":" ENTRY("[1]", "0", "4") ",\"a\":" ENTRY("[1]", "4", "8") "}", 8,
         "not a safetensors file: header: duplicate object key near '\"a\"'"},
        {"{\"__metadata__\":[]}", 0, "not a safetensors file: its __metadata__ is no object"},
        {"{\"__metadata__\":{\"a\":1}}", 0,
         "not a safetensors file: its __metadata__ holds more than text"},
        {"{\"\\u0001\\n%s\":2}", 0, "tensor '??%s': it has no dtype"},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct mx_err err = {0};

        cr_expect_null(open_composed(cases[c].header, cases[c].data, &err), "%s", cases[c].header);
        cr_expect_eq(err.code, MX_EDATA);
        cr_expect_not_null(strstr(err.text, cases[c].problem), "%s: %s", cases[c].header, err.text);
        cr_expect_eq(strncmp(err.text, path, strlen(path)), 0);
    }
}

Test(safetensors_read, takes_empty_files_empty_tensors_and_metadata)
{
    static const char *const headers[] = {
        "{}", "{} \n  ", "{\"__metadata__\":{\"format\":\"pt\"}}",
        "{\"e\":" ENTRY("[0,3]", "0", "0") ",\"f\":" ENTRY("[0]", "0", "0") "}"};

    for (size_t k = 0; k < 4; k++) {
        struct mx_err              err;
        struct worker_safetensors *file = open_composed(headers[k], 0, &err);

        cr_assert_not_null(file, "%s: %s", headers[k], err.text);
        cr_expect_eq(worker_safetensors_count(file), k == 3 ? 2 : 0);
        worker_safetensors_close(file);
    }
}

static void expect_refused(const char *problem)
{
    struct mx_err err = {0};

    cr_expect_null(worker_safetensors_open(path, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_not_null(strstr(err.text, problem), "%s", err.text);
}

Test(safetensors_read, refuses_lengths_that_no_header_has)
{
    unsigned char bytes[12] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};

    write_raw(bytes, 10);
    expect_refused("a header of 18446744073709551615 bytes (more than 1048576)");
    memset(bytes, 0, 8);
    bytes[0] = 200;
    write_raw(bytes, 10);
    expect_refused("it ends within its header of 200 bytes");
    write_raw(bytes, 5);
    expect_refused("it has 5 bytes");
    remove(path);
    expect_refused("cannot open ");
    cr_assert_eq(mkfifo(path, 0600), 0);
    expect_refused("it is no regular file");
    remove(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_refused("it is no regular file");
}

Test(safetensors_read, refuses_deep_nesting)
{
    struct mx_buf header = {0};
    struct mx_err err = {0};

    mx_buf_text(&header, "{\"a\":");
    for (int k = 0; k < 500000; k++)
        mx_buf_text(&header, "[");
    cr_expect_null(open_composed(mx_buf_str(&header), 0, &err));
    cr_expect_not_null(strstr(err.text, "maximum parsing depth reached"), "%s", err.text);
    mx_buf_free(&header);
}

Test(safetensors_read, reads_no_integers_and_doubles_as_weights)
{
    struct mx_err              err;
    struct worker_safetensors *file =
        open_composed("{\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8, &err);
    float out[2];

    cr_assert_not_null(file, "%s", err.text);
    cr_expect_eq(worker_safetensors_read(file, worker_safetensors_at(file, 0), out, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_not_null(
        strstr(err.text, "tensor 'n': dtype I64 (only F32, F16 and BF16 can be read)"));
    worker_safetensors_close(file);
}

/* Whatever opens must be sound: every array within the file, each as large as its
 * shape, all together the whole of it; and readable. */
static bool opens_sound(size_t size)
{
    struct mx_err              err = {0};
    struct worker_safetensors *file = worker_safetensors_open(path, &err);
    uint64_t                   total = 0;
    float                      out[64];

    if (!file) {
        cr_assert_eq(err.code, MX_EDATA, "%s", err.text);
        cr_assert(err.text[0] && !strchr(err.text, '\n'));
        return false;
    }
    for (size_t t = 0; t < worker_safetensors_count(file); t++) {
        const struct worker_stored *tensor = worker_safetensors_at(file, t);

        cr_assert_eq(tensor->begin, total);
        total += tensor->bytes;
        cr_assert(tensor->count <= tensor->bytes);
        if (tensor->count <= 64)
            worker_safetensors_read(file, tensor, out, NULL);
    }
    cr_assert(total + 8 <= size);
    worker_safetensors_close(file);
    return true;
}

Test(safetensors_read, survives_truncated_and_altered_files)
{
    float                wide[6] = {1, -2, 3.5f, 4, 5, 6}, small[1] = {7};
    struct worker_tensor tensors[] = {
        {"fc.weight", 2, {2, 3}, wide}, {"a", 1, {1}, small}, {"b.bias", 2, {3, 2}, wide}};
    struct mx_rng rng = mx_rng_at(mx_stream_make(9, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct mx_buf file = {0}, changed = {0};
    unsigned      sound = 0;

    cr_assert_eq(worker_safetensors_write(path, tensors, 3, NULL), 0);
    cr_assert_eq(mx_file_read(path, 1 << 20, &file, NULL), 0);
    cr_assert(opens_sound(file.len));
    for (size_t n = 0; n < file.len; n++) {
        write_raw(file.data, n);
        cr_assert_not(opens_sound(n), "cut off at %zu", n);
    }
    for (unsigned k = 0; k < 4000; k++) {
        mx_buf_clear(&changed);
        mx_buf_add(&changed, file.data, file.len);
        for (uint64_t times = 1 + mx_rng_below(&rng, 3); times-- > 0;) {
            size_t at = k < file.len ? k : (size_t)mx_rng_below(&rng, file.len);

            changed.data[at] = mx_rng_below(&rng, 2)
                                   ? (char)mx_rng_below(&rng, 256)
                                   : "0123456789[]{},:\"-\\e"[mx_rng_below(&rng, 20)];
        }
        write_raw(changed.data, changed.len);
        sound += opens_sound(changed.len);
    }
    cr_expect(sound > 100 && sound < 3900, "%u", sound); /* changed values are fine */
    mx_buf_free(&file);
    mx_buf_free(&changed);
}
