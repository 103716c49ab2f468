/* `rankpool doctor`: what goes wrong in practice, each with the mend.
 *
 *     doctor_ask       all nodes are asked for their facts (facts.h), many at a time; who does not answer is
 *                      a finding by itself, with what ssh or its like said
 *     doctor_examine   the facts, each against what it should be and against those of the others: pure
 *     doctor_connect   nodes connect to each other (listen.h): to those processes that told the facts
 *     doctor_try       a message and a map over all nodes, by mpirun, and by srun where there is one
 *
 * Each adds findings, at least one for every check, so that what was not looked at is said as well. */
#ifndef RANKPOOL_CLI_DOCTOR_H
#define RANKPOOL_CLI_DOCTOR_H

#include "cli/finding.h"
#include "launch/allocation.h"
#include "launch/errand.h"
#include "launch/list.h"
#include "node/node.h"

struct doctor_node {
    const char *host; /* as the allocation names it */
    int slots;        /* 0: nobody said */
    bool answers;
    struct list facts;
    double from, to; /* when it was asked, and had answered: seconds since 1970, by our clock */
};

struct doctor {
    enum means means;
    const char *command; /* the path of rankpool */
    const char *mpirun;  /* or "" */
    const char *program; /* the path of what is to run on all nodes */
    const char *trial;   /* the path of rankpool-trial */
    int patience_s;      /* that a node may take to answer */
    struct node_request request;
    struct doctor_node *node; /* the first is where the manager runs */
    struct errand *errands;   /* to each of them, which stays there until all have been connected to */
    int count;
    struct findings findings;
};

/* RP_LAUNCH, RP_NO_MEMORY: nobody could be asked. Whom it asked are let go of by doctor_part. */
rp_status doctor_ask(struct doctor *doctor, struct error *error);
void doctor_part(struct doctor *doctor);
void doctor_examine(struct doctor *doctor);
rp_status doctor_connect(struct doctor *doctor, struct error *error);
rp_status doctor_try(struct doctor *doctor, struct error *error);

/* Words that run `command` of this machine on a node. */
void doctor_words(const struct doctor *doctor, const struct doctor_node *node, char *const *command,
                  struct list *words);

bool doctor_all_answer(const struct doctor *doctor);

#endif
