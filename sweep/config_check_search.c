/* config_check_search.c - whether search.* can be done. */
#include "sweep/config_reader.h"
#include "sweep/search.h"
#include "sweep/sobol.h"

void mx_reader_check_search(const struct mx_reader *reader)
{
    const struct mx_value *base = reader->config->base;
    const struct mx_place  place = reader->places[KEY_SEARCH_STRATEGY];
    const unsigned         strategy = base[KEY_SEARCH_STRATEGY].choice;
    const unsigned         dims = mx_search_dims(reader->config);

    if (strategy != MX_SEARCH_GRID && base[KEY_SEARCH_BUDGET].integer == 0)
        mx_error_at(reader->values.messages, place,
                    "search.strategy: %s chooses among the cells; tell how many (write "
                    "search.budget: 50)",
                    mx_search_words[strategy].word);
    if (strategy == MX_SEARCH_SOBOL && dims > MX_SOBOL_DIMS)
        mx_error_at(reader->values.messages, place,
                    "search.strategy: sobol takes up to %d axes, and there are %u (use random, or "
                    "zip axes that go together)",
                    MX_SOBOL_DIMS, dims);
}
