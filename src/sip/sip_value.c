/* SPDX-License-Identifier: Apache-2.0 */
/* Small typed header values, read when somebody asks. */
#include "sip/sip_value.h"

#include "sip/sip_message.h"
#include "sip/sip_priv.h"

/* Digits at *at; over 2^32-1 the result stays at it and *out_over is set.  False when there is no digit. */
static bool take_digits(const char **at, const char *end, uint32_t *out_number, bool *out_over)
{
    const char *from = *at;
    uint64_t number = 0;
    bool over = false;
    for (; *at < end && sip_text_is(**at, SIP_TEXT_DIGIT); ++*at) {
        number = number * 10 + (uint64_t)(**at - '0');
        over = over || number > UINT32_MAX;
        if (over)
            number = UINT32_MAX;
    }
    *out_number = (uint32_t)number;
    *out_over = over;
    return *at > from;
}

enum err sip_value_seconds(struct span value, uint32_t *out_seconds)
{
    uint32_t seconds;
    bool over;
    const char *at = value.at;
    if (!take_digits(&at, sip_text_end(value), &seconds, &over) || at != sip_text_end(value))
        return ERR_SYNTAX;
    *out_seconds = seconds;
    return OK;
}

enum err sip_value_u32(struct span value, uint32_t *out_number)
{
    uint32_t number;
    bool over;
    const char *at = value.at;
    if (!take_digits(&at, sip_text_end(value), &number, &over) || over || at != sip_text_end(value))
        return ERR_SYNTAX;
    *out_number = number;
    return OK;
}

enum err sip_value_cseq(struct span value, uint32_t *out_number, struct span *out_method)
{
    const char *at = value.at;
    const char *end = sip_text_end(value);
    uint32_t number;
    bool over;
    if (!take_digits(&at, end, &number, &over) || over)
        return ERR_SYNTAX;
    const char *method = sip_text_skip(at, end);
    size_t len = sip_text_run(method, end, SIP_TEXT_TOKEN);
    if (method == at || !len || method + len != end)
        return ERR_SYNTAX;
    *out_number = number;
    *out_method = span_make(method, len);
    return OK;
}

enum err sip_value_token(struct span value, struct sip_value *out_value)
{
    const char *end = sip_text_end(value);
    size_t len = sip_text_run(value.at, end, SIP_TEXT_TOKEN);
    struct span params = span_trim(span_slice(value, len, value.len));
    if (!len || sip_param_check(params, NULL) != OK)
        return ERR_SYNTAX;
    out_value->token = span_make(value.at, len);
    out_value->params = params;
    return OK;
}

enum err sip_value_session_expires(struct span value, uint32_t *out_seconds, struct span *out_refresher)
{
    struct sip_value parts;
    uint32_t seconds;
    if (sip_value_token(value, &parts) != OK || sip_value_seconds(parts.token, &seconds) != OK)
        return ERR_SYNTAX;
    *out_seconds = seconds;
    *out_refresher = sip_param_value(parts.params, SPAN("refresher"));
    return OK;
}

enum err sip_value_media_type(struct span value, struct sip_media_type *out_type)
{
    const char *at = value.at;
    const char *end = sip_text_end(value);
    size_t type_len = sip_text_run(at, end, SIP_TEXT_TOKEN);
    if (!type_len)
        return ERR_SYNTAX;
    const char *slash = sip_text_skip(at + type_len, end);
    if (slash == end || *slash != '/')
        return ERR_SYNTAX;
    const char *subtype = sip_text_skip(slash + 1, end);
    size_t subtype_len = sip_text_run(subtype, end, SIP_TEXT_TOKEN);
    const char *behind = subtype + subtype_len;
    struct span params = span_trim(span_make(behind, (size_t)(end - behind)));
    if (!subtype_len || sip_param_check(params, NULL) != OK)
        return ERR_SYNTAX;
    out_type->type = span_make(at, type_len);
    out_type->subtype = span_make(subtype, subtype_len);
    out_type->params = params;
    return OK;
}

bool sip_media_type_is(const struct sip_media_type *media, struct span type, struct span subtype)
{
    return (span_equal(media->type, type) || span_equal_nocase(media->type, type)) &&
           (span_equal(media->subtype, subtype) || span_equal_nocase(media->subtype, subtype));
}

/* How narrowly a range names the type: 0 not at all, 1 by its star, 2 by its type, 3 exactly. */
static int fit_of(const struct sip_media_type *range, struct span type, struct span subtype)
{
    const struct span star = SPAN("*");
    if (span_equal(range->type, star))
        return span_equal(range->subtype, star) ? 1 : 0;
    if (!span_equal_nocase(range->type, type))
        return 0;
    if (span_equal(range->subtype, star))
        return 2;
    return span_equal_nocase(range->subtype, subtype) ? 3 : 0;
}

bool sip_value_accepts(const struct sip_message *message, struct span type, struct span subtype)
{
    const struct sip_header *header = sip_message_header(message, SIP_HEADER_ACCEPT);
    if (!header)
        return span_equal_nocase(type, SPAN("application")) && span_equal_nocase(subtype, SPAN("sdp"));
    int best = 0;
    bool accepted = false;
    for (; header; header = sip_message_header_next(message, header)) {
        struct span rest = header->value, item;
        while (sip_text_list_next(&rest, &item)) {
            struct sip_media_type range;
            if (sip_value_media_type(item, &range) != OK)
                continue;
            unsigned q = 0;
            int fit = fit_of(&range, type, subtype);
            if (fit <= best || sip_value_q(sip_param_value(range.params, SPAN("q")), &q) != OK)
                continue;
            best = fit;
            accepted = q > 0;
        }
    }
    return accepted;
}

enum err sip_value_rack(struct span value, uint32_t *out_rseq, uint32_t *out_cseq, struct span *out_method)
{
    const char *at = value.at;
    const char *end = sip_text_end(value);
    uint32_t rseq;
    bool over;
    if (!take_digits(&at, end, &rseq, &over) || over)
        return ERR_SYNTAX;
    const char *rest = sip_text_skip(at, end);
    if (rest == at || sip_value_cseq(span_make(rest, (size_t)(end - rest)), out_cseq, out_method) != OK)
        return ERR_SYNTAX;
    *out_rseq = rseq;
    return OK;
}

enum err sip_value_replaces(struct span value, struct sip_replaces *out_replaces)
{
    const char *end = sip_text_end(value);
    const char *semicolon = value.len ? memchr(value.at, ';', value.len) : NULL;
    if (!semicolon)
        return ERR_SYNTAX;
    struct span call_id = span_trim(span_make(value.at, (size_t)(semicolon - value.at)));
    struct span params = span_make(semicolon, (size_t)(end - semicolon));
    if (!call_id.len || sip_text_run(call_id.at, semicolon, SIP_TEXT_VISIBLE) != call_id.len ||
        sip_param_check(params, NULL) != OK)
        return ERR_SYNTAX;
    struct sip_replaces replaces = {
        .call_id = call_id,
        .to_tag = sip_param_value(params, SPAN("to-tag")),
        .from_tag = sip_param_value(params, SPAN("from-tag")),
        .early_only = sip_param_has(params, SPAN("early-only")),
    };
    if (!replaces.to_tag.at || !replaces.from_tag.at)
        return ERR_SYNTAX;
    *out_replaces = replaces;
    return OK;
}

enum err sip_value_q(struct span value, unsigned *out_thousandths)
{
    unsigned thousandths = 1000;
    if (value.len > 0) {
        unsigned weight = 1000;
        if (value.len > 5 || (value.at[0] != '0' && value.at[0] != '1') || (value.len > 1 && value.at[1] != '.'))
            return ERR_SYNTAX;
        thousandths = value.at[0] == '1' ? 1000 : 0;
        for (size_t at = 2; at < value.len; at++) {
            if (!sip_text_is(value.at[at], SIP_TEXT_DIGIT))
                return ERR_SYNTAX;
            weight /= 10;
            thousandths += weight * (unsigned)(value.at[at] - '0');
        }
        if (thousandths > 1000)
            return ERR_SYNTAX;
    }
    *out_thousandths = thousandths;
    return OK;
}
