/* peer_maps - write the maps of a network for bench/peer_maps.py.
 *
 *     peer_maps ARCH STEM WEIGHTS FOLDER n channels height width classes COPIES
 *
 * Reads FOLDER/images (n, channels, height, width) and FOLDER/targets (n), uint32; writes
 * FOLDER/NAME for every map, and what was drawn: FOLDER/noise (n, samples, channels,
 * height, width) and FOLDER/masks. All raw, float32. COPIES: 0, or that many samples of
 * smoothgrad and points of integrated_gradients, and these two maps alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/explain.h"

enum {
    MASKS = 40,
    PATCHES = 3, /* a shorter side's worth of occlusion */
    BATCH = 2    /* smaller than the number of images, so that they are not one batch */
};

struct job {
    struct worker_params      params;
    struct worker_shape       shape;
    const char               *weights, *folder;
    uint32_t                  n, copies;
    size_t                    pixels, floats;
    float                    *images, *maps;
    uint32_t                 *targets, *rows;
    struct worker_net         net;
    struct worker_tensor     *tensors;
    size_t                    count;
    struct worker_explainer  *explainer;
    struct worker_map_options options;
};

static FILE *open_in(const struct job *job, const char *name, const char *mode)
{
    char  path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", job->folder, name);
    if (!(file = fopen(path, mode))) {
        perror(path);
        exit(3);
    }
    return file;
}

static void read_from(const struct job *job, const char *name, void *data, size_t size, size_t n)
{
    FILE *file = open_in(job, name, "rb");

    if (fread(data, size, n, file) != n) {
        fprintf(stderr, "%s/%s is too short\n", job->folder, name);
        exit(3);
    }
    fclose(file);
}

static void write_to(const struct job *job, const char *name, const void *data, size_t floats)
{
    FILE *file = open_in(job, name, "wb");

    if (fwrite(data, sizeof(float), floats, file) != floats || fclose(file)) {
        perror(name);
        exit(3);
    }
}

static unsigned number_of(const struct worker_choice *choices, const char *word)
{
    for (unsigned c = 0; choices[c].word; c++)
        if (strcmp(choices[c].word, word) == 0)
            return c;
    fprintf(stderr, "no such word: %s\n", word);
    exit(2);
}

static void read_job(struct job *job, char **argv)
{
    job->params.model_arch = number_of(worker_archs, argv[1]);
    job->params.model_stem = number_of(worker_stems, argv[2]);
    job->weights = argv[3];
    job->folder = argv[4];
    job->n = (uint32_t)atoi(argv[5]);
    job->shape = (struct worker_shape){(uint32_t)atoi(argv[6]), (uint32_t)atoi(argv[7]),
                                       (uint32_t)atoi(argv[8]), (uint32_t)atoi(argv[9]), 0};
    job->copies = (uint32_t)atoi(argv[10]);
    job->pixels = (size_t)job->shape.height * job->shape.width;
    job->floats = job->pixels * job->shape.channels;
    job->images = malloc(job->n * job->floats * sizeof(float));
    job->maps = malloc(job->n * job->pixels * sizeof(float));
    job->targets = malloc(job->n * sizeof(uint32_t));
    job->rows = malloc(job->n * sizeof(uint32_t));
    if (!job->images || !job->maps || !job->targets || !job->rows)
        abort();
    for (uint32_t i = 0; i < job->n; i++)
        job->rows[i] = i;
    read_from(job, "images", job->images, sizeof(float), job->n * job->floats);
    read_from(job, "targets", job->targets, sizeof(uint32_t), job->n);
    job->options = worker_map_defaults(mx_stream_make(0, 0, MX_PURPOSE_SCORE, 0));
    if (job->copies > 0)
        job->options.smoothgrad_samples = job->options.integrated_gradients_points = job->copies;
    job->options.rise_masks = MASKS;
    job->options.occlusion_patch =
        (job->shape.height < job->shape.width ? job->shape.height : job->shape.width) / PATCHES;
}

static void write_drawn(struct job *job)
{
    const uint32_t samples = job->options.smoothgrad_samples;
    float         *noise = malloc((size_t)job->n * samples * job->floats * sizeof *noise);
    float         *masks = malloc(MASKS * job->pixels * sizeof *masks);

    if (!noise || !masks)
        abort();
    for (uint32_t k = 0; k < job->n * samples; k++)
        worker_map_noise(job->options.stream, k / samples, k % samples, job->floats,
                         noise + k * job->floats);
    for (uint32_t m = 0; m < MASKS; m++)
        worker_map_rise_mask(job->options.stream, m, job->shape.height, job->shape.width,
                             masks + m * job->pixels);
    write_to(job, "noise", noise, (size_t)job->n * samples * job->floats);
    write_to(job, "masks", masks, MASKS * job->pixels);
    free(noise);
    free(masks);
}

static bool wanted(const struct job *job, enum worker_attribution which)
{
    return job->copies == 0 || which == WORKER_MAP_SMOOTHGRAD ||
           which == WORKER_MAP_INTEGRATED_GRADIENTS;
}

static int write_maps(struct job *job, struct mx_err *err)
{
    const struct worker_map_batch batch = {job->images, job->targets, job->rows, job->n, job->n};

    for (enum worker_attribution which = 0; which < WORKER_MAPS; which++) {
        if (!wanted(job, which))
            continue;
        if (worker_explain(job->explainer, which, &job->options, &batch, job->maps, NULL, err))
            return -1;
        write_to(job, worker_map_kinds[which].word, job->maps, job->n * job->pixels);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct worker_explainer_plan plan = {
        .threads = 1, .batch_size = BATCH, .relevance = true};
    struct job    job = {0};
    struct mx_err err;
    int           result = 0;

    if (argc != 11) {
        fprintf(stderr,
                "usage: %s ARCH STEM WEIGHTS FOLDER n channels height width classes COPIES\n",
                argv[0]);
        return 2;
    }
    read_job(&job, argv);
    write_drawn(&job);
    if (worker_net_build(&job.params, &job.shape, &job.net, &err) ||
        worker_tensors_read(job.weights, &job.tensors, &job.count, &err) ||
        !(job.explainer = worker_explainer_new(&job.net, job.tensors, job.count, &plan, &err)) ||
        write_maps(&job, &err)) {
        fprintf(stderr, "%s\n", err.text);
        result = 3;
    }
    worker_explainer_free(job.explainer);
    worker_tensors_free(job.tensors, job.count);
    worker_net_free(&job.net);
    free(job.images);
    free(job.maps);
    free(job.targets);
    free(job.rows);
    return result;
}
