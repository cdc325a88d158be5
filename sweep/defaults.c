#include "sweep/defaults.h"

#include <assert.h>
#include <string.h>

#include "base/num.h"

static struct mx_value parse(const struct mx_key *key, const char *text)
{
    struct mx_value value = {.list = {0}};

    switch (key->type) {
    case MX_TYPE_REAL:
        mx_num_parse_real(text, &value.real);
        break;
    case MX_TYPE_INT: /* a word such as "native" stands for 0 */
        mx_num_parse_int(text, &value.integer);
        break;
    case MX_TYPE_BOOL:
        value.boolean = strcmp(text, "true") == 0;
        break;
    case MX_TYPE_CHOICE:
        for (unsigned i = 0; key->choices[i].word; i++)
            if (strcmp(key->choices[i].word, text) == 0)
                value.choice = i;
        break;
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        value.text = "";
        break;
    default:
        break;
    }
    return value;
}

struct mx_value mx_default_value(enum mx_key_id key)
{
    return parse(&mx_keys[key], mx_keys[key].default_text);
}

void mx_specials_find(struct mx_specials *specials)
{
    specials->n = 0;
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (mx_keys[k].other_when.words) {
            assert(specials->n < MX_SPECIALS);
            specials->key[specials->n++] =
                (struct mx_special){k, parse(&mx_keys[k], mx_keys[k].other_text)};
        }
}

bool mx_special_holds(const struct mx_special *special, const struct mx_value value[KEY_COUNT])
{
    const struct mx_condition *when = &mx_keys[special->key].other_when;

    return mx_condition_holds(when, &value[when->key]);
}
