/* SPDX-License-Identifier: Apache-2.0 */
/* SIP, SIPS and tel URIs: reading, comparing (RFC 3261 19.1.4, RFC 3966 4), and the form that names a user. */
#include "sip/sip_uri.h"

#include "sip/sip_number.h"
#include "sip/sip_priv.h"

/* The run of `classes` and well-formed escapes at `at`. */
static inline const char *run_escaped(const char *at, const char *end, unsigned classes)
{
    for (;;) {
        at = sip_text_past(at, end, classes);
        if (end - at < 3 || *at != '%' || !sip_text_is(at[1], SIP_TEXT_HEX) || !sip_text_is(at[2], SIP_TEXT_HEX))
            return at;
        at += 3;
    }
}

/* Bits of the parameters that route a request: a second one would be read by some and not by others.  No two of them
 * have one length. */
static unsigned known_param(struct span name)
{
    static const char *const by_length[] = {[2] = "lr",     [3] = "ttl",       [4] = "user",          [5] = "maddr",
                                            [6] = "method", [9] = "transport", [13] = "phone-context"};
    const char *known = name.len < sizeof(by_length) / sizeof(by_length[0]) ? by_length[name.len] : NULL;
    return known && sip_span_is_lower(name, known, name.len) ? 1U << name.len : 0;
}

/* *( ";" pname [ "=" pvalue ] ) */
static const char *take_params(const char **at, const char *end)
{
    const char *next = *at;
    unsigned seen = 0;
    for (unsigned count = 0; next < end && *next == ';'; count++) {
        const char *name = ++next;
        next = run_escaped(next, end, SIP_TEXT_PARAM);
        unsigned bit = known_param(span_make(name, (size_t)(next - name)));
        if (next == name)
            return "a parameter has no name";
        if (bit & seen)
            return "a parameter stands twice";
        if (count == SIP_URI_PARAMS_MAX)
            return "more than 32 parameters";
        seen |= bit;
        if (next == end || *next != '=')
            continue;
        const char *value = ++next;
        next = run_escaped(next, end, SIP_TEXT_PARAM);
        if (next == value)
            return "a parameter has no value behind '='";
    }
    *at = next;
    return NULL;
}

/* "?" hname "=" hvalue *( "&" hname "=" hvalue ) */
static const char *take_headers(const char **at, const char *end)
{
    const char *next = *at;
    for (unsigned count = 0; count < SIP_URI_HEADERS_MAX; count++) {
        const char *name = ++next;
        next = run_escaped(next, end, SIP_TEXT_URI_HEADER);
        if (next == name || next == end || *next != '=')
            return "a header behind '?' is not name=value";
        next = run_escaped(next + 1, end, SIP_TEXT_URI_HEADER);
        if (next == end || *next != '&') {
            *at = next;
            return NULL;
        }
    }
    return "more than 32 headers behind '?'";
}

/* [ user [ ":" password ] "@" ]; leaves *at alone when there is none. */
static const char *take_userinfo(const char **at, const char *end, struct sip_uri *uri)
{
    const char *from = *at;
    const char *next = run_escaped(from, end, SIP_TEXT_USER);
    const char *user_end = next;
    struct span password = {NULL, 0};
    if (next < end && *next == ':') {
        const char *password_from = ++next;
        next = run_escaped(next, end, SIP_TEXT_PASSWORD);
        password = span_make(password_from, (size_t)(next - password_from));
    }
    if (next == end || *next != '@')
        return user_end == from && memchr(from, '@', (size_t)(end - from)) ? "a byte before '@' must be escaped" : NULL;
    if (user_end == from)
        return "the user before '@' is empty";
    uri->user = span_make(from, (size_t)(user_end - from));
    uri->password = password;
    *at = next + 1;
    return NULL;
}

static const char *parse_sip(const char *at, const char *end, struct sip_uri *uri)
{
    const char *wrong = take_userinfo(&at, end, uri);
    if (wrong)
        return wrong;
    struct sip_hostport hostport;
    wrong = sip_hostport_take(&at, end, false, &hostport);
    if (wrong)
        return wrong;
    uri->host = hostport.host;
    uri->host_kind = hostport.kind;
    uri->port = hostport.port;
    if (at < end && *at == ';') {
        const char *from = at;
        wrong = take_params(&at, end);
        if (wrong)
            return wrong;
        uri->params = span_make(from, (size_t)(at - from));
    }
    if (at < end && *at == '?') {
        const char *from = at + 1;
        wrong = take_headers(&at, end);
        if (wrong)
            return wrong;
        uri->headers = span_make(from, (size_t)(at - from));
    }
    return at == end ? NULL : "holds a byte that is not allowed there, or a broken escape";
}

/* RFC 3966 3: global or local number with visual separators; a local one needs its context. */
static const char *parse_tel(const char *at, const char *end, struct sip_uri *uri)
{
    const char *from = at;
    bool global = at < end && *at == '+';
    if (global)
        at++;
    bool digit = false;
    for (; at < end && (sip_text_is(*at, SIP_TEXT_HEX) || memchr("-.()*#", *at, 6)); at++) {
        bool decimal = sip_text_is(*at, SIP_TEXT_DIGIT);
        if (global && !decimal && !memchr("-.()", *at, 4))
            return "a global number holds more than digits";
        digit = digit || decimal || *at == '*' || *at == '#' || sip_text_is(*at, SIP_TEXT_HEX);
    }
    if (!digit)
        return "no telephone number";
    uri->user = span_make(from, (size_t)(at - from));
    if (at < end && *at == ';') {
        const char *params = at;
        const char *wrong = take_params(&at, end);
        if (wrong)
            return wrong;
        uri->params = span_make(params, (size_t)(at - params));
    }
    return at == end ? NULL : "holds a byte that is not allowed in a telephone number";
}

static enum sip_scheme scheme_of(struct span text)
{
    if (SIP_IS(text, "sip"))
        return SIP_SCHEME_SIP;
    if (SIP_IS(text, "sips"))
        return SIP_SCHEME_SIPS;
    return SIP_IS(text, "tel") ? SIP_SCHEME_TEL : SIP_SCHEME_OTHER;
}

static bool is_scheme_byte(char byte)
{
    return sip_text_is(byte, SIP_TEXT_ALPHA | SIP_TEXT_DIGIT) || byte == '+' || byte == '-' || byte == '.';
}

/* The scheme and what its kind of URI has behind it. */
static const char *parse(struct span text, struct sip_uri *uri)
{
    const char *at = text.at;
    const char *end = sip_text_end(text);
    if (at == end || !sip_text_is(*at, SIP_TEXT_ALPHA))
        return "no URI: it starts with no scheme";
    while (at < end && is_scheme_byte(*at))
        at++;
    if (at == end || *at != ':')
        return "no URI: a scheme and ':' are missing";
    uri->scheme_text = span_make(text.at, (size_t)(at - text.at));
    uri->scheme = (uint8_t)scheme_of(uri->scheme_text);
    at++;
    if (uri->scheme == SIP_SCHEME_TEL)
        return parse_tel(at, end, uri);
    if (uri->scheme != SIP_SCHEME_OTHER)
        return parse_sip(at, end, uri);
    if (at == end || sip_text_run(at, end, SIP_TEXT_VISIBLE) != (size_t)(end - at) ||
        memchr(at, '<', (size_t)(end - at)) || memchr(at, '>', (size_t)(end - at)))
        return "holds a byte that no URI may hold";
    return NULL;
}

const char *sip_uri_read(struct span text, struct sip_uri *uri)
{
    uri->text = text;
    if (text.len < 4 || memcmp(text.at, "sip:", 4) != 0)
        return parse(text, uri);
    uri->scheme_text = span_make(text.at, 3); /* nearly all of them */
    uri->scheme = SIP_SCHEME_SIP;
    return parse_sip(text.at + 4, text.at + text.len, uri);
}

enum err sip_uri_parse(struct span text, struct sip_uri *out_uri, const char **out_reason)
{
    sip_clear(out_uri, sizeof(*out_uri));
    const char *wrong = sip_uri_read(text, out_uri);
    if (wrong && out_reason)
        *out_reason = wrong;
    return wrong ? ERR_SYNTAX : OK;
}

/* A byte of escaped text, as it counts in comparisons; *at moves behind it. */
static int next_byte(const char **at, const char *end)
{
    if (*at == end)
        return -1;
    const char *from = *at;
    if (*from == '%' && end - from >= 3 && sip_text_is(from[1], SIP_TEXT_HEX) && sip_text_is(from[2], SIP_TEXT_HEX)) {
        int value = 0;
        for (int digit = 1; digit < 3; digit++)
            value = value * 16 + (from[digit] <= '9' ? from[digit] - '0' : (from[digit] | 0x20) - 'a' + 10);
        *at += 3;
        return value;
    }
    *at += 1;
    return (unsigned char)*from;
}

static int lower(int byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

/* Equal once unescaped.  An escaped reserved byte differs from the plain one (19.1.4 refers to RFC 2396): "%3B" inside
 * a user is not ";", so the count of escapes of reserved bytes has to agree too. */
static bool equal_escaped(struct span a, struct span b, bool nocase)
{
    const char *at_a = a.at, *at_b = b.at;
    const char *end_a = sip_text_end(a), *end_b = sip_text_end(b);
    while (at_a < end_a && at_b < end_b) {
        bool escaped_a = *at_a == '%', escaped_b = *at_b == '%';
        int byte_a = next_byte(&at_a, end_a);
        int byte_b = next_byte(&at_b, end_b);
        if (nocase ? lower(byte_a) != lower(byte_b) : byte_a != byte_b)
            return false;
        if (escaped_a != escaped_b && byte_a > 0 && memchr(";/?:@&=+$,", byte_a, 10))
            return false;
    }
    return at_a == end_a && at_b == end_b;
}

bool sip_uri_param_next(struct span *rest, struct sip_param *out_param)
{
    if (rest->len == 0)
        return false;
    const char *at = rest->at + 1; /* behind ';' */
    const char *end = sip_text_end(*rest);
    const char *stop = memchr(at, ';', (size_t)(end - at));
    if (!stop)
        stop = end;
    const char *equals = memchr(at, '=', (size_t)(stop - at));
    *out_param = (struct sip_param){.name = span_make(at, (size_t)((equals ? equals : stop) - at))};
    if (equals) {
        out_param->has_value = true;
        out_param->value = span_make(equals + 1, (size_t)(stop - equals) - 1);
    }
    *rest = span_make(stop, (size_t)(end - stop));
    return true;
}

bool sip_uri_header_next(struct span *rest, struct sip_param *out_header)
{
    if (rest->len == 0)
        return false;
    const char *at = rest->at;
    const char *end = sip_text_end(*rest);
    const char *stop = memchr(at, '&', rest->len);
    if (!stop)
        stop = end;
    const char *equals = memchr(at, '=', (size_t)(stop - at));
    if (!equals)
        equals = stop;
    *out_header = (struct sip_param){.name = span_make(at, (size_t)(equals - at)), .has_value = equals < stop};
    if (equals < stop)
        out_header->value = span_make(equals + 1, (size_t)(stop - equals) - 1);
    at = stop < end ? stop + 1 : end;
    *rest = span_make(at, (size_t)(end - at));
    return true;
}

static bool find_param(const struct sip_uri *uri, struct span name, struct sip_param *out_param)
{
    struct span rest = uri->params;
    while (sip_uri_param_next(&rest, out_param))
        if (equal_escaped(out_param->name, name, true))
            return true;
    return false;
}

struct span sip_uri_param(const struct sip_uri *uri, struct span name)
{
    struct sip_param param;
    if (find_param(uri, name, &param))
        return param.value;
    return (struct span){NULL, 0};
}

bool sip_uri_has_param(const struct sip_uri *uri, struct span name)
{
    struct sip_param param;
    return find_param(uri, name, &param);
}

enum agreement { ABSENT, DIFFERENT, EQUAL };

/* How `uri` has this parameter.  One that is repeated, which no URI should hold, agrees where any value of it does. */
static enum agreement compare_param(const struct sip_uri *uri, const struct sip_param *wanted)
{
    enum agreement agreement = ABSENT;
    struct sip_param param;
    for (struct span rest = uri->params; agreement != EQUAL && sip_uri_param_next(&rest, &param);) {
        if (!equal_escaped(param.name, wanted->name, true))
            continue;
        bool equal = param.has_value == wanted->has_value && equal_escaped(param.value, wanted->value, true);
        agreement = equal ? EQUAL : DIFFERENT;
    }
    return agreement;
}

/* Every parameter of `a` that is in both must agree; one that counts even alone must be in both. */
static bool params_agree(const struct sip_uri *a, const struct sip_uri *b, bool all_count)
{
    struct span rest = a->params;
    struct sip_param param;
    while (sip_uri_param_next(&rest, &param)) {
        enum agreement agreement = compare_param(b, &param);
        /* 19.1.4; transport as its examples have it, where one side with transport=udp differs */
        bool counts = all_count || SIP_IS(param.name, "user") || SIP_IS(param.name, "ttl") ||
                      SIP_IS(param.name, "method") || SIP_IS(param.name, "maddr") || SIP_IS(param.name, "transport");
        if (agreement == DIFFERENT || (agreement == ABSENT && counts))
            return false;
    }
    return true;
}

/* Whether each header of `a` is in `b` as often, with the same value. */
static bool headers_within(struct span a, struct span b)
{
    struct sip_param mine, theirs;
    unsigned count_a = 0, count_b = 0;
    for (struct span rest = b; sip_uri_header_next(&rest, &theirs);)
        count_b++;
    while (sip_uri_header_next(&a, &mine)) {
        bool found = false;
        count_a++;
        for (struct span rest = b; !found && sip_uri_header_next(&rest, &theirs);)
            found = equal_escaped(mine.name, theirs.name, true) && equal_escaped(mine.value, theirs.value, false);
        if (!found)
            return false;
    }
    return count_a == count_b;
}

static bool host_equal(const struct sip_uri *a, const struct sip_uri *b)
{
    unsigned char bytes_a[16], bytes_b[16];
    if (a->host_kind != b->host_kind)
        return false;
    if (a->host_kind == SIP_HOST_IPV6 || a->host_kind == SIP_HOST_IPV4)
        return sip_host_address(a->host, (enum sip_host_kind)a->host_kind, bytes_a) &&
               sip_host_address(b->host, (enum sip_host_kind)b->host_kind, bytes_b) &&
               memcmp(bytes_a, bytes_b, a->host_kind == SIP_HOST_IPV4 ? 4 : 16) == 0;
    return span_equal_nocase(a->host, b->host);
}

/* RFC 3966 4: visual separators do not count, parameters count in any order. */
static bool tel_equal(const struct sip_uri *a, const struct sip_uri *b)
{
    size_t at_a = 0, at_b = 0;
    for (;;) {
        while (at_a < a->user.len && memchr("-.()", a->user.at[at_a], 4))
            at_a++;
        while (at_b < b->user.len && memchr("-.()", b->user.at[at_b], 4))
            at_b++;
        if (at_a == a->user.len || at_b == b->user.len)
            break;
        if (lower((unsigned char)a->user.at[at_a++]) != lower((unsigned char)b->user.at[at_b++]))
            return false;
    }
    return at_a == a->user.len && at_b == b->user.len && params_agree(a, b, true) && params_agree(b, a, true);
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->scheme != b->scheme)
        return false;
    if (a->scheme == SIP_SCHEME_OTHER)
        return span_equal_nocase(a->text, b->text);
    if (a->scheme == SIP_SCHEME_TEL)
        return tel_equal(a, b);
    return (a->user.at == NULL) == (b->user.at == NULL) && equal_escaped(a->user, b->user, false) &&
           (a->password.at == NULL) == (b->password.at == NULL) && equal_escaped(a->password, b->password, false) &&
           a->port == b->port && host_equal(a, b) && params_agree(a, b, false) && params_agree(b, a, false) &&
           headers_within(a->headers, b->headers) && headers_within(b->headers, a->headers);
}

bool sip_uri_unescape(struct span text, char *out, size_t cap, size_t *out_len)
{
    size_t len = 0;
    const char *end = sip_text_end(text);
    for (const char *at = text.at; at < end;) {
        bool escape = *at == '%';
        const char *from = at;
        int byte = next_byte(&at, end);
        if (len == cap || (escape && at - from != 3))
            return false;
        out[len++] = (char)byte;
    }
    *out_len = len;
    return true;
}

void sip_uri_escape_user(struct buffer *out, struct span text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t at = 0; at < text.len; at++) {
        unsigned char byte = (unsigned char)text.at[at];
        if (sip_text_is((char)byte, SIP_TEXT_USER) && byte != '#') {
            buffer_add_byte(out, (char)byte);
            continue;
        }
        char escape[3] = {'%', hex[byte >> 4], hex[byte & 15]};
        buffer_add(out, escape, sizeof(escape));
    }
}

static void add_lower(struct buffer *out, struct span text)
{
    for (size_t at = 0; at < text.len; at++)
        buffer_add_byte(out, (char)lower((unsigned char)text.at[at]));
}

/* Unescaped and escaped anew byte by byte.  Escapes of reserved bytes stay, since they are not equal to the plain
 * ones. */
static void add_user(struct buffer *out, struct span user)
{
    const char *end = sip_text_end(user);
    for (const char *at = user.at; at < end;) {
        const char *from = at;
        int byte = next_byte(&at, end);
        if (at - from == 3 && byte > 0 && memchr(";/?:@&=+$,", byte, 10)) {
            char escape[3] = {'%', from[1], from[2]};
            for (int digit = 1; digit < 3; digit++)
                if (escape[digit] >= 'a')
                    escape[digit] = (char)(escape[digit] - 32);
            buffer_add(out, escape, sizeof(escape));
            continue;
        }
        char plain = (char)byte;
        sip_uri_escape_user(out, span_make(&plain, 1));
    }
}

static void add_tel(struct buffer *out, const struct sip_uri *uri)
{
    buffer_add_literal(out, "tel:");
    for (size_t at = 0; at < uri->user.len; at++)
        if (!memchr("-.()", uri->user.at[at], 4))
            buffer_add_byte(out, (char)lower((unsigned char)uri->user.at[at]));
    struct span context = sip_uri_param(uri, SPAN("phone-context"));
    if (context.at && uri->user.at[0] != '+') {
        buffer_add_literal(out, ";phone-context=");
        add_lower(out, context);
    }
}

void sip_uri_canonical(const struct sip_uri *uri, struct buffer *out)
{
    if (uri->scheme == SIP_SCHEME_OTHER) {
        buffer_add_span(out, uri->text);
        return;
    }
    if (uri->scheme == SIP_SCHEME_TEL) {
        add_tel(out, uri);
        return;
    }
    add_lower(out, uri->scheme_text);
    buffer_add_byte(out, ':');
    if (uri->user.at) {
        add_user(out, uri->user);
        buffer_add_byte(out, '@');
    }
    if (uri->host_kind == SIP_HOST_IPV6)
        buffer_add_byte(out, '[');
    add_lower(out, uri->host);
    if (uri->host_kind == SIP_HOST_IPV6)
        buffer_add_byte(out, ']');
    if (uri->port && uri->port != (uri->scheme == SIP_SCHEME_SIPS ? 5061 : 5060)) {
        buffer_add_byte(out, ':');
        buffer_add_u64(out, uri->port);
    }
}
