/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages over both kinds of framing: what is read lies in the input, the Call-ID scan agrees with the parser, a
 * refusal has its reason, an answer holds no stray control byte and can be read again. */
#include "fuzz.h"
#include "sip/sip_address.h"
#include "sip/sip_multipart.h"
#include "sip/sip_reply.h"
#include "sip/sip_text.h"

enum { OUT_CAP = 1 << 19 };

static char out_bytes[OUT_CAP];
static struct sip_message message, reread;

static void touch_message(struct span input)
{
    const struct span parts[] = {message.bytes,   message.method_text, message.uri_text, message.reason,
                                 message.call_id, message.body,        message.via.text, message.from.text,
                                 message.to.text, message.contact.text};
    for (size_t at = 0; at < sizeof(parts) / sizeof(parts[0]); at++) {
        invariant(fuzz_within(parts[at], input));
        fuzz_touch(parts[at]);
    }
    for (unsigned at = 0; at < message.header_count; at++) {
        invariant(fuzz_within(message.headers[at].name, input) && fuzz_within(message.headers[at].value, input));
        fuzz_touch(message.headers[at].value);
    }
}

static void walk_addresses(void)
{
    const enum sip_header_id ids[] = {SIP_HEADER_CONTACT, SIP_HEADER_ROUTE, SIP_HEADER_RECORD_ROUTE,
                                      SIP_HEADER_P_ASSERTED_IDENTITY};
    for (size_t at = 0; at < sizeof(ids) / sizeof(ids[0]); at++) {
        struct sip_address address;
        struct sip_address_walk walk = sip_address_walk_begin(&message, ids[at]);
        while (sip_address_walk_next(&walk, &address) == OK)
            fuzz_touch(address.text);
    }
}

/* The answer must be a message that the parser reads, unless the request's own fields were the mistake. */
static void answer(bool accepted)
{
    const struct sip_reply_via via = {.received = SPAN("2001:db8::1"), .rport = 5062};
    struct sip_problem problem;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    sip_reply_begin(&out, &message, 410, SPAN(""), &via, SPAN("fuzz"));
    sip_reply_copy(&out, &message, SIP_HEADER_RECORD_ROUTE);
    sip_reply_end(&out, SPAN(""), SPAN(""));
    invariant(!out.overflow);
    for (size_t at = 0; at < out.len; at++) {
        unsigned char byte = (unsigned char)out.at[at];
        bool line_end = byte == '\r' ? out.at[at + 1] == '\n' : byte == '\n' && out.at[at - 1] == '\r';
        invariant(line_end || byte == '\t' || (byte >= 0x20 && byte != 0x7f) || out.at[at - 1] == '\\');
    }
    if (!accepted)
        return;
    if (sip_message_parse(&reread, buffer_span(&out), SIP_DATAGRAM, &problem) != OK) {
        invariant(strcmp(problem.reason, "more than 64 parameters") == 0); /* received was one too many */
        return;
    }
    invariant(reread.status == 410 && reread.cseq == message.cseq && span_equal(reread.call_id, message.call_id));
    invariant(span_equal(reread.via.branch, message.via.branch) && span_equal(reread.from.tag, message.from.tag));
    invariant(reread.to.tag.len && span_equal(reread.via.received, via.received));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span input = span_make((const char *)bytes, len), sdp;
    for (int framing = SIP_DATAGRAM; framing <= SIP_STREAM; framing++) {
        struct sip_problem problem = {0};
        enum err err = sip_message_parse(&message, input, (enum sip_framing)framing, &problem);
        touch_message(input);
        if (err == OK) {
            struct span scanned = sip_call_id_scan(input);
            invariant(scanned.at == message.call_id.at && scanned.len == message.call_id.len);
            scanned = sip_field_scan(input, SIP_HEADER_TO);
            invariant(span_equal(scanned, sip_message_value(&message, SIP_HEADER_TO)));
            walk_addresses();
            if (sip_multipart_sdp(&message, &sdp) == OK)
                fuzz_touch(sdp);
        } else {
            invariant(problem.reason && problem.where && problem.offset <= len);
            invariant(message.answerable == (problem.code != 0));
        }
        if (message.answerable)
            answer(err == OK);
    }
    fuzz_touch(sip_call_id_scan(input));
    fuzz_touch(sip_field_scan(input, SIP_HEADER_FROM));
    return 0;
}
