/* lanes.h - how a CPU driver runs the lanes of one step.
 *
 * Between two barriers the order of lanes must not matter; tests flip it to
 * show that it does not, which also finds missing barriers.
 */
#ifndef MX_KERN_LANES_H
#define MX_KERN_LANES_H

/* For each lane of n (a power of two above flip), in the order k ^ flip. */
#define KERN_EACH_LANE(flip, lane, n)                                                              \
    for (unsigned k_ = 0, lane = (flip); k_ < (n); k_++, lane = k_ ^ (flip))

#endif
