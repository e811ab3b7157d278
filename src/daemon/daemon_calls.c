/* SPDX-License-Identifier: Apache-2.0 */
/* `verdict calls` and `verdict call show`: live calls and the messages in the workers' rings, written on each worker's
 * own thread, put together here. */
#include "daemon/daemon_priv.h"
#include "util/json.h"
#include <stdlib.h>

/* What one answer holds at most.  A Call-ID's messages are all in the ring of one worker. */
enum { MESSAGES_MAX = 500, ROWS_BYTES_MAX = 8 << 20, CALLS_BYTES_MAX = 4 << 20 };

/* One worker's part. */
struct part {
    struct span call_id; /* empty: all calls */
    size_t limit;
    size_t total; /* calls of this worker */
    size_t shown;
    struct buffer calls;    /* objects with commas between them */
    struct buffer messages; /* likewise; the latest MESSAGES_MAX */
    size_t message_count;
    bool keeps; /* this worker has a ring */
};

static const char *const transports[NET_TRANSPORT_COUNT] = {
    [NET_UDP] = "udp", [NET_TCP] = "tcp", [NET_TLS] = "tls", [NET_WS] = "ws", [NET_WSS] = "wss",
};

static void put_address(struct json *json, const char *key, const struct net_address *address)
{
    char text[NET_ADDRESS_TEXT_MAX];
    net_address_text(address, text);
    json_put_text(json, key, address->family == NET_FAMILY_NONE ? NULL : text);
}

static void put_call(const struct call *call, unsigned worker, struct buffer *out)
{
    if (out->len)
        buffer_add_byte(out, ',');
    struct json json = json_into(out);
    json_object_begin(&json);
    json_put_span(&json, "call_id", call_id(call));
    json_put_text(&json, "state", call_state_text(call_state(call)));
    json_put_u64(&json, "age_ms", call_age_ms(call));
    json_put_text(&json, "ack", call_ack_text(call));
    json_put_u64(&json, "retransmissions", call_resends(call));
    put_address(&json, "peer", call_source(call));
    json_put_text(&json, "transport", transports[call_flow(call)->transport]);
    json_put_span(&json, "from", call_from(call));
    json_put_span(&json, "to", call_to(call));
    json_put_u64(&json, "worker", worker);
    json_object_end(&json);
}

static void put_message(const struct trace_record *record, struct buffer *out)
{
    if (out->len)
        buffer_add_byte(out, ',');
    struct json json = json_into(out);
    json_object_begin(&json);
    json_put_u64(&json, "time_us", record->at_us);
    json_put_text(&json, "direction", record->direction == TRACE_IN ? "in" : "out");
    json_put_text(&json, "transport", transports[record->flow.transport]);
    put_address(&json, "peer", &record->flow.remote);
    put_address(&json, "local", &record->flow.local);
    json_put_u64(&json, "bytes", record->len);
    json_put_span(&json, "text", span_make(record->bytes, record->kept));
    json_object_end(&json);
}

static void put_messages(const struct trace_ring *ring, struct part *part)
{
    size_t found = 0;
    const struct trace_record *at;
    for (at = trace_ring_next(ring, NULL); at; at = trace_ring_next(ring, at))
        found += trace_ring_is_of(ring, at, part->call_id);
    size_t skip = found > MESSAGES_MAX ? found - MESSAGES_MAX : 0;
    for (at = trace_ring_next(ring, NULL); at; at = trace_ring_next(ring, at)) {
        if (!trace_ring_is_of(ring, at, part->call_id) || part->message_count++ < skip)
            continue;
        size_t before = part->messages.len;
        put_message(at, &part->messages);
        if (part->messages.overflow) {
            part->messages.len = before;
            break;
        }
    }
}

static void on_worker_calls(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    struct part *part = &((struct part *)arg)[worker_index(worker)];
    struct call_table *calls = self->core->calls;
    bool all = span_is_empty(part->call_id);
    part->total = call_table_count(calls);
    for (struct call *call = call_next(calls, NULL); call && part->shown < part->limit; call = call_next(calls, call)) {
        if (!all && !span_equal(call_id(call), part->call_id))
            continue;
        size_t before = part->calls.len;
        put_call(call, worker_index(worker), &part->calls);
        if (part->calls.overflow) {
            part->calls.len = before;
            break;
        }
        part->shown++;
    }
    const struct trace_ring *ring = self->trace ? trace_ring_of(self->trace) : NULL;
    part->keeps = ring != NULL;
    if (ring && !all)
        put_messages(ring, part);
}

/* Asks all workers; NULL: they do not answer, or memory is out. */
static struct part *ask(struct daemon *daemon, struct span call_id, size_t limit)
{
    unsigned workers = worker_group_count(daemon->group);
    struct part *parts = calloc(workers, sizeof(*parts));
    if (!parts)
        return NULL;
    for (unsigned i = 0; i < workers; i++)
        parts[i] = (struct part){.call_id = call_id,
                                 .limit = limit,
                                 .calls = buffer_heap(CALLS_BYTES_MAX / workers),
                                 .messages = buffer_heap(ROWS_BYTES_MAX)};
    if (worker_run_wait_all(daemon->group, on_worker_calls, parts) == OK)
        return parts;
    free(parts); /* nothing was written into them */
    return NULL;
}

static void free_parts(struct part *parts, unsigned workers)
{
    for (unsigned i = 0; parts && i < workers; i++) {
        buffer_done(&parts[i].calls);
        buffer_done(&parts[i].messages);
    }
    free(parts);
}

/* The rows of all workers as a JSON array. */
static void put_rows(const struct part *parts, unsigned workers, bool messages, struct buffer *out)
{
    bool any = false;
    buffer_add_byte(out, '[');
    for (unsigned i = 0; i < workers; i++) {
        const struct buffer *rows = messages ? &parts[i].messages : &parts[i].calls;
        if (!rows->len)
            continue;
        if (any)
            buffer_add_byte(out, ',');
        buffer_add_span(out, buffer_span(rows));
        any = true;
    }
    buffer_add_byte(out, ']');
}

void daemon_calls_json(struct daemon *daemon, size_t limit, struct buffer *out)
{
    struct part *parts = ask(daemon, SPAN(""), limit);
    unsigned workers = parts ? worker_group_count(daemon->group) : 0;
    size_t total = 0, shown = 0;
    for (unsigned i = 0; i < workers; i++) {
        total += parts[i].total;
        shown += parts[i].shown;
    }
    buffer_addf(out, "{\"total\":%zu,\"shown\":%zu,\"calls\":", total, shown);
    put_rows(parts, workers, false, out);
    buffer_add_byte(out, '}');
    free_parts(parts, workers);
}

enum err daemon_call_json(struct daemon *daemon, struct span call_id, struct buffer *out)
{
    struct part *parts = ask(daemon, call_id, MESSAGES_MAX);
    unsigned workers = parts ? worker_group_count(daemon->group) : 0;
    size_t known = 0;
    bool keeps = false;
    for (unsigned i = 0; i < workers; i++) {
        known += parts[i].shown + parts[i].message_count;
        keeps = keeps || parts[i].keeps;
    }
    if (known) {
        struct json json = json_into(out);
        json_object_begin(&json);
        json_put_span(&json, "call_id", call_id);
        json_put_bool(&json, "keeps", keeps);
        buffer_add_literal(out, ",\"calls\":");
        put_rows(parts, workers, false, out);
        buffer_add_literal(out, ",\"messages\":");
        put_rows(parts, workers, true, out);
        json_object_end(&json);
    }
    free_parts(parts, workers);
    return known ? OK : ERR_NOT_FOUND;
}
