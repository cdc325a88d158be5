/* scores_stage.c - what the maps of a trained network are worth: faithfulness, agreement
 * with what people marked, and the maps by themselves. The maps are those that the trial's
 * maps stage left, so their numbers are of the float32 values on disk. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_read.h"
#include "base/file.h"
#include "worker/score_parts.h"
#include "worker/weights.h"

enum {
    MAX_TABLE_BYTES = 1 << 30 /* of images.csv */
};

int score_tick(struct scoring *s, struct mx_err *err)
{
    if (worker_progress_tick(s->progress, s->done, s->total))
        return mx_fail(err, MX_EINTERRUPTED, "stopped after %llu of %llu images",
                       (unsigned long long)s->done, (unsigned long long)s->total);
    return 0;
}

int score_predict(void *scoring, const float *images, uint32_t n, float *logits, struct mx_err *err)
{
    struct scoring *s = scoring;

    if (worker_engine_infer(s->engine, images, n, logits, err))
        return -1;
    s->done = s->done + n < s->total ? s->done + n : s->total;
    return score_tick(s, err);
}

struct worker_curve_spec score_spec(struct scoring *s)
{
    const struct worker_params *params = &s->job.params;
    const bool                  has_signs = worker_map_kinds[s->which].needs & WORKER_MAP_IS_SIGNED;

    struct worker_curve_spec spec = {
        .shape = s->set->shape,
        .steps = (uint32_t)params->score_steps,
        .is_signed = !has_signs || params->score_rank == WORKER_RANK_SIGNED,
        .raster = params->score_ties == WORKER_TIES_RASTER,
        .rise = params->score_protocol == WORKER_PROTOCOL_RISE,
        .stream = s->stream,
        .batch = SCORE_CHUNK,
        .predict = score_predict,
        .model = s,
    };

    worker_curve_use(&spec, s->engine);
    return spec;
}

int score_read_maps(struct scoring *s, uint32_t first, uint32_t n, struct mx_err *err)
{
    return worker_npy_read_f32(s->file, first, n, s->maps, err);
}

/* WORD.ATTRIBUTION[.FILL] behind a split's name, or before a file's ending. */
static void name_score(const struct scoring *s, const char *word, const char *fill,
                       const char *before, const char *behind, char name[SCORE_NAME_SIZE])
{
    snprintf(name, SCORE_NAME_SIZE, "%s%s.%s%s%s%s", before, word, worker_map_kinds[s->which].word,
             fill ? "." : "", fill ? fill : "", behind);
}

void score_name(const struct scoring *s, const char *word, const char *fill,
                char name[SCORE_NAME_SIZE])
{
    name_score(s, word, fill, "test.", "", name);
}

int score_add(struct scoring *s, const char *word, const char *fill, double value,
              struct mx_err *err)
{
    char name[SCORE_NAME_SIZE];

    score_name(s, word, fill, name);
    return worker_result_add(s->result, name, value, err);
}

char *score_new_file(struct scoring *s, const char *name, bool wide, uint32_t rows,
                     uint32_t columns, struct mx_err *err)
{
    struct score_file *file;
    char              *path = mx_path_join(s->job.folder, name);

    if (s->nfiles == s->files_room) {
        const size_t       room = s->files_room ? 2 * s->files_room : 32;
        struct score_file *grown = realloc(s->files, room * sizeof *grown);

        if (!grown) {
            free(path);
            path = NULL;
        } else {
            s->files = grown;
            s->files_room = room;
        }
    }
    if (!path) {
        mx_fail(err, MX_ENOMEM, "no memory to write %s", name);
        return NULL;
    }
    file = &s->files[s->nfiles++];
    *file =
        (struct score_file){.ndims = columns > 0 ? 2 : 1, .dims = {rows, columns}, .wide = wide};
    snprintf(file->name, sizeof file->name, "%s", name);
    return path;
}

int score_keep(struct scoring *s, const char *word, const char *fill, const float *data,
               uint32_t columns, struct mx_err *err)
{
    const uint64_t dims[] = {s->n, columns};
    char           name[SCORE_NAME_SIZE], *path;
    int            rc;

    if (!s->keeps)
        return 0;
    name_score(s, word, fill, "", ".npy", name);
    if (!(path = score_new_file(s, name, false, s->n, columns, err)))
        return -1;
    rc = worker_npy_write(path, WORKER_NPY_F32, columns > 0 ? 2 : 1, dims, data, err);
    free(path);
    return rc;
}

static double first(double mean, double other)
{
    (void)other;
    return mean;
}

int score_add_values(struct scoring *s, enum worker_score score, struct mx_err *err)
{
    const struct score_sample sample = {{{s->values, 1}, {NULL, 0}}, first};
    const char               *word = worker_map_scores[score].word;
    double                    sum = 0;
    uint32_t                  n = 0;

    for (uint32_t i = 0; i < s->n; i++)
        if (!isnan(s->values[i])) {
            sum += s->values[i];
            n++;
        }
    if (score_add(s, word, NULL, n > 0 ? sum / n : NAN, err) ||
        score_add_interval(s, word, NULL, &sample, err))
        return -1;
    return score_keep(s, word, NULL, s->values, 0, err);
}

/* The network as the train stage left it: the file decides its stem. */
static int load_network(struct scoring *s, struct mx_err *err)
{
    struct worker_params *params = &s->job.params;
    struct mx_buf         note = {0};
    int                   rc = -1;

    if (worker_job_take_weights(&s->job, err))
        return -1;
    s->engine =
        worker_engine_new(params, &s->set->shape, SCORE_CHUNK,
                          mx_stream_make(s->job.seed, s->job.repeat, MX_PURPOSE_INIT, 0), err);
    if (s->engine)
        rc = worker_weights_load(s->engine, params, true, &note, err);
    mx_buf_free(&note);
    return rc;
}

/* A column of the maps' images.csv. */
static int read_predicted(struct scoring *s, struct mx_table *table, struct mx_err *err)
{
    size_t   column;
    uint32_t i = 0;
    int      more;

    if (mx_table_next(table, err) <= 0)
        return mx_table_fail(table, err, "no header");
    if ((column = mx_table_find(table, "predicted")) == SIZE_MAX)
        return mx_table_fail(table, err, "no column predicted");
    for (; (more = mx_table_next(table, err)) > 0 && i < s->n; i++) {
        char *end;
        unsigned long class = ULONG_MAX;

        if (column < mx_table_fields(table))
            class = strtoul(mx_table_field(table, column), &end, 10);
        if (class >= s->set->shape.classes)
            return mx_table_fail(table, err, "no class that the network knows");
        s->targets[i] = (uint32_t) class;
    }
    return more < 0 ? -1 : i == s->n ? 0 : mx_table_fail(table, err, "%u rows, not %u", i, s->n);
}

/* The classes that the maps explain. */
static int find_targets(struct scoring *s, struct mx_err *err)
{
    struct mx_table *table;
    char            *path;
    int              rc;

    for (uint32_t i = 0; i < s->n; i++) {
        s->rows[i] = i;
        s->targets[i] = s->set->test.labels[i];
    }
    if (s->job.params.score_target != WORKER_TARGET_PREDICTED)
        return 0;
    if (!(path = worker_job_input_path(&s->job, WORKER_STAGE_MAPS, "images.csv")))
        return mx_fail(err, MX_ENOMEM, "no memory to find the maps");
    table = mx_table_open(path, false, MAX_TABLE_BYTES, err);
    free(path);
    rc = table ? read_predicted(s, table, err) : -1;
    mx_table_close(table);
    return rc;
}

/* Which maps there are: those that the network cannot carry have no file. */
static int find_maps(struct scoring *s, struct mx_err *err)
{
    const bool any = worker_job_has_input(&s->job, WORKER_STAGE_MAPS);

    s->n = any ? s->set->test.n : 0;
    if (s->n > (uint64_t)s->job.params.score_images)
        s->n = (uint32_t)s->job.params.score_images;
    for (enum worker_attribution which = 0; any && which < WORKER_MAPS; which++) {
        char name[SCORE_NAME_SIZE], *path;

        snprintf(name, sizeof name, "%s.npy", worker_map_kinds[which].word);
        if (!(path = worker_job_input_path(&s->job, WORKER_STAGE_MAPS, name)))
            return mx_fail(err, MX_ENOMEM, "no memory to find the maps");
        s->there[which] = mx_file_exists(path);
        free(path);
    }
    return 0;
}

static void count_work(struct scoring *s)
{
    unsigned maps = 0;

    for (unsigned which = 0; which < WORKER_MAPS; which++)
        maps += s->there[which];
    s->total = maps * score_curves_images(s);
    if (score_wanted(s, WORKER_SCORE_BIT(OCCLUSION_ACCURACY)))
        s->total += 3 * ((uint64_t)s->set->val.n + s->set->test.n);
    if (score_wanted(s, worker_scores_that_are(WORKER_SCORE_SEGMENTS)))
        s->total += 2 * (uint64_t)s->set->test.n;
}

static int set_up(struct scoring *s, struct worker_cache *cache, struct mx_err *err)
{
    const size_t chunk = SCORE_CHUNK;

    if (!(s->set = worker_cache_dataset(cache, &s->job, s->progress, err)) ||
        load_network(s, err) || find_maps(s, err))
        return -1;
    s->pixels = (size_t)s->set->shape.height * s->set->shape.width;
    s->targets = malloc(((size_t)s->n + 1) * sizeof *s->targets);
    s->rows = malloc(((size_t)s->n + 1) * sizeof *s->rows);
    s->values = malloc(((size_t)s->n + 1) * sizeof *s->values);
    s->maps = malloc(chunk * s->pixels * sizeof *s->maps);
    s->others = malloc(chunk * s->pixels * sizeof *s->others);
    if (!s->targets || !s->rows || !s->values || !s->maps || !s->others)
        return mx_fail(err, MX_ENOMEM, "no memory to score the maps of %u images", s->n);
    if (!(s->batch = worker_batch_new(&s->job.params, &s->set->shape, SCORE_CHUNK, err)) ||
        find_targets(s, err))
        return -1;
    if (score_wanted(s, WORKER_SCORE_BIT(MAP_INTERVALS)) &&
        !(s->resamples = worker_resamples_new()))
        return mx_fail(err, MX_ENOMEM, "no memory for resamples");
    count_work(s);
    return 0;
}

static void tear_down(struct scoring *s)
{
    worker_engine_free(s->engine);
    worker_explainer_free(s->untrained);
    worker_net_free(&s->net);
    worker_annotations_free(s->annotations);
    worker_batch_free(s->batch);
    worker_resamples_free(s->resamples);
    free(s->targets);
    free(s->rows);
    free(s->values);
    free(s->maps);
    free(s->others);
    free(s->files);
}

/* Everything about the maps of one attribution. */
static int score_attribution(struct scoring *s, struct mx_err *err)
{
    const uint64_t dims[] = {s->n, s->set->shape.height, s->set->shape.width};
    char           name[SCORE_NAME_SIZE], *path;
    int            rc = -1;

    snprintf(name, sizeof name, "%s.npy", worker_map_kinds[s->which].word);
    if (!(path = worker_job_input_path(&s->job, WORKER_STAGE_MAPS, name)))
        return mx_fail(err, MX_ENOMEM, "no memory to find the maps");
    s->file = worker_npy_open(path, err);
    free(path);
    if (s->file && !worker_npy_want(s->file, 3, dims, err) && !score_curves(s, err) &&
        !score_marks(s, err))
        rc = score_maps(s, err);
    worker_npy_close(s->file);
    return rc;
}

static int write_record(struct scoring *s, struct mx_err *err)
{
    struct worker_stage_file *files = calloc(s->nfiles + 1, sizeof *files);
    int                       rc;

    if (!files)
        return mx_fail(err, MX_ENOMEM, "no memory for the record of %zu files", s->nfiles);
    for (size_t f = 0; f < s->nfiles; f++)
        files[f] = (struct worker_stage_file){.name = s->files[f].name,
                                              .dtype = s->files[f].ndims == 0 ? NULL
                                                       : s->files[f].wide     ? "float64"
                                                                              : "float32",
                                              .ndims = s->files[f].ndims,
                                              .dims = {s->files[f].dims[0], s->files[f].dims[1]}};
    rc = worker_stage_write_record(&s->job, files, s->nfiles, err);
    free(files);
    return rc;
}

static int run(struct scoring *s, struct mx_err *err)
{
    if (score_occlusion(s, err) || score_concepts(s, err) || score_curves_begin(s, err) ||
        score_marks_begin(s, err) || score_maps_begin(s, err))
        return -1;
    for (enum worker_attribution which = 0; which < WORKER_MAPS; which++) {
        s->which = which;
        if (s->there[which] && score_attribution(s, err))
            return mx_err_prefix(err, "%s", worker_map_kinds[which].word);
    }
    return s->job.folder[0] ? write_record(s, err) : 0;
}

int worker_scores_run(const struct worker_job *job, struct worker_cache *cache,
                      const struct worker_progress *progress, struct worker_result *result,
                      struct mx_err *err)
{
    struct scoring *s = calloc(1, sizeof *s);
    int             failed;

    if (!s)
        return mx_fail(err, MX_ENOMEM, "no memory to score maps");
    s->job = *job;
    s->progress = progress;
    s->result = result;
    s->scores = job->params.score_metrics & worker_scores_of(WORKER_STAGE_SCORES);
    s->keeps = job->folder[0] && !job->temporary;
    s->stream = mx_stream_make(job->seed, job->repeat, MX_PURPOSE_SCORE, job->stream_extra);
    failed = set_up(s, cache, err) || run(s, err);
    tear_down(s);
    free(s);
    return failed ? -1 : 0;
}
