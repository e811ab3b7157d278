/* SPDX-License-Identifier: Apache-2.0 */
/* Plain counters of the lower floors as metrics: a worker copies its own into its shard now and then, so that reading
 * /metrics waits for nobody. */
#pragma once

#include "call/call_table.h"
#include "net/net_stack.h"
#include "notifier/notifier.h"
#include "registrar/registrar.h"
#include "tls/tls_layer.h"
#include "trace/trace.h"
#include "util/metric.h"
#include "worker/worker_group.h"

enum { DAEMON_GAUGES_MAX = 96 };

struct daemon_gauges {
    struct metric *metrics[DAEMON_GAUGES_MAX];
    struct metric *closed[NET_CLOSE_COUNT];
    struct metric *acks[TXN_LEDGER_KIND_COUNT];
    struct metric *registers[REGISTRAR_OUT_COUNT];
};

MUST_CHECK enum err daemon_gauges_init(struct daemon_gauges *gauges, struct metric_registry *registry);

/* What one worker's thread has counted. `net` may be NULL. */
struct daemon_counts {
    const struct net_counters *net;
    const struct worker_counters *worker;
    const struct txn_counters *txn;
    const struct call_counters *call;
    const struct trace_export_counters *hep;
    const struct tls_counters *tls;
    struct txn_census census;
    const struct notifier_counters *notifier;
    struct notifier_census watched;
    size_t calls;
    size_t policy_bytes;
    struct registrar_census bindings;
    const struct txn_ledger_entry *acks;
};
void daemon_gauges_set(struct daemon_gauges *gauges, unsigned shard, const struct daemon_counts *counts);
