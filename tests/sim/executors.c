/* executors.c - sweep/supervisor.h in a simulation, and the executors behind it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/supervisor.h"
#include "world.h"

enum fate {
    FATE_DONE,
    FATE_FAILS,
    FATE_CRASHES,
    FATE_STALLS,
    FATE_KILLED,
};

struct order {
    uint64_t lease;
    uint32_t stage;
    uint32_t until; /* of a training: the epoch at which it waits, 0: none */
};

struct executor {
    bool          ready, working, answered;
    uint32_t      life;
    struct order *queue;
    size_t        nqueue, room;
    uint64_t      last;   /* lease that it answered last */
    double        told_s; /* what it says keeps its order */
    double        began_s;
    uint64_t      working_lease;
};

/* What the supervisor has to tell. */
struct tale {
    int               kind;
    uint32_t          index;
    struct sim_answer answer;
};

struct mx_supervisor {
    struct mx_supervisor_options options;
    struct sim_process          *process;
    struct tale                 *tales;
    size_t                       first, ntales, room;
    struct worker_message        lent;
    struct mx_buf                frame;
    struct executor              executors[];
};

uint32_t sim_executors(const struct mx_supervisor *supervisor)
{
    return supervisor->options.workers;
}

static void plan_up(struct mx_supervisor *supervisor, uint32_t index)
{
    double delay_s = 0.2 + sim_uniform() + (sim_chance(0.03) ? 15 * sim_uniform() : 0);

    sim_plan((struct sim_event){.at_s = sim->now_s + delay_s,
                                .kind = SIM_UP,
                                .process = supervisor->process,
                                .a = index,
                                .life = supervisor->executors[index].life});
}

struct mx_supervisor *mx_supervisor_open(const struct mx_supervisor_options *options,
                                         struct mx_err                      *err)
{
    struct mx_supervisor *supervisor;

    if (!sim_is_real()) {
        mx_fail(err, MX_EIO, "the process is dead");
        return NULL;
    }
    supervisor =
        sim_calloc(1, sizeof *supervisor + options->workers * sizeof supervisor->executors[0]);
    supervisor->options = *options;
    supervisor->process = sim->current;
    sim->current->supervisor = supervisor;
    sim->current->began = true;
    for (uint32_t i = 0; i < options->workers; i++)
        plan_up(supervisor, i);
    return supervisor;
}

static void tell(struct mx_supervisor *supervisor, struct tale tale)
{
    if (supervisor->first > 0 && supervisor->first == supervisor->ntales)
        supervisor->first = supervisor->ntales = 0;
    if (supervisor->ntales == supervisor->room) {
        supervisor->room = 2 * supervisor->room + 16;
        supervisor->tales = realloc(supervisor->tales, supervisor->room * sizeof tale);
        if (!supervisor->tales)
            abort();
    }
    supervisor->tales[supervisor->ntales++] = tale;
    sim_wake(supervisor->process);
}

static enum fate draw_fate(uint32_t stage, struct sim_answer *answer)
{
    const struct sim_work *work = &sim->work;

    if (sim->hangs_to_come > 0) {
        sim->hangs_to_come--;
        sim_happened(FAULT_EXECUTOR_HANGS);
        return FATE_STALLS;
    }
    if (sim_chance(sim->p_hang))
        return FATE_STALLS;
    if (sim_chance(sim->p_crash))
        return FATE_CRASHES;
    if (work->diverges[stage])
        answer->code = stage % 3 == 0 ? MX_EDATA : MX_EDIVERGED;
    else if (sim->now_s < sim->disk_full_s && sim_chance(0.3))
        answer->code = MX_EIO;
    else if (work->flaky[stage] && sim_chance(0.5))
        answer->code = MX_ENOMEM;
    else
        return FATE_DONE;
    sim_happened(FAULT_STAGE_FAILS);
    return FATE_FAILS;
}

/* The executor takes up the next of its orders. Each piece of work takes its own
 * time, by which the oracle knows it again. */
static void work(struct mx_supervisor *supervisor, uint32_t index)
{
    struct executor *executor = &supervisor->executors[index];
    struct sim_event end = {.kind = SIM_WORK, .process = supervisor->process, .a = index};
    double           seconds;

    if (!executor->ready || executor->working || executor->nqueue == 0)
        return;
    executor->working = true;
    executor->began_s = sim->now_s;
    end.life = executor->life;
    end.answer.lease = executor->working_lease = executor->queue[0].lease;
    end.answer.stage = executor->queue[0].stage;
    end.answer.epoch = executor->queue[0].until;
    end.b = draw_fate(end.answer.stage, &end.answer);
    seconds = sim->work.mean_s[sim->work.plan.stages[end.answer.stage].kind] *
              (0.3 + 1.4 * sim_uniform());
    if (sim_chance(0.01))
        seconds *= 10;
    if (end.b == FATE_STALLS) {
        if (supervisor->options.stall_timeout_s <= 0)
            return; /* a deadline of the scheduler ends it */
        seconds = supervisor->options.stall_timeout_s;
    }
    end.answer.seconds = seconds;
    end.at_s = sim->now_s + seconds;
    sim_plan(end);
}

int mx_supervisor_order(struct mx_supervisor *supervisor, uint32_t number, const void *frames,
                        size_t len, struct mx_err *err)
{
    uint32_t         index = number - supervisor->options.first;
    struct executor *executor = &supervisor->executors[index];
    const char      *at = frames;

    while (len > 0) {
        uint16_t       type;
        size_t         body;
        struct mx_wire wire;
        struct order   order;

        if (mx_wire_peek(at, len, &type, &body, err) <= 0)
            sim_fail("orders that are no whole frames");
        wire = mx_wire_body(at, body);
        order.lease = mx_take_u64(&wire);
        order.stage = mx_take_u32(&wire);
        order.until = mx_take_u32(&wire);
        at += MX_WIRE_HEAD + body;
        len -= MX_WIRE_HEAD + body;
        if (!executor->ready || !sim_is_real())
            continue;
        sim_oracle_order(supervisor->process, number, order.lease, order.stage);
        if (executor->nqueue == executor->room) {
            executor->room = 2 * executor->room + 4;
            executor->queue = realloc(executor->queue, executor->room * sizeof order);
            if (!executor->queue)
                abort();
        }
        executor->queue[executor->nqueue++] = order;
    }
    work(supervisor, index);
    return 0;
}

bool sim_executor_has(const struct mx_supervisor *supervisor, uint32_t index, uint64_t lease,
                      uint32_t stage)
{
    const struct executor *executor = &supervisor->executors[index];

    for (size_t k = 0; k < executor->nqueue; k++)
        if (executor->queue[k].stage == stage && executor->queue[k].lease >> 40 == lease >> 40)
            return true;
    return false;
}

/* What it leaves behind: a lease to blame, right or wrong. */
static uint64_t to_blame(struct executor *executor)
{
    if (executor->last != 0 && sim_chance(sim->p_blame)) {
        sim_happened(FAULT_WRONG_BLAME);
        return executor->last;
    }
    if (executor->working)
        return executor->working_lease;
    return executor->nqueue > 0 && !executor->answered ? executor->queue[0].lease : 0;
}

/* Its answers came before; what it says after that is said by another. */
static double in_order_s(struct executor *executor, double at_s)
{
    executor->told_s = fmax(executor->told_s, at_s);
    return executor->told_s;
}

bool sim_executor_dies(struct mx_supervisor *supervisor, uint32_t index, enum mx_reason reason)
{
    struct executor *executor = &supervisor->executors[index];
    struct sim_event lost = {.kind = SIM_LOST, .process = supervisor->process, .a = index};

    if (!executor->ready)
        return false;
    lost.answer.lease = to_blame(executor);
    lost.answer.reason = reason;
    lost.at_s = in_order_s(executor, sim->now_s + 0.01 * sim_uniform());
    executor->ready = executor->working = false;
    executor->nqueue = 0;
    executor->answered = false;
    executor->last = 0;
    lost.life = ++executor->life;
    sim_plan(lost);
    sim_tell("executor %u of job %u dies, blamed is %llx", supervisor->options.first + index,
             supervisor->process->job->number, (unsigned long long)lost.answer.lease);
    return true;
}

static void plan_answer(struct mx_supervisor *supervisor, struct executor *executor,
                        struct sim_event answer)
{
    double delay_s = 0.02 * sim_uniform();

    answer.kind = SIM_ANSWER;
    answer.answer.held = sim_chance(sim->p_lost);
    if (answer.answer.held)
        delay_s += 0.2;
    answer.at_s = in_order_s(executor, sim->now_s + delay_s);
    sim_plan(answer);
    if (answer.answer.held || !sim_chance(sim->p_twice + sim->p_late))
        return;
    /* Once more: soon, or long after. */
    if (sim_chance(sim->p_twice / (sim->p_twice + sim->p_late))) {
        sim_happened(FAULT_ANSWER_TWICE);
        answer.at_s += sim_uniform();
    } else {
        sim_happened(FAULT_ANSWER_LATE);
        answer.at_s += 60 * sim_uniform();
    }
    sim_plan(answer);
    (void)supervisor;
}

static void work_ends(struct mx_supervisor *supervisor, const struct sim_event *event)
{
    struct executor *executor = &supervisor->executors[event->a];

    if (executor->life != event->life || !executor->working)
        return;
    if (event->b == FATE_CRASHES || event->b == FATE_STALLS) {
        sim_executor_dies(supervisor, event->a,
                          event->b == FATE_STALLS ? MX_REASON_STALLED : MX_REASON_CRASHED);
        return;
    }
    executor->working = false;
    executor->answered = true;
    executor->last = event->answer.lease;
    executor->nqueue--;
    memmove(executor->queue, executor->queue + 1, executor->nqueue * sizeof executor->queue[0]);
    sim_oracle_answered(event->answer.lease, event->answer.stage, event->answer.seconds);
    plan_answer(supervisor, executor, *event);
    work(supervisor, event->a);
}

void sim_executor_event(const struct sim_event *event)
{
    struct mx_supervisor *supervisor = event->process->supervisor;
    struct executor      *executor;

    if (!supervisor || !sim_alive(event->process))
        return;
    executor = &supervisor->executors[event->a];
    if (event->kind == SIM_WORK) {
        work_ends(supervisor, event);
    } else if (event->kind == SIM_ANSWER) {
        if (event->answer.held && executor->life != event->life)
            sim_happened(FAULT_ANSWER_LOST);
        else
            tell(supervisor,
                 (struct tale){event->answer.code ? MX_SUPERVISOR_FAILED : MX_SUPERVISOR_DONE,
                               event->a, event->answer});
    } else if (event->kind == SIM_LOST) {
        tell(supervisor, (struct tale){MX_SUPERVISOR_LOST, event->a, event->answer});
    } else if (executor->life == event->life && sim_chance(sim->p_crash)) {
        sim_happened(FAULT_DEATH_AT_START); /* before it has said anything: nothing is told */
        executor->life++;
        plan_up(supervisor, event->a);
    } else if (executor->life == event->life) {
        executor->ready = true;
        tell(supervisor, (struct tale){.kind = MX_SUPERVISOR_UP, .index = event->a});
    }
}

void mx_supervisor_kill(struct mx_supervisor *supervisor, uint32_t number, enum mx_reason reason)
{
    if (sim_is_real())
        sim_executor_dies(supervisor, number - supervisor->options.first, reason);
}

/* As long as was said or, under MPI, whose naps are short, somewhat longer. */
int mx_supervisor_wait(struct mx_supervisor *supervisor, double timeout_s, int wake_fd,
                       struct mx_err *err)
{
    (void)wake_fd;
    worker_message_free(&supervisor->lent);
    if (sim->current->dead)
        return mx_fail(err, MX_EIO, "the process is dead");
    if (supervisor->first < supervisor->ntales)
        return 0;
    if (sim->current->job->nranks > 1)
        timeout_s = fmax(timeout_s, sim_uniform() * sim->rank_timeout_s / 10);
    sim_wait(sim->now_s + timeout_s);
    return sim->current->dead ? mx_fail(err, MX_EIO, "the process is dead") : 0;
}

/* The message of an answer, and its frame. */
static void lend(struct mx_supervisor *supervisor, const struct sim_answer *answer,
                 struct mx_supervisor_event *event)
{
    struct worker_message *message = &supervisor->lent;

    *message =
        (struct worker_message){.type = answer->code ? WORKER_MESSAGE_FAILED : WORKER_MESSAGE_DONE,
                                .lease = answer->lease,
                                .stage = answer->stage,
                                .seconds = answer->seconds,
                                .code = answer->code};
    if (answer->code)
        snprintf(message->text, sizeof message->text, "it failed");
    message->result.paused_epoch = answer->code ? 0 : answer->epoch;
    if (message->result.paused_epoch > 0)
        worker_result_add(&message->result, sim_metric_names[0],
                          sim_metric(answer->stage, SIM_METRICS + answer->epoch), NULL);
    for (unsigned k = 0; !answer->code && answer->epoch == 0 && k < SIM_METRICS; k++)
        worker_result_add(&message->result, sim_metric_names[k], sim_metric(answer->stage, k),
                          NULL);
    mx_buf_clear(&supervisor->frame);
    worker_message_put(&supervisor->frame, message);
    event->message = message;
    event->frame = supervisor->frame.data;
    event->frame_len = supervisor->frame.len;
}

int mx_supervisor_next(struct mx_supervisor *supervisor, struct mx_supervisor_event *event,
                       struct mx_err *err)
{
    struct tale *tale;

    worker_message_free(&supervisor->lent);
    if (sim->current->dead)
        return mx_fail(err, MX_EIO, "the process is dead");
    if (sim->current->rank == 0)
        sim_oracle_event(sim->current);
    if (supervisor->first == supervisor->ntales)
        return 0;
    sim->current->changed = true;
    tale = &supervisor->tales[supervisor->first++];
    event->kind = (unsigned)tale->kind; /* the enum has no name to be cast to */
    event->executor = supervisor->options.first + tale->index;
    event->lease = tale->answer.lease;
    event->reason = tale->answer.reason;
    event->text[0] = '\0';
    snprintf(event->device, sizeof event->device, "cpu");
    event->gpu = (struct mx_gpu_use){.known = false};
    event->message = NULL;
    event->frame = NULL;
    event->frame_len = 0;
    if (tale->kind == MX_SUPERVISOR_DONE || tale->kind == MX_SUPERVISOR_FAILED)
        lend(supervisor, &tale->answer, event);
    else if (tale->kind == MX_SUPERVISOR_LOST)
        plan_up(supervisor, tale->index); /* it is replaced when it is buried */
    return 1;
}

double mx_supervisor_progress(const struct mx_supervisor *supervisor, uint32_t number)
{
    (void)supervisor, (void)number;
    return NAN;
}

void mx_supervisor_end(struct mx_supervisor *supervisor, double grace_s)
{
    if (supervisor && sim_is_real())
        sim_wait(sim->now_s + grace_s * sim_uniform());
}

void mx_supervisor_close(struct mx_supervisor *supervisor)
{
    if (!supervisor)
        return;
    supervisor->process->supervisor = NULL;
    for (uint32_t i = 0; i < supervisor->options.workers; i++)
        free(supervisor->executors[i].queue);
    worker_message_free(&supervisor->lent);
    mx_buf_free(&supervisor->frame);
    free(supervisor->tales);
    free(supervisor);
}
