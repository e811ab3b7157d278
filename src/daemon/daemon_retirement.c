/* SPDX-License-Identifier: Apache-2.0 */
/* Who ends in the directory, ends on the workers: orders of the directory's consumer go to those whom they concern. */
#include "daemon/daemon_priv.h"
#include "retirement/retirement_worker.h"
#include "util/log.h"
#include <stdlib.h>
#include <time.h>

/* One order on its way to some workers; freed by the last that is done. */
struct share {
    const struct retirement_order *order;
    retirement_carried_fn carried;
    void *arg;
    atomic_uint open;
    atomic_int err;
};

static void share_close(void *arg, enum err err)
{
    struct share *share = arg;
    if (err != OK)
        atomic_store(&share->err, (int)err);
    if (atomic_fetch_sub(&share->open, 1) != 1)
        return;
    share->carried(share->arg, (enum err)atomic_load(&share->err));
    free(share);
}

static void on_worker_order(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    struct share *share = arg;
    if (self->lookup.reader)
        directory_reader_turn_end(
            self->lookup.reader); /* a snapshot from before the change would say that all is well */
    retirement_carry_out(self->core, share->order, share_close, share);
}

static void post(struct daemon *daemon, unsigned worker, struct share *share)
{
    enum err err;
    while ((err = worker_run(daemon->group, worker, on_worker_order, share)) == ERR_FULL)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* it is at work on what the others want */
    if (err != OK)
        share_close(share, err);
}

/* On the consumer's thread.  Calls are where their Call-ID leads, users where their name does. */
static void carry_out(void *ctx, const struct retirement_order *order, retirement_carried_fn carried, void *arg)
{
    struct daemon *daemon = ctx;
    unsigned count = worker_group_count(daemon->group);
    bool one = order->scope == RETIREMENT_OWNER && !daemon->config->end_retired_calls;
    struct share *share = malloc(sizeof(*share));
    if (!share) {
        carried(arg, ERR_NOMEM);
        return;
    }
    *share = (struct share){.order = order, .carried = carried, .arg = arg};
    atomic_init(&share->open, one ? 1 : count);
    atomic_init(&share->err, OK);
    if (one)
        post(daemon, daemon_steer_user(&daemon->shared.steering, retirement_order_key(order), count), share);
    for (unsigned i = 0; !one && i < count; i++)
        post(daemon, i, share);
}

enum err daemon_retirement_start(struct daemon *daemon)
{
    struct retirement_options options = {.directory = daemon->shared.directory,
                                         .data_dir = daemon->config->data_dir,
                                         .ctx = daemon,
                                         .carry_out = carry_out};
    return daemon->shared.directory ? retirement_start(&options, &daemon->retirement) : OK;
}

void daemon_retirement_stop(struct daemon *daemon)
{
    retirement_stop(daemon->retirement);
    daemon->retirement = NULL;
}

void daemon_retirement_put(struct daemon *daemon, struct json *json)
{
    struct retirement_status status;
    if (!daemon->retirement)
        return;
    retirement_status(daemon->retirement, &status);
    json_key(json, "retirement");
    json_object_begin(json);
    json_put_u64(json, "next_row", status.next == UINT64_MAX ? 0 : status.next);
    json_put_u64(json, "orders", status.orders);
    json_put_u64(json, "sweeps", status.sweeps);
    json_put_u64(json, "retries", status.retries);
    json_put_text(json, "last_error", status.last_error == OK ? NULL : err_text(status.last_error));
    json_object_end(json);
}
