/* SPDX-License-Identifier: Apache-2.0 */
/* One message: start line, header fields, framing, and the typed values that matching and routing need.
 * Reading goes on behind the first mistake, so that the fields which an answer must copy are found. */
#include "sip/sip_message.h"

#include "sip/sip_address.h"
#include "sip/sip_priv.h"
#include "sip/sip_value.h"

struct parser {
    struct sip_message *message;
    const char *begin;
    const char *at;
    const char *end;
    struct sip_scan scan; /* stands at `at` */
    bool unclean;         /* the line last read holds a fold or a control byte */
    enum err err;         /* of the first problem, or OK */
    struct sip_problem problem;
};

/* Notes the first problem, and says whether it was; later ones are mostly its children. */
__attribute__((cold, noinline)) static bool complain(struct parser *parser, enum err err, const char *where,
                                                     const char *reason, const char *at)
{
    if (parser->err != OK)
        return false;
    parser->err = err;
    parser->problem = (struct sip_problem){
        .code = err == ERR_UNSUPPORTED ? 505 : 400,
        .where = where,
        .reason = reason,
        .offset = at ? (size_t)(at - parser->begin) : 0,
    };
    return true;
}

static void reset(struct sip_message *message)
{
    sip_clear(message, offsetof(struct sip_message, first));
    memset(message->first, SIP_HEADER_NONE, sizeof(message->first));
    message->max_forwards = -1;
}

static void complain_of_byte(struct parser *parser, const char *at)
{
    if (*at == '\0')
        complain(parser, ERR_SYNTAX, "header", "a NUL byte", at);
    else if (*at == '\r' || *at == '\n')
        complain(parser, ERR_SYNTAX, "header", "CR and LF do not come as a pair", at);
    else
        complain(parser, ERR_SYNTAX, "header", "a control byte", at);
}

/* The end of the line at `at`; notes whether it is clean, and complains where it may not be unclean. */
static const char *line_end(struct parser *parser, const char *at)
{
    const char *bad = NULL;
    const char *stop = sip_scan_line(&parser->scan, at, &parser->unclean, &bad);
    if (bad)
        complain_of_byte(parser, bad);
    return stop;
}

/* The slot of a new field, linked behind those with the same id; NULL when all are taken. */
static struct sip_header *add_header(struct parser *parser, enum sip_header_id id, const char *at)
{
    struct sip_message *message = parser->message;
    uint8_t index = message->header_count;
    if (index == SIP_HEADERS_MAX) {
        complain(parser, ERR_FULL, "header", "more than 160 fields", at);
        return NULL;
    }
    message->header_count++;
    if (message->first[id] == SIP_HEADER_NONE) {
        message->first[id] = index;
    } else {
        if (sip_header_kind(id) == SIP_HEADER_SINGLE && id != SIP_HEADER_CONTENT_LENGTH)
            complain(parser, ERR_SYNTAX, sip_header_name(id).at, "it stands twice", at);
        message->headers[message->last[id]].next = index;
    }
    message->last[id] = index;
    return &message->headers[index];
}

/* Any name, with blanks before its colon; NULL when it is no name, else the colon. */
static const char *take_name(const char *at, const char *end, size_t *out_len)
{
    size_t len = sip_text_run(at, end, SIP_TEXT_TOKEN);
    const char *colon = at + len;
    while (colon < end && (*colon == ' ' || *colon == '\t'))
        colon++;
    *out_len = len;
    return len && colon < end && *colon == ':' ? colon : NULL;
}

/* name HCOLON value, in the line from `at` to `stop`. */
static void take_field(struct parser *parser, const char *at, const char *stop, bool unclean)
{
    struct sip_header_hit hit = sip_header_take(at, parser->end);
    enum sip_header_id id = (enum sip_header_id)hit.id;
    size_t name_len = hit.len;
    const char *colon = at + name_len;
    if (id == SIP_HEADER_OTHER) {
        colon = take_name(at, stop, &name_len);
        if (!colon) {
            complain(parser, ERR_SYNTAX, "header", "a line is not \"name: value\"", at);
            return;
        }
        id = sip_header_find(span_make(at, name_len));
    }
    const char *value = sip_text_skip(colon + 1, stop);
    while (stop > value && (unsigned char)stop[-1] <= ' ')
        stop--; /* only SP, HTAB and folds can stand here, or bytes that were complained of */
    struct sip_header *header = add_header(parser, id, at);
    if (header) {
        header->name = span_make(at, name_len);
        header->value = span_make(value, (size_t)(stop - value));
        header->id = (uint8_t)id;
        header->next = SIP_HEADER_NONE;
        header->unclean = unclean;
    }
}

/* Fields up to the empty line.  The scan is held in registers, and put back where the slow way needs it. */
static void take_headers(struct parser *parser)
{
    struct sip_scan scan = parser->scan;
    const char *at = parser->at;
    const char *end = parser->end;
    while (end - at >= 2) {
        if (memcmp(at, "\r\n", 2) == 0) {
            parser->at = at + 2;
            return;
        }
        bool unclean = false;
        const char *stop = sip_scan_plain_line(&scan);
        if (!stop) {
            parser->scan = scan;
            stop = line_end(parser, at);
            scan = parser->scan;
            unclean = parser->unclean;
            if (!stop)
                break;
        }
        take_field(parser, at, stop, unclean);
        at = stop + 2;
    }
    parser->at = end;
    complain(parser, ERR_SYNTAX, "header", "no empty line ends it", end);
}

/* "SIP" "/" 1*DIGIT "." 1*DIGIT, in any case (RFC 3261 7.1).  ERR_SYNTAX when it is something else, ERR_UNSUPPORTED
 * for another version. */
static enum err judge_version(struct span text)
{
    const char *at = text.at;
    const char *end = sip_text_end(text);
    if (text.len == 7 && memcmp(at, "SIP/2.0", 7) == 0)
        return OK;
    if (text.len < 7 || !SIP_IS(span_make(at, 4), "sip/"))
        return ERR_SYNTAX;
    at += 4;
    size_t major = sip_text_run(at, end, SIP_TEXT_DIGIT);
    if (!major || at + major == end || at[major] != '.')
        return ERR_SYNTAX;
    const char *minor = at + major + 1;
    if (minor == end || sip_text_run(minor, end, SIP_TEXT_DIGIT) != (size_t)(end - minor))
        return ERR_SYNTAX;
    return major == 1 && *at == '2' && end - minor == 1 && *minor == '0' ? OK : ERR_UNSUPPORTED;
}

static void judge_uri(struct parser *parser)
{
    struct sip_message *message = parser->message;
    const char *reason = NULL;
    if (sip_uri_parse(message->uri_text, &message->uri, &reason) != OK)
        complain(parser, ERR_SYNTAX, "Request-URI", reason, message->uri_text.at);
    else if (message->uri.headers.len)
        complain(parser, ERR_SYNTAX, "Request-URI", "headers behind '?' are not allowed there",
                 message->uri.headers.at);
}

/* Method SP Request-URI SP SIP-Version, with exactly these spaces. */
static void take_request_line(struct parser *parser, size_t method_len)
{
    struct sip_message *message = parser->message;
    struct span line = message->start_line;
    const char *end = line.at + line.len;
    message->is_request = true;
    message->method_text = span_make(line.at, method_len);
    message->method = (uint8_t)sip_method_find(message->method_text);
    const char *uri = line.at + method_len + 1;
    const char *space = uri < end ? memchr(uri, ' ', (size_t)(end - uri)) : NULL;
    if (!space || space == uri) {
        complain(parser, ERR_SYNTAX, "request line", "not \"method SP Request-URI SP SIP/2.0\"", uri);
        return;
    }
    message->uri_text = span_make(uri, (size_t)(space - uri));
    enum err err = judge_version(span_make(space + 1, (size_t)(end - space) - 1));
    if (err == ERR_UNSUPPORTED)
        complain(parser, err, "request line", "only SIP/2.0 is spoken here", space + 1);
    else if (err != OK)
        complain(parser, err, "request line", "no SIP version follows the Request-URI and one space", space + 1);
    judge_uri(parser);
}

/* SIP-Version SP 3DIGIT SP [reason]; a missing last space harms nobody. */
static void take_status_line(struct parser *parser)
{
    struct sip_message *message = parser->message;
    struct span line = message->start_line;
    const char *at = line.at + 8;
    if (line.len < 11 || line.at[7] != ' ' || judge_version(span_make(line.at, 7)) != OK ||
        sip_text_run(at, line.at + line.len, SIP_TEXT_DIGIT) != 3 || (line.len > 11 && at[3] != ' ')) {
        complain(parser, ERR_SYNTAX, "status line", "not \"SIP/2.0 SP code SP reason\"", line.at);
        return;
    }
    message->status = (uint16_t)((at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0'));
    if (message->status < 100 || message->status > 699)
        complain(parser, ERR_SYNTAX, "status line", "the code is not from 100 to 699", at);
    if (line.len > 12)
        message->reason = span_make(at + 4, line.len - 12);
}

/* ERR_INVALID when this is no SIP at all. */
static enum err take_start_line(struct parser *parser)
{
    struct sip_message *message = parser->message;
    while (parser->end - parser->at >= 2 && parser->at[0] == '\r' && parser->at[1] == '\n')
        parser->at += 2;
    const char *from = parser->at;
    parser->scan = sip_scan_begin(from, parser->end);
    size_t method_len = sip_text_run(from, parser->end, SIP_TEXT_TOKEN);
    bool response = parser->end - from > 4 && SIP_IS(span_make(from, 4), "sip/");
    if (!method_len || (!response && (from + method_len == parser->end || from[method_len] != ' ')))
        return ERR_INVALID;
    const char *stop = line_end(parser, from);
    if (!stop)
        return ERR_INVALID;
    if (parser->unclean)
        complain(parser, ERR_SYNTAX, "start line", "it is folded", from);
    parser->at = stop + 2;
    message->start_line = span_make(from, (size_t)(stop - from));
    if (response)
        take_status_line(parser);
    else
        take_request_line(parser, method_len);
    return OK;
}

static void judge_via(struct parser *parser)
{
    struct sip_message *message = parser->message;
    const struct sip_header *header = sip_message_header(message, SIP_HEADER_VIA);
    const char *reason = "it is empty";
    if (!header) {
        complain(parser, ERR_SYNTAX, "Via", "it is missing", NULL);
        return;
    }
    struct span rest = header->value;
    if (sip_via_next(&rest, &message->via, &reason) != OK)
        complain(parser, ERR_SYNTAX, "Via", reason, header->value.at);
    unsigned count = 0;
    for (; header; header = sip_message_header_next(message, header))
        count++;
    message->via_count = (uint8_t)count;
    if (count > SIP_VIAS_MAX)
        complain(parser, ERR_FULL, "Via", "more than 80 fields", NULL);
}

static void judge_address(struct parser *parser, enum sip_header_id id, struct sip_address *out_address)
{
    struct span value = sip_message_value(parser->message, id);
    const char *reason = NULL;
    if (!value.at)
        complain(parser, ERR_SYNTAX, sip_header_name(id).at, "it is missing", NULL);
    else if (sip_address_parse(value, out_address, &reason) != OK)
        complain(parser, ERR_SYNTAX, sip_header_name(id).at, reason, value.at);
    else if (out_address->star)
        complain(parser, ERR_SYNTAX, sip_header_name(id).at, "'*' is no address", value.at);
}

/* Call-ID is compared byte by byte, so any visible bytes do: word ["@" word] is what they should be. */
static void judge_call_id(struct parser *parser)
{
    struct span value = sip_message_value(parser->message, SIP_HEADER_CALL_ID);
    if (!value.at)
        complain(parser, ERR_SYNTAX, "Call-ID", "it is missing", NULL);
    else if (!value.len || sip_text_run(value.at, sip_text_end(value), SIP_TEXT_VISIBLE) != value.len)
        complain(parser, ERR_SYNTAX, "Call-ID", "not one visible word", value.at);
    parser->message->call_id = value;
}

static void judge_cseq(struct parser *parser)
{
    struct sip_message *message = parser->message;
    struct span value = sip_message_value(message, SIP_HEADER_CSEQ);
    if (!value.at) {
        complain(parser, ERR_SYNTAX, "CSeq", "it is missing", NULL);
        return;
    }
    if (sip_value_cseq(value, &message->cseq, &message->cseq_method_text) != OK) {
        complain(parser, ERR_SYNTAX, "CSeq", "not a number up to 4294967295 and a method", value.at);
        return;
    }
    if (message->is_request && span_equal(message->cseq_method_text, message->method_text)) {
        message->cseq_method = message->method;
        return;
    }
    message->cseq_method = (uint8_t)sip_method_find(message->cseq_method_text);
    if (!message->is_request)
        return;
    bool first = complain(parser, ERR_SYNTAX, "CSeq", "its method is not the request's", value.at);
    if (first && message->method == SIP_METHOD_OTHER)
        parser->problem.code = 501; /* RFC 4475 3.1.2.18 */
}

static void judge_max_forwards(struct parser *parser)
{
    struct span value = sip_message_value(parser->message, SIP_HEADER_MAX_FORWARDS);
    uint32_t number = 0;
    if (!value.at)
        return; /* RFC 2543 knew none */
    if (sip_value_u32(value, &number) != OK || number > 255)
        complain(parser, ERR_SYNTAX, "Max-Forwards", "no number from 0 to 255", value.at);
    else
        parser->message->max_forwards = (int)number;
}

/* Addresses that route later requests: all values of these fields must be readable, or the dialog is not.  The first
 * one goes to `out_first`. */
static void judge_routes(struct parser *parser, enum sip_header_id id, struct sip_address *out_first)
{
    struct sip_message *message = parser->message;
    const char *name = sip_header_name(id).at;
    bool star_allowed = id == SIP_HEADER_CONTACT && (!message->is_request || message->method == SIP_METHOD_REGISTER);
    unsigned count = 0;
    for (const struct sip_header *header = sip_message_header(message, id); header;
         header = sip_message_header_next(message, header)) {
        struct span rest = header->value;
        struct sip_address more, *address = count ? &more : out_first;
        const char *reason = "it is empty";
        if (!rest.len)
            complain(parser, ERR_SYNTAX, name, reason, header->name.at);
        while (rest.len && ++count <= SIP_ROUTES_MAX) {
            if (sip_address_next(&rest, address, &reason) != OK) {
                complain(parser, ERR_SYNTAX, name, reason, rest.at);
                break;
            }
            if (address->star && !star_allowed)
                complain(parser, ERR_SYNTAX, name, "'*' is not allowed here", header->value.at);
            address = &more;
        }
        if (count > SIP_ROUTES_MAX)
            complain(parser, ERR_FULL, name, "more than 64 addresses", header->name.at);
    }
}

/* All Content-Length fields, which must agree.  False when there is none to go by. */
static bool judge_content_length(struct parser *parser)
{
    struct sip_message *message = parser->message;
    const struct sip_header *header = sip_message_header(message, SIP_HEADER_CONTENT_LENGTH);
    for (; header; header = sip_message_header_next(message, header)) {
        uint32_t length = 0;
        if (sip_value_u32(header->value, &length) != OK) {
            complain(parser, ERR_SYNTAX, "Content-Length", "no number", header->value.at);
            return false;
        }
        if (message->has_content_length && length != message->content_length) {
            complain(parser, ERR_SYNTAX, "Content-Length", "two that differ", header->value.at);
            return false;
        }
        message->has_content_length = true;
        message->content_length = length;
    }
    return message->has_content_length;
}

/* RFC 3261 18.3: a datagram's body ends where Content-Length says, or with the datagram. */
static void frame_body(struct parser *parser, enum sip_framing framing)
{
    struct sip_message *message = parser->message;
    size_t left = (size_t)(parser->end - parser->at);
    bool given = judge_content_length(parser);
    if (!given && framing == SIP_STREAM)
        complain(parser, ERR_SYNTAX, "Content-Length", "it is missing, and this is a stream", NULL);
    if (given && message->content_length > left)
        complain(parser, ERR_SYNTAX, "Content-Length", "the message ends before the body does", parser->at);
    size_t length = given && message->content_length <= left ? message->content_length : left;
    if (!given)
        message->content_length = (uint32_t)length;
    if (framing == SIP_STREAM && length < left)
        complain(parser, ERR_SYNTAX, "Content-Length", "bytes follow the body", parser->at + length);
    message->body = span_make(parser->at, length);
    message->trailing = left - length;
    message->bytes = span_make(parser->begin, (size_t)(parser->at + length - parser->begin));
}

/* What a response must copy is there (RFC 3261 8.2.6), and this may be answered at all. */
static bool is_answerable(const struct sip_message *message)
{
    return message->is_request && message->method != SIP_METHOD_ACK && message->via.usable &&
           sip_message_value(message, SIP_HEADER_FROM).len && sip_message_value(message, SIP_HEADER_TO).len &&
           sip_message_value(message, SIP_HEADER_CALL_ID).len && sip_message_value(message, SIP_HEADER_CSEQ).len;
}

static void judge_fields(struct parser *parser)
{
    struct sip_message *message = parser->message;
    judge_via(parser);
    judge_address(parser, SIP_HEADER_FROM, &message->from);
    judge_address(parser, SIP_HEADER_TO, &message->to);
    judge_call_id(parser);
    judge_cseq(parser);
    judge_max_forwards(parser);
    struct sip_address first;
    judge_routes(parser, SIP_HEADER_CONTACT, &message->contact);
    judge_routes(parser, SIP_HEADER_ROUTE, &first);
    judge_routes(parser, SIP_HEADER_RECORD_ROUTE, &first);
}

enum err sip_message_parse(struct sip_message *out, struct span bytes, enum sip_framing framing,
                           struct sip_problem *out_problem)
{
    struct parser parser = {.message = out, .begin = bytes.at, .at = bytes.at, .end = sip_text_end(bytes)};
    reset(out);
    out->bytes = bytes;
    enum err err = bytes.len ? take_start_line(&parser) : ERR_INVALID;
    if (err != OK) {
        *out_problem = (struct sip_problem){0, "start line", "this is not SIP", 0};
        return err;
    }
    take_headers(&parser);
    judge_fields(&parser);
    frame_body(&parser, framing);
    out->answerable = is_answerable(out);
    if (parser.err != OK) {
        if (!out->answerable)
            parser.problem.code = 0;
        *out_problem = parser.problem;
    }
    return parser.err;
}

void sip_problem_add(struct buffer *out, const struct sip_problem *problem)
{
    buffer_add_text(out, problem->where);
    buffer_add_literal(out, ": ");
    buffer_add_text(out, problem->reason);
}

const struct sip_header *sip_message_find(const struct sip_message *message, struct span name,
                                          const struct sip_header *after)
{
    enum sip_header_id id = sip_header_find(name);
    if (id != SIP_HEADER_OTHER)
        return after ? sip_message_header_next(message, after) : sip_message_header(message, id);
    const struct sip_header *header =
        after ? sip_message_header_next(message, after) : sip_message_header(message, SIP_HEADER_OTHER);
    while (header && !span_equal_nocase(header->name, name))
        header = sip_message_header_next(message, header);
    return header;
}

bool sip_message_has_token(const struct sip_message *message, enum sip_header_id id, struct span token)
{
    for (const struct sip_header *header = sip_message_header(message, id); header;
         header = sip_message_header_next(message, header)) {
        struct span rest = header->value, item;
        while (sip_text_list_next(&rest, &item))
            if (span_equal_nocase(item, token))
                return true;
    }
    return false;
}
