/* SPDX-License-Identifier: Apache-2.0 */
/* Responses, written in one pass over the request's fields. */
#include "sip/sip_reply.h"

#include "sip/sip_priv.h"

struct phrase {
    uint16_t code;
    struct span text;
};

#define PHRASE(code, text)                                                                                             \
    {                                                                                                                  \
        code,                                                                                                          \
        {                                                                                                              \
            text, sizeof(text) - 1                                                                                     \
        }                                                                                                              \
    }

/* RFC 3261 21 and the IANA registry, in order of codes. */
static const struct phrase phrases[] = {
    PHRASE(100, "Trying"),
    PHRASE(180, "Ringing"),
    PHRASE(181, "Call Is Being Forwarded"),
    PHRASE(182, "Queued"),
    PHRASE(183, "Session Progress"),
    PHRASE(199, "Early Dialog Terminated"),
    PHRASE(200, "OK"),
    PHRASE(202, "Accepted"),
    PHRASE(204, "No Notification"),
    PHRASE(300, "Multiple Choices"),
    PHRASE(301, "Moved Permanently"),
    PHRASE(302, "Moved Temporarily"),
    PHRASE(305, "Use Proxy"),
    PHRASE(380, "Alternative Service"),
    PHRASE(400, "Bad Request"),
    PHRASE(401, "Unauthorized"),
    PHRASE(402, "Payment Required"),
    PHRASE(403, "Forbidden"),
    PHRASE(404, "Not Found"),
    PHRASE(405, "Method Not Allowed"),
    PHRASE(406, "Not Acceptable"),
    PHRASE(407, "Proxy Authentication Required"),
    PHRASE(408, "Request Timeout"),
    PHRASE(410, "Gone"),
    PHRASE(412, "Conditional Request Failed"),
    PHRASE(413, "Request Entity Too Large"),
    PHRASE(414, "Request-URI Too Long"),
    PHRASE(415, "Unsupported Media Type"),
    PHRASE(416, "Unsupported URI Scheme"),
    PHRASE(417, "Unknown Resource-Priority"),
    PHRASE(420, "Bad Extension"),
    PHRASE(421, "Extension Required"),
    PHRASE(422, "Session Interval Too Small"),
    PHRASE(423, "Interval Too Brief"),
    PHRASE(424, "Bad Location Information"),
    PHRASE(425, "Bad Alert Message"),
    PHRASE(428, "Use Identity Header"),
    PHRASE(429, "Provide Referrer Identity"),
    PHRASE(430, "Flow Failed"),
    PHRASE(433, "Anonymity Disallowed"),
    PHRASE(436, "Bad Identity Info"),
    PHRASE(437, "Unsupported Credential"),
    PHRASE(438, "Invalid Identity Header"),
    PHRASE(439, "First Hop Lacks Outbound Support"),
    PHRASE(440, "Max-Breadth Exceeded"),
    PHRASE(469, "Bad Info Package"),
    PHRASE(470, "Consent Needed"),
    PHRASE(480, "Temporarily Unavailable"),
    PHRASE(481, "Call/Transaction Does Not Exist"),
    PHRASE(482, "Loop Detected"),
    PHRASE(483, "Too Many Hops"),
    PHRASE(484, "Address Incomplete"),
    PHRASE(485, "Ambiguous"),
    PHRASE(486, "Busy Here"),
    PHRASE(487, "Request Terminated"),
    PHRASE(488, "Not Acceptable Here"),
    PHRASE(489, "Bad Event"),
    PHRASE(491, "Request Pending"),
    PHRASE(493, "Undecipherable"),
    PHRASE(494, "Security Agreement Required"),
    PHRASE(500, "Server Internal Error"),
    PHRASE(501, "Not Implemented"),
    PHRASE(502, "Bad Gateway"),
    PHRASE(503, "Service Unavailable"),
    PHRASE(504, "Server Time-out"),
    PHRASE(505, "Version Not Supported"),
    PHRASE(513, "Message Too Large"),
    PHRASE(555, "Push Notification Service Not Supported"),
    PHRASE(580, "Precondition Failure"),
    PHRASE(600, "Busy Everywhere"),
    PHRASE(603, "Decline"),
    PHRASE(604, "Does Not Exist Anywhere"),
    PHRASE(606, "Not Acceptable"),
    PHRASE(607, "Unwanted"),
    PHRASE(608, "Rejected"),
};

struct span sip_reply_phrase(unsigned code)
{
    static const struct span classes[] = {{"Unknown", 7},        {"Progress", 8},      {"Success", 7},
                                          {"Redirection", 11},   {"Client Error", 12}, {"Server Error", 12},
                                          {"Global Failure", 14}};
    size_t from = 0, to = sizeof(phrases) / sizeof(phrases[0]);
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (phrases[middle].code == code)
            return phrases[middle].text;
        if (phrases[middle].code < code)
            from = middle + 1;
        else
            to = middle;
    }
    return classes[code / 100 <= 6 ? code / 100 : 0];
}

static void add_clean(struct buffer *out, struct span value)
{
    if (sip_text_is_clean(value))
        buffer_add_span(out, value);
    else
        out->overflow = true;
}

/* A value of the request: seen clean by the parser, or cleaned here. */
static void add_value(struct buffer *out, const struct sip_header *header, struct span part)
{
    if (header->unclean)
        sip_text_unfold(out, part);
    else
        buffer_add_span(out, part);
}

static void add_received(struct buffer *out, struct span received)
{
    buffer_add_literal(out, "received=");
    add_clean(out, received);
}

/* Whether the next thing to replace in the value is rport (1), received (2) or nothing (0). */
static int next_edit(const struct sip_via *via, bool rport, bool received)
{
    if (rport && received)
        return via->rport_text.at < via->received_text.at ? 1 : 2;
    return rport ? 1 : received ? 2 : 0;
}

/* The topmost value with what RFC 3261 18.2.1 and RFC 3581 4 ask for: a received of the peer's own making is
 * replaced. */
static void add_top_via(struct buffer *out, const struct sip_header *header, const struct sip_via *via,
                        const struct sip_reply_via *sent)
{
    const char *at = header->value.at;
    const char *value_end = sip_text_end(via->text);
    bool rport = sent->rport && via->has_rport;
    bool received = sent->received.len && via->received_text.at;
    for (int edit; (edit = next_edit(via, rport, received)) != 0;) {
        struct span old = edit == 1 ? via->rport_text : via->received_text;
        add_value(out, header, span_make(at, (size_t)(old.at - at)));
        if (edit == 1) {
            buffer_add_literal(out, "rport=");
            buffer_add_u64(out, sent->rport);
            rport = false;
        } else {
            add_received(out, sent->received);
            received = false;
        }
        at = sip_text_end(old);
    }
    add_value(out, header, span_make(at, (size_t)(value_end - at)));
    if (sent->received.len && !via->received_text.at) {
        buffer_add_byte(out, ';');
        add_received(out, sent->received);
    }
    add_value(out, header, span_make(value_end, (size_t)(sip_text_end(header->value) - value_end)));
}

static void add_vias(struct buffer *out, const struct sip_message *request, const struct sip_reply_via *sent)
{
    const struct sip_header *header = sip_message_header(request, SIP_HEADER_VIA);
    bool top = sent != NULL && request->via.whole;
    for (; header; header = sip_message_header_next(request, header)) {
        buffer_add_literal(out, "Via: ");
        if (top)
            add_top_via(out, header, &request->via, sent);
        else
            add_value(out, header, header->value);
        buffer_add_literal(out, "\r\n");
        top = false;
    }
}

/* Whether a copy of the line is what we would write: our spelling of its name, one space, no fold. */
static bool is_as_written(const struct sip_header *header, struct span lead)
{
    return !header->unclean && (size_t)(header->value.at - header->name.at) == lead.len &&
           memcmp(header->name.at, lead.at, lead.len) == 0;
}

static void add_line(struct buffer *out, const struct sip_message *request, enum sip_header_id id, struct span to_tag)
{
    const struct sip_header *header = sip_message_header(request, id);
    if (!header)
        return;
    if (is_as_written(header, sip_header_lead(id))) {
        const char *end = sip_text_end(header->value);
        bool ends = !to_tag.len && memcmp(end, "\r\n", 2) == 0; /* an empty line follows in any case */
        buffer_add(out, header->name.at, (size_t)(end - header->name.at) + (ends ? 2 : 0));
        if (ends)
            return;
    } else {
        buffer_add_span(out, sip_header_lead(id));
        add_value(out, header, header->value);
    }
    if (to_tag.len) {
        buffer_add_literal(out, ";tag=");
        add_clean(out, to_tag);
    }
    buffer_add_literal(out, "\r\n");
}

static void add_status_line(struct buffer *out, unsigned code, struct span reason)
{
    char line[12] = {'S', 'I', 'P', '/', '2', '.', '0', ' '};
    line[8] = (char)('0' + code / 100 % 10);
    line[9] = (char)('0' + code / 10 % 10);
    line[10] = (char)('0' + code % 10);
    line[11] = ' ';
    buffer_add(out, line, sizeof(line));
    if (reason.len)
        add_clean(out, reason);
    else
        buffer_add_span(out, sip_reply_phrase(code));
    buffer_add_literal(out, "\r\n");
}

void sip_reply_begin(struct buffer *out, const struct sip_message *request, unsigned code, struct span reason,
                     const struct sip_reply_via *via, struct span to_tag)
{
    const struct span none = {NULL, 0};
    add_status_line(out, code, reason);
    add_vias(out, request, via);
    add_line(out, request, SIP_HEADER_FROM, none);
    add_line(out, request, SIP_HEADER_TO, request->to.tag.at || code == 100 ? none : to_tag);
    add_line(out, request, SIP_HEADER_CALL_ID, none);
    add_line(out, request, SIP_HEADER_CSEQ, none);
    if (code == 100)
        add_line(out, request, SIP_HEADER_TIMESTAMP, none); /* RFC 3261 8.2.6.1 */
}

void sip_reply_copy(struct buffer *out, const struct sip_message *request, enum sip_header_id id)
{
    const struct sip_header *header = sip_message_header(request, id);
    for (; header; header = sip_message_header_next(request, header)) {
        buffer_add_span(out, id == SIP_HEADER_OTHER ? header->name : sip_header_name(id));
        buffer_add_literal(out, ": ");
        add_value(out, header, header->value);
        buffer_add_literal(out, "\r\n");
    }
}

void sip_reply_header(struct buffer *out, struct span name, struct span value)
{
    if (!name.len || sip_text_run(name.at, sip_text_end(name), SIP_TEXT_TOKEN) != name.len) {
        out->overflow = true;
        return;
    }
    buffer_add_span(out, name);
    buffer_add_literal(out, ": ");
    add_clean(out, value);
    buffer_add_literal(out, "\r\n");
}

void sip_reply_header_u64(struct buffer *out, struct span name, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    sip_reply_header(out, name, span_make(digits + at, sizeof(digits) - at));
}

void sip_reply_end(struct buffer *out, struct span content_type, struct span body)
{
    if (!body.len) {
        buffer_add_literal(out, "Content-Length: 0\r\n\r\n");
        return;
    }
    sip_reply_header(out, SPAN("Content-Type"), content_type);
    buffer_add_literal(out, "Content-Length: ");
    buffer_add_u64(out, body.len);
    buffer_add_literal(out, "\r\n\r\n");
    buffer_add_span(out, body);
}
