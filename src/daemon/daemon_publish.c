/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_publish.h"
#include "daemon/daemon_worker.h"
#include <stdio.h>

enum row_source { FROM_NET, FROM_WORKER, FROM_TXN, FROM_CALL, FROM_NOTIFIER, FROM_HEP, FROM_TLS };

struct row {
    enum row_source source;
    size_t offset; /* of a uint64_t in that source */
    const char *name;
    const char *help;
};

#define NET(field, name, help)                                                                                         \
    {                                                                                                                  \
        FROM_NET, offsetof(struct net_counters, field), name, help                                                     \
    }
#define WORKER(field, name, help)                                                                                      \
    {                                                                                                                  \
        FROM_WORKER, offsetof(struct worker_counters, field), name, help                                               \
    }
#define TXN(field, name, help)                                                                                         \
    {                                                                                                                  \
        FROM_TXN, offsetof(struct txn_counters, field), name, help                                                     \
    }
#define CALL(field, name, help)                                                                                        \
    {                                                                                                                  \
        FROM_CALL, offsetof(struct call_counters, field), name, help                                                   \
    }

#define NOTIFIER(field, name, help)                                                                                    \
    {                                                                                                                  \
        FROM_NOTIFIER, offsetof(struct notifier_counters, field), name, help                                           \
    }

#define HEP(field, name, help)                                                                                         \
    {                                                                                                                  \
        FROM_HEP, offsetof(struct trace_export_counters, field), name, help                                            \
    }

#define TLS(field, name, help)                                                                                         \
    {                                                                                                                  \
        FROM_TLS, offsetof(struct tls_counters, field), name, help                                                     \
    }

static const struct row rows[] = {
    NET(udp_received, "verdict_udp_received_total", "Datagrams received."),
    NET(udp_sent, "verdict_udp_sent_total", "Datagrams sent."),
    NET(udp_send_errors, "verdict_udp_send_errors_total", "Datagrams that the system refused to send."),
    NET(udp_queue_dropped, "verdict_udp_queue_dropped_total", "Datagrams dropped because the socket stayed full."),
    NET(udp_kernel_drops, "verdict_udp_kernel_drops_total", "Datagrams that the kernel dropped: receive buffer full."),
    NET(udp_shed, "verdict_udp_shed_total", "Datagrams dropped before they were read, because of overload."),
    NET(udp_stun, "verdict_stun_answers_total",
        "STUN Binding requests answered, which keep a flow of datagrams alive."),
    NET(stream_accepted, "verdict_connections_accepted_total", "Connections accepted."),
    NET(stream_connected, "verdict_connections_opened_total", "Connections that we opened."),
    NET(stream_refused_total, "verdict_connections_refused_total", "Connections closed at once: too many in all."),
    NET(stream_refused_source, "verdict_connections_refused_source_total",
        "Connections closed at once: too many of one source."),
    NET(stream_refused_starting, "verdict_handshakes_refused_total",
        "Connections closed at once: too many handshakes under way, or of one source."),
    TLS(handshakes, "verdict_tls_handshakes_total", "TLS handshakes completed."),
    TLS(resumed, "verdict_tls_resumed_total", "Of them, by a session ticket."),
    TLS(with_clients, "verdict_tls_clients_verified_total", "Of them, with a client's verified certificate."),
    TLS(connected, "verdict_tls_connected_total", "TLS handshakes completed where we connected."),
    TLS(failed, "verdict_tls_failures_total", "TLS handshakes that failed."),
    NET(stream_accept_pauses, "verdict_accept_pauses_total", "Times that accepting rested for lack of descriptors."),
    NET(stream_messages, "verdict_stream_messages_total", "Messages received over streams."),
    NET(stream_stalls, "verdict_stream_stalls_total", "Times that a stream had to wait for another worker."),
    WORKER(turns, "verdict_loop_turns_total", "Turns of the workers' loops."),
    WORKER(posted, "verdict_handed_over_total", "Messages handed to the worker that owns their call."),
    WORKER(post_full, "verdict_ring_full_total", "Messages that a full ring refused."),
    TXN(resends, "verdict_retransmissions_total", "Final answers sent again."),
    TXN(full, "verdict_transactions_refused_total", "Requests refused because the table was full."),
    CALL(started, "verdict_calls_started_total", "INVITEs answered 200."),
    CALL(resends, "verdict_2xx_retransmissions_total", "200s to INVITE sent again."),
    CALL(missing_acks, "verdict_missing_acks_total", "200s to INVITE that were never acknowledged."),
    CALL(byes_sent, "verdict_byes_sent_total", "BYEs that we sent."),
    CALL(refreshes, "verdict_session_refreshes_total", "UPDATEs and re-INVITEs of ours that refreshed a session."),
    CALL(byes_suppressed, "verdict_byes_suppressed_total", "BYEs not sent: too many to one destination."),
    CALL(bye_failures, "verdict_bye_failures_total", "BYEs that were never answered."),
    NOTIFIER(subscribed, "verdict_subscriptions_opened_total", "SUBSCRIBEs that opened a subscription."),
    NOTIFIER(refreshed, "verdict_subscriptions_refreshed_total", "SUBSCRIBEs that refreshed one."),
    NOTIFIER(expired, "verdict_subscriptions_expired_total", "Subscriptions that were not refreshed in time."),
    NOTIFIER(ended, "verdict_subscriptions_ended_total",
             "Subscriptions that ended with their user, or at the end of the server."),
    NOTIFIER(lost, "verdict_subscriptions_lost_total",
             "Subscriptions whose NOTIFY was answered 481 and the like, or not at all."),
    NOTIFIER(refused_full, "verdict_subscriptions_refused_total", "SUBSCRIBEs and PUBLISHes over a cap."),
    NOTIFIER(notified, "verdict_notifies_sent_total", "NOTIFYs sent."),
    NOTIFIER(failed, "verdict_notifies_failed_total", "NOTIFYs that were never answered, or could not be sent."),
    NOTIFIER(refused, "verdict_notifies_refused_total", "NOTIFYs answered by 300 to 699."),
    NOTIFIER(published, "verdict_publications_total", "PUBLISHes answered 200."),
    HEP(sent, "verdict_hep_sent_total", "Messages exported to the HEP collector."),
    HEP(dropped, "verdict_hep_dropped_total", "Messages not exported: the socket was full, or the collector refused."),
    HEP(cut, "verdict_hep_cut_total", "Messages exported without their end: too long for a datagram."),
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), LEVELS = 12 };

/* Behind the rows: what is computed. */
enum level {
    LEVEL_TXNS,
    LEVEL_TXN_BYTES,
    LEVEL_CALLS,
    LEVEL_CONNECTIONS,
    LEVEL_POLICY_BYTES,
    LEVEL_SUBSCRIPTIONS,
    LEVEL_PUBLICATIONS,
    LEVEL_HANDSHAKES,
    LEVEL_BINDINGS,
    LEVEL_USERS,
    LEVEL_BINDING_BYTES,
    LEVEL_WAITING
};

static enum err add_levels(struct daemon_gauges *gauges, struct metric_registry *registry)
{
    static const char *const levels[][2] = {
        {"verdict_transactions", "Live transactions."},
        {"verdict_transaction_bytes", "Memory of transactions and what they keep."},
        {"verdict_calls", "Live calls."},
        {"verdict_connections", "Open connections."},
        {"verdict_policy_bytes", "Memory of the active policy's VMs."},
        {"verdict_subscriptions", "Live subscriptions."},
        {"verdict_publications", "Publications that have not expired."},
        {"verdict_handshakes_under_way", "Handshakes of TLS and WebSocket under way."},
        {"verdict_bindings", "Contacts that are registered."},
        {"verdict_registered_users", "Addresses-of-record that have a binding."},
        {"verdict_binding_bytes", "Memory of bindings and their users."},
        {"verdict_registers_waiting", "REGISTERs that wait behind another of the same user."},
    };
    _Static_assert(sizeof(levels) / sizeof(levels[0]) == LEVELS, "a name for each");
    enum err err = OK;
    for (unsigned i = 0; i < LEVELS && err == OK; i++)
        err = metric_add(registry, METRIC_GAUGE, levels[i][0], "", levels[i][1], &gauges->metrics[ROWS + i]);
    return err;
}

enum err daemon_gauges_init(struct daemon_gauges *gauges, struct metric_registry *registry)
{
    _Static_assert(ROWS + LEVELS <= DAEMON_GAUGES_MAX, "room for all");
    char labels[64];
    enum err err = OK;
    for (unsigned i = 0; i < ROWS && err == OK; i++)
        err = metric_add(registry, METRIC_COUNTER, rows[i].name, "", rows[i].help, &gauges->metrics[i]);
    for (unsigned i = 0; i < NET_CLOSE_COUNT && err == OK; i++) {
        snprintf(labels, sizeof(labels), "reason=\"%s\"", net_close_name((enum net_close)i));
        err = metric_add(registry, METRIC_COUNTER, "verdict_connections_closed_total", labels,
                         "Connections ended, by reason.", &gauges->closed[i]);
    }
    for (unsigned i = 0; i < TXN_LEDGER_KIND_COUNT && err == OK; i++) {
        snprintf(labels, sizeof(labels), "kind=\"%s\"", txn_ledger_kind_text((enum txn_ledger_kind)i));
        err = metric_add(registry, METRIC_COUNTER, "verdict_acks_total", labels, "What became of answers to INVITE.",
                         &gauges->acks[i]);
    }
    for (unsigned i = 0; i < REGISTRAR_OUT_COUNT && err == OK; i++) {
        snprintf(labels, sizeof(labels), "outcome=\"%s\"", registrar_outcome_text((enum registrar_outcome)i));
        err = metric_add(registry, METRIC_COUNTER, "verdict_registers_total", labels,
                         "REGISTERs that a policy let through, by what became of them.", &gauges->registers[i]);
    }
    return err == OK ? add_levels(gauges, registry) : err;
}

static void set(struct metric *metric, unsigned shard, uint64_t value)
{
    metric_set(metric, shard, (int64_t)value);
}

void daemon_gauges_set(struct daemon_gauges *gauges, unsigned shard, const struct daemon_counts *counts)
{
    const void *const sources[] = {counts->net,      counts->worker, counts->txn, counts->call,
                                   counts->notifier, counts->hep,    counts->tls};
    for (unsigned i = 0; i < ROWS; i++) {
        const char *from = sources[rows[i].source];
        if (from)
            set(gauges->metrics[i], shard, *(const uint64_t *)(const void *)(from + rows[i].offset));
    }
    for (unsigned i = 0; counts->net && i < NET_CLOSE_COUNT; i++)
        set(gauges->closed[i], shard, counts->net->stream_closed[i]);
    for (unsigned i = 0; i < TXN_LEDGER_KIND_COUNT; i++)
        set(gauges->acks[i], shard, counts->acks->counts[i]);
    for (unsigned i = 0; i < REGISTRAR_OUT_COUNT; i++)
        set(gauges->registers[i], shard, counts->bindings.outcomes[i]);
    set(gauges->metrics[ROWS + LEVEL_BINDINGS], shard, counts->bindings.bindings);
    set(gauges->metrics[ROWS + LEVEL_USERS], shard, counts->bindings.users);
    set(gauges->metrics[ROWS + LEVEL_BINDING_BYTES], shard, counts->bindings.bytes);
    set(gauges->metrics[ROWS + LEVEL_WAITING], shard, counts->bindings.waiting);
    set(gauges->metrics[ROWS + LEVEL_TXNS], shard, counts->census.servers + counts->census.clients);
    set(gauges->metrics[ROWS + LEVEL_TXN_BYTES], shard, counts->census.memory);
    set(gauges->metrics[ROWS + LEVEL_CALLS], shard, counts->calls);
    set(gauges->metrics[ROWS + LEVEL_CONNECTIONS], shard, counts->net ? counts->net->stream_open : 0);
    set(gauges->metrics[ROWS + LEVEL_POLICY_BYTES], shard, counts->policy_bytes);
    set(gauges->metrics[ROWS + LEVEL_SUBSCRIPTIONS], shard, counts->watched.subscriptions);
    set(gauges->metrics[ROWS + LEVEL_PUBLICATIONS], shard, counts->watched.publications);
    set(gauges->metrics[ROWS + LEVEL_HANDSHAKES], shard, counts->net ? counts->net->stream_starting : 0);
}

void daemon_worker_publish(struct daemon_worker *self)
{
    struct engine_core *core = self->core;
    struct trace_export_counters hep = {0};
    if (self->trace)
        hep = trace_counters(self->trace);
    struct daemon_counts counts = {
        .net = self->stack ? net_stack_counters(self->stack) : NULL,
        .worker = worker_counters(self->worker),
        .txn = txn_table_counters(core->txns),
        .call = call_table_counters(core->calls),
        .notifier = notifier_table_counters(core->notifier),
        .watched = notifier_table_census(core->notifier),
        .hep = &hep,
        .tls = &self->tls.counters,
        .calls = call_table_count(core->calls),
        .policy_bytes = core->policy ? policy_memory(core->policy) : 0,
        .acks = txn_ledger_totals(txn_table_ledger(core->txns)),
    };
    registrar_census(core->registrar, &counts.bindings);
    txn_table_census(core->txns, &counts.census);
    daemon_gauges_set(self->shared->gauges, worker_index(self->worker), &counts);
}
