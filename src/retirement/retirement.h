/* SPDX-License-Identifier: Apache-2.0 */
/* Retirement reaches everyone: a consumer of the directory's journal, with a thread and a saved position of its own.  Each
 * row that ends somebody becomes an order to the workers; the position moves on when all of them have carried it
 * out, so that a process that is killed begins there again.  An order acts on the directory as it is when it is carried out:
 * to carry it out twice changes nothing, and who was restored meanwhile is left in peace. */
#pragma once

#include "retirement/retirement_order.h"

struct retirement;

typedef void (*retirement_carried_fn)(void *arg, enum err err);

struct retirement_options {
    struct directory *directory; /* borrowed */
    const char *data_dir;        /* borrowed; the position is kept there */
    void *ctx;
    /* Has every worker whom the order may concern carry it out, and then calls `carried` once, from any thread, perhaps
     * before it returns.  `order` is valid until then. */
    void (*carry_out)(void *ctx, const struct retirement_order *order, retirement_carried_fn carried, void *arg);
    unsigned retry_ms; /* after a failure; 0: 1000 */
};

/* Starts the thread, which first catches up.  ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err retirement_start(const struct retirement_options *options, struct retirement **out_retirement);
/* The directory changed: any thread, cheap. */
void retirement_wake(struct retirement *retirement);
/* Ends the thread; what has been ordered and not carried out by then is ordered again after the next start.  `carry_out` must go on
 * calling `carried` until this returns.  NULL is fine. */
void retirement_stop(struct retirement *retirement);

struct retirement_status {
    uint64_t next;    /* journal row to be looked at next */
    uint64_t orders;  /* carried out since the start */
    uint64_t sweeps;  /* of these, looks at everybody */
    uint64_t retries; /* times that one had to be given again, or the position could not be written */
    enum err last_error;
};
void retirement_status(struct retirement *retirement, struct retirement_status *out_status);
