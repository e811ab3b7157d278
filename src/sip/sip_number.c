/* SPDX-License-Identifier: Apache-2.0 */
/* Telephone numbers to E.164. */
#include "sip/sip_number.h"

#include "sip/sip_priv.h"

enum { USER_MAX = 128 }; /* bytes of an unescaped user that may be a number with separators */

static bool is_separator(char byte)
{
    return byte == '-' || byte == '.' || byte == '(' || byte == ')' || byte == ' ';
}

/* Drops the separators into `out` (no terminator).  ERR_SYNTAX when anything else than a number stands there. */
static enum err strip(struct span text, char out[SIP_NUMBER_MAX], size_t *out_len)
{
    size_t len = 0;
    size_t digits = 0;
    for (size_t at = 0; at < text.len; at++) {
        char byte = text.at[at];
        if (is_separator(byte))
            continue;
        if (!sip_text_is(byte, SIP_TEXT_DIGIT) && (byte != '+' || len > 0))
            return ERR_SYNTAX;
        if (len == SIP_NUMBER_MAX - 1)
            return ERR_TOO_LONG;
        out[len++] = byte;
        digits += byte != '+';
    }
    *out_len = len;
    return digits ? OK : ERR_SYNTAX;
}

bool sip_number_is(struct span text)
{
    char digits[SIP_NUMBER_MAX];
    size_t len;
    return strip(text, digits, &len) == OK;
}

/* The first rule that fits these digits, or NULL. */
static const struct sip_number_rule *rule_for(struct span digits, const struct sip_number_rule *rules, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        const struct sip_number_rule *rule = &rules[at];
        if (span_starts_with(digits, rule->prefix) && digits.len >= rule->min_digits &&
            (!rule->max_digits || digits.len <= rule->max_digits) && digits.len > rule->strip)
            return rule;
    }
    return NULL;
}

/* Writes `head` and `tail` with a terminator.  They may overlap `out`, hence the copy. */
static enum err join(struct span head, struct span tail, char out[SIP_NUMBER_MAX], size_t *out_len)
{
    char joined[SIP_NUMBER_MAX];
    if (head.len + tail.len >= SIP_NUMBER_MAX)
        return ERR_TOO_LONG;
    if (head.len)
        memcpy(joined, head.at, head.len);
    if (tail.len)
        memcpy(joined + head.len, tail.at, tail.len);
    joined[head.len + tail.len] = '\0';
    memcpy(out, joined, head.len + tail.len + 1);
    *out_len = head.len + tail.len;
    return OK;
}

enum err sip_number_normalise(struct span text, const struct sip_number_rule *rules, size_t rule_count,
                              char out[SIP_NUMBER_MAX], size_t *out_len)
{
    char stripped[SIP_NUMBER_MAX];
    size_t len;
    enum err err = strip(text, stripped, &len);
    if (err != OK)
        return err;
    struct span digits = span_make(stripped, len);
    const struct sip_number_rule *rule = stripped[0] == '+' ? NULL : rule_for(digits, rules, rule_count);
    if (!rule)
        return join(SPAN(""), digits, out, out_len);
    return join(rule->prepend, span_slice(digits, rule->strip, digits.len), out, out_len);
}

/* A local number with its context (RFC 3966 5.1.5): a global one completes it, a domain's stays private. */
static enum err of_context(struct span number, struct span context, char out[SIP_NUMBER_MAX], size_t *out_len)
{
    char digits[SIP_NUMBER_MAX], prefix[SIP_NUMBER_MAX];
    size_t len, prefix_len = 0;
    enum err err = strip(number, digits, &len);
    if (err == OK && context.at[0] == '+')
        err = strip(context, prefix, &prefix_len);
    if (err != OK)
        return err;
    return join(span_make(prefix, prefix_len), span_make(digits, len), out, out_len);
}

static enum err of_tel(const struct sip_uri *uri, const struct sip_number_rule *rules, size_t rule_count,
                       char out[SIP_NUMBER_MAX], size_t *out_len)
{
    struct span context = sip_uri_param(uri, SPAN("phone-context"));
    if (context.len && uri->user.at[0] != '+')
        return of_context(uri->user, context, out, out_len);
    return sip_number_normalise(uri->user, rules, rule_count, out, out_len);
}

/* Whether a user that begins like this may be a number once it is unescaped: most are names. */
static bool may_be_number(struct span user)
{
    char first = user.len ? user.at[0] : '%';
    return sip_text_is(first, SIP_TEXT_DIGIT) || first == '+' || first == '%' || is_separator(first);
}

/* The user part of sip: and sips:, which may be a whole telephone-subscriber (RFC 3261 19.1.6). */
static enum err of_sip(const struct sip_uri *uri, const struct sip_number_rule *rules, size_t rule_count,
                       char out[SIP_NUMBER_MAX], size_t *out_len)
{
    char user[USER_MAX], digits[SIP_NUMBER_MAX];
    size_t len;
    if (!uri->user.at || !may_be_number(uri->user) || !sip_uri_unescape(uri->user, user, sizeof(user), &len))
        return ERR_NOT_FOUND;
    struct span subscriber = span_make(user, len);
    struct span number = span_slice(subscriber, 0, span_find(subscriber, ';'));
    struct sip_uri tel = {.user = number, .params = span_slice(subscriber, number.len, len)};
    size_t digits_len;
    if (strip(number, digits, &digits_len) != OK)
        return ERR_NOT_FOUND;
    bool phone = digits[0] == '+' || SIP_IS(sip_uri_param(uri, SPAN("user")), "phone") ||
                 rule_for(span_make(digits, digits_len), rules, rule_count);
    return phone ? of_tel(&tel, rules, rule_count, out, out_len) : ERR_NOT_FOUND;
}

enum err sip_number_of_uri(const struct sip_uri *uri, const struct sip_number_rule *rules, size_t rule_count,
                           char out[SIP_NUMBER_MAX], size_t *out_len)
{
    enum err err = ERR_NOT_FOUND;
    if (uri->scheme == SIP_SCHEME_TEL)
        err = of_tel(uri, rules, rule_count, out, out_len);
    else if (uri->scheme != SIP_SCHEME_OTHER)
        err = of_sip(uri, rules, rule_count, out, out_len);
    return err == OK ? OK : ERR_NOT_FOUND;
}
