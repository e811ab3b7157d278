/* SPDX-License-Identifier: Apache-2.0 */
/* Names of entries: what humans write, what the store orders.
 * Stored: 'a' USER '@' HOST, 'n' DIGITS, 'u' HOST, 'r' COUNT-OF-DIGITS TO(8, big-endian) ~FROM(8): so that among ranges
 * with one end the narrowest comes first. */
#include "entry/entry_name.h"
#include "util/buffer.h"

const unsigned char entry_kind_bytes[ENTRY_KIND_COUNT] = {'a', 'n', 'r', 'u'};

const char *entry_kind_text(enum entry_kind kind)
{
    static const char *const texts[] = {"account", "number", "range", "domain"};
    return kind < ENTRY_KIND_COUNT ? texts[kind] : "?";
}

bool entry_kind_parse(struct span text, enum entry_kind *out_kind)
{
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++) {
        if (span_equal(text, span_of(entry_kind_text((enum entry_kind)kind)))) {
            *out_kind = (enum entry_kind)kind;
            return true;
        }
    }
    return false;
}

enum entry_kind entry_name_kind(struct span name)
{
    int kind = 0;
    while (kind < ENTRY_KIND_COUNT && (!name.len || entry_kind_bytes[kind] != (unsigned char)name.at[0]))
        kind++;
    return (enum entry_kind)kind;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_alnum(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static int hex_of(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static enum err add_byte(struct entry_name *name, char byte)
{
    if (name->len == ENTRY_KEY_MAX)
        return ERR_TOO_LONG;
    name->bytes[name->len++] = (unsigned char)byte;
    return OK;
}

/* Host name or IPv4 address (RFC 3261 25.1 hostname), or an IPv6 reference. */
static bool host_is_fine(struct span host)
{
    if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']') {
        for (size_t i = 1; i < host.len - 1; i++) {
            if (hex_of(host.at[i]) < 0 && host.at[i] != ':' && host.at[i] != '.')
                return false;
        }
        return host.len > 2;
    }
    char before = '.';
    for (size_t i = 0; i < host.len; before = host.at[i++]) {
        bool dot = host.at[i] == '.';
        if (!dot && !is_alnum(host.at[i]) && host.at[i] != '-' && host.at[i] != '_')
            return false;
        if ((dot && (before == '.' || before == '-')) || (host.at[i] == '-' && before == '.'))
            return false;
    }
    return host.len > 0 && before != '.' && before != '-';
}

static enum err add_host(struct entry_name *name, struct span host, struct fault *fault)
{
    if (host.len > 1 && host.at[host.len - 1] == '.')
        host.len--;
    if (!host_is_fine(host))
        return fault_set(fault, ERR_INVALID, NULL, 0, "\"%.*s\" is not a host name",
                         (int)(host.len > 80 ? 80 : host.len), host.len ? host.at : "");
    enum err err = OK;
    for (size_t i = 0; err == OK && i < host.len; i++) {
        char byte = host.at[i];
        err = add_byte(name, byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte);
    }
    return err;
}

/* What a user part may hold unescaped (RFC 3261 25.1: unreserved, user-unreserved), and bytes of UTF-8. */
static bool user_byte_is_plain(char byte)
{
    return is_alnum(byte) || (byte && strchr("-_.!~*'()&=+$,;?/", byte)) || (byte & 0x80);
}

/* One byte of the user part, unescaped; *io_at moves on.  -1: not allowed. */
static int user_byte(struct span user, size_t *io_at)
{
    char byte = user.at[*io_at];
    if (byte != '%') {
        *io_at += 1;
        return user_byte_is_plain(byte) ? (unsigned char)byte : -1;
    }
    if (user.len - *io_at < 3 || hex_of(user.at[*io_at + 1]) < 0 || hex_of(user.at[*io_at + 2]) < 0)
        return -1;
    int value = hex_of(user.at[*io_at + 1]) * 16 + hex_of(user.at[*io_at + 2]);
    *io_at += 3;
    return value < 0x20 || value == 0x7f ? -1 : value;
}

static enum err add_user(struct entry_name *name, struct span user, struct fault *fault)
{
    size_t at = 0;
    enum err err = OK;
    if (!user.len)
        return fault_set(fault, ERR_INVALID, NULL, 0, "the user part is empty; expected sip:user@host");
    while (err == OK && at < user.len) {
        int byte = user_byte(user, &at);
        if (byte < 0)
            return fault_set(fault, ERR_INVALID, NULL, 0,
                             "the user part has a byte that is not allowed there (near position %zu); write it as %%XX",
                             at + 1);
        err = add_byte(name, (char)byte);
    }
    return err;
}

static enum err parse_account(struct span text, struct entry_name *name, struct fault *fault)
{
    size_t at = text.len;
    while (at && text.at[at - 1] != '@')
        at--;
    if (!at)
        return fault_set(fault, ERR_INVALID, NULL, 0, "expected an account as sip:user@host");
    enum err err = add_user(name, span_slice(text, 0, at - 1), fault);
    if (err == OK)
        err = add_byte(name, '@');
    return err == OK ? add_host(name, span_slice(text, at, text.len), fault) : err;
}

/* Digits of "+1-555-(0100)"; 0 digits when it is none. */
static unsigned number_digits(struct span text, char out_digits[ENTRY_NUMBER_DIGITS])
{
    unsigned count = 0;
    if (!text.len || text.at[0] != '+')
        return 0;
    for (size_t i = 1; i < text.len; i++) {
        if (strchr("-.()", text.at[i]) && text.at[i])
            continue;
        if (!is_digit(text.at[i]) || count == ENTRY_NUMBER_DIGITS)
            return 0;
        out_digits[count++] = text.at[i];
    }
    return count && out_digits[0] != '0' ? count : 0;
}

static enum err parse_number(struct span text, struct entry_name *name, struct fault *fault)
{
    char digits[ENTRY_NUMBER_DIGITS];
    unsigned count = number_digits(text, digits);
    if (!count)
        return fault_set(fault, ERR_INVALID, NULL, 0, "expected a number as + and 1 to %d digits, as in E.164",
                         ENTRY_NUMBER_DIGITS);
    memcpy(name->bytes + name->len, digits, count);
    name->len += count;
    return OK;
}

/* Position of the "-+" (or a "-" that a "+" follows after blanks) between a range's ends; text.len: it is no range. */
static size_t range_middle(struct span text)
{
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.at[i] == '-' && text.at[i + 1] == '+')
            return i;
    }
    return text.len;
}

static enum err parse_range(struct span text, struct entry_name *name, struct fault *fault)
{
    char first[ENTRY_NUMBER_DIGITS];
    char last[ENTRY_NUMBER_DIGITS];
    size_t middle = range_middle(text);
    unsigned count = number_digits(span_slice(text, 0, middle), first);
    unsigned last_count = middle < text.len ? number_digits(span_slice(text, middle + 1, text.len), last) : 0;
    uint64_t from, to;
    if (!count || count != last_count || !span_to_u64(span_make(first, count), &from) ||
        !span_to_u64(span_make(last, last_count), &to))
        return fault_set(fault, ERR_INVALID, NULL, 0, "expected a range as +FIRST-+LAST, both with as many digits");
    if (from > to)
        return fault_set(fault, ERR_INVALID, NULL, 0, "the range ends before it begins");
    entry_range_name(count, from, to, name);
    return OK;
}

static bool has_scheme(struct span *text, struct span scheme)
{
    if (text->len < scheme.len || !span_equal_nocase(span_slice(*text, 0, scheme.len), scheme))
        return false;
    *text = span_slice(*text, scheme.len, text->len);
    return true;
}

static enum entry_kind kind_by_form(struct span text)
{
    if (span_find(text, '@') < text.len)
        return ENTRY_ACCOUNT;
    if (text.len && text.at[0] == '+')
        return range_middle(text) < text.len ? ENTRY_RANGE : ENTRY_NUMBER;
    return ENTRY_DOMAIN;
}

static enum err parse_kind(struct span text, enum entry_kind kind, struct entry_name *name, struct fault *fault)
{
    switch (kind) {
    case ENTRY_ACCOUNT:
        return parse_account(text, name, fault);
    case ENTRY_NUMBER:
        return parse_number(text, name, fault);
    case ENTRY_RANGE:
        return parse_range(text, name, fault);
    case ENTRY_DOMAIN:
        return add_host(name, text, fault);
    default:
        return ERR_INVALID;
    }
}

enum err entry_name_parse(struct span text, enum entry_kind kind, struct entry_name *out_name, struct fault *fault)
{
    struct span rest = span_trim(text);
    (void)(has_scheme(&rest, SPAN("sip:")) || has_scheme(&rest, SPAN("sips:")) || has_scheme(&rest, SPAN("tel:")));
    if (!rest.len)
        return fault_set(fault, ERR_INVALID, NULL, 0, "expected sip:user@host, +NUMBER, +FIRST-+LAST or a domain");
    if (kind == ENTRY_KIND_COUNT)
        kind = kind_by_form(rest);
    struct entry_name name = {.bytes = {entry_kind_bytes[kind]}, .len = 1};
    enum err err = parse_kind(rest, kind, &name, fault);
    if (err == ERR_TOO_LONG)
        return fault_set(fault, err, NULL, 0, "longer than %d bytes", ENTRY_KEY_MAX - 1);
    if (err == OK)
        *out_name = name;
    return err;
}

enum err entry_name_account(struct span user, struct span host, struct entry_name *out_name)
{
    struct entry_name name = {.bytes = {entry_kind_bytes[ENTRY_ACCOUNT]}, .len = 1};
    if (!user.len || !host.len)
        return ERR_INVALID;
    if (user.len + host.len + 2 > ENTRY_KEY_MAX)
        return ERR_TOO_LONG;
    memcpy(name.bytes + 1, user.at, user.len);
    name.len += user.len;
    name.bytes[name.len++] = '@';
    for (size_t i = 0; i < host.len; i++) {
        char byte = host.at[i];
        name.bytes[name.len++] = (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
    *out_name = name;
    return OK;
}

bool entry_name_account_parts(struct span name, struct span *out_user, struct span *out_host)
{
    size_t at = name.len;
    if (entry_name_kind(name) != ENTRY_ACCOUNT)
        return false;
    while (at && name.at[at - 1] != '@')
        at--;
    if (at < 2)
        return false;
    *out_user = span_slice(name, 1, at - 1);
    *out_host = span_slice(name, at, name.len);
    return true;
}

static void add_escaped_user(struct buffer *out, struct span user)
{
    for (size_t i = 0; i < user.len; i++) {
        if (user_byte_is_plain(user.at[i]) && !(user.at[i] & 0x80)) {
            buffer_add_byte(out, user.at[i]);
        } else {
            static const char hex[] = "0123456789ABCDEF";
            buffer_add_byte(out, '%');
            buffer_add_byte(out, hex[(unsigned char)user.at[i] >> 4]);
            buffer_add_byte(out, hex[user.at[i] & 15]);
        }
    }
}

static enum err add_account_text(struct buffer *out, struct span rest)
{
    size_t at = rest.len;
    while (at && rest.at[at - 1] != '@')
        at--;
    if (at < 2)
        return ERR_CORRUPT;
    buffer_add_literal(out, "sip:");
    add_escaped_user(out, span_slice(rest, 0, at - 1));
    buffer_add_span(out, span_slice(rest, at - 1, rest.len));
    return OK;
}

static enum err add_range_text(struct buffer *out, struct span name)
{
    uint64_t from, to;
    unsigned digits = entry_range_bounds(name, &from, &to);
    if (!digits)
        return ERR_CORRUPT;
    buffer_addf(out, "+%0*llu-+%0*llu", (int)digits, (unsigned long long)from, (int)digits, (unsigned long long)to);
    return OK;
}

enum err entry_name_text(struct span name, char *out_text, size_t *out_len)
{
    char text[ENTRY_KEY_TEXT_MAX];
    struct buffer out = buffer_over(text, sizeof(text) - 1);
    struct span rest = span_slice(name, 1, name.len);
    enum err err = OK;
    switch (entry_name_kind(name)) {
    case ENTRY_ACCOUNT:
        err = add_account_text(&out, rest);
        break;
    case ENTRY_NUMBER:
        buffer_add_byte(&out, '+');
        buffer_add_span(&out, rest);
        break;
    case ENTRY_RANGE:
        err = add_range_text(&out, name);
        break;
    case ENTRY_DOMAIN:
        buffer_add_span(&out, rest);
        break;
    default:
        err = ERR_CORRUPT;
    }
    if (err != OK || out.overflow)
        return ERR_CORRUPT;
    memcpy(out_text, text, out.len);
    out_text[out.len] = '\0';
    *out_len = out.len;
    return OK;
}
