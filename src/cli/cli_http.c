/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one connection: a command has no use for more. */
#include "cli/cli_http.h"

#include <curl/curl.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 5000 };

/* What the callbacks of one transfer share. */
struct transfer {
    const struct cli_http_request *request;
    struct cli_http_answer *answer;
    CURL *curl;
    enum err err; /* of a callback */
};

static size_t take_body(char *bytes, size_t one, size_t len, void *ctx)
{
    struct transfer *transfer = ctx;
    long status = 0;
    (void)one;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->request->write && status == 200)
        transfer->err = transfer->request->write(transfer->request->ctx, span_make(bytes, len));
    else
        buffer_add(&transfer->answer->body, bytes, len);
    if (transfer->answer->body.overflow)
        transfer->err = ERR_TOO_LONG;
    return transfer->err == OK ? len : CURL_WRITEFUNC_ERROR;
}

static size_t give_body(char *out, size_t one, size_t cap, void *ctx)
{
    struct transfer *transfer = ctx;
    size_t len = 0;
    transfer->err = transfer->request->read(transfer->request->ctx, out, one * cap, &len);
    return transfer->err == OK ? len : CURL_READFUNC_ABORT;
}

static void set_body(struct transfer *transfer)
{
    CURL *curl = transfer->curl;
    const struct cli_http_request *request = transfer->request;
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->read) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
        (void)curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
    } else if (strcmp(request->method, "POST") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len ? request->body.at : "");
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
    }
}

static struct curl_slist *make_headers(const struct cli_http_request *request)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
    if (headers && request->read) {
        (void)curl_slist_append(headers, "Transfer-Encoding: chunked");
        (void)curl_slist_append(headers, "Content-Type: application/octet-stream");
    } else if (headers) {
        (void)curl_slist_append(headers, "Content-Type: application/json");
    }
    return headers;
}

static enum err failed(const struct transfer *transfer, CURLcode code, struct fault *fault)
{
    const char *socket = transfer->request->socket;
    if (transfer->err != OK)
        return fault && fault->text[0] ? transfer->err
                                       : fault_set(fault, transfer->err, NULL, 0, "%s", err_text(transfer->err));
    if (code == CURLE_COULDNT_CONNECT)
        return fault_set(fault, ERR_CLOSED, NULL, 0, "no engine listens on %s", socket);
    return fault_set(fault, ERR_IO, NULL, 0, "%s: %s", socket, curl_easy_strerror(code));
}

enum err cli_http_call(const struct cli_http_request *request, struct cli_http_answer *out_answer, struct fault *fault)
{
    *out_answer = (struct cli_http_answer){.body = buffer_heap(CLI_HTTP_BODY_MAX)};
    struct transfer transfer = {.request = request, .answer = out_answer, .curl = curl_easy_init()};
    struct buffer url = buffer_heap(1 << 16);
    struct curl_slist *headers = make_headers(request);
    enum err err = ERR_NOMEM;
    buffer_addf(&url, "http://verdict%s", request->path);
    buffer_add_byte(&url, '\0');
    if (!transfer.curl || !headers || url.overflow) {
        (void)fault_set(fault, err, NULL, 0, "%s", err_text(err));
        goto done;
    }
    (void)curl_easy_setopt(transfer.curl, CURLOPT_UNIX_SOCKET_PATH, request->socket);
    (void)curl_easy_setopt(transfer.curl, CURLOPT_URL, url.at);
    (void)curl_easy_setopt(transfer.curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(transfer.curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(transfer.curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(transfer.curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(transfer.curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(transfer.curl, CURLOPT_WRITEDATA, &transfer);
    set_body(&transfer);
    CURLcode code = curl_easy_perform(transfer.curl);
    long status = 0;
    (void)curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    out_answer->status = (unsigned)status;
    /* A server may refuse a streamed body before its end, and says why: the answer counts more than the rest of the body. */
    err = code == CURLE_OK || (transfer.err == OK && status >= 400) ? OK : failed(&transfer, code, fault);
done:
    curl_slist_free_all(headers);
    buffer_done(&url);
    curl_easy_cleanup(transfer.curl);
    return err;
}

void cli_http_answer_done(struct cli_http_answer *answer)
{
    buffer_done(&answer->body);
}

json_t *cli_http_json(const struct cli_http_answer *answer, struct fault *fault)
{
    json_error_t error = {.text = "empty"};
    json_t *json = json_loadb(answer->body.at ? answer->body.at : "", answer->body.len, JSON_ALLOW_NUL, &error);
    if (!json)
        (void)fault_set(fault, ERR_SYNTAX, NULL, 0, "HTTP %u with no JSON in it: %s", answer->status, error.text);
    return json;
}

bool cli_http_fault(const json_t *json, struct fault *fault)
{
    const json_t *error = json_object_get(json, "error");
    if (!json_is_object(error))
        return false;
    const char *text = json_string_value(json_object_get(error, "text"));
    const char *file = json_string_value(json_object_get(error, "file"));
    int line = (int)json_integer_value(json_object_get(error, "line"));
    (void)fault_set(fault, ERR_INVALID, file, line, "%s", text ? text : "failed without a reason");
    return true;
}

void cli_http_escape(struct buffer *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                        byte == '-' || byte == '.' || byte == '_' || byte == '~';
        if (is_plain)
            buffer_add_byte(out, text.at[i]);
        else
            buffer_addf(out, "%%%02X", byte);
    }
}
