/* SPDX-License-Identifier: Apache-2.0 */
#include "websocket/websocket_upgrade.h"

#include <openssl/evp.h>

/* What the fields of a head came to. */
struct head {
    struct span method, path, version;
    unsigned hosts, keys, versions, bodies;
    struct span key, websocket_version, origin;
    unsigned origins;
    bool upgrade, connection, sip;
};

static bool is_token_byte(char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || (c && strchr(others, c));
}

static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_byte(text.at[i]))
            return false;
    return text.len > 0;
}

/* Visible bytes, spaces and tabs; what is not ASCII may only stand in values. */
static bool is_value(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' ? text.at[i] != '\t' : text.at[i] == 0x7f)
            return false;
    return true;
}

/* Whether a comma-separated list has `wanted`, in any case. */
static bool list_has(struct span list, struct span wanted)
{
    while (list.len) {
        size_t comma = span_find(list, ',');
        if (span_equal_nocase(span_trim(span_slice(list, 0, comma)), wanted))
            return true;
        list = span_slice(list, comma + 1, list.len);
    }
    return false;
}

static void take_field(struct head *head, struct span name, struct span value)
{
    if (span_equal_nocase(name, SPAN("Host"))) {
        head->hosts++;
    } else if (span_equal_nocase(name, SPAN("Upgrade"))) {
        head->upgrade |= list_has(value, SPAN("websocket"));
    } else if (span_equal_nocase(name, SPAN("Connection"))) {
        head->connection |= list_has(value, SPAN("Upgrade"));
    } else if (span_equal_nocase(name, SPAN("Sec-WebSocket-Key"))) {
        head->keys++;
        head->key = value;
    } else if (span_equal_nocase(name, SPAN("Sec-WebSocket-Version"))) {
        head->versions++;
        head->websocket_version = value;
    } else if (span_equal_nocase(name, SPAN("Sec-WebSocket-Protocol"))) {
        head->sip |= list_has(value, SPAN("sip"));
    } else if (span_equal_nocase(name, SPAN("Origin"))) {
        head->origins++;
        head->origin = value;
    } else if (span_equal_nocase(name, SPAN("Content-Length"))) {
        head->bodies += !span_equal(value, SPAN("0"));
    } else if (span_equal_nocase(name, SPAN("Transfer-Encoding"))) {
        head->bodies++;
    }
}

/* One line off `rest`, without its CR LF; false where it does not end so. */
static bool take_line(struct span *rest, struct span *out_line)
{
    size_t end = span_find(*rest, '\n');
    if (end == rest->len || end == 0 || rest->at[end - 1] != '\r')
        return false;
    *out_line = span_slice(*rest, 0, end - 1);
    *rest = span_slice(*rest, end + 1, rest->len);
    return true;
}

static const char *read_request_line(struct head *head, struct span line)
{
    size_t first = span_find(line, ' ');
    struct span rest = span_slice(line, first + 1, line.len);
    size_t second = span_find(rest, ' ');
    head->method = span_slice(line, 0, first);
    head->path = span_slice(rest, 0, second);
    head->version = span_slice(rest, second + 1, rest.len);
    if (!is_token(head->method) || !is_value(line) || head->path.len == 0 || head->path.at[0] != '/')
        return "expected GET /PATH HTTP/1.1";
    return span_equal(head->version, SPAN("HTTP/1.1")) ? NULL : "expected HTTP/1.1";
}

static const char *read_fields(struct head *head, struct span rest)
{
    struct span line;
    for (unsigned count = 0; rest.len; count++) {
        if (!take_line(&rest, &line))
            return "a line does not end with CR LF";
        if (line.len == 0)
            return NULL;
        size_t colon = span_find(line, ':');
        struct span name = span_slice(line, 0, colon), value = span_trim(span_slice(line, colon + 1, line.len));
        if (colon == line.len || !is_token(name) || !is_value(value))
            return "malformed header field";
        if (count == WEBSOCKET_FIELDS_MAX)
            return "too many header fields";
        take_field(head, name, value);
    }
    return NULL;
}

/* 16 bytes in base64 are 22 letters and "==". */
static bool is_key(struct span key)
{
    if (key.len != WEBSOCKET_KEY_LEN || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '+' && c != '/')
            return false;
    }
    return true;
}

/* A client that is no browser has no origin, and may say any: the list keeps foreign pages out, not foreign programs. */
static bool is_welcome(const struct head *head, const struct websocket_origins *origins)
{
    if (!origins->count || !head->origins)
        return true;
    for (unsigned i = 0; i < origins->count; i++)
        if (span_equal_nocase(head->origin, span_of(origins->items[i])))
            return true;
    return false;
}

static void refuse(struct websocket_upgrade *upgrade, unsigned status, const char *why)
{
    upgrade->status = status;
    upgrade->why = why;
}

static void judge(const struct head *head, const struct websocket_origins *origins, struct websocket_upgrade *upgrade)
{
    if (!span_equal(head->method, SPAN("GET"))) {
        refuse(upgrade, 405, "only GET is served here");
    } else if (head->hosts != 1) {
        refuse(upgrade, 400, "expected one Host");
    } else if (head->bodies) {
        refuse(upgrade, 400, "an upgrade has no body");
    } else if (!head->upgrade || !head->connection) {
        refuse(upgrade, 426, "SIP over WebSocket is served here (RFC 7118)");
    } else if (head->versions != 1 || !span_equal(head->websocket_version, SPAN("13"))) {
        refuse(upgrade, 426, "expected Sec-WebSocket-Version: 13");
        upgrade->wants_13 = true;
    } else if (head->keys != 1 || !is_key(head->key)) {
        refuse(upgrade, 400, "expected one Sec-WebSocket-Key of 16 bytes in base64");
    } else if (!head->sip) {
        refuse(upgrade, 400, "expected Sec-WebSocket-Protocol: sip (RFC 7118 4.1)");
    } else if (head->origins > 1 || !is_welcome(head, origins)) {
        refuse(upgrade, 403, "this Origin is not in the list of origins");
    } else {
        upgrade->status = 101;
        upgrade->key = head->key;
    }
}

/* Where the head ends, behind its empty line; 0: not yet. */
static size_t head_end(struct span bytes)
{
    const char *end = bytes.len >= 4 ? memmem(bytes.at, bytes.len, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - bytes.at) + 4 : 0;
}

enum err websocket_upgrade_read(struct span bytes, const struct websocket_origins *origins,
                                struct websocket_upgrade *out_upgrade)
{
    struct websocket_upgrade upgrade = {.len = head_end(span_slice(bytes, 0, WEBSOCKET_UPGRADE_MAX))};
    struct head head = {0};
    struct span line, rest = span_slice(bytes, 0, upgrade.len);
    if (upgrade.len == 0 && bytes.len < WEBSOCKET_UPGRADE_MAX)
        return ERR_AGAIN;
    if (upgrade.len == 0) {
        refuse(&upgrade, 431, "the request's head has over 8192 bytes");
    } else {
        const char *why = take_line(&rest, &line) ? read_request_line(&head, line) : "a line does not end with CR LF";
        if (!why)
            why = read_fields(&head, rest);
        if (why)
            refuse(&upgrade, 400, why);
        else
            judge(&head, origins, &upgrade);
    }
    *out_upgrade = upgrade;
    return OK;
}

static const char *phrase_of(unsigned status)
{
    switch (status) {
    case 403:
        return "Forbidden";
    case 405:
        return "Method Not Allowed";
    case 426:
        return "Upgrade Required";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Bad Request";
    }
}

enum err websocket_upgrade_add_accept(struct span key, struct buffer *out)
{
    static const char constant[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char text[WEBSOCKET_KEY_LEN + sizeof(constant) - 1], digest[20], base64[32];
    size_t len = sizeof(digest);
    memcpy(text, key.at, WEBSOCKET_KEY_LEN);
    memcpy(text + WEBSOCKET_KEY_LEN, constant, sizeof(constant) - 1);
    if (EVP_Q_digest(NULL, "SHA1", NULL, text, sizeof(text), digest, &len) != 1)
        return ERR_IO;
    int written = EVP_EncodeBlock(base64, digest, (int)len);
    buffer_add(out, base64, (size_t)written);
    return OK;
}

enum err websocket_upgrade_answer(const struct websocket_upgrade *upgrade, struct buffer *out)
{
    if (upgrade->status == 101) {
        buffer_add_literal(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: ");
        enum err err = websocket_upgrade_add_accept(upgrade->key, out);
        buffer_add_literal(out, "\r\n\r\n");
        return err;
    }
    buffer_addf(out, "HTTP/1.1 %u %s\r\n", upgrade->status, phrase_of(upgrade->status));
    if (upgrade->status == 405)
        buffer_add_literal(out, "Allow: GET\r\n");
    if (upgrade->status == 426)
        buffer_add_literal(out, "Upgrade: websocket\r\nConnection: Upgrade, close\r\n");
    else
        buffer_add_literal(out, "Connection: close\r\n");
    if (upgrade->wants_13)
        buffer_add_literal(out, "Sec-WebSocket-Version: 13\r\n");
    buffer_addf(out, "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n", strlen(upgrade->why) + 1,
                upgrade->why);
    return OK;
}
