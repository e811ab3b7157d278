/* SPDX-License-Identifier: Apache-2.0 */
/* The text format of Prometheus, version 0.0.4. */
#include "util/metric_priv.h"

#include <math.h>
#include <stdio.h>

static void add_escaped(struct buffer *out, const char *text, bool quote_too)
{
    for (; *text; text++) {
        if (*text == '\\')
            buffer_add_literal(out, "\\\\");
        else if (*text == '\n')
            buffer_add_literal(out, "\\n");
        else if (*text == '"' && quote_too)
            buffer_add_literal(out, "\\\"");
        else
            buffer_add_byte(out, *text);
    }
}

void metric_label_escape(struct buffer *out, const char *value)
{
    add_escaped(out, value, true);
}

static void add_double(struct buffer *out, double value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%.15g", value);
    buffer_add_text(out, text);
}

/* NAME{LABELS,le="BOUND"} with whatever of it there is. */
static void add_name(struct buffer *out, const struct metric *metric, const char *suffix, const double *bound)
{
    buffer_add_text(out, metric->family->name);
    buffer_add_text(out, suffix);
    if (!metric->labels[0] && !bound)
        return;
    buffer_add_byte(out, '{');
    buffer_add_text(out, metric->labels);
    if (bound) {
        buffer_add_text(out, metric->labels[0] ? ",le=\"" : "le=\"");
        if (isfinite(*bound))
            add_double(out, *bound);
        else
            buffer_add_literal(out, "+Inf");
        buffer_add_byte(out, '"');
    }
    buffer_add_byte(out, '}');
}

static void render_histogram(const struct metric *metric, struct buffer *out)
{
    const struct metric_family *family = metric->family;
    const double infinity = INFINITY;
    uint64_t total = 0;
    for (unsigned i = 0; i <= family->bound_count; i++) {
        total += metric_sum(metric, i);
        add_name(out, metric, "_bucket", i < family->bound_count ? &family->bounds[i] : &infinity);
        buffer_addf(out, " %llu\n", (unsigned long long)total);
    }
    double sum = 0;
    for (unsigned shard = 0; shard < metric->shards; shard++) {
        uint64_t bits =
            atomic_load_explicit(&metric_cells(metric, shard)[family->bound_count + 1], memory_order_relaxed);
        double part;
        memcpy(&part, &bits, sizeof(part));
        sum += part;
    }
    add_name(out, metric, "_sum", NULL);
    buffer_add_byte(out, ' ');
    add_double(out, sum);
    buffer_add_byte(out, '\n');
    add_name(out, metric, "_count", NULL);
    buffer_addf(out, " %llu\n", (unsigned long long)total);
}

static void render_family(const struct metric_family *family, struct buffer *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    buffer_addf(out, "# HELP %s ", family->name);
    add_escaped(out, family->help, false);
    buffer_addf(out, "\n# TYPE %s %s\n", family->name, types[family->kind]);
    for (const struct metric *metric = family->first; metric; metric = metric->next) {
        if (family->kind == METRIC_HISTOGRAM) {
            render_histogram(metric, out);
            continue;
        }
        add_name(out, metric, "", NULL);
        buffer_add_byte(out, ' ');
        if (family->kind == METRIC_COUNTER)
            buffer_add_u64(out, metric_sum(metric, 0));
        else
            buffer_add_i64(out, (int64_t)metric_sum(metric, 0));
        buffer_add_byte(out, '\n');
    }
}

void metric_render(struct metric_registry *registry, struct buffer *out)
{
    pthread_mutex_lock(&registry->lock);
    for (const struct metric_family *family = registry->first; family; family = family->next)
        render_family(family, out);
    pthread_mutex_unlock(&registry->lock);
}
