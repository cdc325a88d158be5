#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

/* XXH3 with seed 0; these are the values of the xxhsum program (-H3, -H2). */
Test(hash, equals_the_published_function)
{
    char hex64[MX_HASH64_HEX], hex128[MX_HASH128_HEX];

    cr_expect_str_eq(mx_hash64_hex(mx_hash64("", 0), hex64), "2d06800538d394c2");
    cr_expect_str_eq(mx_hash128_hex(mx_hash128("", 0), hex128), "99aa06d3014798d86001c324468d497f");
    cr_expect_str_eq(mx_hash64_hex(mx_hash64("abc", 3), hex64), "78af5f94892f3950");
    cr_expect_str_eq(mx_hash128_hex(mx_hash128("abc", 3), hex128),
                     "06b05ab6733a618578af5f94892f3950");
}

Test(hash, hex_keeps_leading_zeros)
{
    char hex64[MX_HASH64_HEX], hex128[MX_HASH128_HEX];

    cr_expect_str_eq(mx_hash64_hex(0xab, hex64), "00000000000000ab");
    cr_expect_str_eq(mx_hash128_hex((struct mx_hash128){1, 2}, hex128),
                     "00000000000000010000000000000002");
}

/* Sizes around the pieces in which a file is read. */
Test(hash, of_a_file_is_that_of_its_bytes)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 200000};
    char                path[] = "/tmp/mx-hash-XXXXXX";
    unsigned char      *data = malloc(200000);
    int                 fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    for (size_t i = 0; i < 200000; i++)
        data[i] = (unsigned char)(i * 31 >> 3);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t      bytes = 99, hash = 99;
        struct mx_err err;

        cr_assert_eq(mx_file_write(path, data, sizes[i], &err), 0);
        cr_expect_eq(mx_hash_file(path, &bytes, &hash, &err), 0);
        cr_expect_eq(bytes, sizes[i]);
        cr_expect_eq(hash, mx_hash64(data, sizes[i]));
    }
    close(fd);
    unlink(path);
    free(data);
}

Test(hash, names_the_file_it_cannot_read)
{
    uint64_t      bytes, hash;
    struct mx_err err;

    cr_expect_eq(mx_hash_file("/nonexistent/file", &bytes, &hash, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, "cannot open /nonexistent/file: No such file or directory");
    cr_expect_eq(mx_hash_file("/tmp", &bytes, &hash, &err), -1);
    cr_expect_str_eq(err.text, "cannot read /tmp: Is a directory");
}

Test(hash, reads_the_digits_that_it_writes_and_no_others)
{
    struct mx_hash128 hash = {0x0123456789abcdefu, 0xfedcba9876543210u}, back = {1, 2};
    char              hex[MX_HASH128_HEX];

    mx_hash128_hex(hash, hex);
    cr_expect(mx_hash128_parse(hex, &back));
    cr_expect(back.high == hash.high && back.low == hash.low);
    for (size_t i = 0; i < sizeof hex - 1; i++) {
        mx_hash128_hex(hash, hex);
        for (const char *bad = "G g/:@`\xff"; *bad; bad++) {
            hex[i] = *bad;
            cr_expect_not(mx_hash128_parse(hex, &back), "%s", hex);
        }
        hex[i] = '\0';
        cr_expect_not(mx_hash128_parse(hex, &back));
    }
    cr_expect(back.high == hash.high && back.low == hash.low);
}
