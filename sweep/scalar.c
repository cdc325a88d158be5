#include "sweep/scalar.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* A decimal number after its sign: digits[.digits][e[sign]digits], with a digit
 * on at least one side of the point. */
static enum mx_scalar number(const char *text)
{
    size_t      whole = digits(text), fraction = 0;
    const char *at = text + whole;
    bool        integer = true;

    if (*at == '.') {
        integer = false;
        fraction = digits(++at);
        at += fraction;
    }
    if (whole + fraction == 0)
        return MX_SCALAR_TEXT;
    if (*at == 'e' || *at == 'E') {
        integer = false;
        at++;
        at += *at == '+' || *at == '-';
        if (digits(at) == 0)
            return MX_SCALAR_TEXT;
        at += digits(at);
    }
    if (*at)
        return MX_SCALAR_TEXT;
    if (whole > 1 && text[0] == '0')
        return MX_SCALAR_LEADING_ZERO;
    return integer ? MX_SCALAR_INT : MX_SCALAR_REAL;
}

/* Not finite, with an optional point in front as YAML writes it. */
static bool not_finite(const char *text)
{
    text += *text == '.';
    return strcasecmp(text, "nan") == 0 || strcasecmp(text, "inf") == 0 ||
           strcasecmp(text, "infinity") == 0;
}

/* A number in a notation that other programs know. */
static bool foreign(const char *text)
{
    size_t n = strlen(text);

    if (text[0] == '0' && text[1] && strchr("xXoObB", text[1]))
        return n > 2 && strspn(text + 2, "0123456789abcdefABCDEF_") == n - 2;
    return isdigit((unsigned char)text[0]) && strspn(text, "0123456789_,:.") == n &&
           strpbrk(text, "_,:");
}

enum mx_scalar mx_scalar_kind(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    const char              *bare = text + (*text == '+' || *text == '-');
    enum mx_scalar           kind = number(bare);

    if (kind != MX_SCALAR_TEXT)
        return kind;
    if (one_of(text, nulls))
        return MX_SCALAR_NULL;
    if (strcmp(text, "true") == 0)
        return MX_SCALAR_TRUE;
    if (strcmp(text, "false") == 0)
        return MX_SCALAR_FALSE;
    if (not_finite(bare))
        return MX_SCALAR_NOT_FINITE;
    return foreign(bare) ? MX_SCALAR_FOREIGN : MX_SCALAR_TEXT;
}
