#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/safetensors.h"

static char folder[] = "/tmp/mx_safetensors_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

/* Parsed as Python's reader does: length, header, offsets into what follows. */
Test(safetensors, lays_a_file_out_as_documented, .init = make_folder, .fini = remove_folder)
{
    float                wide[6] = {1, -2, 3.5f, 4, 5, 6}, small[1] = {7};
    struct worker_tensor tensors[] = {{"fc.weight", 2, {2, 3}, wide}, {"bn.bias", 1, {1}, small}};
    char                *path = mx_path_join(folder, "w.safetensors");
    struct mx_buf        file = {0};
    struct mx_err        err;
    uint64_t             length = 0;
    json_t              *header, *entry;
    json_int_t           begin, end, rows, columns;
    const char          *dtype;

    cr_assert_eq(worker_safetensors_write(path, tensors, 2, &err), 0, "%s", err.text);
    cr_assert_eq(mx_file_read(path, 1 << 20, &file, &err), 0, "%s", err.text);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | (unsigned char)file.data[i];
    cr_assert_eq(length % 8, 0);
    cr_assert_eq(8 + length + sizeof wide + sizeof small, file.len);
    cr_assert_eq(file.data[8], '{');
    header = json_loadb(file.data + 8, length, 0, NULL);
    cr_assert_not_null(header);
    cr_assert_eq(json_object_size(header), 2);
    cr_expect(strstr(file.data + 8, "bn.bias") < strstr(file.data + 8, "fc.weight"));

    entry = json_object_get(header, "bn.bias");
    cr_assert_eq(json_unpack(entry, "{s:s, s:[I!], s:[I,I!]}", "dtype", &dtype, "shape", &rows,
                             "data_offsets", &begin, &end),
                 0);
    cr_expect_str_eq(dtype, "F32");
    cr_expect(rows == 1 && begin == 0 && end == 4);
    cr_expect_arr_eq(file.data + 8 + length, small, sizeof small);

    entry = json_object_get(header, "fc.weight");
    cr_assert_eq(json_unpack(entry, "{s:s, s:[I,I!], s:[I,I!]}", "dtype", &dtype, "shape", &rows,
                             &columns, "data_offsets", &begin, &end),
                 0);
    cr_expect(rows == 2 && columns == 3 && begin == 4 && end == 28);
    cr_expect_arr_eq(file.data + 8 + length + begin, wide, sizeof wide);
    json_decref(header);
    mx_buf_free(&file);
    free(path);
}

Test(safetensors, names_a_file_that_cannot_be_written)
{
    struct worker_tensor none[1] = {0};
    struct mx_err        err;

    cr_assert_eq(worker_safetensors_write("/nowhere/w.safetensors", none, 0, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_not_null(strstr(err.text, "/nowhere/w.safetensors"));
}
