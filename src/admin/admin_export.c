/* SPDX-License-Identifier: Apache-2.0 */
/* The directory as a chunked answer: a thread of the export's own writes into a socket pair, the library reads from it,
 * so a slow client slows the export and costs no memory. */
#include "admin/admin_priv.h"
#include "directory/directory_export.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

struct admin_export {
    struct directory *directory;
    struct directory_export_options options;
    enum err err; /* read once the thread is joined */
    pthread_t thread;
    bool running;
    int write_fd; /* the export's end */
    int read_fd;  /* the connection's end */
};

static enum err write_out(void *ctx, struct span bytes)
{
    struct admin_export *export_ = ctx;
    while (bytes.len > 0) {
        ssize_t sent = send(export_->write_fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return ERR_CLOSED;
        bytes = span_slice(bytes, (size_t)sent, bytes.len);
    }
    return OK;
}

static void *run(void *arg)
{
    struct admin_export *export_ = arg;
    uint64_t rows;
    export_->err = directory_export(export_->directory, &export_->options, write_out, export_, &rows);
    shutdown(export_->write_fd, SHUT_WR);
    return NULL;
}

static void join(struct admin_export *export_)
{
    if (export_->running)
        pthread_join(export_->thread, NULL);
    export_->running = false;
}

/* An export that failed breaks off without the last chunk, so that the client cannot take it for a whole one. */
static ssize_t read_out(void *ctx, uint64_t at, char *out, size_t cap)
{
    struct admin_export *export_ = ctx;
    (void)at;
    ssize_t got;
    do
        got = recv(export_->read_fd, out, cap, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        return got;
    join(export_);
    return got == 0 && export_->err == OK ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static bool start(struct admin_export *export_)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    export_->write_fd = pair[0];
    export_->read_fd = pair[1];
    export_->running = pthread_create(&export_->thread, NULL, run, export_) == 0;
    return export_->running;
}

static bool is_readable(struct admin_request *request, const struct directory *directory)
{
    enum directory_status status = directory_status(directory);
    if (status == DIRECTORY_READABLE || status == DIRECTORY_EMPTY)
        return true;
    admin_fail(request, status == DIRECTORY_NEVER_MADE ? MHD_HTTP_NOT_FOUND : MHD_HTTP_INTERNAL_SERVER_ERROR,
               "the directory: %s", directory_status_text(status));
    return false;
}

void admin_directory_export(struct admin_request *request)
{
    struct directory *directory = admin_directory(request);
    const char *format = admin_query(request, "format");
    bool lines = format && strcmp(format, "jsonl") == 0;
    if (!directory || !is_readable(request, directory))
        return;
    if (format && !lines && strcmp(format, "csv") != 0) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "format: expected csv or jsonl, got \"%.32s\"", format);
        return;
    }
    struct admin_export *export_ = calloc(1, sizeof(*export_));
    request->export_ = export_;
    if (!export_) {
        admin_fail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
        return;
    }
    export_->directory = directory;
    export_->options.format = lines ? ENTRY_JSONL : ENTRY_CSV;
    export_->options.passwords = admin_query_flag(request, "passwords");
    export_->write_fd = export_->read_fd = -1;
    if (start(export_))
        request->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_out, export_, NULL);
    request->content_type = request->response ? (lines ? "application/jsonl" : "text/csv") : request->content_type;
    if (!request->response)
        admin_fail(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "the export cannot start");
}

void admin_export_stop(struct admin_request *request)
{
    struct admin_export *export_ = request->export_;
    if (!export_)
        return;
    if (export_->read_fd >= 0)
        shutdown(export_->read_fd, SHUT_RDWR);
    join(export_);
    if (export_->write_fd >= 0)
        close(export_->write_fd);
    if (export_->read_fd >= 0)
        close(export_->read_fd);
    free(export_);
    request->export_ = NULL;
}
