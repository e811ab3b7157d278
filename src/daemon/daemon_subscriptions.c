/* SPDX-License-Identifier: Apache-2.0 */
/* `verdict subscriptions`: who watches whom, written on each worker's own thread, put together here. */
#include "daemon/daemon_priv.h"
#include "util/json.h"
#include <stdlib.h>

enum { BYTES_MAX = 4 << 20 };

/* One worker's part. */
struct part {
    struct span aor; /* empty: all users */
    size_t limit;
    size_t total, shown;
    struct notifier_census census;
    struct buffer rows; /* objects with commas between them */
};

static void put_subscription(const struct notifier_subscription *subscription, unsigned worker, struct buffer *out)
{
    char source[NET_ADDRESS_TEXT_MAX];
    net_address_text(notifier_source(subscription), source);
    if (out->len)
        buffer_add_byte(out, ',');
    struct json json = json_into(out);
    json_object_begin(&json);
    json_put_span(&json, "user", notifier_aor(subscription));
    json_put_text(&json, "event", notifier_event(subscription));
    json_put_span(&json, "watcher", notifier_watcher(subscription));
    json_put_text(&json, "state", notifier_state_text(subscription));
    json_put_u64(&json, "expires_s", notifier_expires_s(subscription));
    json_put_u64(&json, "notified", notifier_version(subscription));
    json_put_text(&json, "source", source);
    json_put_span(&json, "call_id", notifier_call_id(subscription));
    json_put_u64(&json, "worker", worker);
    json_object_end(&json);
}

static void on_worker(struct worker *worker, void *arg)
{
    const struct daemon_worker *self = worker_data(worker);
    struct part *part = &((struct part *)arg)[worker_index(worker)];
    const struct notifier_table *table = self->core->notifier;
    bool all = span_is_empty(part->aor);
    part->census = notifier_table_census(table);
    const struct notifier_subscription *at = notifier_next(table, NULL);
    for (; at && (!all || part->shown < part->limit); at = notifier_next(table, at)) {
        if (!all && !span_equal(notifier_aor(at), part->aor))
            continue;
        part->total++;
        size_t before = part->rows.len;
        if (part->shown < part->limit)
            put_subscription(at, worker_index(worker), &part->rows);
        if (part->rows.overflow)
            part->rows.len = before;
        else
            part->shown += part->shown < part->limit;
    }
    if (all)
        part->total = part->census.subscriptions;
}

static void put_parts(const struct part *parts, unsigned workers, struct buffer *out)
{
    size_t total = 0, shown = 0, publications = 0;
    bool any = false;
    for (unsigned i = 0; i < workers; i++) {
        total += parts[i].total;
        shown += parts[i].shown;
        publications += parts[i].census.publications;
    }
    buffer_addf(out, "{\"total\":%zu,\"shown\":%zu,\"publications\":%zu,\"subscriptions\":[", total, shown,
                publications);
    for (unsigned i = 0; i < workers; i++) {
        if (any && parts[i].rows.len)
            buffer_add_byte(out, ',');
        any = any || parts[i].rows.len;
        buffer_add_span(out, buffer_span(&parts[i].rows));
    }
    buffer_add_literal(out, "]}");
}

void daemon_subscriptions_json(struct daemon *daemon, struct span aor, size_t limit, struct buffer *out)
{
    unsigned workers = worker_group_count(daemon->group);
    struct part *parts = calloc(workers, sizeof(*parts));
    for (unsigned i = 0; parts && i < workers; i++)
        parts[i] = (struct part){.aor = aor, .limit = limit, .rows = buffer_heap(BYTES_MAX / workers)};
    bool asked = parts && worker_run_wait_all(daemon->group, on_worker, parts) == OK;
    put_parts(parts, asked ? workers : 0, out);
    for (unsigned i = 0; parts && i < workers; i++)
        buffer_done(&parts[i].rows);
    free(parts);
}
