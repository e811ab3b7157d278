/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP over the engine's unix socket (libcurl), and reading its JSON answers (jansson). */
#pragma once

#include "util/buffer.h"
#include "util/err.h"

#include <jansson.h>

enum { CLI_HTTP_BODY_MAX = 16 << 20 };

/* Takes the next bytes of a streamed answer. */
typedef enum err (*cli_http_write_fn)(void *ctx, struct span bytes);
/* Fills `out` with up to `cap` bytes of a streamed body; 0 at the end. */
typedef enum err (*cli_http_read_fn)(void *ctx, char *out, size_t cap, size_t *out_len);

struct cli_http_request {
    const char *socket;
    const char *method;      /* "GET", "POST" */
    const char *path;        /* "/v1/status", with its query */
    struct span body;        /* JSON, or empty */
    cli_http_read_fn read;   /* instead of `body`: a stream */
    cli_http_write_fn write; /* takes the body of a 200; of other answers and without it: out_answer->body */
    void *ctx;               /* of both */
};

struct cli_http_answer {
    unsigned status;
    struct buffer body;
};

/* OK whatever the status is; ERR_CLOSED: nobody listens on the socket; other errors say how it failed in `fault`.
 * cli_http_answer_done() in every case. */
MUST_CHECK enum err cli_http_call(const struct cli_http_request *request, struct cli_http_answer *out_answer,
                                  struct fault *fault);
void cli_http_answer_done(struct cli_http_answer *answer);

/* The answer's JSON; NULL and a fault when it is none.  json_decref() it. */
json_t *cli_http_json(const struct cli_http_answer *answer, struct fault *fault);
/* Makes a fault of {"error":{"text","file","line"}} in a JSON answer; false when it has none. */
bool cli_http_fault(const json_t *json, struct fault *fault);

/* Appends `text` for a URL's query. */
void cli_http_escape(struct buffer *out, struct span text);
