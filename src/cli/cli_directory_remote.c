/* SPDX-License-Identifier: Apache-2.0 */
/* A directory command through the control socket (admin/README.md). */
#include "cli/cli_directory.h"
#include "util/json.h"

#include <inttypes.h>
#include <stdlib.h>

/* The last part of each endpoint's path. */
static const char *const endpoints[] = {
    [CLI_DIRECTORY_ADD] = "add",         [CLI_DIRECTORY_RETIRE] = "retire",   [CLI_DIRECTORY_MOVE] = "move",
    [CLI_DIRECTORY_SUSPEND] = "suspend", [CLI_DIRECTORY_RESTORE] = "restore", [CLI_DIRECTORY_REMOVE] = "remove",
    [CLI_DIRECTORY_PASSWD] = "passwd",   [CLI_DIRECTORY_SHOW] = "show",       [CLI_DIRECTORY_HISTORY] = "history",
    [CLI_DIRECTORY_IMPORT] = "import",   [CLI_DIRECTORY_EXPORT] = "export",   [CLI_DIRECTORY_VERIFY] = "verify",
    [CLI_DIRECTORY_BACKUP] = "backup",   [CLI_DIRECTORY_COMPACT] = "compact",
};

static void put_if(struct json *json, const char *key, const char *value)
{
    if (value)
        json_put_text(json, key, value);
}

static void put_passwords(const struct cli_directory_ask *ask, struct json *json)
{
    static const char *const names[DIGEST_KIND_COUNT] = {
        [DIGEST_MD5] = "ha1_md5", [DIGEST_SHA256] = "ha1_sha256", [DIGEST_SHA512_256] = "ha1_sha512_256"};
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
        char hex[DIGEST_HEX_MAX];
        struct buffer text = buffer_over(hex, sizeof(hex));
        buffer_add_hex(&text, ask->ha1[kind].at, ask->ha1[kind].len);
        if (text.len)
            json_put_span(json, names[kind], buffer_span(&text));
    }
}

static void add_edit(const struct cli_directory_ask *ask, struct buffer *body)
{
    const struct cli_directory_values *values = ask->values;
    struct json json = json_into(body);
    json_object_begin(&json);
    json_put_text(&json, "key", ask->key);
    json_put_text(&json, "by", ask->by);
    put_if(&json, "kind", values->kind);
    put_if(&json, "note", values->note);
    put_if(&json, "since", values->since);
    put_if(&json, "forward", values->forward);
    put_if(&json, "state", values->state);
    put_if(&json, "reassign_after", values->reassign_after);
    if (values->cause)
        json_put_u64(&json, "cause", values->cause);
    if (values->force)
        json_put_bool(&json, "force", true);
    put_passwords(ask, &json);
    json_object_end(&json);
}

/* The engine has another working folder, so the path goes to it whole. */
static enum err add_backup(const struct cli_directory_ask *ask, struct buffer *body, struct fault *fault)
{
    char *here = ask->key[0] == '/' ? NULL : realpath(".", NULL);
    if (!here && ask->key[0] != '/')
        return fault_set(fault, ERR_IO, NULL, 0, "the working folder has no name");
    struct buffer path = buffer_heap(1 << 16);
    buffer_addf(&path, "%s%s%s", here ? here : "", here ? "/" : "", ask->key);
    free(here);
    struct json json = json_into(body);
    json_object_begin(&json);
    json_put_span(&json, "path", buffer_span(&path));
    json_object_end(&json);
    buffer_done(&path);
    return OK;
}

/* Where the last `limit` rows of the whole journal begin: the endpoint reads forward from a row. */
static enum err find_after(const struct cli_directory_ask *ask, const char *socket, uint64_t *out_after,
                           struct fault *fault)
{
    const struct cli_http_request request = {.socket = socket, .method = "GET", .path = "/v1/status"};
    struct cli_http_answer answer;
    enum err err = cli_http_call(&request, &answer, fault);
    json_t *json = err == OK ? cli_http_json(&answer, fault) : NULL;
    if (json) {
        json_int_t last = json_integer_value(json_object_get(json_object_get(json, "directory"), "journal"));
        *out_after = last > ask->values->limit ? (uint64_t)last - ask->values->limit : 0;
    } else if (err == OK) {
        err = ERR_SYNTAX;
    }
    json_decref(json);
    cli_http_answer_done(&answer);
    return err;
}

static void add_query(const struct cli_directory_ask *ask, uint64_t after, struct buffer *path)
{
    const struct cli_directory_values *values = ask->values;
    const char *format = ask->format == ENTRY_JSONL ? "jsonl" : "csv";
    if (ask->op == CLI_DIRECTORY_SHOW || (ask->op == CLI_DIRECTORY_HISTORY && ask->key)) {
        buffer_add_literal(path, "?key=");
        cli_http_escape(path, span_of(ask->key));
        if (values->kind)
            buffer_addf(path, "&kind=%s", values->kind);
    }
    if (ask->op == CLI_DIRECTORY_HISTORY)
        buffer_addf(path, "%climit=%u&after=%" PRIu64, ask->key ? '&' : '?', values->limit, after);
    if (ask->op == CLI_DIRECTORY_EXPORT)
        buffer_addf(path, "?format=%s%s", format, values->passwords ? "&passwords=1" : "");
    if (ask->op == CLI_DIRECTORY_IMPORT) {
        buffer_addf(path, "?format=%s%s%s%s&by=", format, values->merge ? "&merge=1" : "",
                    values->dry_run ? "&dry_run=1" : "", values->force ? "&force=1" : "");
        cli_http_escape(path, span_of(ask->by));
    }
}

static enum err take_answer(const struct cli_directory_ask *ask, const struct cli_http_answer *answer,
                            struct fault *fault)
{
    if (ask->op == CLI_DIRECTORY_EXPORT && answer->status == 200)
        return OK; /* the stream took it */
    json_t *json = cli_http_json(answer, fault);
    if (!json)
        return ERR_SYNTAX;
    bool failed = cli_http_fault(json, fault);
    json_decref(json);
    if (failed && fault->line > 0 && !fault->file[0] && ask->stream)
        (void)span_copy(span_of(ask->stream->name), fault->file, sizeof(fault->file));
    if (failed)
        return fault->err;
    if (answer->status >= 300)
        return fault_set(fault, ERR_IO, NULL, 0, "HTTP %u without a reason", answer->status);
    buffer_add_span(ask->answer, buffer_span(&answer->body));
    return ask->answer->overflow ? ERR_TOO_LONG : OK;
}

enum err cli_directory_remote(const struct cli_directory_ask *ask, const char *socket, struct fault *fault)
{
    struct cli_http_answer answer = {0};
    struct buffer path = buffer_heap(1 << 14);
    struct buffer body = buffer_heap(1 << 16);
    bool is_get = ask->op == CLI_DIRECTORY_SHOW || ask->op == CLI_DIRECTORY_HISTORY || ask->op == CLI_DIRECTORY_EXPORT;
    uint64_t after = 0;
    enum err err = OK;
    if (ask->op == CLI_DIRECTORY_HISTORY && !ask->key)
        err = find_after(ask, socket, &after, fault);
    buffer_addf(&path, "/v1/directory/%s", endpoints[ask->op]);
    add_query(ask, after, &path);
    buffer_add_byte(&path, '\0');
    if (ask->op <= CLI_DIRECTORY_PASSWD)
        add_edit(ask, &body);
    else if (ask->op == CLI_DIRECTORY_BACKUP)
        err = add_backup(ask, &body, fault);
    if (err == OK && (path.overflow || body.overflow))
        err = fault_set(fault, ERR_TOO_LONG, NULL, 0, "the request is too long");
    const struct cli_http_request request = {
        .socket = socket,
        .method = is_get ? "GET" : "POST",
        .path = path.at,
        .body = buffer_span(&body),
        .read = ask->op == CLI_DIRECTORY_IMPORT ? cli_directory_stream_read : NULL,
        .write = ask->op == CLI_DIRECTORY_EXPORT ? cli_directory_stream_write : NULL,
        .ctx = ask->stream,
    };
    if (err == OK)
        err = cli_http_call(&request, &answer, fault);
    if (err == OK)
        err = take_answer(ask, &answer, fault);
    cli_http_answer_done(&answer);
    buffer_done(&path);
    buffer_done(&body);
    return err;
}
