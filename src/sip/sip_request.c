/* SPDX-License-Identifier: Apache-2.0 */
/* Our own requests. */
#include "sip/sip_request.h"

#include "sip/sip_address.h"
#include "sip/sip_priv.h"
#include "sip/sip_reply.h"

/* The first route's URI when it is a strict router (no ;lr), RFC 3261 12.2.1.1; else at == NULL.  An unreadable one is
 * taken as loose: the request then carries it as it is. */
static struct span strict_route(const struct sip_request *request)
{
    struct sip_address address;
    if (!request->route_count || sip_address_parse(request->routes[0], &address, NULL) != OK || address.star ||
        sip_uri_has_param(&address.uri, SPAN("lr")))
        return (struct span){NULL, 0};
    return address.uri.text;
}

/* A URI as a request line or a Route may hold it: without headers and method parameter (RFC 3261 19.1.1, table 1). */
static void add_uri(struct buffer *out, struct span text)
{
    struct sip_uri uri;
    struct sip_param param;
    if (sip_uri_parse(text, &uri, NULL) != OK || (!uri.params.len && !uri.headers.len)) {
        buffer_add_span(out, text);
        return;
    }
    const char *bare_end = uri.params.len ? uri.params.at : uri.headers.at - 1; /* before ';' or '?' */
    buffer_add(out, text.at, (size_t)(bare_end - text.at));
    for (struct span rest = uri.params; sip_uri_param_next(&rest, &param);) {
        if (SIP_IS(param.name, "method"))
            continue;
        buffer_add_byte(out, ';');
        buffer_add_span(out, param.name);
        if (param.has_value)
            buffer_add_byte(out, '=');
        buffer_add_span(out, param.value);
    }
}

static void add_via(struct buffer *out, const struct sip_request *request)
{
    size_t from = out->len;
    buffer_add_literal(out, "Via: SIP/2.0/");
    buffer_add_span(out, request->via_transport);
    buffer_add_byte(out, ' ');
    buffer_add_span(out, request->via_host);
    if (request->via_port) {
        buffer_add_byte(out, ':');
        buffer_add_u64(out, request->via_port);
    }
    if (request->via_alias)
        buffer_add_literal(out, ";alias");
    if (request->via_rport)
        buffer_add_literal(out, ";rport");
    buffer_add_literal(out, ";branch=");
    buffer_add_span(out, request->branch);
    if (!out->overflow && !sip_text_is_clean(span_make(out->at + from, out->len - from)))
        out->overflow = true;
    buffer_add_literal(out, "\r\n");
}

static void add_routes(struct buffer *out, const struct sip_request *request, bool strict)
{
    for (size_t at = strict ? 1 : 0; at < request->route_count; at++)
        sip_reply_header(out, SPAN("Route"), request->routes[at]);
    if (!strict)
        return;
    buffer_add_literal(out, "Route: <");
    add_uri(out, request->target);
    buffer_add_literal(out, ">\r\n");
}

static void add_cseq(struct buffer *out, const struct sip_request *request)
{
    buffer_add_literal(out, "CSeq: ");
    buffer_add_u64(out, request->cseq);
    buffer_add_byte(out, ' ');
    buffer_add_span(out, request->method);
    buffer_add_literal(out, "\r\n");
}

void sip_request_begin(struct buffer *out, const struct sip_request *request)
{
    struct span first = strict_route(request);
    const struct span target = request->target;
    bool broken =
        !request->method.len || request->route_count > SIP_REQUEST_ROUTES_MAX ||
        sip_text_run(request->method.at, sip_text_end(request->method), SIP_TEXT_TOKEN) != request->method.len;
    if (broken || !target.len || sip_text_run(target.at, sip_text_end(target), SIP_TEXT_VISIBLE) != target.len) {
        out->overflow = true;
        return;
    }
    buffer_add_span(out, request->method);
    buffer_add_byte(out, ' ');
    add_uri(out, first.at ? first : target);
    buffer_add_literal(out, " SIP/2.0\r\n");
    add_via(out, request);
    sip_reply_header_u64(out, SPAN("Max-Forwards"), request->max_forwards ? request->max_forwards : 70);
    add_routes(out, request, first.at != NULL);
    sip_reply_header(out, SPAN("From"), request->from);
    sip_reply_header(out, SPAN("To"), request->to);
    sip_reply_header(out, SPAN("Call-ID"), request->call_id);
    add_cseq(out, request);
}

void sip_request_header(struct buffer *out, struct span name, struct span value)
{
    sip_reply_header(out, name, value);
}

void sip_request_end(struct buffer *out, struct span content_type, struct span body)
{
    sip_reply_end(out, content_type, body);
}

struct span sip_request_next_hop(const struct sip_request *request)
{
    struct sip_address address;
    if (request->route_count && sip_address_parse(request->routes[0], &address, NULL) == OK && !address.star)
        return address.uri.text;
    return request->target;
}
