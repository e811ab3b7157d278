/* SPDX-License-Identifier: Apache-2.0 */
/* The process's log: one line an event, to standard error ("2026-01-31T12:00:00.123Z warn engine: text key=value").
 * Thread-safe; the only code with file-scope state.  Lower floors return errors instead of logging (but for the store, which
 * alone knows what became of its file): the engine, admin, cli and release log once, with the Call-ID where there is one.
 * A line that may repeat per packet goes through log_limited. */
#pragma once

#include "util/err.h"
#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NOTHING /* for log_set_level alone */ };

void log_set_level(enum log_level level);
bool log_level_parse(const char *text, enum log_level *out_level);
void log_write(enum log_level level, const char *area, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_debug(area, ...) log_write(LOG_DEBUG, area, __VA_ARGS__)
#define log_info(area, ...)  log_write(LOG_INFO, area, __VA_ARGS__)
#define log_warn(area, ...)  log_write(LOG_WARN, area, __VA_ARGS__)
#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)

/* At most `burst` lines a second from one place; what was held back is counted and said with the next line. */
struct log_limit {
    _Atomic uint64_t second;
    _Atomic uint32_t written;
    _Atomic uint32_t held_back;
};
void log_limited(struct log_limit *limit, uint32_t burst, enum log_level level, const char *area, const char *format,
                 ...) PRINTF_LIKE(5, 6);

/* For tests: lines go to `sink` instead of standard error; NULL restores. */
typedef void (*log_sink_fn)(void *ctx, enum log_level level, const char *line);
void log_set_sink(log_sink_fn sink, void *ctx);
