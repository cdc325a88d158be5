/* link_group.h - inside the link: a sum over executors of GPUs, shared by the files that carry it out.
 *
 * link_group.c    the tries, and what is done about one that fails
 * link_members.c  who takes part, who gives what to whom
 */
#ifndef MX_SWEEP_LINK_GROUP_H
#define MX_SWEEP_LINK_GROUP_H

#include "sweep/link_reduce.h"
#include "worker/group.h"

enum group_member_state {
    MEMBER_ASKED,
    MEMBER_DONE,
    MEMBER_FAILED, /* says so */
    MEMBER_LOST,
};

struct group_member {
    uint32_t                executor;
    const char             *card; /* whose GPU it has */
    enum group_member_state state;
    struct mx_err           failure;
    unsigned                to;     /* of those that give: the member that takes it */
    struct reduce_slots    *handed; /* of those that give: what they gave */
};

struct link_group {
    struct link_job            *job;
    struct group_member        *members;  /* (n) of this try: those that take part, then others */
    unsigned                    n, npart; /* npart: take part, one a card */
    bool                       *ended;    /* by executor: not to take part any more */
    uint64_t                   *made;     /* by executor: stages that it computed */
    bool                       *given;    /* by stage: by a member of this try */
    struct worker_group_stages *runs;     /* of one member's stages */
    struct reduce_slots        *sum;
    uint32_t                    round;
    double                      deadline_s;
    unsigned char               id[REDUCE_GROUP_ID];
    struct mx_err               broken; /* by what was received: no try mends it */
};

/* A zeroed group but for its job. Returns 0, or -1 with MX_ENOMEM; group_close() is due either way. */
int  group_open(struct link_group *group, struct mx_err *err);
void group_close(struct link_group *group);

/* Choose the members of the next try, and forget what the last one gave. */
void group_choose(struct link_group *group);

/* What a member contributes, or gives, as an order whose stages are lent until the next call; notes
 * that it is given. */
struct worker_group_order group_order(struct link_group *group, unsigned member);

/* Append what others of its card gave, for the order of a member that takes part; what makes it too
 * long for one order is not given. -1 with MX_ENOMEM. */
int group_put_handed(struct link_group *group, unsigned member, struct mx_buf *out,
                     struct mx_err *err);

/* What no member gave: the journal's, added to the sum. -1 with MX_ENOMEM, or MX_EINTERNAL if it is in
 * the sum all the same. */
int group_add_journal(struct link_group *group, struct mx_err *err);

#endif
