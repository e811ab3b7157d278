/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's messages: the request with its SDP, ACK, BYE, and answers to what the other side asks. */
#include "probe/probe_exchange.h"
#include "sdp/sdp.h"
#include "sdp/sdp_answer.h"
#include "sip/sip_address.h"
#include "sip/sip_reply.h"
#include "sip/sip_request.h"
#include "util/clock.h"
#include "util/random.h"

#include <stdio.h>

enum { MESSAGE_MAX = 16384 };

/* What a method's request carries beside the usual, so that it is a complete one. */
static const struct {
    const char *method;
    const char *header;
    const char *value;
} extras[] = {
    {"REGISTER", "Expires", "60"},
    {"SUBSCRIBE", "Event", "reg"},
    {"SUBSCRIBE", "Expires", "60"},
    {"PUBLISH", "Event", "presence"},
    {"PUBLISH", "Expires", "60"},
    {"OPTIONS", "Accept", "application/sdp"},
    {"REFER", "Refer-To", "<sip:a@localhost>"},
};

static void make_branch(char out[40])
{
    uint64_t bits[2];
    if (random_system(bits, sizeof(bits)) != OK)
        bits[0] = bits[1] = clock_mono_ns();
    (void)snprintf(out, 40, "z9hG4bK%016llx%08x", (unsigned long long)bits[0], (unsigned)bits[1]);
}

static bool is_method(const struct probe_exchange *exchange, const char *method)
{
    return strcmp(exchange->options->method, method) == 0;
}

/* "[::1]" or "127.0.0.1"; over WebSocket a name that nobody can look up (RFC 7118 B.1). */
static void local_host(const struct probe_exchange *exchange, char out[72])
{
    if (exchange->wire.websocket)
        (void)snprintf(out, 72, "probe%u.invalid", exchange->wire.local_port);
    else
        (void)snprintf(out, 72, exchange->wire.is_ipv6 ? "[%s]" : "%s", exchange->wire.local_host);
}

/* The URI as given, without the headers behind '?'; a REGISTER goes to the domain (RFC 3261 10.2). */
static enum err make_request_uri(struct probe_exchange *exchange, struct fault *fault)
{
    const struct sip_uri *target = &exchange->target;
    struct buffer uri = buffer_over(exchange->request_uri, sizeof(exchange->request_uri) - 1);
    if (is_method(exchange, "REGISTER") && target->scheme != SIP_SCHEME_TEL) {
        buffer_add_span(&uri, target->scheme_text);
        buffer_add_byte(&uri, ':');
        sip_host_add(&uri, target->host, (enum sip_host_kind)target->host_kind);
        if (target->port)
            buffer_addf(&uri, ":%u", target->port);
    } else {
        size_t len = target->headers.len ? target->text.len - target->headers.len - 1 : target->text.len;
        buffer_add_span(&uri, span_slice(target->text, 0, len));
    }
    exchange->request_uri[uri.len] = '\0';
    return uri.overflow ? fault_set(fault, ERR_TOO_LONG, NULL, 0, "the target is too long") : OK;
}

/* RFC 7118 5.2: `transport=ws` over WSS, too. */
static void make_contact(struct probe_exchange *exchange, const char *host, bool sips)
{
    const struct probe_wire *wire = &exchange->wire;
    const char *scheme = sips ? "sips" : "sip";
    size_t cap = sizeof(exchange->contact);
    if (wire->websocket)
        (void)snprintf(exchange->contact, cap, "<%s:probe@%s;transport=ws>", scheme, host);
    else
        (void)snprintf(exchange->contact, cap, "<%s:probe@%s:%u%s>", scheme, host, wire->local_port,
                       sips              ? ""
                       : wire->tls       ? ";transport=tls"
                       : wire->is_stream ? ";transport=tcp"
                                         : "");
}

static struct span via_transport(const struct probe_wire *wire)
{
    if (wire->websocket)
        return wire->tls ? SPAN("WSS") : SPAN("WS");
    return wire->tls ? SPAN("TLS") : wire->is_stream ? SPAN("TCP") : SPAN("UDP");
}

enum err probe_names(struct probe_exchange *exchange, struct fault *fault)
{
    const struct probe_options *options = exchange->options;
    char host[72];
    char tag[40];
    local_host(exchange, host);
    make_branch(tag);
    make_branch(exchange->branch);
    make_branch(exchange->ack_branch);
    make_branch(exchange->bye_branch);
    exchange->cseq = 1;
    const char *random = exchange->branch + sizeof("z9hG4bK") - 1;
    (void)snprintf(exchange->call_id, sizeof(exchange->call_id), "%s@probe", random);
    bool sips = exchange->target.scheme == SIP_SCHEME_SIPS; /* RFC 3261 8.1.1.8 */
    make_contact(exchange, host, sips);
    if (options->from && strlen(options->from) >= sizeof(exchange->from_uri))
        return fault_set(fault, ERR_TOO_LONG, NULL, 0, "--from: at most %zu bytes", sizeof(exchange->from_uri) - 1);
    if (options->from)
        (void)snprintf(exchange->from_uri, sizeof(exchange->from_uri), "%s", options->from);
    else if (is_method(exchange, "REGISTER"))
        (void)span_copy(exchange->target.text, exchange->from_uri, sizeof(exchange->from_uri));
    else
        (void)snprintf(exchange->from_uri, sizeof(exchange->from_uri), "sip:probe@%s", host);
    (void)snprintf(exchange->from_value, sizeof(exchange->from_value), "<%s>;tag=%s", exchange->from_uri, tag + 7);
    int len = snprintf(exchange->to_value, sizeof(exchange->to_value), "<%.*s>", SPAN_ARG(exchange->target.text));
    if (len < 0 || (size_t)len >= sizeof(exchange->to_value))
        return fault_set(fault, ERR_TOO_LONG, NULL, 0, "the target is too long");
    return make_request_uri(exchange, fault);
}

/* What every request of this call has in common. */
static struct sip_request begin(const struct probe_exchange *exchange, const char *host, const char *branch)
{
    return (struct sip_request){
        .target = span_of(exchange->request_uri),
        .via_transport = via_transport(&exchange->wire),
        .via_host = span_of(host),
        .via_port = exchange->wire.websocket ? 0 : exchange->wire.local_port,
        .via_rport = true,
        .branch = span_of(branch),
        .from = span_of(exchange->from_value),
        .to = span_of(exchange->to_value),
        .call_id = span_of(exchange->call_id),
        .cseq = exchange->cseq,
    };
}

/* A header of the user's: "Name: value". */
static enum err add_given_header(struct buffer *out, const char *text, struct fault *fault)
{
    struct span line = span_of(text);
    size_t colon = span_find(line, ':');
    if (colon == 0 || colon == line.len)
        return fault_set(fault, ERR_INVALID, NULL, 0, "--header %s: expected \"Name: value\"", text);
    sip_request_header(out, span_trim(span_slice(line, 0, colon)), span_trim(span_slice(line, colon + 1, line.len)));
    if (out->overflow)
        return fault_set(fault, ERR_INVALID, NULL, 0,
                         "--header %s: a name must be a token, a value free of control bytes", text);
    return OK;
}

static void end_with_body(const struct probe_exchange *exchange, struct buffer *out)
{
    char memory[1024];
    struct buffer body = buffer_over(memory, sizeof(memory));
    struct span type = SPAN("application/sdp");
    if (is_method(exchange, "INVITE")) {
        const struct sdp_local local = {.address = span_of(exchange->wire.local_host),
                                        .is_ipv6 = exchange->wire.is_ipv6,
                                        .session_id = exchange->start_ns / 1000,
                                        .session_version = 1,
                                        .direction = SDP_SENDRECV};
        sdp_offer(&local, &body);
    } else if (is_method(exchange, "MESSAGE")) {
        type = SPAN("text/plain");
        buffer_add_literal(&body, "A probe.");
    }
    sip_request_end(out, type, buffer_span(&body));
}

enum err probe_build_request(struct probe_exchange *exchange, struct fault *fault)
{
    char host[72];
    local_host(exchange, host);
    struct sip_request request = begin(exchange, host, exchange->branch);
    request.method = span_of(exchange->options->method);
    exchange->request = buffer_heap(MESSAGE_MAX);
    sip_request_begin(&exchange->request, &request);
    sip_request_header(&exchange->request, SPAN("Contact"), span_of(exchange->contact));
    sip_request_header(&exchange->request, SPAN("User-Agent"), SPAN("verdict-probe/" VERDICT_VERSION));
    for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
        if (is_method(exchange, extras[i].method))
            sip_request_header(&exchange->request, span_of(extras[i].header), span_of(extras[i].value));
    }
    if (exchange->request.overflow)
        return fault_set(fault, ERR_INVALID, NULL, 0, "cannot make a request of this target, method and --from");
    for (unsigned i = 0; i < exchange->options->header_count; i++) {
        enum err err = add_given_header(&exchange->request, exchange->options->headers[i], fault);
        if (err != OK)
            return err;
    }
    end_with_body(exchange, &exchange->request);
    if (exchange->request.overflow)
        return fault_set(fault, ERR_TOO_LONG, NULL, 0, "the request is longer than %d bytes", MESSAGE_MAX);
    return OK;
}

/* The dialog of a 2xx: its Contact is the target, its Record-Route backwards the route set (RFC 3261 12.1.2). */
static size_t find_dialog(const struct probe_exchange *exchange, struct sip_request *request,
                          struct span routes[SIP_ROUTES_MAX])
{
    if (exchange->final.contact.text.at)
        request->target = exchange->final.contact.uri.text;
    size_t count = 0;
    struct sip_address route;
    struct sip_address_walk walk = sip_address_walk_begin(&exchange->final, SIP_HEADER_RECORD_ROUTE);
    while (count < SIP_ROUTES_MAX && sip_address_walk_next(&walk, &route) == OK)
        routes[count++] = route.text;
    for (size_t i = 0; i < count / 2; i++) {
        struct span swapped = routes[i];
        routes[i] = routes[count - 1 - i];
        routes[count - 1 - i] = swapped;
    }
    request->routes = routes;
    request->route_count = count;
    return count;
}

static enum err build_following(struct probe_exchange *exchange, struct span method, const char *branch,
                                struct buffer *out)
{
    char host[72];
    struct span routes[SIP_ROUTES_MAX];
    local_host(exchange, host);
    struct sip_request request = begin(exchange, host, branch);
    request.method = method;
    request.to = exchange->final.to.text;
    if (exchange->final.status < 300)
        (void)find_dialog(exchange, &request, routes);
    *out = buffer_heap(MESSAGE_MAX);
    sip_request_begin(out, &request);
    sip_request_end(out, SPAN(""), SPAN(""));
    return out->overflow ? ERR_INVALID : OK;
}

enum err probe_build_ack(struct probe_exchange *exchange)
{
    /* For a 2xx the ACK is a transaction of its own; for other finals it belongs to the INVITE's (17.1.1.3). */
    const char *branch = exchange->final.status < 300 ? exchange->ack_branch : exchange->branch;
    return build_following(exchange, SPAN("ACK"), branch, &exchange->ack);
}

enum err probe_build_bye(struct probe_exchange *exchange)
{
    exchange->cseq++;
    return build_following(exchange, SPAN("BYE"), exchange->bye_branch, &exchange->bye);
}

enum err probe_build_reply(const struct sip_message *request, unsigned code, struct buffer *out)
{
    const struct sip_reply_via via = {0};
    sip_reply_begin(out, request, code, SPAN(""), &via, SPAN("probe"));
    sip_reply_end(out, SPAN(""), SPAN(""));
    return out->overflow ? ERR_INVALID : OK;
}
