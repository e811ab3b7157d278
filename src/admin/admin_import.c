/* SPDX-License-Identifier: Apache-2.0 */
/* An import whose file is the request's body.  The library hands the body out in pieces and the directory wants to read, so
 * the two meet over a socket pair: the connection's thread writes, a thread of the import's own reads. */
#include "admin/admin_priv.h"
#include "directory/directory_import.h"
#include "util/json.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct admin_import {
    struct directory *directory;
    struct directory_import_options options;
    struct directory_import_result result;
    struct fault fault;
    enum err err;
    char by[128];
    pthread_t thread;
    bool running;         /* the thread is to be joined */
    int write_fd;         /* the connection's end */
    int read_fd;          /* the import's end */
    _Atomic bool ended;   /* the whole body has been written */
    _Atomic bool aborted; /* the client is gone: undo */
};

static enum err read_body(void *ctx, char *bytes, size_t cap, size_t *out_len)
{
    struct admin_import *import = ctx;
    ssize_t got;
    do
        got = recv(import->read_fd, bytes, cap, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return ERR_IO;
    if (got == 0 && !atomic_load(&import->ended))
        return ERR_CLOSED; /* half a file is no file */
    *out_len = (size_t)got;
    return OK;
}

static bool go_on(void *ctx, enum directory_phase phase, uint64_t rows)
{
    struct admin_import *import = ctx;
    (void)phase;
    (void)rows;
    return !atomic_load(&import->aborted);
}

/* Makes the directory when this is its first content; a dry run changes nothing, not even that. */
static enum err prepare(struct admin_import *import)
{
    if (directory_status(import->directory) != DIRECTORY_NEVER_MADE)
        return OK;
    if (!import->options.dry_run)
        return directory_ensure(import->directory, &import->fault);
    return fault_set(&import->fault, ERR_AGAIN, NULL, 0,
                     "no directory was ever made: there is nothing to compare with");
}

static void *run(void *arg)
{
    struct admin_import *import = arg;
    enum err err = prepare(import);
    if (err == OK)
        err = directory_import(import->directory, &import->options, read_body, import, &import->result, &import->fault);
    import->err = err;
    shutdown(import->read_fd, SHUT_RDWR); /* nobody reads on: the writer learns it by EPIPE */
    return NULL;
}

static bool take_options(struct admin_request *request, struct admin_import *import)
{
    const char *format = admin_query(request, "format");
    const char *by = admin_query(request, "by");
    struct directory_import_options *options = &import->options;
    options->format = ENTRY_CSV;
    if (format && strcmp(format, "jsonl") == 0) {
        options->format = ENTRY_JSONL;
    } else if (format && strcmp(format, "csv") != 0) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "format: expected csv or jsonl, got \"%.32s\"", format);
        return false;
    }
    if (by && !span_copy(span_of(by), import->by, sizeof(import->by))) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "by: at most %zu bytes", sizeof(import->by) - 1);
        return false;
    }
    options->merge = admin_query_flag(request, "merge");
    options->dry_run = admin_query_flag(request, "dry_run");
    options->force = admin_query_flag(request, "force");
    options->by = span_of(import->by);
    options->progress = go_on;
    options->progress_ctx = import;
    return true;
}

static enum err start(struct admin_import *import)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return ERR_IO;
    import->write_fd = pair[0];
    import->read_fd = pair[1];
    import->running = pthread_create(&import->thread, NULL, run, import) == 0;
    return import->running ? OK : ERR_NOMEM;
}

void admin_import_begin(struct admin_request *request)
{
    struct directory *directory = admin_directory(request);
    struct admin_import *import = directory ? calloc(1, sizeof(*import)) : NULL;
    if (!import) {
        if (directory)
            admin_fail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
        return;
    }
    import->directory = directory;
    import->write_fd = import->read_fd = -1;
    request->import = import;
    if (!take_options(request, import)) {
        admin_import_stop(request);
        return;
    }
    enum err err = start(import);
    if (err != OK) {
        admin_fail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "the import cannot start: %s", err_text(err));
        admin_import_stop(request);
    }
}

/* Waits when the import is slower than the client.  Once the import has failed, the rest of the body goes nowhere. */
void admin_import_feed(struct admin_request *request, struct span bytes)
{
    while (request->import && bytes.len > 0) {
        ssize_t sent = send(request->import->write_fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return;
        bytes = span_slice(bytes, (size_t)sent, bytes.len);
    }
}

static void answer_result(struct admin_request *request, const struct admin_import *import)
{
    const struct directory_import_result *result = &import->result;
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    json_put_bool(&json, "ok", true);
    json_put_bool(&json, "dry_run", import->options.dry_run);
    json_put_u64(&json, "rows", result->rows);
    json_put_u64(&json, "added", result->added);
    json_put_u64(&json, "changed", result->changed);
    json_put_u64(&json, "unchanged", result->unchanged);
    json_put_u64(&json, "removed", result->removed);
    json_put_u64(&json, "retired", result->retired);
    json_put_u64(&json, "before", result->before);
    json_put_u64(&json, "after", result->after);
    json_put_u64(&json, "generation", result->generation);
    json_put_u64(&json, "took_ms", (uint64_t)(result->seconds * 1000));
    json_object_end(&json);
}

void admin_directory_import(struct admin_request *request)
{
    struct admin_import *import = request->import;
    if (!import)
        return; /* it could not begin, which has been answered */
    atomic_store(&import->ended, true);
    shutdown(import->write_fd, SHUT_WR);
    pthread_join(import->thread, NULL);
    import->running = false;
    if (import->err == OK) {
        answer_result(request, import);
        return;
    }
    if (import->fault.err == OK)
        (void)fault_set(&import->fault, import->err, NULL, 0, "%s", err_text(import->err));
    admin_fail_fault(request, &import->fault);
}

void admin_import_stop(struct admin_request *request)
{
    struct admin_import *import = request->import;
    if (!import)
        return;
    atomic_store(&import->aborted, true);
    if (import->write_fd >= 0)
        shutdown(import->write_fd, SHUT_RDWR);
    if (import->running)
        pthread_join(import->thread, NULL);
    if (import->write_fd >= 0)
        close(import->write_fd);
    if (import->read_fd >= 0)
        close(import->read_fd);
    free(import);
    request->import = NULL;
}
