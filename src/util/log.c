/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event in one write(2), so lines of several threads never mix.  Control bytes are escaped: text that came
 * from the network can neither forge a line nor drive a terminal. */
#include "util/log.h"
#include "util/buffer.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LOG_TEXT_MAX = 2048, LOG_LINE_MAX = 3072 };

static _Atomic int least_level = LOG_INFO;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink_fn sink_fn;
static void *sink_ctx;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    atomic_store(&least_level, (int)level);
}

bool log_level_parse(const char *text, enum log_level *out_level)
{
    for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_sink(log_sink_fn sink, void *ctx)
{
    pthread_mutex_lock(&sink_lock);
    sink_fn = sink;
    sink_ctx = ctx;
    pthread_mutex_unlock(&sink_lock);
}

static void add_escaped(struct buffer *line, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte >= 0x20 && byte != 0x7f)
            buffer_add_byte(line, *text);
        else if (byte == '\n')
            buffer_add_literal(line, "\\n");
        else
            buffer_addf(line, "\\x%02x", byte);
    }
}

static void add_time(struct buffer *line)
{
    struct timespec now;
    struct tm parts;
    char text[32];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (!gmtime_r(&now.tv_sec, &parts))
        return;
    buffer_add(line, text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts));
    buffer_addf(line, ".%03ldZ ", now.tv_nsec / 1000000);
}

static void write_line(enum log_level level, struct buffer *line)
{
    pthread_mutex_lock(&sink_lock);
    log_sink_fn sink = sink_fn;
    if (sink) {
        line->at[line->len] = '\0';
        sink(sink_ctx, level, line->at);
    }
    pthread_mutex_unlock(&sink_lock);
    if (sink)
        return;
    line->at[line->len++] = '\n';
    /* A log that cannot be written has nowhere to say so. */
    ssize_t written = write(STDERR_FILENO, line->at, line->len);
    (void)written;
}

static PRINTF_LIKE(4, 0) void write_va(enum log_level level, const char *area, uint32_t held_back, const char *format,
                                       va_list args)
{
    char text[LOG_TEXT_MAX];
    char memory[LOG_LINE_MAX];
    /* Kept back for the line feed or the terminator. */
    struct buffer line = buffer_over(memory, sizeof(memory) - 1);
    (void)vsnprintf(text, sizeof(text), format, args);
    add_time(&line);
    buffer_addf(&line, "%s %s: ", level_names[level], area);
    if (held_back)
        buffer_addf(&line, "(%u like it held back) ", held_back);
    add_escaped(&line, text);
    write_line(level, &line);
}

void log_write(enum log_level level, const char *area, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    va_list args;
    va_start(args, format);
    write_va(level, area, 0, format, args);
    va_end(args);
}

/* A race between two threads at the turn of a second lets a line too many or too few through, which is harmless. */
static bool limit_allows(struct log_limit *limit, uint32_t burst, uint32_t *out_held_back)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    uint64_t second = (uint64_t)now.tv_sec + 1; /* 0 is a limit that was never used */
    if (atomic_exchange(&limit->second, second) != second)
        atomic_store(&limit->written, 0);
    if (atomic_fetch_add(&limit->written, 1) >= burst) {
        atomic_fetch_add(&limit->held_back, 1);
        return false;
    }
    *out_held_back = atomic_exchange(&limit->held_back, 0);
    return true;
}

void log_limited(struct log_limit *limit, uint32_t burst, enum log_level level, const char *area, const char *format,
                 ...)
{
    uint32_t held_back = 0;
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed) ||
        !limit_allows(limit, burst, &held_back))
        return;
    va_list args;
    va_start(args, format);
    write_va(level, area, held_back, format, args);
    va_end(args);
}
