/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and responses for tests: a few fields with defaults become bytes and a parsed message. */
#pragma once

#include "net/net_flow.h"
#include "sip/sip_message.h"

#include <stdio.h>
#include <stdlib.h>

/* Fields left NULL or 0 take the defaults below. */
struct sip_ask {
    const char *method;   /* INVITE */
    const char *uri;      /* sip:bob@192.0.2.1 */
    const char *sent_by;  /* 192.0.2.9:5060 */
    const char *branch;   /* z9hG4bK-1; "-": none */
    const char *from_tag; /* alice; "-": none */
    const char *to;       /* sip:bob@example.com */
    const char *to_tag;   /* none */
    const char *call_id;  /* call-1 */
    unsigned cseq;        /* 1 */
    const char *cseq_method;
    const char *contact; /* <sip:alice@192.0.2.9>; "-": none */
    const char *extra;   /* whole lines */
    const char *body;    /* with Content-Type: application/sdp, or ... */
    const char *type;    /* ... this one */
};

struct sip_asked {
    char text[8192];
    struct sip_message message;
};

static inline const char *sip_ask_or(const char *value, const char *otherwise)
{
    return value ? value : otherwise;
}

/* Aborts when the parser refuses it. */
static inline const struct sip_message *sip_ask(struct sip_asked *out, struct sip_ask ask)
{
    const char *method = sip_ask_or(ask.method, "INVITE");
    const char *branch = sip_ask_or(ask.branch, "z9hG4bK-1");
    const char *from_tag = sip_ask_or(ask.from_tag, "alice");
    const char *contact = sip_ask_or(ask.contact, "<sip:alice@192.0.2.9>");
    const char *body = sip_ask_or(ask.body, "");
    int len = snprintf(out->text, sizeof(out->text),
                       "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s%s%s\r\nMax-Forwards: 70\r\n"
                       "From: <sip:alice@example.com>%s%s\r\nTo: <%s>%s%s\r\nCall-ID: %s\r\n"
                       "CSeq: %u %s\r\n%s%s%s%s%s%s%sContent-Length: %zu\r\n\r\n%s",
                       method, sip_ask_or(ask.uri, "sip:bob@192.0.2.1"), sip_ask_or(ask.sent_by, "192.0.2.9:5060"),
                       *branch == '-' ? "" : ";branch=", *branch == '-' ? "" : branch,
                       *from_tag == '-' ? "" : ";tag=", *from_tag == '-' ? "" : from_tag,
                       sip_ask_or(ask.to, "sip:bob@example.com"), ask.to_tag ? ";tag=" : "", sip_ask_or(ask.to_tag, ""),
                       sip_ask_or(ask.call_id, "call-1"), ask.cseq ? ask.cseq : 1, sip_ask_or(ask.cseq_method, method),
                       *contact == '-' ? "" : "Contact: ", *contact == '-' ? "" : contact,
                       *contact == '-' ? "" : "\r\n", sip_ask_or(ask.extra, ""), *body ? "Content-Type: " : "",
                       *body ? sip_ask_or(ask.type, "application/sdp") : "", *body ? "\r\n" : "", strlen(body), body);
    struct sip_problem problem;
    if (len < 0 || (size_t)len >= sizeof(out->text) ||
        sip_message_parse(&out->message, span_make(out->text, (size_t)len), SIP_DATAGRAM, &problem) != OK)
        abort();
    return &out->message;
}

/* Parses bytes that were sent; they must live on.  Aborts when the parser refuses them. */
static inline const struct sip_message *sip_ask_parse(struct sip_asked *out, const char *text)
{
    struct sip_problem problem;
    if (sip_message_parse(&out->message, span_of(text), SIP_DATAGRAM, &problem) != OK)
        abort();
    return &out->message;
}

/* A response to one of our own requests, as its receiver would make it: all that it copies, and a status. */
static inline const struct sip_message *sip_ask_answer(struct sip_asked *out, const char *request_text, unsigned code)
{
    static const char *const copied[] = {"Via:", "From:", "To:", "Call-ID:", "CSeq:"};
    size_t len = (size_t)snprintf(out->text, sizeof(out->text), "SIP/2.0 %u Whatever\r\n", code);
    for (const char *line = strstr(request_text, "\r\n") + 2; *line != '\r'; line = strstr(line, "\r\n") + 2) {
        for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++) {
            if (strncmp(line, copied[i], strlen(copied[i])) != 0)
                continue;
            size_t line_len = (size_t)(strstr(line, "\r\n") + 2 - line);
            memcpy(out->text + len, line, line_len);
            len += line_len;
        }
    }
    len += (size_t)snprintf(out->text + len, sizeof(out->text) - len, "Content-Length: 0\r\n\r\n");
    struct sip_problem problem;
    if (sip_message_parse(&out->message, span_make(out->text, len), SIP_DATAGRAM, &problem) != OK)
        abort();
    return &out->message;
}

static inline struct net_flow sip_ask_flow(enum net_transport transport, const char *remote)
{
    struct net_flow flow = {.transport = (uint8_t)transport};
    if (net_address_parse(span_of(remote), 5060, &flow.remote) != OK ||
        net_address_parse(SPAN("192.0.2.1:5060"), 5060, &flow.local) != OK)
        abort();
    return flow;
}
