/* font_glyphs.c - the letters themselves, and which of them are others with a mark. */
#include <stddef.h>
#include <string.h>

#include "sweep/font_glyphs.h"

struct glyph {
    uint32_t    character;
    const char *strokes;
};

/* clang-format off */
static const struct glyph glyphs[] = {
    {' ', "-3"},
    {'!', "-1g18 -1414"}, {'"', "-0g0d -2g2d"}, {'#', "-2g14 -6g54 -0c7c -0878"},
    {'$', "~7e6g0g0a7a741406 -3g34"}, {'%', "@0c3c3g0g @54848858 -147g"},
    {'&', "~842c2g5g5c09045479"}, {'\'', "-1g1d"}, {'(', "~3g0d0732"}, {')', "~0g3d3702"},
    {'*', "-3g39 -0e6b -0b6e"}, {'+', "-0969 -3c36"}, {',', "-1402"}, {'-', "-0959"},
    {'.', "-1414"}, {'/', "-036g"},
    {'0', "@04747g0g"}, {'1', "-1d4g44"}, {'2', "~0e1g7g7b0504 -0474"},
    {'3', "~0f1g7g7a3a ~3a7a741405"}, {'4', "-545g0878"}, {'5', "-6g1g0b ~0b2c7c741405"},
    {'6', "@04747b0b ~6g0f08"}, {'7', "-0g7g24"}, {'8', "@1a6a6g1g @04747a0a"},
    {'9', "@09797g0g ~14757c"},
    {':', "-1414 -1a1a"}, {';', "-1402 -1a1a"}, {'<', "-6c0864"}, {'=', "-0b6b -0767"},
    {'>', "-0c6804"}, {'?', "~0e1g6g6b3b38 -3434"}, {'@', "~6c67989g0g0484"},
    {'A', "-044g84 -1878"}, {'B', "-040g ~0g4g7g7a4a0a ~0a4a8a844404"}, {'C', "~8e6g0g046486"},
    {'D', "-040g ~0g3g8g843404"}, {'E', "-7g0g0474 -0a6a"}, {'F', "-7g0g04 -0a6a"},
    {'G', "~8e6g0g04848a -5a8a"}, {'H', "-0g04 -8g84 -0a8a"}, {'I', "-1g14"},
    {'J', "~5g58540407"}, {'K', "-0g04 -7g09 -3c74"}, {'L', "-0g0464"}, {'M', "-040g58aga4"},
    {'N', "-040g848g"}, {'O', "@04949g0g"}, {'P', "-040g ~0g4g7g794909"},
    {'Q', "@04949g0g -6793"}, {'R', "-040g ~0g4g7g794909 -4984"},
    {'S', "~7e6g0g0a7a741406"}, {'T', "-0g8g -4g44"}, {'U', "~0g080484888g"}, {'V', "-0g448g"},
    {'W', "-0g346g94cg"}, {'X', "-0g84 -048g"}, {'Y', "-0g4a8g -4a44"}, {'Z', "-0g8g0484"},
    {'[', "-3g0g0232"}, {'\\', "-0g63"}, {']', "-0g3g3202"}, {'^', "-0d3g6d"}, {'_', "-0272"},
    {'`', "-0g2e"},
    {'a', "@04646c0c -6c64"}, {'b', "-0g04 @04646c0c"}, {'c', "~6b5c0c045465"},
    {'d', "-6g64 @04646c0c"}, {'e', "-0868 ~686c0c045465"}, {'f', "~5g2g2d24 -0c4c"},
    {'g', "@04646c0c ~6c63601001"}, {'h', "-0g04 ~090c6c6864"}, {'i', "-1c14 -1f1f"},
    {'j', "~2c222000 -2f2f"}, {'k', "-0g04 -5c07 -2964"}, {'l', "~1g161434"},
    {'m', "-0c04 ~090c5c5854 ~595caca8a4"}, {'n', "-0c04 ~090c6c6864"}, {'o', "@04646c0c"},
    {'p', "-0c00 @04646c0c"}, {'q', "-6c60 @04646c0c"}, {'r', "-0c04 ~090c4c5b"},
    {'s', "~6b5c0c0868641405"}, {'t', "~2f262454 -0c5c"}, {'u', "~0c07046467 -6c64"},
    {'v', "-0c346c"}, {'w', "-0c245c84ac"}, {'x', "-0c64 -046c"}, {'y', "-0c34 -6c20"},
    {'z', "-0c6c0464"}, {'{', "~4g2f2b09 ~09272342"}, {'|', "-1g12"}, {'}', "~0g2f2b49 ~49272302"},
    {'~', "~081b576a"},
    {0x3BB, "~0g2g3c74 -3a04"}, {0xD7, "-0b65 -056b"}, {0xB7, "-1919"},
    {0x2026, "-1414 -4444 -7474"}, {0xA0, "-3"}, {0xB0, "@0d3d3g0g"}, {0xB1, "-0a6a -3d37 -0464"},
    {0xB5, "~0c07046467 -6c64 -0c00"}, {0xF7, "-0969 -3d3d -3535"}, {0x2013, "-0999"},
    {0x2014, "-09d9"}, {0x2018, "-1d1g"}, {0x2019, "-1g1d"}, {0x201C, "-0d0g -2d2g"},
    {0x201D, "-0g0d -2g2d"}, {0x201E, "-1402 -4432"},
    {0xC6, "-046gcg -6g64c4 -6aba -2868"}, {0xD0, "-040g ~0g3g8g843404 -0a4a"},
    {0xD8, "@04949g0g -028i"}, {0xDE, "-040g ~0d4d7d764606"}, {0xDF, "-040d ~0d0g5g5d3a ~3a7a743424"},
    {0xE6, "@04444c0c -4c44 -4898 ~989c4c448495"}, {0xF0, "@04646c0c ~686e1g -1d5f"},
    {0xF8, "@04646c0c -036d"}, {0xFE, "-0g00 @04646c0c"},
    {0x110, "-040g ~0g3g8g843404 -0a4a"}, {0x111, "-6g64 @04646c0c -3e8e"},
    {0x126, "-0g04 -8g84 -0a8a -0d8d"}, {0x127, "-1g14 ~190c7c7874 -0e4e"}, {0x131, "-1c14"},
    {0x141, "-2g2484 -084c"}, {0x142, "~3g363454 -185c"}, {0x14A, "-040g8484 ~848g8040"},
    {0x14B, "-0c04 ~090c6c6864 ~646040"}, {0x152, "@04747g0g -7g74d4 -7gdg -7aca"},
    {0x153, "@04646c0c -68b8 ~b8bc6c64a4b5"}, {0x166, "-0g8g -4g44 -2a6a"},
    {0x167, "~2f262454 -0c5c -0858"}, {0x237, "~2c222000"},
};
/* clang-format on */

static const char unknown[] = "-04646g0g04";

/* Marks of letters, by the sign that stands for them below: six wide, over a small letter; those of
 * the last three hang under it, the apostrophe of a small letter stands behind it. U+03xx is the
 * character that puts the same mark on the letter before it. */
static const struct {
    char        sign;
    uint32_t    combining;
    const char *strokes;
} marks[] = {
    {'`', 0x300, "-1h4e"},       {'\'', 0x301, "-5h2e"},          {'^', 0x302, "-0e3h6e"},
    {'~', 0x303, "~0e1i5d6h"},   {'-', 0x304, "-0f6f"},           {'u', 0x306, "~0h1e5e6h"},
    {'.', 0x307, "-3f3f"},       {':', 0x308, "-1f1f -5f5f"},     {'o', 0x30A, "@1e5e5i1i"},
    {'"', 0x30B, "-3h0e -6h3e"}, {'v', 0x30C, "-0h3e6h"},         {'|', 0x315, "-3g3d"},
    {'<', 0x326, "-3220"},       {',', 0x327, "-3433 ~33535010"}, {';', 0x328, "~44222050"},
};

/* Letters with a mark: U+00C0 to U+017F, each as the letter and the sign of its mark; two blanks
 * where there is a glyph. And those with a comma below, which are elsewhere. */
static const char latin[] = "A`A'A^A~A:Ao  C,E`E'E^E:I`I'I^I:  N~O`O'O^O~O:    U`U'U^U:Y'    "
                            "a`a'a^a~a:ao  c,e`e'e^e:i`i'i^i:  n~o`o'o^o~o:    u`u'u^u:y'  y:"
                            "A-a-AuauA;a;C'c'C^c^C.c.CvcvDvd|    E-e-EueuE.e.E;e;EvevG^g^Gugu"
                            "G.g.G,g'H^h^    I~i~I-i-IuiuI;i;I.      J^j^K,k,k L'l'L,l,L|l|L."
                            "l.    N'n'N,n,Nvnvn|    O-o-OuouO\"o\"    R'r'R,r,RvrvS's'S^s^S,s,"
                            "SvsvT,t,Tvt|    U~u~U-u-UuuuUouoU\"u\"U;u;W^w^Y^y^Y:Z'z'Z.z.Zvzvs ";
static const char comma_below[] = "S<s<T<t<";

enum {
    LATIN_FIRST = 0xC0,
    LATIN_LAST = 0x17F,
    COMMA_FIRST = 0x218,
    COMMA_LAST = 0x21B
};

_Static_assert(sizeof latin == 2 * (LATIN_LAST - LATIN_FIRST + 1) + 1, "two signs a letter");

static const char *strokes_of(uint32_t character)
{
    for (size_t g = 0; g < sizeof glyphs / sizeof glyphs[0]; g++)
        if (glyphs[g].character == character)
            return glyphs[g].strokes;
    return NULL;
}

static const char *mark_of(char sign)
{
    for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++)
        if (marks[m].sign == sign)
            return marks[m].strokes;
    return NULL;
}

/* A letter under a mark that stands above loses its dot. */
static uint32_t without_dot(char letter, char sign)
{
    const bool above = sign != ' ' && !strchr("|<,;", sign);

    return above && letter == 'i' ? 0x131 : above && letter == 'j' ? 0x237 : (uint32_t)letter;
}

/* Whether a letter reaches a capital's top; a t nearly does. */
static bool is_high(uint32_t letter)
{
    return letter < 128 && letter > ' ' && (letter < 'a' || strchr("bdfhklt", (int)letter));
}

struct font_glyph font_glyph_of(uint32_t character)
{
    const char *pair = character >= LATIN_FIRST && character <= LATIN_LAST
                           ? latin + (size_t)2 * (character - LATIN_FIRST)
                       : character >= COMMA_FIRST && character <= COMMA_LAST
                           ? comma_below + (size_t)2 * (character - COMMA_FIRST)
                           : NULL;
    const char *own = strokes_of(character);

    if (own)
        return (struct font_glyph){.strokes = own, .high = is_high(character)};
    if (pair && pair[0] != ' ')
        return (struct font_glyph){
            .strokes = strokes_of(without_dot(pair[0], pair[1])),
            .mark = mark_of(pair[1]),
            .high = is_high((uint32_t)pair[0]),
            .behind = pair[1] == '|',
        };
    for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++)
        if (marks[m].combining == character)
            return (struct font_glyph){.mark = marks[m].strokes, .behind = marks[m].sign == '|'};
    return (struct font_glyph){.strokes = unknown};
}
