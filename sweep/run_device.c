/* run_device.c - what a sweep runs on: CPUs or GPUs, never both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/gpu_choice.h"
#include "sweep/run_state.h"
#include "worker/choices.h"
#include "worker/device.h"

/* Whether any GPU is fit. */
static bool any_fit(const struct mx_gpus *gpus)
{
    for (size_t k = 0; k < gpus->n; k++)
        if (!gpus->list[k].fault[0])
            return true;
    return false;
}

/* Why a sweep runs on CPUs where there are GPUs. */
static void note_unfit(struct run *run)
{
    for (size_t k = 0; k < run->gpus.n; k++) {
        const struct mx_gpu *gpu = &run->gpus.list[k];

        mx_buf_printf(&run->device_notes, "%s (%s) is left out: %s; %s\n", gpu->uuid, gpu->model,
                      gpu->fault, gpu->mend);
    }
}

/* The words of a key that are asked for, a bit each: the one outside of grids, and those of axes. */
static unsigned words_of(const struct mx_config *config, unsigned key)
{
    unsigned words = 1u << config->base[key].choice;

    for (size_t b = 0; b < config->nblocks; b++)
        for (size_t a = 0; a < config->blocks[b].naxes; a++) {
            const struct mx_axis *axis = &config->blocks[b].axes[a];

            for (uint64_t i = 0; i < axis->nkeys * axis->count; i++) {
                const size_t k = i % axis->nkeys;

                if (axis->keys[k] == key)
                    words |= 1u << mx_axis_value(&axis->values[k], key, i / axis->nkeys).choice;
            }
        }
    return words;
}

/* A word of train.precision that is for GPUs alone, of those that are asked for; NULL: none. */
static const char *word_of_gpus(const struct mx_config *config)
{
    unsigned words = words_of(config, KEY_TRAIN_PRECISION), most = WORKER_NET_F32;

    for (unsigned k = most; words >> k; k++)
        most = words >> k & 1 ? k : most;
    return most == WORKER_NET_F32 ? NULL : worker_net_precisions[most].word;
}

/* Whether a sweep has stages that compute on a GPU: heads do not, and where features are read from
 * files there is nothing else. */
static bool has_use_for_gpus(const struct mx_config *config)
{
    return words_of(config, KEY_DATA_SET) != 1u << WORKER_DATA_FEATURES;
}

static bool is_any_here(void)
{
    struct mx_gpus gpus;
    const bool     is = mx_gpus_look(NULL, &gpus, NULL) == 0;

    mx_gpus_free(&gpus);
    return is;
}

/* `auto` found no GPU that this build can use. */
static int choose_cpu(struct run *run, const char *why, struct mx_err *err)
{
    const char *word = word_of_gpus(run->config);

    if (word)
        return mx_fail(err, MX_EGPU,
                       "train.precision: %s needs a GPU, and there is none: %.300s (write f32)",
                       word, why);
    if (worker_cuda_ready(NULL) == 0 || is_any_here())
        mx_buf_printf(&run->device_notes, "the sweep computes on CPUs: %s\n", why);
    run->config->base[KEY_SCHEDULE_DEVICE].choice = MX_DEVICE_CPU;
    return 0;
}

/* Rank 0's own GPUs may be none: other ranks have theirs. There is no log yet: notes go there later. */
int run_choose_device(struct run *run, struct mx_err *err)
{
    struct mx_value *device = &run->config->base[KEY_SCHEDULE_DEVICE];
    struct mx_err    none = {0};
    const bool       built = worker_cuda_ready(&none) == 0;

    if (device->choice == MX_DEVICE_CPU)
        return 0;
    if (!built || mx_gpus_of_process(&run->gpus, &run->device_notes, &none)) {
        if (device->choice == MX_DEVICE_AUTO)
            return choose_cpu(run, none.text, err);
        return run->options->comm && built
                   ? 0
                   : mx_fail(err, MX_EGPU, "schedule.device is cuda: %.400s", none.text);
    }
    if (device->choice == MX_DEVICE_AUTO && !any_fit(&run->gpus)) {
        note_unfit(run);
        mx_fail(&none, MX_EGPU, "no GPU is fit, the first one since %.200s",
                run->gpus.list[0].fault);
        return choose_cpu(run, none.text, err);
    }
    if (device->choice == MX_DEVICE_AUTO && !has_use_for_gpus(run->config)) {
        mx_buf_text(&run->device_notes,
                    "heads on features are computed on CPUs: the GPUs are left alone\n");
        device->choice = MX_DEVICE_CPU;
        return 0;
    }
    device->choice = MX_DEVICE_CUDA;
    return 0;
}

/* What a rank sees and another one has is that one's. */
static void note_gpus_of(struct run *run, unsigned number)
{
    const struct mx_link_rank rank = mx_link_rank(run->link, number);

    for (size_t g = 0; g < rank.gpus->n; g++) {
        const struct mx_gpu *gpu = &rank.gpus->list[g];
        uint32_t             executors = 0;

        for (unsigned i = 0; rank.hand->n > 0 && i < rank.workers; i++)
            executors += rank.hand->gpus[i % rank.hand->n] == g;
        if (executors > 0 || gpu->fault[0])
            run->gpu_list[run->ngpus++] = (struct run_gpu){*gpu, number, g, executors};
    }
}

int run_note_gpus(struct run *run, struct mx_err *err)
{
    size_t most = 0;

    for (unsigned r = 0; r < run->ranks; r++)
        most += mx_link_rank(run->link, r).gpus->n;
    if (!(run->gpu_list = calloc(most + 1, sizeof *run->gpu_list)))
        return mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
    for (unsigned r = 0; most > 0 && r < run->ranks; r++)
        note_gpus_of(run, r);
    return 0;
}

void run_look_at_gpus(struct run *run)
{
    if (!run->link)
        return;
    mx_link_look_at_gpus(run->link);
    for (size_t k = 0; k < run->ngpus; k++) {
        struct run_gpu      *to = &run->gpu_list[k];
        const struct mx_gpu *from = &mx_link_rank(run->link, to->rank).gpus->list[to->place];

        to->gpu.memory_now = from->memory_now;
        to->gpu.load = from->load;
        to->gpu.energy_j = from->energy_j;
    }
}

/* The noted GPU of an executor. */
static struct run_gpu *gpu_of(struct run *run, unsigned number, uint32_t executor)
{
    const struct mx_link_rank rank = mx_link_rank(run->link, number);
    const size_t              place = rank.hand->gpus[(executor - rank.first) % rank.hand->n];
    struct run_gpu           *gpu = run->gpu_list;

    while (gpu->rank != number || gpu->place != place)
        gpu++;
    return gpu;
}

uint32_t run_executors(const struct run_node *node)
{
    return node->lost ? 0 : node->workers - node->gone;
}

int run_lose_executor(struct run *run, const struct mx_link_event *event, struct mx_err *err)
{
    struct run_gpu *gpu = gpu_of(run, event->rank, event->executor);

    mx_console_log(run->console, MX_LOG_WARNING, NULL,
                   "executor %u is given up, its GPU %s on %s cannot be used any more: %.300s",
                   (unsigned)event->executor, gpu->gpu.uuid, event->host, event->text);
    run->nodes[event->rank].gone++;
    gpu->executors--;
    if (gpu->executors == 0)
        snprintf(gpu->gpu.fault, sizeof gpu->gpu.fault, "no executor can be started on it");
    return run_feed(
        run, (struct mx_event){.kind = MX_EVENT_EXECUTOR_GONE, .executor = event->executor}, err);
}
