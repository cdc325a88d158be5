/* scorer_stage.c - one model's answers while pixels go in the order of every model's maps.
 *
 * The first input is the model's training; without one, or under a training of no trial,
 * it is the outside scorer. The others are the maps of all models.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "worker/batch.h"
#include "worker/engine.h"
#include "worker/explain.h"
#include "worker/features.h"
#include "worker/inter_model.h"
#include "worker/inter_parts.h"
#include "worker/npy.h"
#include "worker/stage_parts.h"
#include "worker/weights.h"

enum {
    CHUNK = 32, /* images between two ticks */
    BATCH = WORKER_FEATURE_BATCH
};

/* Maps of a control that have been scored: those of other models are often the same. */
struct scored {
    struct mx_stream stream;
    uint32_t         map; /* whose */
    float           *maps;
};

struct scoring {
    struct worker_job             job; /* its own: with the weights that it scores with */
    const struct worker_progress *progress;
    struct inter_set              set;
    const struct worker_dataset  *data; /* the cache's */
    struct worker_engine         *engine;
    struct worker_batch          *batch; /* one image */
    struct inter_variant          variants[INTER_VARIANTS];
    enum worker_attribution       which[WORKER_MAPS];
    uint32_t                      nvariants, nwhich, points;
    size_t                        pixels, floats;
    float                        *images; /* (CHUNK, floats) */
    float                        *maps;   /* (images, pixels): of one model and kind */
    float                        *picked; /* (common, pixels) */
    float                        *curves; /* (CHUNK, points) */
    float                        *logits; /* (CHUNK, classes) */
    double                       *fractions;
    uint32_t                     *targets; /* (common) */
    bool                         *ignored; /* (common): an outside scorer gets it wrong */
    float                        *areas;   /* (attributions, variants, maps, images) */
    struct scored                *scored;  /* (maps) */
    uint32_t                      nscored;
    uint64_t                      done, total;
};

static bool is_outside(const struct worker_job *job)
{
    return job->ninputs == 0 || job->inputs[0].kind != WORKER_STAGE_TRAIN ||
           !job->inputs[0].name[0];
}

/* Whether there is anything to score with, and for. */
static bool takes_part(const struct scoring *s)
{
    const struct worker_job *job = &s->job;
    uint32_t                 own;

    if (s->set.ntaken < 2 || s->set.ncommon == 0 || s->nvariants == 0)
        return false;
    if (job->inputs[0].kind == WORKER_STAGE_TRAIN && job->inputs[0].failed)
        return false;
    if (is_outside(job))
        return true;
    own = inter_set_find(&s->set, job->inputs[0].name);
    return own != UINT32_MAX && s->set.model[own].taken;
}

/* An outside scorer of a file is described by model.weights itself. */
static int load_network(struct scoring *s, struct mx_err *err)
{
    struct worker_params *params = &s->job.params;
    struct mx_buf         note = {0};
    int                   rc = -1;

    if (worker_job_has_input(&s->job, WORKER_STAGE_TRAIN) ? worker_job_take_weights(&s->job, err)
                                                          : worker_weights_stem(params, err))
        return -1;
    s->engine =
        worker_engine_new(params, &s->data->shape, BATCH,
                          mx_stream_make(s->job.seed, s->job.repeat, MX_PURPOSE_INIT, 0), err);
    if (s->engine)
        rc = worker_weights_load(s->engine, params, true, &note, err);
    mx_buf_free(&note);
    return rc;
}

static int make_room(struct scoring *s, struct mx_err *err)
{
    const size_t common = s->set.ncommon, classes = s->data->shape.classes;
    const size_t numbers = (size_t)s->nwhich * s->nvariants * s->set.ntaken * common;

    s->images = malloc(CHUNK * s->floats * sizeof *s->images);
    s->maps = malloc(s->set.images * s->pixels * sizeof *s->maps);
    s->picked = malloc(common * s->pixels * sizeof *s->picked);
    s->curves = malloc((size_t)CHUNK * s->points * sizeof *s->curves);
    s->logits = malloc(CHUNK * classes * sizeof *s->logits);
    s->fractions = malloc(s->points * sizeof *s->fractions);
    s->targets = malloc(common * sizeof *s->targets);
    s->ignored = calloc(common, sizeof *s->ignored);
    s->areas = malloc(numbers * sizeof *s->areas);
    s->scored = calloc(s->set.ntaken, sizeof *s->scored);
    if (!s->images || !s->maps || !s->picked || !s->curves || !s->logits || !s->fractions ||
        !s->targets || !s->ignored || !s->areas || !s->scored)
        return mx_fail(err, MX_ENOMEM, "no memory to score the maps of %u models on %u images",
                       s->set.ntaken, s->set.ncommon);
    for (size_t k = 0; k < numbers; k++)
        s->areas[k] = NAN;
    for (uint32_t i = 0; i < s->set.ncommon; i++)
        s->targets[i] = s->set.labels[s->set.common[i]];
    return 0;
}

static int set_up(struct scoring *s, struct worker_cache *cache, struct mx_err *err)
{
    if (!(s->data = worker_cache_dataset(cache, &s->job, s->progress, err)) || load_network(s, err))
        return -1;
    if (s->set.images > s->data->test.n)
        return mx_fail(err, MX_EDATA,
                       "maps of %u images, and the set has %u: it has changed since they were made",
                       s->set.images, s->data->test.n);
    s->pixels = (size_t)s->data->shape.height * s->data->shape.width;
    s->floats = s->pixels * s->data->shape.channels;
    s->points = (uint32_t)s->job.params.score_steps + 1;
    s->total = (uint64_t)s->nwhich * s->nvariants * s->set.ntaken * s->set.ncommon;
    if (make_room(s, err))
        return -1;
    s->batch = worker_batch_new(&s->job.params, &s->data->shape, 1, err);
    return s->batch ? 0 : -1;
}

static void tear_down(struct scoring *s)
{
    worker_engine_free(s->engine);
    worker_batch_free(s->batch);
    for (uint32_t k = 0; k < s->nscored; k++)
        free(s->scored[k].maps);
    free(s->images);
    free(s->maps);
    free(s->picked);
    free(s->curves);
    free(s->logits);
    free(s->fractions);
    free(s->targets);
    free(s->ignored);
    free(s->areas);
    free(s->scored);
    inter_set_free(&s->set);
}

static int predict(void *engine, const float *images, uint32_t n, float *logits, struct mx_err *err)
{
    return worker_engine_infer(engine, images, n, logits, err);
}

/* Common images [first .. first + n), from the set. */
static uint32_t take_images(struct scoring *s, uint32_t first)
{
    const uint32_t rest = s->set.ncommon - first, n = rest < CHUNK ? rest : CHUNK;

    for (uint32_t i = 0; i < n; i++) {
        worker_batch_plain(s->batch, s->data, &s->data->test, s->set.common[first + i], 1);
        memcpy(s->images + i * s->floats, s->batch->images, s->floats * sizeof *s->images);
    }
    return n;
}

/* An outside scorer is asked about images that it gets right, as the others are. */
static int find_ignored(struct scoring *s, struct mx_err *err)
{
    const uint32_t classes = s->data->shape.classes;

    for (uint32_t first = 0; is_outside(&s->job) && first < s->set.ncommon; first += CHUNK) {
        const uint32_t n = take_images(s, first);

        if (worker_engine_infer(s->engine, s->images, n, s->logits, err))
            return -1;
        for (uint32_t i = 0; i < n; i++) {
            const float *row = s->logits + (size_t)i * classes;
            uint32_t     best = 0;

            for (uint32_t c = 1; c < classes; c++)
                best = row[c] > row[best] ? c : best;
            s->ignored[first + i] = best != s->targets[first + i];
        }
    }
    return 0;
}

/* Ties and noise belong to the map, whoever scores it. */
static struct mx_stream stream_of(const struct scoring *s, const struct worker_input *maps)
{
    struct mx_hash128 key = {0, 0};

    if (s->job.stream_extra != 0)
        mx_hash128_parse(maps->key, &key);
    return mx_stream_make(s->job.seed, maps->repeat, MX_PURPOSE_SCORE, key.high);
}

/* Read the maps of a model: 1, or 0 where its network cannot carry such maps; -1. */
static int read_maps(struct scoring *s, const struct worker_input *input,
                     enum worker_attribution which, struct mx_err *err)
{
    const uint64_t     dims[] = {UINT64_MAX, s->data->shape.height, s->data->shape.width};
    struct worker_npy *file = NULL;
    char               name[64];
    char              *path;
    int                rc = -1;

    strcat(strcpy(name, worker_map_kinds[which].word), ".npy");
    if (!(path = inter_input_path(&s->job, input, name, err)))
        return -1;
    if (!mx_file_exists(path)) {
        free(path);
        return 0;
    }
    if ((file = worker_npy_open(path, err)) && worker_npy_want(file, 3, dims, err) == 0) {
        if (worker_npy_shape(file)->rows < s->set.images)
            mx_fail(err, MX_EDATA,
                    "%s has %llu maps, not %u: it is not of this sweep, remove its folder", path,
                    (unsigned long long)worker_npy_shape(file)->rows, s->set.images);
        else if (worker_npy_read_f32(file, 0, s->set.images, s->maps, err) == 0)
            rc = 1;
    }
    worker_npy_close(file);
    free(path);
    for (uint32_t i = 0; rc > 0 && i < s->set.ncommon; i++)
        memcpy(s->picked + i * s->pixels, s->maps + s->set.common[i] * s->pixels,
               s->pixels * sizeof *s->picked);
    return rc;
}

static float *areas_of(struct scoring *s, uint32_t a, uint32_t v, uint32_t map)
{
    const size_t row = ((size_t)a * s->nvariants + v) * s->set.ntaken + map;

    return s->areas + row * s->set.ncommon;
}

static int score_chunk(struct scoring *s, const struct worker_curve_spec *spec, uint32_t first,
                       float *areas, struct mx_err *err)
{
    const uint32_t                  n = take_images(s, first);
    const struct worker_curve_batch batch = {.images = s->images,
                                             .maps = s->picked + first * s->pixels,
                                             .targets = s->targets + first,
                                             .rows = s->set.common + first,
                                             .n = n};

    if (worker_curves(spec, &batch, s->curves, err))
        return -1;
    for (uint32_t i = 0; i < n; i++)
        areas[first + i] =
            s->ignored[first + i]
                ? NAN
                : (float)worker_inter_area(s->curves + (size_t)i * s->points, s->fractions,
                                           s->points, spec->kind == WORKER_CURVE_INSERTION);
    s->done += n;
    if (worker_progress_tick(s->progress, s->done, s->total))
        return mx_fail(err, MX_EINTERRUPTED, "stopped after %llu of %llu curves",
                       (unsigned long long)s->done, (unsigned long long)s->total);
    return 0;
}

/* The maps that were read, under every curve. */
static int score_maps(struct scoring *s, uint32_t a, uint32_t map, struct mx_stream stream,
                      struct mx_err *err)
{
    const struct worker_params *params = &s->job.params;

    for (uint32_t v = 0; v < s->nvariants; v++) {
        struct worker_curve_spec spec = {
            .shape = s->data->shape,
            .steps = s->points - 1,
            .kind = s->variants[v].kind,
            .fill = s->variants[v].fill,
            .is_signed = params->score_rank == WORKER_RANK_SIGNED ||
                         !(worker_map_kinds[s->which[a]].needs & WORKER_MAP_IS_SIGNED),
            .raster = params->score_ties == WORKER_TIES_RASTER,
            .rise = params->score_protocol == WORKER_PROTOCOL_RISE,
            .stream = stream,
            .batch = BATCH,
            .predict = predict,
            .model = s->engine};

        worker_curve_use(&spec, s->engine);
        worker_curve_fractions(&spec, s->fractions);
        for (uint32_t first = 0; first < s->set.ncommon; first += CHUNK)
            if (score_chunk(s, &spec, first, areas_of(s, a, v, map), err))
                return -1;
    }
    return 0;
}

/* The one before that has the same maps, ranked by the same draws; NULL. */
static const struct scored *find_scored(const struct scoring *s, struct mx_stream stream)
{
    const size_t bytes = s->set.ncommon * s->pixels * sizeof *s->picked;

    for (uint32_t k = 0; k < s->nscored; k++)
        if (memcmp(&s->scored[k].stream, &stream, sizeof stream) == 0 &&
            memcmp(s->scored[k].maps, s->picked, bytes) == 0)
            return &s->scored[k];
    return NULL;
}

static int remember(struct scoring *s, struct mx_stream stream, uint32_t map, struct mx_err *err)
{
    const size_t   bytes = s->set.ncommon * s->pixels * sizeof *s->picked;
    struct scored *entry = &s->scored[s->nscored];

    *entry = (struct scored){.stream = stream};
    if (!(entry->maps = malloc(bytes)))
        return mx_fail(err, MX_ENOMEM, "no memory for the controls of %u models", s->set.ntaken);
    memcpy(entry->maps, s->picked, bytes);
    entry->map = map;
    s->nscored++;
    return 0;
}

static void forget(struct scoring *s)
{
    while (s->nscored > 0)
        free(s->scored[--s->nscored].maps);
}

static int score_map(struct scoring *s, uint32_t a, uint32_t map, struct mx_err *err)
{
    const struct worker_input *input = s->set.model[s->set.taken[map]].maps;
    const struct mx_stream     stream = stream_of(s, input);
    const bool           is_control = worker_map_kinds[s->which[a]].needs & WORKER_MAP_IS_CONTROL;
    const struct scored *same;
    int                  rc = read_maps(s, input, s->which[a], err);

    if (rc <= 0) {
        s->done += (uint64_t)s->nvariants * s->set.ncommon;
        return rc;
    }
    if (is_control && (same = find_scored(s, stream))) {
        for (uint32_t v = 0; v < s->nvariants; v++)
            memcpy(areas_of(s, a, v, map), areas_of(s, a, v, same->map),
                   s->set.ncommon * sizeof *s->areas);
        s->done += (uint64_t)s->nvariants * s->set.ncommon;
        return 0;
    }
    if (score_maps(s, a, map, stream, err))
        return -1;
    return is_control ? remember(s, stream, map, err) : 0;
}

static int write_areas(struct scoring *s, struct worker_stage_file *file, struct mx_err *err)
{
    const uint64_t dims[] = {s->nwhich, s->nvariants, s->set.ntaken, s->set.ncommon};
    char          *path = mx_path_join(s->job.folder, INTER_AREAS_FILE);
    int            rc = path ? worker_npy_write(path, WORKER_NPY_F32, 4, dims, s->areas, err)
                             : mx_fail(err, MX_ENOMEM, "no memory to write " INTER_AREAS_FILE);

    *file = (struct worker_stage_file){
        .name = INTER_AREAS_FILE,
        .dtype = "float32",
        .ndims = 4,
        .dims = {s->nwhich, s->nvariants, s->set.ntaken, s->set.ncommon}};
    free(path);
    return rc;
}

static int run(struct scoring *s, struct worker_cache *cache, struct mx_err *err)
{
    struct worker_stage_file file;

    if (inter_set_read(&s->job, &s->set, err))
        return -1;
    s->nvariants = inter_variants(&s->job.params, s->variants);
    s->nwhich = inter_attributions(&s->job.params, s->which);
    if (!takes_part(s))
        return worker_stage_write_record(&s->job, NULL, 0, err);
    if (set_up(s, cache, err) || find_ignored(s, err))
        return -1;
    for (uint32_t a = 0; a < s->nwhich; a++) {
        for (uint32_t map = 0; map < s->set.ntaken; map++)
            if (score_map(s, a, map, err))
                return -1;
        forget(s);
    }
    if (write_areas(s, &file, err))
        return -1;
    return worker_stage_write_record(&s->job, &file, s->job.temporary ? 0 : 1, err);
}

int worker_scorer_run(const struct worker_job *job, struct worker_cache *cache,
                      const struct worker_progress *progress, struct worker_result *result,
                      struct mx_err *err)
{
    struct scoring *s = calloc(1, sizeof *s);
    int             failed;

    (void)result; /* its numbers mean something only beside the others' */
    if (!s)
        return mx_fail(err, MX_ENOMEM, "no memory to score maps");
    s->job = *job;
    s->progress = progress;
    failed = run(s, cache, err);
    tear_down(s);
    free(s);
    return failed ? -1 : 0;
}
