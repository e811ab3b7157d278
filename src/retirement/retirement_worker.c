/* SPDX-License-Identifier: Apache-2.0 */
#include "retirement/retirement_worker.h"
#include "util/log.h"
#include <stdlib.h>

enum {
    SLICE_BUCKETS = 2048, /* of a walk over users: well under a millisecond where nobody is concerned */
    SLICE_CALLS = 512,
    FOUND_BYTES_MAX = 64 << 20
};

/* What a walk passes, one after the other. */
enum stage { STAGE_BINDINGS, STAGE_WATCHED, STAGE_CALLS, STAGE_END };

struct work {
    struct engine_core *core;
    struct retirement_order order;
    retirement_done_fn done;
    void *arg;
    struct timer timer;
    enum stage stage;
    size_t index, buckets; /* of the walk; how many there were at its last slice */
    struct buffer found;   /* AORs of this slice, each behind its length, a size_t */
    size_t open;           /* users on their way, and one for the walk itself */
    enum err err;
};

/* One user whose end is on its way. */
struct task {
    struct work *work;
    enum notifier_reason reason;
    size_t aor_len;
    char aor[];
};

/* What becomes of a user in this state. */
struct fate {
    bool ends;
    enum registrar_event event;
    enum notifier_reason reason;
    const char *why; /* Reason of the BYE to its calls (RFC 3326) */
};

static const struct fate stays = {.ends = false};
static const struct fate gone = {true, REGISTRAR_REJECTED, NOTIFIER_NORESOURCE, "SIP;cause=410;text=\"Gone\""};
static const struct fate moved = {true, REGISTRAR_REJECTED, NOTIFIER_NORESOURCE,
                                  "SIP;cause=301;text=\"Moved Permanently\""};
static const struct fate removed = {true, REGISTRAR_DEACTIVATED, NOTIFIER_DEACTIVATED,
                                    "SIP;cause=404;text=\"Not Found\""};

static void work_close(struct work *work, enum err err)
{
    if (err != OK)
        work->err = err;
    if (--work->open)
        return;
    work->done(work->arg, work->err);
    buffer_done(&work->found);
    free(work);
}

/* By the directory as it is now, whatever the row said. */
static enum err fate_of(struct work *work, struct span aor, const struct fate **out_fate)
{
    const struct engine_lookup *lookup = &work->core->lookup;
    struct policy_target target = retirement_target(aor);
    struct policy_record record;
    enum err err = lookup->find(lookup->ctx, &target, &record);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (err == ERR_NOT_FOUND)
        *out_fate = work->order.removed ? &removed : &stays;
    else if (record.state == POLICY_STATE_GONE)
        *out_fate = &gone;
    else
        *out_fate = record.state == POLICY_STATE_MOVED ? &moved : &stays;
    return OK;
}

static void on_bindings_gone(void *arg, enum err err)
{
    struct task *task = arg;
    struct span aor = span_make(task->aor, task->aor_len);
    if (err == OK)
        notifier_end(task->work->core->notifier, aor, task->reason);
    work_close(task->work, err);
    free(task);
}

static enum err end_user(struct work *work, struct span aor, const struct fate *fate)
{
    struct task *task = malloc(sizeof(*task) + aor.len);
    if (!task)
        return ERR_NOMEM;
    *task = (struct task){.work = work, .reason = fate->reason, .aor_len = aor.len};
    memcpy(task->aor, aor.at, aor.len);
    struct span copy = span_make(task->aor, task->aor_len);
    struct registrar_name name = {copy, retirement_owner_key(copy)};
    log_debug("retirement", "%.*s: bindings, subscriptions and publications end", (int)aor.len, aor.at);
    work->open++;
    registrar_remove(work->core->registrar, &name, fate->event, on_bindings_gone, task);
    return OK;
}

static void consider(struct work *work, struct span aor)
{
    const struct fate *fate = &stays;
    if (!retirement_covers(&work->order, aor))
        return;
    enum err err = fate_of(work, aor, &fate);
    if (err == OK && fate->ends)
        err = end_user(work, aor, fate);
    if (err != OK)
        work->err = err;
}

/* Ending a user changes the tables that are walked, so the names of a slice are noted first. */
static void note(void *ctx, struct span aor)
{
    struct work *work = ctx;
    buffer_add(&work->found, &aor.len, sizeof(aor.len));
    buffer_add_span(&work->found, aor);
}

static void consider_found(struct work *work)
{
    if (work->found.overflow)
        work->err = ERR_NOMEM; /* the order is given again */
    for (size_t at = 0, len; !work->found.overflow && at < work->found.len; at += sizeof(len) + len) {
        memcpy(&len, work->found.at + at, sizeof(len));
        consider(work, span_make(work->found.at + at + sizeof(len), len));
    }
    buffer_clear(&work->found);
}

/* ---- calls ---- */

static void consider_call(struct work *work, struct call *call)
{
    const struct fate *fate = &stays;
    struct span aor = call_aor(call);
    if (!aor.len || !retirement_covers(&work->order, aor))
        return;
    enum err err = fate_of(work, aor, &fate);
    if (err != OK)
        work->err = err;
    else if (fate->ends)
        call_hangup(call, span_of(fate->why));
}

static void consider_calls(void *ctx, struct call *call)
{
    consider_call(ctx, call);
}

/* ---- walks ---- */

static size_t stage_buckets(const struct work *work)
{
    switch (work->stage) {
    case STAGE_BINDINGS:
        return registrar_buckets(work->core->registrar);
    case STAGE_WATCHED:
        return notifier_buckets(work->core->notifier);
    case STAGE_CALLS:
        return work->core->config->end_retired_calls ? call_table_buckets(work->core->calls) : 0;
    case STAGE_END:
        break;
    }
    return 0;
}

static void pass_bucket(struct work *work, size_t index)
{
    if (work->stage == STAGE_BINDINGS)
        registrar_bucket(work->core->registrar, index, note, work);
    else if (work->stage == STAGE_WATCHED)
        notifier_bucket(work->core->notifier, index, note, work);
    else
        call_table_bucket(work->core->calls, index, consider_calls, work);
}

static void next_stage(struct work *work)
{
    work->stage++;
    work->index = 0;
    work->buckets = 0;
}

/* One slice; false when the walk is over. */
static bool walk(struct work *work)
{
    size_t buckets = stage_buckets(work);
    size_t slice = work->stage == STAGE_CALLS ? SLICE_CALLS : SLICE_BUCKETS;
    if (buckets < work->buckets) /* the table shrank: what moved may have been missed */
        work->index = 0;
    work->buckets = buckets;
    for (size_t i = 0; i < slice && work->index < buckets; i++)
        pass_bucket(work, work->index++);
    consider_found(work);
    if (work->index >= buckets)
        next_stage(work);
    return work->stage != STAGE_END;
}

static void walk_on(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct work *work = container_of(timer, struct work, timer);
    if (walk(work))
        wheel_arm(work->core->wheel, timer, work->core->clock->mono_ms + 1);
    else
        work_close(work, OK);
}

void retirement_carry_out(struct engine_core *core, const struct retirement_order *order, retirement_done_fn done,
                          void *arg)
{
    struct work *work = malloc(sizeof(*work));
    if (!work) {
        done(arg, ERR_NOMEM);
        return;
    }
    *work = (struct work){.core = core, .order = *order, .done = done, .arg = arg, .open = 1};
    work->found = buffer_heap(FOUND_BYTES_MAX);
    timer_init(&work->timer, walk_on);
    if (order->scope == RETIREMENT_OWNER) {
        registrar_owned(core->registrar, retirement_order_key(order), note, work);
        notifier_owned(core->notifier, retirement_order_key(order), note, work);
        consider_found(work);
        work->stage = STAGE_CALLS;
    }
    walk_on(&work->timer, NULL);
}
