/* Every score of maps has a direction (field report: "documents disagree on whether a low
 * deletion score is good"), in the code as in the page that people read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sweep/results_core.h"
#include "sweep/words.h"
#include "worker/map_scores.h"

Test(map_scores, cover_every_word_of_the_configuration)
{
    size_t count = 0;

    for (unsigned m = MX_METRIC_OCCLUSION_ACCURACY; mx_metric_words[m].word; m++) {
        const char *word = mx_metric_words[m].word;

        cr_expect_not_null(worker_map_score(word), "%s", word);
        count++;
    }
    for (size_t s = 0; worker_map_scores[s].word; s++)
        count--;
    cr_expect_eq(count, 0);
    cr_expect_null(worker_map_score("accuracy"));
}

Test(map_scores, low_deletion_and_high_insertion_are_good)
{
    cr_expect_eq(worker_map_score("deletion")->better, WORKER_BETTER_LOWER);
    cr_expect_eq(worker_map_score("insertion")->better, WORKER_BETTER_HIGHER);
    cr_expect_eq(worker_map_score("deletion_least_first")->better, WORKER_BETTER_HIGHER);
    cr_expect_eq(worker_map_score("inter_model_map")->better, WORKER_BETTER_HIGHER);
    cr_expect_eq(worker_map_score("gini")->better, WORKER_BETTER_NEITHER);
}

/* The row of docs/maps.md that begins with the word ends with its direction. */
Test(map_scores, are_told_as_they_are)
{
    static const char *const words[] = {"lower |", "higher |", "neither |"};
    char                     line[2048];
    unsigned                 found = 0;
    FILE                    *page = fopen(MX_SOURCE_DIR "/docs/maps.md", "r");

    cr_assert_not_null(page);
    while (fgets(line, sizeof line, page)) {
        const size_t length = strncmp(line, "| `", 3) == 0 ? strcspn(line + 3, "`") : 0;
        const struct worker_map_score *score;
        const char                    *last;

        line[length ? 3 + length : 0] = '\0';
        if (!length || !(score = worker_map_score(line + 3)))
            continue;
        last = line + strlen(line) + 1;
        cr_expect_not_null(strstr(last, words[score->better]), "%s", score->word);
        found++;
    }
    fclose(page);
    cr_expect(found >= 24, "%u rows", found);
}

Test(map_scores, have_ends_of_intervals_by_name)
{
    const int deletion = mx_metric_word_of("deletion");

    cr_expect_eq(mx_metric_word_of_end("test.deletion_low.gradcam.zero"), deletion);
    cr_expect_eq(mx_metric_word_of_end("test.deletion_high.gradcam.zero"), deletion);
    cr_expect_eq(mx_metric_word_of_end("test.gini_high.gradcam"), mx_metric_word_of("gini"));
    cr_expect_eq(mx_metric_word_of_end("test.deletion.gradcam.zero"), -1);
    cr_expect_eq(mx_metric_word_of_end("test.deletions_low.gradcam"), -1);
    cr_expect_eq(mx_metric_word_of_end("test._low.gradcam"), -1);
    cr_expect_eq(mx_metric_word_of_end("deletion_low"), -1);
}
