#include "sweep/texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* Where the text is, or the empty slot where it belongs. */
static size_t find(char *const *slots, size_t room, const char *text)
{
    size_t i = mx_hash64(text, strlen(text)) % room;

    while (slots[i] && strcmp(slots[i], text) != 0)
        i = (i + 1) % room;
    return i;
}

/* At least half of the slots stay empty. */
static int grow(struct mx_texts *texts)
{
    size_t room = texts->room ? 2 * texts->room : 64;
    char **slots;

    if (2 * (texts->count + 1) <= texts->room)
        return 0;
    if (!(slots = calloc(room, sizeof slots[0])))
        return -1;
    for (size_t i = 0; i < texts->room; i++)
        if (texts->slots[i])
            slots[find(slots, room, texts->slots[i])] = texts->slots[i];
    free(texts->slots);
    texts->slots = slots;
    texts->room = room;
    return 0;
}

const char *mx_texts_keep(struct mx_texts *texts, const char *text)
{
    size_t i;

    text = text ? text : "";
    if (grow(texts))
        return NULL;
    i = find(texts->slots, texts->room, text);
    if (!texts->slots[i] && (texts->slots[i] = strdup(text)))
        texts->count++;
    return texts->slots[i];
}

void mx_texts_free(struct mx_texts *texts)
{
    for (size_t i = 0; i < texts->room; i++)
        free(texts->slots[i]);
    free(texts->slots);
    *texts = (struct mx_texts){0};
}
