/* What is decoded is what the store is named after. */
#include <criterion/criterion.h>

#include "base/hash.h"
#include "idx_files.h"
#include "picture_files.h"
#include "worker/image_store.h"

static uint64_t hash_of(const char *folder, const char *name)
{
    char         *path = mx_path_join(folder, name);
    struct mx_buf data = {0};
    uint64_t      hash;

    cr_assert_eq(mx_file_read(path, 1 << 20, &data, NULL), 0);
    hash = mx_hash64(data.data, data.len);
    mx_buf_free(&data);
    free(path);
    return hash;
}

Test(image_store, a_file_that_changed_since_it_was_hashed_is_told_whatever_becomes_of_damaged_ones)
{
    static char                name_a[] = "a.png", name_b[] = "b.png";
    char                      *folder = folder_make();
    struct worker_params       params = {.data_size = 8, .data_on_decode_error = 1};
    struct worker_folder_file  files[2] = {{.name = name_a}, {.name = name_b}};
    uint64_t                   hashes[2];
    struct worker_store_spec   spec = {.params = &params,
                                       .path = folder,
                                       .files = files,
                                       .nfiles = 2,
                                       .hashes = hashes,
                                       .keep = 2,
                                       .channels = 3};
    struct worker_image_store *store = calloc(1, sizeof *store);
    struct mx_err              err = {.code = MX_OK};
    char                       due[512];

    put_level(folder, name_a, 8, 10);
    put_level(folder, name_b, 8, 20);
    hashes[0] = hash_of(folder, name_a);
    hashes[1] = hash_of(folder, name_b);
    cr_assert_eq(worker_image_store_decode(&spec, -1, NULL, store, NULL, &err), 0, "%s", err.text);
    cr_expect_eq(store->good, 2);
    cr_expect_eq(worker_image_store_at(store, 1).pixels[0], 20);
    worker_image_store_clear(store);

    put_level(folder, name_b, 8, 30); /* somebody saves another picture there */
    snprintf(due, sizeof due, "%s/b.png was changed while its data set was read: start again",
             folder);
    for (uint32_t side = 0; side <= 8; side += 8) {
        spec.side = side;
        cr_assert_eq(worker_image_store_decode(&spec, -1, NULL, store, NULL, &err), -1);
        cr_expect_eq(err.code, MX_EIO);
        cr_expect_str_eq(err.text, due);
        cr_expect_null(store->pixels);
    }
    put_text(folder, name_b, "cut"); /* or is just writing it: no damage that may be skipped */
    cr_assert_eq(worker_image_store_decode(&spec, -1, NULL, store, NULL, &err), -1);
    cr_expect_str_eq(err.text, due);
    worker_image_store_free(store);
    folder_remove(folder);
}
