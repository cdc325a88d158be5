/* Steps on a device that is not the host: bring, queue, look. The queued work of a step is noted
 * after the first of its kind and replayed by those that follow; what differs between them is read from
 * the device's memory, so that a replay computes the same bits as the kernels one by one. */
#include "base/buf.h"
#include "worker/engine_parts.h"
#include "worker/stage_parts.h"

/* All that the work needs of the host. */
static int bring(struct worker_engine *engine, struct engine_plan *plan, const struct kern_loss *of,
                 double lr, struct mx_err *err)
{
    const struct kern_rows rows = engine_hidden_rows(plan);

    if (engine->on->bring_loss(engine->nn, of, err) ||
        (rows.n > 0 && engine->on->bring_rows(engine->nn, &rows, err)))
        return -1;
    return engine_bring_now(engine, lr, err);
}

static int queue(struct worker_engine *engine, struct engine_plan *plan, const struct kern_loss *of,
                 struct mx_err *err)
{
    if (engine_forward(engine, plan, err))
        return -1;
    engine->on->queue_loss(engine->nn, of);
    if (engine_backward(engine, plan, err))
        return -1;
    engine_statistics(engine, plan);
    engine_queue_update(engine);
    return 0;
}

/* The place for steps that are like this one; NULL: there is none left. */
static struct engine_replay *find(struct engine_plan *plan, const struct worker_batch *batch)
{
    const enum worker_mix_layer layer = plan->hidden ? batch->layer : WORKER_LAYER_INPUT;
    const bool                  targets = batch->targets, lambda = batch->lambda;

    for (int r = 0; r < ENGINE_REPLAYS; r++) {
        struct engine_replay *at = &plan->replays[r];

        if (at->runs == 0)
            *at = (struct engine_replay){layer, targets, lambda, 0, NULL};
        if (at->layer == layer && at->targets == targets && at->lambda == lambda)
            return at;
    }
    return NULL;
}

/* Note the work; where that cannot be done, this and all that follows is done plainly. */
static void note(struct worker_engine *engine, struct engine_plan *plan, const struct kern_loss *of,
                 struct engine_replay *into)
{
    struct mx_err why = {0};

    if (engine->on->note_begin(engine->nn, &why)) {
        engine->plain = true;
        engine->why_plain = why;
        return;
    }
    if (queue(engine, plan, of, &why))
        engine->on->note_drop(engine->nn);
    else
        into->work = engine->on->note_end(engine->nn, &why);
    engine->plain = !into->work;
    if (engine->plain)
        engine->why_plain = why;
}

/* The first step of all sizes rooms and starts the averages; the first of a kind is done plainly,
 * by which libraries get ready. */
static int run(struct worker_engine *engine, struct engine_plan *plan,
               const struct worker_batch *batch, const struct kern_loss *of, struct mx_err *err)
{
    struct engine_replay *replay = engine->plain || engine->steps == 0 ? NULL : find(plan, batch);

    if (replay && replay->runs++ > 0 && !replay->work)
        note(engine, plan, of, replay);
    if (!replay || !replay->work)
        return queue(engine, plan, of, err);
    engine->replays++;
    return engine->on->replay(engine->nn, replay->work, err);
}

int engine_step_queued(struct worker_engine *engine, struct engine_plan *plan,
                       const struct worker_batch *batch, double lr, double *loss,
                       struct mx_err *err)
{
    struct kern_loss of;

    if (engine_show(engine, plan, batch, err))
        return -1;
    of = engine_loss(engine, plan, batch);
    if (bring(engine, plan, &of, lr, err) || run(engine, plan, batch, &of, err) ||
        engine->on->tell_loss(engine->nn, &of, loss, err) ||
        engine_look(engine, plan, batch, *loss, err))
        return -1;
    engine->steps++;
    engine->changes++;
    return 0;
}

void worker_engine_tell(struct worker_engine *engine, const struct worker_progress *progress)
{
    struct mx_buf note = {0};

    if (!engine->why_plain.code || engine->told_plain)
        return;
    engine->told_plain = true;
    mx_buf_printf(&note, "no graph of a training step, kernels are queued one by one: %s\n",
                  engine->why_plain.text);
    worker_progress_notes(progress, &note);
    mx_buf_free(&note);
}
