#include "worker/tally.h"

#include "base/num.h"

const char worker_tally_names[] =
    ",mixed_share,drawn_weight,effective_weight,self_pairs,mixed_accuracy";

static uint32_t predicted(const float *logits, uint32_t classes)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

/* Of image i: the weight of class c in the loss. */
static double weight_of(const struct worker_batch *batch, uint32_t i, uint32_t c, uint32_t classes)
{
    const double lambda = (double)batch->lambda[i];

    if (batch->targets)
        return (double)batch->targets[(size_t)i * classes + c];
    return (c == batch->y_a[i] ? lambda : 0) + (c == batch->y_b[i] ? 1 - lambda : 0);
}

double worker_batch_hits(const struct worker_batch *batch, const float *logits, uint32_t classes)
{
    double hits = 0;

    for (uint32_t i = 0; i < batch->n; i++)
        hits += weight_of(batch, i, predicted(logits + (size_t)i * classes, classes), classes);
    return hits;
}

void worker_tally_add(struct worker_tally *tally, const struct worker_batch *batch, double loss,
                      double hits)
{
    tally->images += batch->n;
    tally->loss += loss * batch->n;
    tally->hits += hits;
    tally->mixed += batch->mixed;
    tally->self_pairs += batch->self_pairs;
    for (uint32_t i = 0; batch->mixed && i < batch->n; i++) {
        tally->drawn += (double)batch->drawn[i];
        tally->effective += (double)batch->area[i];
    }
}

/* Every sum, in the order of a message. */
#define SUMS(X)   X(images) X(loss) X(hits) X(mixed) X(drawn) X(effective) X(self_pairs)
#define PUT(sum)  mx_put_real(out, tally->sum);
#define TAKE(sum) tally->sum = mx_take_real(wire);

void worker_tally_put(struct mx_buf *out, const struct worker_tally *tally)
{
    SUMS(PUT)
}

void worker_tally_take(struct mx_wire *wire, struct worker_tally *tally)
{
    SUMS(TAKE)
}

static void put_share(struct mx_buf *out, double sum, double of)
{
    char text[MX_NUM_SIZE];

    mx_buf_printf(out, ",%s", of > 0 ? mx_num_format(sum / of, text) : "");
}

void worker_tally_format(const struct worker_tally *tally, struct mx_buf *out)
{
    put_share(out, tally->mixed, tally->images);
    put_share(out, tally->drawn, tally->mixed);
    put_share(out, tally->effective, tally->mixed);
    put_share(out, tally->self_pairs, 1);
    put_share(out, tally->hits, tally->images);
}
