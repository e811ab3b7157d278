/* SPDX-License-Identifier: Apache-2.0 */
/* Data sets of each kind: how long they take to load, what an entry costs, how fast they are asked:
 *     bench_data [ENTRIES]
 * JSON lines for 10,000,000 entries in no order.  load_s is wall time, cpu_s the thread's; lookups are CPU time, of entries that
 * are there and of such that are not, each from all over the set, so that the processor's cache has none of them. */
#include "facts/facts_set.h"
#include "util/clock.h"
#include "util/err.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKUPS = 2000000, ENTRY_MAX = 64 };

/* The i-th of numbers in no order; different for different i below 2^32 (the factor is odd). */
static uint32_t spread(uint64_t i)
{
    return (uint32_t)(i * 2654435761u);
}

/* Entry number `i` of a kind, as a file has it; what is asked for is `key`, which is in the set when `i` is below the count. */
static size_t entry_of(enum facts_set_kind kind, uint64_t i, bool key, char *out)
{
    uint32_t n = spread(i);
    switch (kind) {
    case FACTS_RANGES: /* blocks of ten numbers */
        return (size_t)(key ? snprintf(out, ENTRY_MAX, "+4%010u5", n)
                            : snprintf(out, ENTRY_MAX, "+4%010u0-+4%010u9", n, n));
    case FACTS_CIDRS: /* /48 networks of 2001::/16 */
        return (size_t)snprintf(out, ENTRY_MAX, key ? "2001:%x:%x::7" : "2001:%x:%x::/48", n >> 16, n & 0xffff);
    case FACTS_DOMAINS:
        return (size_t)snprintf(out, ENTRY_MAX, key ? "sip.office%u.example.com" : "office%u.example.com", n);
    case FACTS_PREFIXES:
        return (size_t)snprintf(out, ENTRY_MAX, key ? "+%010u123" : "+%010u", n);
    default:
        return (size_t)snprintf(out, ENTRY_MAX, "user%u@example.com", n);
    }
}

static char *make_text(enum facts_set_kind kind, uint64_t count, size_t *out_len)
{
    char *text = malloc(count * ENTRY_MAX);
    size_t len = 0;
    for (uint64_t i = 0; text && i < count; i++) {
        len += entry_of(kind, i, false, text + len);
        text[len++] = '\n';
    }
    *out_len = len;
    return text;
}

/* Nanoseconds a lookup; *out_found is how many were there. */
static double ask(const struct facts_set *set, enum facts_set_kind kind, uint64_t from, uint64_t count,
                  unsigned *out_found)
{
    char(*keys)[ENTRY_MAX] = malloc((size_t)LOOKUPS * ENTRY_MAX);
    unsigned found = 0;
    if (!keys)
        return 0;
    for (unsigned i = 0; i < LOOKUPS; i++)
        (void)entry_of(kind, from + (uint64_t)i * 104729 % count, true, keys[i]);
    uint64_t began = clock_thread_cpu_ns();
    for (unsigned i = 0; i < LOOKUPS; i++)
        found += facts_set_has(set, span_of(keys[i]));
    uint64_t took = clock_thread_cpu_ns() - began;
    free(keys);
    *out_found = found;
    return (double)took / LOOKUPS;
}

static int measure(enum facts_set_kind kind, uint64_t count)
{
    struct fault fault;
    struct facts_set *set;
    size_t len;
    char *text = make_text(kind, count, &len);
    if (!text)
        return 1;
    uint64_t began = clock_mono_ns(), began_cpu = clock_thread_cpu_ns();
    enum err err = facts_set_from_memory(kind, "bench", span_make(text, len), &set, &fault);
    double took = (double)(clock_mono_ns() - began) / 1e9, cpu = (double)(clock_thread_cpu_ns() - began_cpu) / 1e9;
    free(text);
    if (err != OK) {
        fprintf(stderr, "bench_data: %s:%d: %s\n", fault.file, fault.line, fault.text);
        return 1;
    }
    unsigned hits = 0, misses = 0;
    double hit = ask(set, kind, 0, count, &hits);
    double miss = ask(set, kind, count, count, &misses);
    printf(
        "{\"bench\":\"data\",\"kind\":\"%s\",\"entries\":%llu,\"load_s\":%.2f,\"cpu_s\":%.2f,\"bytes_an_entry\":%.1f,"
        "\"hit_ns\":%.0f,\"miss_ns\":%.0f,\"found\":%u,\"found_of_absent\":%u}\n",
        facts_set_kind_name(kind), (unsigned long long)count, took, cpu, (double)facts_set_bytes(set) / (double)count,
        hit, miss, hits, misses);
    fflush(stdout);
    facts_set_unref(set);
    return hits == LOOKUPS ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    int failed = 0;
    if (count == 0 || count > FACTS_SET_MAX) {
        fprintf(stderr, "usage: bench_data [ENTRIES], up to %d\n", FACTS_SET_MAX);
        return 2;
    }
    for (int kind = 0; kind < FACTS_SET_KIND_COUNT; kind++)
        failed |= measure((enum facts_set_kind)kind, count);
    return failed;
}
