/* defaults.h - what a key holds that nobody set.
 *
 * A few keys have another default where a second key has certain words
 * (mx_key.other_when): mix.alpha is 2 under manifold_mixup. Such a key follows
 * that second key from point to point of a grid.
 */
#ifndef MX_SWEEP_DEFAULTS_H
#define MX_SWEEP_DEFAULTS_H

#include "sweep/keys.h"

/* The table's default of a key; of lists and texts an empty one. */
struct mx_value mx_default_value(enum mx_key_id key);

/* A key that has another default, and that. */
struct mx_special {
    enum mx_key_id  key;
    struct mx_value other;
};

enum {
    MX_SPECIALS = 4 /* keys of this kind, at most */
};

struct mx_specials {
    size_t            n;
    struct mx_special key[MX_SPECIALS];
};

/* Those of the table. */
void mx_specials_find(struct mx_specials *specials);

/* Whether the other default of such a key holds beside these values. */
bool mx_special_holds(const struct mx_special *special, const struct mx_value value[KEY_COUNT]);

#endif
