/* SPDX-License-Identifier: Apache-2.0 */
/* `verdict status`: what a human wants to see first, as one JSON object. */
#include "daemon/daemon_ledger.h"
#include "daemon/daemon_priv.h"
#include "util/json.h"
#include <stdlib.h>
#include <unistd.h>

enum { PEERS_MAX = 20 };

/* One worker's answer, copied on its own thread. */
struct worker_status {
    struct net_counters net;
    struct worker_counters worker;
    struct txn_counters txn;
    struct call_counters call;
    struct txn_census census;
    size_t calls;
    size_t policy_bytes;
    uint64_t refused_sources;
    struct txn_ledger_entry totals;
    struct txn_ledger_entry peers[PEERS_MAX];
    unsigned peer_count;
};

static void on_worker_status(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    struct worker_status *out = &((struct worker_status *)arg)[worker_index(worker)];
    struct txn_ledger *ledger = txn_table_ledger(self->core->txns);
    if (self->stack)
        out->net = *net_stack_counters(self->stack);
    out->worker = *worker_counters(worker);
    out->txn = *txn_table_counters(self->core->txns);
    out->call = *call_table_counters(self->core->calls);
    txn_table_census(self->core->txns, &out->census);
    out->calls = call_table_count(self->core->calls);
    out->policy_bytes = self->core->policy ? policy_memory(self->core->policy) : 0;
    out->refused_sources = txn_reflect_refused(txn_table_reflect(self->core->txns));
    out->totals = *txn_ledger_totals(ledger);
    const struct txn_ledger_entry *entry = txn_ledger_next(ledger, NULL);
    for (; entry && out->peer_count < PEERS_MAX; entry = txn_ledger_next(ledger, entry))
        out->peers[out->peer_count++] = *entry;
    daemon_worker_publish(self);
}

static void put_policy(const struct daemon *daemon, struct json *json)
{
    struct policy_program *program = release_program(daemon->release);
    const struct policy_description *about = program ? policy_describe(program) : NULL;
    const struct release_counters *counters = release_counters(daemon->release);
    json_key(json, "policy");
    json_object_begin(json);
    json_put_u64(json, "version", release_active(daemon->release));
    json_put_text(json, "name", about ? about->name : NULL);
    json_put_text(json, "hash", about ? about->hash : NULL);
    json_put_u64(json, "rules", about ? about->rule_count : 0);
    json_put_text(json, "path", release_path(daemon->release));
    json_put_u64(json, "reloads", counters->reloads);
    json_put_u64(json, "failures", counters->failures);
    json_put_u64(json, "rollbacks", counters->rollbacks);
    json_object_end(json);
}

/* What is tried now, or was last: the whole of it is `verdict shadow`'s. */
static void put_trial(struct daemon *daemon, const char *key, enum release_trial trial, struct json *json)
{
    json_key(json, key);
    release_trial_summary(daemon->release, trial, json);
}

static void put_listeners(const struct daemon *daemon, struct json *json)
{
    static const char *const transports[] = {"udp", "tcp", "tls", "ws", "wss"};
    char text[NET_ADDRESS_TEXT_MAX];
    json_key(json, "listeners");
    json_array_begin(json);
    for (unsigned i = 0; i < net_listeners_count(daemon->listeners); i++) {
        const struct net_listener *listener = net_listeners_at(daemon->listeners, i);
        net_address_text(&listener->address, text);
        json_object_begin(json);
        json_put_text(json, "transport", transports[listener->transport]);
        json_put_text(json, "address", text);
        json_put_u64(json, "receive_buffer", (uint64_t)listener->receive_buffer);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_worker(const struct worker_status *status, unsigned index, struct json *json)
{
    json_object_begin(json);
    json_put_u64(json, "index", index);
    json_put_u64(json, "calls", status->calls);
    json_put_u64(json, "transactions", status->census.servers + status->census.clients);
    json_put_u64(json, "transaction_bytes", status->census.memory);
    json_put_u64(json, "connections", status->net.stream_open);
    json_put_u64(json, "datagrams", status->net.udp_received);
    json_put_u64(json, "kernel_drops", status->net.udp_kernel_drops);
    json_put_u64(json, "messages", status->net.stream_messages);
    json_put_u64(json, "handed_over", status->worker.posted);
    json_put_u64(json, "ring_full", status->worker.post_full);
    json_put_u64(json, "policy_bytes", status->policy_bytes);
    json_put_u64(json, "refused_sources", status->refused_sources);
    json_object_end(json);
}

static void put_acks(const struct worker_status *status, unsigned workers, struct json *json)
{
    struct txn_ledger_entry total = {0}, peers[PEERS_MAX];
    unsigned count = 0;
    for (unsigned w = 0; w < workers; w++) {
        daemon_ledger_add(&total, &status[w].totals);
        count = daemon_ledger_merge(status[w].peers, status[w].peer_count, peers, count, PEERS_MAX);
    }
    json_key(json, "acks");
    json_object_begin(json);
    daemon_ledger_put(&total, json);
    json_key(json, "peers");
    json_array_begin(json);
    for (unsigned i = 0; i < count; i++)
        daemon_ledger_put_peer(&peers[i], json);
    json_array_end(json);
    json_object_end(json);
}

static void put_directory(const struct daemon *daemon, struct json *json)
{
    struct directory_info info;
    json_key(json, "directory");
    if (!daemon->shared.directory || directory_info(daemon->shared.directory, &info) != OK) {
        json_none(json);
        return;
    }
    json_object_begin(json);
    json_put_text(json, "status", directory_status_text(info.status));
    if (info.reason[0])
        json_put_text(json, "reason", info.reason);
    json_put_u64(json, "entries", info.total);
    json_put_u64(json, "generation", info.generation);
    json_put_u64(json, "journal", info.journal_last);
    json_put_bool(json, "importing", info.importing);
    for (int state = 0; state < ENTRY_STATE_COUNT; state++) {
        uint64_t sum = 0;
        for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++)
            sum += info.counts[kind][state];
        json_put_u64(json, entry_state_text((enum entry_state)state), sum);
    }
    json_object_end(json);
}

static void put_decisions(const struct daemon *daemon, struct json *json)
{
    const struct decisions_log *log = daemon->shared.decisions;
    json_key(json, "decision_log");
    json_object_begin(json);
    json_put_u64(json, "written", log ? decisions_log_written(log) : 0);
    json_put_u64(json, "dropped", log ? decisions_log_dropped(log) : 0);
    json_put_u64(json, "failed", log ? decisions_log_failed(log) : 0);
    json_object_end(json);
}

void daemon_status_json(struct daemon *daemon, struct buffer *out)
{
    unsigned workers = worker_group_count(daemon->group);
    struct worker_status *status = calloc(workers, sizeof(*status));
    struct json json = json_into(out);
    size_t calls = 0;
    if (!status || worker_run_wait_all(daemon->group, on_worker_status, status) != OK)
        workers = 0;
    for (unsigned i = 0; i < workers; i++)
        calls += status[i].calls;
    json_object_begin(&json);
    json_put_text(&json, "version", VERDICT_VERSION);
    json_put_u64(&json, "pid", (uint64_t)getpid());
    json_put_u64(&json, "uptime_s", ((uint64_t)clock_wall_ms() - daemon->started_ms) / 1000);
    json_put_bool(&json, "draining", daemon->draining);
    json_put_u64(&json, "calls", calls);
    put_policy(daemon, &json);
    put_trial(daemon, "shadow", RELEASE_SHADOW, &json);
    put_trial(daemon, "probation", RELEASE_PROBATION, &json);
    put_listeners(daemon, &json);
    json_key(&json, "workers");
    json_array_begin(&json);
    for (unsigned i = 0; i < workers; i++)
        put_worker(&status[i], i, &json);
    json_array_end(&json);
    put_acks(status, workers, &json);
    put_directory(daemon, &json);
    daemon_retirement_put(daemon, &json);
    put_decisions(daemon, &json);
    json_object_end(&json);
    free(status);
}
