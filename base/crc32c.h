/* crc32c.h - the checksum of iSCSI (RFC 3720, Castagnoli's polynomial), which record files
 * of TensorBoard carry. */
#ifndef MX_CRC32C_H
#define MX_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of len bytes; "123456789" has 0xe3069283. */
uint32_t mx_crc32c(const void *data, size_t len);

#ifdef __cplusplus
}
#endif

#endif
