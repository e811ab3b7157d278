/* SPDX-License-Identifier: Apache-2.0 */
/* Costs are linear: for each thing that an adversary can repeat, twice as much of it takes at most twice the
 * instructions.  They are counted by callgrind, under which this program runs itself once. */
#include "support/linear.h"

#include "sip/sip_address.h"
#include "sip/sip_multipart.h"
#include "sip/sip_reply.h"
#include "sip/sip_stream.h"
#include "sip/sip_text.h"

static volatile size_t sink; /* so that no work is left out */
static struct sip_message message;
static char out_bytes[LINEAR_TEXT_CAP];

#define HEAD                                                                                                           \
    "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: sip:a;tag=1\r\nTo: sip:b\r\nCall-ID: x\r\n"   \
    "CSeq: 1 INVITE\r\n"

/* What is done with the text that the rows below describe. */
static void parse_message(struct span text)
{
    struct sip_problem problem;
    sink += (size_t)sip_message_parse(&message, text, SIP_DATAGRAM, &problem);
    if (!message.answerable)
        return;
    const struct sip_reply_via via = {.received = SPAN("192.0.2.1")};
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    sip_reply_begin(&out, &message, 400, SPAN(""), &via, SPAN("t"));
    sink += out.len;
}

static void walk_list(struct span text)
{
    struct span item;
    while (sip_text_list_next(&text, &item))
        sink += item.len;
}

static void parse_uri(struct span text)
{
    struct sip_uri uri;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    if (sip_uri_parse(text, &uri, NULL) != OK)
        return;
    sip_uri_canonical(&uri, &out);
    sink += out.len + sip_uri_equal(&uri, &uri);
}

static void walk_addresses(struct span text)
{
    struct sip_address address;
    while (sip_address_next(&text, &address, NULL) == OK)
        sink += address.text.len;
}

static void walk_vias(struct span text)
{
    struct sip_via via;
    while (sip_via_next(&text, &via, NULL) == OK)
        sink += via.text.len;
}

static void parse_params(struct span text)
{
    sink += (size_t)sip_param_check(text, NULL);
    sink += sip_param_value(text, SPAN("zz")).len;
}

static void clean_text(struct span text)
{
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    sip_text_unfold(&out, text);
    sip_text_unquote(&out, text);
    sip_text_display(&out, text);
    sink += out.len;
}

static void walk_parts(struct span text)
{
    struct sip_multipart walk;
    struct sip_part part;
    if (sip_multipart_begin(text, SPAN("multipart/mixed;boundary=b"), &walk) != OK)
        return;
    while (sip_multipart_next(&walk, &part) == OK)
        sink += part.body.len;
}

/* One byte more a call, as a slow peer sends them. */
static void trickle(struct span text)
{
    struct sip_stream_state state = {0};
    for (size_t len = 1; len <= text.len; len++)
        sink += sip_stream_frame(&state, span_slice(text, 0, len), LINEAR_TEXT_CAP).len;
}

static void scan_call_id(struct span text)
{
    sink += sip_call_id_scan(text).len;
}

static const struct linear_construct constructs[] = {
    {"headers", parse_message, HEAD, "X-Some: y\r\n", "\r\n"},
    {"known headers", parse_message, HEAD, "Supported: y\r\n", "\r\n"},
    {"folds", parse_message, HEAD "Subject: a", "\r\n b", "\r\n\r\n"},
    {"folds in To", parse_message,
     "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nTo: a", "\r\n b",
     "\r\n\r\n"},
    {"control bytes", parse_message, HEAD "Subject: a", "\x01", "\r\n\r\n"},
    {"quoted control bytes", parse_message, HEAD "Subject: \"", "\\\x01", "\"\r\n\r\n"},
    {"quotes around control bytes", parse_message, HEAD "Subject: ", "\"\x01", "\r\n\r\n"},
    {"Via fields", parse_message, HEAD, "v: SIP/2.0/UDP h\r\n", "\r\n"},
    {"Via values", parse_message, HEAD "v: SIP/2.0/UDP h", ",SIP/2.0/UDP h", "\r\n\r\n"},
    {"Via values walked", walk_vias, "SIP/2.0/UDP h", ",SIP/2.0/UDP h", ""},
    {"Via parameters", parse_message, "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h", ";x", "\r\nFrom: sip:a\r\n\r\n"},
    {"Content-Lengths", parse_message, HEAD, "l: 0\r\n", "\r\n"},
    {"leading CRLFs", parse_message, "", "\r\n", HEAD "\r\n"},
    {"Contacts", parse_message, HEAD "Contact: <sip:a>", ",<sip:a>", "\r\n\r\n"},
    {"Routes", parse_message, HEAD, "Route: <sip:a;lr>\r\n", "\r\n"},
    {"unclosed brackets", parse_message, HEAD "Contact: ", "<", "\r\n\r\n"},
    {"quotes in a display name", parse_message, HEAD "Contact: \"", "\\\"", "\" <sip:a>\r\n\r\n"},
    {"unclosed quotes", parse_message, HEAD, "m: \"\r\n", "\r\n"},
    {"commas", walk_list, "", ",", ""},
    {"list items", walk_list, "a", ",a", ""},
    {"quotes in a list", walk_list, "", "\"a\",", ""},
    {"unclosed quotes in a list", walk_list, "\"", ",\\\"", ""},
    {"brackets in a list", walk_list, "", "<a,", ""},
    {"addresses", walk_addresses, "<sip:a>", ",<sip:a>", ""},
    {"words in a display name", walk_addresses, "a", " a", "<sip:a>"},
    {"escapes", parse_uri, "sip:", "%41", "@h"},
    {"user bytes", parse_uri, "sip:", "a", "@h"},
    {"password bytes without a host", parse_uri, "sip:a:", "a", ""},
    {"labels", parse_uri, "sip:a", ".a", ""},
    {"colons in a reference", parse_uri, "sip:[", "1:", "]"},
    {"URI parameters", parse_uri, "sip:h", ";x=y", ""},
    {"URI headers", parse_uri, "sip:h?a=b", "&a=b", ""},
    {"tel digits", parse_uri, "tel:+", "1-", ""},
    {"parameters", parse_params, "", ";a=b", ""},
    {"quoted parameters", parse_params, ";a=\"", "\\\"", "\""},
    {"blanks", parse_params, ";a", " \t", "=b"},
    {"cleaned folds", clean_text, "a", "\r\n b", ""},
    {"cleaned blanks", clean_text, "a", " ", "b"},
    {"parts", walk_parts, "--b\r\n", "\r\nx\r\n--b\r\n", ""},
    {"part headers", walk_parts, "--b\r\n", "X: y\r\n", "\r\n--b--"},
    {"near boundaries", walk_parts, "--b\r\n", "--bb\r\n", "--b--"},
    {"boundaries in a line", walk_parts, "--b\r\n", "-b", "\r\n--b--"},
    {"bytes one by one", trickle, "OPTIONS sip:a SIP/2.0\r\nX: ", "y", "\r\nl: 0\r\n\r\n"},
    {"lines one by one", trickle, "OPTIONS sip:a SIP/2.0\r\n", "X: y\r\n", "l: 0\r\n\r\n"},
    {"lines before the Call-ID", scan_call_id, "OPTIONS sip:a SIP/2.0\r\n", "Contact: y\r\n", "i: x\r\n\r\n"},
};

int main(int argc, char **argv)
{
    return linear_main(argc, argv, constructs, sizeof(constructs) / sizeof(constructs[0]));
}
