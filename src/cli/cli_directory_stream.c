/* SPDX-License-Identifier: Apache-2.0 */
/* Files of entries on their way in or out, counting rows for whoever waits. */
#include "cli/cli_directory.h"
#include "util/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS ((uint64_t)1000000000)

static void show(struct cli_directory_stream *stream, const char *what, uint64_t rows)
{
    uint64_t now_ns = clock_mono_ns();
    if (!stream->show || now_ns < stream->next_ns)
        return;
    bool is_first = stream->next_ns == 0;
    stream->next_ns = now_ns + (stream->on_terminal ? SECOND_NS / 5 : 2 * SECOND_NS);
    if (is_first)
        return; /* most files are done before there is anything to show */
    (void)fprintf(stderr, stream->on_terminal ? "\r%s %" PRIu64 " rows" : "%s %" PRIu64 " rows\n", what, rows);
}

static void count_rows(struct cli_directory_stream *stream, const char *bytes, size_t len, const char *what)
{
    const char *end = bytes + len;
    for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        stream->rows++;
    show(stream, what, stream->rows);
}

enum err cli_directory_stream_read(void *ctx, char *out, size_t cap, size_t *out_len)
{
    struct cli_directory_stream *stream = ctx;
    size_t before = stream->first >= 0 && cap ? 1 : 0;
    if (before)
        out[0] = (char)stream->first;
    stream->first = before ? -1 : stream->first;
    ssize_t got;
    do
        got = read(stream->fd, out + before, cap - before);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return ERR_IO;
    *out_len = before + (size_t)got;
    count_rows(stream, out, *out_len, "read");
    return OK;
}

enum err cli_directory_stream_write(void *ctx, struct span bytes)
{
    struct cli_directory_stream *stream = ctx;
    count_rows(stream, bytes.at, bytes.len, "written");
    while (bytes.len) {
        ssize_t written = write(stream->fd, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno == EPIPE ? ERR_CLOSED : ERR_IO;
        bytes = span_slice(bytes, (size_t)written, bytes.len);
    }
    return OK;
}

bool cli_directory_stream_phase(void *ctx, enum directory_phase phase, uint64_t rows)
{
    struct cli_directory_stream *stream = ctx;
    static const char *const names[] = {
        [DIRECTORY_PHASE_READ] = "read",
        [DIRECTORY_PHASE_COMPARE] = "compared",
        [DIRECTORY_PHASE_JOURNAL] = "carried over",
        [DIRECTORY_PHASE_REPLAY] = "replayed",
        [DIRECTORY_PHASE_SWITCH] = "switching,",
    };
    if (phase != DIRECTORY_PHASE_READ)
        show(stream, names[phase], rows);
    return true;
}

void cli_directory_stream_end(struct cli_directory_stream *stream)
{
    if (stream->show && stream->on_terminal)
        (void)fputs("\r\x1b[K", stderr);
}
