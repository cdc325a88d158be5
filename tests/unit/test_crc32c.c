/* The checksum of record files against published values (RFC 3720, B.4) and a plain loop. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/crc32c.h"

Test(crc32c, has_the_published_values)
{
    unsigned char bytes[32];

    cr_expect_eq(mx_crc32c("123456789", 9), 0xe3069283);
    cr_expect_eq(mx_crc32c("", 0), 0);
    memset(bytes, 0, sizeof bytes);
    cr_expect_eq(mx_crc32c(bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    cr_expect_eq(mx_crc32c(bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned k = 0; k < sizeof bytes; k++)
        bytes[k] = (unsigned char)k;
    cr_expect_eq(mx_crc32c(bytes, sizeof bytes), 0x46dd794e);
}

static uint32_t one_bit_at_a_time(const unsigned char *bytes, size_t len)
{
    uint32_t crc = 0xffffffff;

    for (size_t k = 0; k < len; k++) {
        crc ^= bytes[k];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

Test(crc32c, agrees_with_one_bit_at_a_time)
{
    unsigned char bytes[300];

    for (size_t k = 0; k < sizeof bytes; k++)
        bytes[k] = (unsigned char)(k * 73 + k / 7);
    for (size_t len = 0; len <= sizeof bytes; len++)
        cr_assert_eq(mx_crc32c(bytes, len), one_bit_at_a_time(bytes, len), "%zu bytes", len);
}
