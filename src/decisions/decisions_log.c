/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's side of the decision log: a thread that empties the rings every few milliseconds. */
#include "decisions/decisions_log.h"
#include "decisions/decisions_ring.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/log.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Between two looks at the rings.  A worker never wakes the writer: that would be a system call on a request's way. */
enum {
    POLL_MS = 20,
    LAST_FLUSH_MS = 1000,
    LINE_MAX_BYTES = 6 * DECISIONS_RECORD_MAX, /* every byte of it as an escape */
    BATCH_BYTES = 64 * 1024
};

struct decisions_log {
    enum decisions_mode mode;
    uint32_t sample;
    char *path; /* NULL: standard output */
    uint64_t max_bytes;
    uint32_t keep;
    unsigned workers;
    struct decisions_ring *rings;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    _Atomic uint64_t deadline_ns; /* of the last flush, set before `stopping` */
    atomic_bool reopen;
    _Atomic uint64_t written;
    _Atomic uint64_t failed;
    /* The writer thread's own. */
    int fd;
    uint64_t file_bytes;
    struct buffer batch;
    char scratch[DECISIONS_RECORD_MAX];
    uint64_t batch_lines;
    struct log_limit complaint;
};

static bool open_file(struct decisions_log *log)
{
    if (!log->path) {
        log->fd = STDOUT_FILENO;
        return true;
    }
    /* O_NONBLOCK: a pipe that nobody reads would hold this thread in open() for ever. */
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
    struct stat about;
    log->file_bytes = log->fd >= 0 && fstat(log->fd, &about) == 0 ? (uint64_t)about.st_size : 0;
    return log->fd >= 0;
}

static void close_file(struct decisions_log *log)
{
    if (log->path && log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

/* path.2 becomes path.3 and so on; the oldest goes. */
static void rotate(struct decisions_log *log)
{
    char from[4096 + 16], to[4096 + 16];
    close_file(log);
    for (uint32_t i = log->keep; i > 0; i--) {
        if (i == 1)
            snprintf(from, sizeof(from), "%s", log->path);
        else
            snprintf(from, sizeof(from), "%s.%u", log->path, i - 1);
        snprintf(to, sizeof(to), "%s.%u", log->path, i);
        (void)rename(from, to);
    }
    if (log->keep == 0)
        (void)unlink(log->path);
    (void)open_file(log);
}

/* A sink that stands still holds this thread only, and at the end not even that for long. */
static bool write_all(struct decisions_log *log, struct span bytes)
{
    while (bytes.len > 0) {
        struct pollfd sink = {.fd = log->fd, .events = POLLOUT};
        bool late = atomic_load(&log->stopping) && clock_mono_ns() > atomic_load(&log->deadline_ns);
        if (poll(&sink, 1, late ? 0 : 100) == 0) {
            errno = ETIMEDOUT;
            if (late)
                return false;
            continue;
        }
        /* Short writes keep a full pipe from blocking beyond what poll promised. */
        size_t len = bytes.len < 4096 ? bytes.len : 4096;
        ssize_t n = write(log->fd, bytes.at, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return false;
        bytes = span_slice(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static void flush_batch(struct decisions_log *log)
{
    if (log->batch.len == 0)
        return;
    if (log->fd < 0)
        (void)open_file(log);
    if (log->fd >= 0 && write_all(log, buffer_span(&log->batch))) {
        atomic_fetch_add_explicit(&log->written, log->batch_lines, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&log->failed, log->batch_lines, memory_order_relaxed);
        log_limited(&log->complaint, 1, LOG_ERROR, "decisions", "cannot write %s: %s; lines are lost",
                    log->path ? log->path : "standard output", strerror(errno));
        close_file(log);
    }
    log->file_bytes += log->batch.len;
    buffer_clear(&log->batch);
    log->batch_lines = 0;
    if (log->path && log->max_bytes && log->file_bytes >= log->max_bytes)
        rotate(log);
}

static void format_time(int64_t wall_ms, char out[32])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t len = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + len, 32 - len, ".%03dZ", (int)(wall_ms % 1000));
}

static void put_some(struct json *json, const char *key, struct span value)
{
    if (value.len)
        json_put_span(json, key, value);
}

static void format_record(const struct decisions_record *record, struct buffer *out)
{
    char time_text[32];
    struct json json = json_into(out);
    format_time(record->wall_ms, time_text);
    json_object_begin(&json);
    json_put_text(&json, "time", time_text);
    static const char *const events[] = {"decision", "ack", "in_call"};
    json_put_text(&json, "event", events[record->kind]);
    put_some(&json, "call_id", record->call_id);
    put_some(&json, "method", record->method);
    put_some(&json, "source", record->source);
    put_some(&json, "from", record->from);
    put_some(&json, "target", record->target);
    if (record->version)
        json_put_u64(&json, "version", record->version);
    put_some(&json, "rule", record->rule);
    put_some(&json, "verdict", record->verdict);
    json_put_u64(&json, "status", record->status);
    put_some(&json, "reason", record->reason);
    put_some(&json, "note", record->note);
    if (record->kind == DECISIONS_RECORD_ACK) {
        json_put_u64(&json, "retransmissions", record->retransmissions);
        json_put_u64(&json, "waited_ms", record->waited_ms);
    } else if (record->kind == DECISIONS_RECORD_DECISION) {
        json_put_u64(&json, "us", record->micros);
    }
    if (record->fuel)
        json_put_u64(&json, "fuel", record->fuel);
    put_some(&json, "transport", record->transport);
    put_some(&json, "local", record->local);
    put_some(&json, "authenticated_as", record->authenticated_as);
    put_some(&json, "tag", record->tag);
    if (record->request.len)
        json_put_bytes(&json, "request", "request_bytes", record->request);
    json_object_end(&json);
    buffer_add_byte(out, '\n');
}

/* False when all rings were empty. */
static bool empty_rings(struct decisions_log *log)
{
    bool any = false;
    for (unsigned i = 0; i < log->workers; i++) {
        struct decisions_record record;
        while (decisions_ring_take(&log->rings[i], log->scratch, &record)) {
            any = true;
            format_record(&record, &log->batch);
            log->batch_lines++;
            if (log->batch.len > BATCH_BYTES)
                flush_batch(log);
        }
    }
    flush_batch(log);
    return any;
}

static void *writer_main(void *arg)
{
    struct decisions_log *log = arg;
    pthread_setname_np(pthread_self(), "decisions");
    for (;;) {
        bool stopping = atomic_load(&log->stopping);
        if (atomic_exchange(&log->reopen, false)) {
            close_file(log);
            if (!open_file(log))
                log_error("decisions", "cannot open %s again: %s", log->path, strerror(errno));
        }
        bool any = empty_rings(log);
        if (stopping)
            return NULL;
        if (!any)
            (void)poll(NULL, 0, POLL_MS);
    }
}

enum err decisions_log_new(const struct decisions_options *options, unsigned workers, struct decisions_log **out_log,
                           struct fault *fault)
{
    struct decisions_log *log = calloc(1, sizeof(*log));
    enum err err = ERR_NOMEM;
    if (!log)
        return fault_set(fault, ERR_NOMEM, "", 0, "decision log: out of memory");
    log->mode = options->mode;
    log->sample = options->sample ? options->sample : 1;
    log->max_bytes = options->max_bytes;
    log->keep = options->keep;
    log->fd = -1;
    log->batch = buffer_heap(BATCH_BYTES + LINE_MAX_BYTES);
    log->rings = calloc(workers, sizeof(*log->rings));
    if (options->file && !(log->path = strdup(options->file)))
        goto fail;
    for (; log->rings && log->workers < workers; log->workers++)
        if (decisions_ring_init(&log->rings[log->workers]) != OK)
            goto fail;
    if (!log->rings || !buffer_reserve(&log->batch, BATCH_BYTES + LINE_MAX_BYTES))
        goto fail;
    err = ERR_IO;
    if (!open_file(log)) {
        (void)fault_set(fault, ERR_IO, log->path, 0, "cannot open the decision log: %s", strerror(errno));
        goto fail;
    }
    if (pthread_create(&log->thread, NULL, writer_main, log) != 0)
        goto fail;
    log->started = true;
    *out_log = log;
    return OK;
fail:
    if (err == ERR_NOMEM)
        (void)fault_set(fault, ERR_NOMEM, "", 0, "decision log: out of memory");
    decisions_log_free(log);
    return err;
}

void decisions_log_free(struct decisions_log *log)
{
    if (!log)
        return;
    if (log->started) {
        atomic_store(&log->deadline_ns, clock_mono_ns() + (uint64_t)LAST_FLUSH_MS * 1000000u);
        atomic_store(&log->stopping, true);
        pthread_join(log->thread, NULL);
    }
    close_file(log);
    for (unsigned i = 0; log->rings && i < log->workers; i++)
        decisions_ring_done(&log->rings[i]);
    free(log->rings);
    free(log->path);
    buffer_done(&log->batch);
    free(log);
}

bool decisions_log_wants(const struct decisions_log *log, uint64_t call_hash, bool failed)
{
    switch (log->mode) {
    case DECISIONS_ALL:
        return true;
    case DECISIONS_SAMPLE:
        return failed || call_hash % log->sample == 0;
    case DECISIONS_ERRORS:
        return failed;
    case DECISIONS_OFF:
        break;
    }
    return false;
}

void decisions_log_put(struct decisions_log *log, unsigned worker, const struct decisions_record *record)
{
    decisions_ring_put(&log->rings[worker], record);
}

void decisions_log_reopen(struct decisions_log *log)
{
    if (log->path)
        atomic_store(&log->reopen, true);
}

uint64_t decisions_log_written(const struct decisions_log *log)
{
    return atomic_load_explicit(&log->written, memory_order_relaxed);
}

uint64_t decisions_log_failed(const struct decisions_log *log)
{
    return atomic_load_explicit(&log->failed, memory_order_relaxed);
}

uint64_t decisions_log_dropped(const struct decisions_log *log)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < log->workers; i++)
        sum += atomic_load_explicit(&log->rings[i].dropped, memory_order_relaxed);
    return sum;
}
