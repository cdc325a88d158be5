/* fault.h - places where tests make a process misbehave.
 *
 * The program calls these at the points named below; worker/fault.c does
 * nothing. Tests link a program with functions of their own instead
 * (tests/faults), which crash, hang or lie as they are told. So the program
 * that users have holds no switch for it.
 */
#ifndef MX_WORKER_FAULT_H
#define MX_WORKER_FAULT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum worker_fault_point {
    WORKER_FAULT_EXECUTOR_STARTS, /* before HELLO */
    WORKER_FAULT_STAGE_STARTS,    /* order taken, nothing done */
    WORKER_FAULT_STAGE_ENDS,      /* done, nothing said */
    WORKER_FAULT_HALF_SENT,       /* half of an answer is written */
    WORKER_FAULT_GROUP_STARTS,    /* order to join a group taken, nothing done */
    WORKER_FAULT_GROUP_JOINED,    /* all have joined, nothing is summed */
    WORKER_FAULT_GROUP_HANDS,     /* order to hand numbers over taken, nothing said */
};

/* In an executor, at a point of the plan's stage of that number (0 before
 * HELLO; in a group the member's position). A number is that of one stage whatever
 * the attempt, so that a test can pick its victim. */
void worker_fault(enum worker_fault_point point, uint32_t stage);

/* In a supervisor, or an executor that takes part itself: the bits of a number that it is about to contribute to the
 * reduction of result tables. */
void worker_fault_contribution(uint64_t slot, uint64_t *bits);

#ifdef __cplusplus
}
#endif

#endif
