/* SPDX-License-Identifier: Apache-2.0 */
/* One line of JSON (RFC 8259) into fields: a flat object of strings, null, and a number for cause.  Small and strict on
 * purpose: this floor reads a million of them a second, and nothing else of JSON. */
#include "entry/entry_input.h"

struct scan {
    struct span text;
    size_t at;
    struct arena *scratch;
    const char *why;
};

static enum err scan_fail(struct scan *scan, const char *why)
{
    scan->why = why;
    return ERR_SYNTAX;
}

static char peek(const struct scan *scan)
{
    return scan->at < scan->text.len ? scan->text.at[scan->at] : '\0';
}

static void skip_blanks(struct scan *scan)
{
    while (peek(scan) == ' ' || peek(scan) == '\t' || peek(scan) == '\r')
        scan->at++;
}

static bool take_byte(struct scan *scan, char byte)
{
    skip_blanks(scan);
    if (peek(scan) != byte)
        return false;
    scan->at++;
    return true;
}

static bool take_hex4(struct scan *scan, uint32_t *out_code)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++, scan->at++) {
        char byte = peek(scan);
        bool digit = byte >= '0' && byte <= '9';
        char lower = (char)(byte | 0x20);
        if (!digit && !(lower >= 'a' && lower <= 'f'))
            return false;
        code = code << 4 | (uint32_t)(digit ? byte - '0' : lower - 'a' + 10);
    }
    *out_code = code;
    return true;
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[len] | code);
    return len;
}

/* After "\u": one code point, or a pair of surrogates. */
static enum err take_unicode(struct scan *scan, char *out, size_t *io_len)
{
    uint32_t code, low;
    if (!take_hex4(scan, &code))
        return scan_fail(scan, "expected four hexadecimal digits after \\u");
    if (code >= 0xd800 && code < 0xdc00) {
        bool second = peek(scan) == '\\' && scan->at + 1 < scan->text.len && scan->text.at[scan->at + 1] == 'u';
        scan->at += second ? 2 : 0;
        if (!second || !take_hex4(scan, &low) || low < 0xdc00 || low > 0xdfff)
            return scan_fail(scan, "expected the second half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return scan_fail(scan, "a lone surrogate");
    }
    *io_len += put_utf8(out + *io_len, code);
    return OK;
}

static enum err take_escape(struct scan *scan, char *out, size_t *io_len)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char byte = peek(scan);
    scan->at++;
    if (byte == 'u')
        return take_unicode(scan, out, io_len);
    const char *found = byte ? strchr(from, byte) : NULL;
    if (!found)
        return scan_fail(scan, "an escape that JSON does not have");
    out[(*io_len)++] = to[found - from];
    return OK;
}

static enum err take_string(struct scan *scan, struct span *out_text)
{
    if (!take_byte(scan, '"'))
        return scan_fail(scan, "expected a string");
    /* An escape is never shorter than what it stands for. */
    char *out = arena_alloc(scan->scratch, scan->text.len - scan->at + 1);
    size_t len = 0;
    if (!out)
        return scan_fail(scan, "too many strings");
    for (;;) {
        char byte = peek(scan);
        enum err err = OK;
        if (scan->at >= scan->text.len || (unsigned char)byte < 0x20)
            return scan_fail(scan, "expected a closing quote");
        scan->at++;
        if (byte == '"')
            break;
        if (byte == '\\')
            err = take_escape(scan, out, &len);
        else
            out[len++] = byte;
        if (err != OK)
            return err;
    }
    /* Give back what was not needed, so that the next strings fit. */
    scan->scratch->used = (size_t)(out - scan->scratch->base) + len;
    *out_text = span_make(out, len);
    return OK;
}

static enum err take_value(struct scan *scan, enum entry_column column, struct span *out_text)
{
    skip_blanks(scan);
    struct span rest = span_slice(scan->text, scan->at, scan->text.len);
    if (span_starts_with(rest, SPAN("null"))) {
        scan->at += 4;
        *out_text = (struct span){0};
        return OK;
    }
    if (peek(scan) == '"')
        return take_string(scan, out_text);
    size_t digits = 0;
    while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
        digits++;
    if (column != ENTRY_COL_CAUSE || !digits)
        return scan_fail(scan, column == ENTRY_COL_CAUSE ? "cause: expected a number or null"
                                                         : "expected a string or null as a member's value");
    scan->at += digits;
    *out_text = span_slice(rest, 0, digits);
    return OK;
}

static enum err take_member(struct scan *scan, struct entry_fields *fields)
{
    struct span name;
    enum err err = take_string(scan, &name);
    if (err != OK)
        return err;
    enum entry_column column = entry_column_find(name);
    if (column == ENTRY_COL_COUNT)
        return scan_fail(scan, "expected members kind, key, state, forward, since, cause, by, reassign_after, note, "
                               "ha1_md5, ha1_sha256, ha1_sha512_256 only");
    if (fields->given[column])
        return scan_fail(scan, "a member that is there twice");
    if (!take_byte(scan, ':'))
        return scan_fail(scan, "expected a colon after a member's name");
    fields->given[column] = true;
    return take_value(scan, column, &fields->text[column]);
}

enum err entry_json_fields(struct span line, struct arena *scratch, struct entry_fields *out_fields,
                           const char **out_why)
{
    struct scan scan = {.text = line, .scratch = scratch, .why = ""};
    struct entry_fields fields = {.text = {{0}}};
    enum err err = take_byte(&scan, '{') ? OK : scan_fail(&scan, "expected a JSON object, one a line");
    bool more = err == OK && !take_byte(&scan, '}');
    while (err == OK && more) {
        err = take_member(&scan, &fields);
        more = err == OK && take_byte(&scan, ',');
        if (err == OK && !more && !take_byte(&scan, '}'))
            err = scan_fail(&scan, "expected a comma or a closing brace");
    }
    skip_blanks(&scan);
    if (err == OK && scan.at != line.len)
        err = scan_fail(&scan, "something follows the object");
    if (err == OK && !fields.given[ENTRY_COL_KEY])
        err = scan_fail(&scan, "expected a member \"key\"");
    *out_why = scan.why;
    if (err == OK)
        *out_fields = fields;
    return err;
}
