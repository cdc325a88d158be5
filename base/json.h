/* json.h - writing JSON: one value after another into a buffer.
 *
 * Commas are put where they belong. Numbers are shortest round-trip, NaN and
 * infinities are null, text is escaped and bytes that are not UTF-8 become
 * U+FFFD. Reading is jansson's job (json_loadb), which refuses what we would.
 */
#ifndef MX_JSON_H
#define MX_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mx_json {
    struct mx_buf *out;   /* lent */
    bool           comma; /* a value precedes on this level */
};

/* Containers. `key` is NULL inside an array and at the top. */
void mx_json_object(struct mx_json *json, const char *key);
void mx_json_array(struct mx_json *json, const char *key);
void mx_json_end_object(struct mx_json *json);
void mx_json_end_array(struct mx_json *json);

/* Values. A NULL text is null. */
void mx_json_text(struct mx_json *json, const char *key, const char *value);
void mx_json_real(struct mx_json *json, const char *key, double value);
void mx_json_int(struct mx_json *json, const char *key, int64_t value);
void mx_json_uint(struct mx_json *json, const char *key, uint64_t value);
void mx_json_bool(struct mx_json *json, const char *key, bool value);
void mx_json_null(struct mx_json *json, const char *key);

#ifdef __cplusplus
}
#endif

#endif
