/* SPDX-License-Identifier: Apache-2.0 */
/* Parse, build, parse: a request rebuilt from what the parser read says the same; and a request of our own making
 * towards its sender can be read. */
#include "fuzz.h"
#include "sip/sip_address.h"
#include "sip/sip_reply.h"
#include "sip/sip_request.h"

enum { OUT_CAP = 1 << 19 };

static char out_bytes[OUT_CAP];
static struct sip_message message, again;

static bool same_address(const struct sip_address *a, const struct sip_address *b)
{
    return a->star == b->star && a->bracketed == b->bracketed && span_equal(a->tag, b->tag) &&
           span_equal(a->uri.text, b->uri.text) && a->display.len >= b->display.len;
}

/* Start line, then every field in its order, by its full name and unfolded. */
static void rebuild(struct buffer *out)
{
    buffer_add_span(out, message.start_line);
    buffer_add_literal(out, "\r\n");
    for (unsigned at = 0; at < message.header_count; at++) {
        const struct sip_header *header = &message.headers[at];
        struct sip_message one = {.header_count = 1};
        memset(one.first, SIP_HEADER_NONE, sizeof(one.first));
        one.headers[0] = *header;
        one.headers[0].next = SIP_HEADER_NONE;
        one.first[header->id] = 0;
        if (header->id != SIP_HEADER_CONTENT_LENGTH)
            sip_reply_copy(out, &one, (enum sip_header_id)header->id);
    }
    buffer_add_literal(out, "Content-Length: ");
    buffer_add_u64(out, message.body.len);
    buffer_add_literal(out, "\r\n\r\n");
    buffer_add_span(out, message.body);
}

static void check_same(void)
{
    invariant(again.is_request == message.is_request && again.method == message.method);
    invariant(again.status == message.status && span_equal(again.uri_text, message.uri_text));
    invariant(span_equal(again.call_id, message.call_id) && again.cseq == message.cseq);
    invariant(same_address(&message.from, &again.from) && same_address(&message.to, &again.to));
    invariant(span_equal(again.via.host, message.via.host) && again.via.port == message.via.port);
    invariant(span_equal(again.via.branch, message.via.branch) && again.via.transport == message.via.transport);
    invariant(again.max_forwards == message.max_forwards && span_equal(again.body, message.body));
    invariant(!message.contact.text.at == !again.contact.text.at);
    invariant(span_equal(again.contact.uri.text, message.contact.uri.text));
    for (int id = 0; id < SIP_HEADER_COUNT; id++)
        invariant(id == SIP_HEADER_CONTENT_LENGTH ||
                  (again.first[id] == SIP_HEADER_NONE) == (message.first[id] == SIP_HEADER_NONE));
}

/* A BYE back to the sender, along the Record-Route. */
static void send_bye(void)
{
    struct span routes[SIP_REQUEST_ROUTES_MAX];
    struct sip_address address;
    struct sip_problem problem;
    struct sip_address_walk walk = sip_address_walk_begin(&message, SIP_HEADER_RECORD_ROUTE);
    struct sip_request bye = {.method = SPAN("BYE"),
                              .target = message.contact.uri.text,
                              .via_transport = SPAN("UDP"),
                              .via_host = SPAN("[2001:db8::2]"),
                              .branch = SPAN("z9hG4bKfuzz"),
                              .from = SPAN("<sip:a@192.0.2.1>;tag=x"),
                              .to = SPAN("<sip:b@192.0.2.2>;tag=y"),
                              .call_id = message.call_id,
                              .cseq = message.cseq,
                              .routes = routes};
    while (bye.route_count < SIP_REQUEST_ROUTES_MAX && sip_address_walk_next(&walk, &address) == OK)
        routes[bye.route_count++] = address.text;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    sip_request_begin(&out, &bye);
    sip_request_end(&out, SPAN(""), SPAN(""));
    if (out.overflow)
        return; /* a folded route */
    invariant(sip_message_parse(&again, buffer_span(&out), SIP_STREAM, &problem) == OK);
    invariant(again.method == SIP_METHOD_BYE && span_equal(again.call_id, message.call_id));
    fuzz_touch(sip_request_next_hop(&bye));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sip_problem problem;
    struct span input = span_make((const char *)bytes, len);
    if (sip_message_parse(&message, input, SIP_DATAGRAM, &problem) != OK)
        return 0;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    rebuild(&out);
    invariant(!out.overflow);
    invariant(sip_message_parse(&again, buffer_span(&out), SIP_STREAM, &problem) == OK);
    check_same();
    if (message.contact.uri.text.len)
        send_bye();
    return 0;
}
