/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, gauges and histograms for Prometheus' text format.  A metric is a small array of cells, one cache-line-padded
 * block a shard (a worker takes its own index), so counting is an uncontended relaxed add; reading sums the shards.  Label
 * values are fixed at registration; a registry holds at most METRIC_MAX metrics. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRIC_MAX = 4096, METRIC_BOUNDS_MAX = 15 };

struct metric_registry;
struct metric;

MUST_CHECK enum err metric_registry_new(unsigned shards, struct metric_registry **out_registry);
void metric_registry_free(struct metric_registry *registry);

/* `name` as Prometheus wants it ("verdict_requests_total"); `labels` is "" or `method="INVITE",code="200"`, ready
 * escaped.  The same name with other labels must have the same kind and help.  Registering the same pair again returns
 * the same metric.  Thread-safe; the metric lives as long as the registry. */
MUST_CHECK enum err metric_add(struct metric_registry *registry, enum metric_kind kind, const char *name,
                               const char *labels, const char *help, struct metric **out_metric);
/* As metric_add for a histogram, with its upper bounds, ascending, at most 15; +Inf is added. */
MUST_CHECK enum err metric_add_histogram(struct metric_registry *registry, const char *name, const char *labels,
                                         const char *help, const double *bounds, unsigned bound_count,
                                         struct metric **out_metric);

void metric_count(struct metric *metric, unsigned shard, uint64_t by);
void metric_set(struct metric *metric, unsigned shard, int64_t value);
void metric_observe(struct metric *metric, unsigned shard, double value);
/* The sum over all shards (a histogram's number of observations). */
int64_t metric_read(const struct metric *metric);
/* The whole registry as text/plain; version=0.0.4, families together, each with one HELP and TYPE. */
void metric_render(struct metric_registry *registry, struct buffer *out);

/* Escapes a label value (backslash, quote, line feed) into `out`. */
void metric_label_escape(struct buffer *out, const char *value);
