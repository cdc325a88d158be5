/* arena.h - memory that is released all at once.
 *
 * For things that live and die together, such as a parsed configuration. An
 * allocation that fails is remembered, so that a builder may check at the end
 * of a step instead of after each call; it must still not use a NULL.
 */
#ifndef MX_ARENA_H
#define MX_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mx_arena;

struct mx_arena *mx_arena_new(void);                    /* NULL: no memory */
void             mx_arena_free(struct mx_arena *arena); /* NULL is allowed */

/* count * size zeroed bytes, aligned for any type; NULL if there is no memory
 * or the product overflows. Zero bytes give a pointer that is not NULL. */
void *mx_arena_alloc(struct mx_arena *arena, size_t count, size_t size);

/* A copy of len bytes with a NUL behind them. */
char *mx_arena_text(struct mx_arena *arena, const char *text, size_t len);

/* True if every allocation so far was met. */
bool mx_arena_ok(const struct mx_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
