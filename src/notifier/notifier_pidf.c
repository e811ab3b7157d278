/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a published body is one well-formed presence document (RFC 3863) that may be passed on to watchers as it is.  A
 * bounded scan, not a parser: elements close in their order, and nothing stands in it that costs its readers more than
 * its length (no document type, so no entities of its own).  What it says is for them to judge. */
#include "notifier/notifier_priv.h"

#include "sip/sip_text.h"

enum { DEPTH_MAX = 32 };

struct scan {
    const char *at, *end;
    struct span open[DEPTH_MAX]; /* names of the elements that are open */
    unsigned depth;
    bool had_root;
    const char *why;
};

static bool fail(struct scan *scan, const char *why)
{
    scan->why = why;
    return false;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
}

static bool starts(const struct scan *scan, struct span text)
{
    return span_starts_with(span_make(scan->at, (size_t)(scan->end - scan->at)), text);
}

/* Up to and over `text`; false: it never comes. */
static bool skip_past(struct scan *scan, struct span text)
{
    const char *found = memmem(scan->at, (size_t)(scan->end - scan->at), text.at, text.len);
    if (!found)
        return false;
    scan->at = found + text.len;
    return true;
}

static bool is_name(unsigned char byte, bool first)
{
    bool letter =
        (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_' || byte == ':' || byte >= 0x80;
    return letter || (!first && ((byte >= '0' && byte <= '9') || byte == '-' || byte == '.'));
}

static struct span take_name(struct scan *scan)
{
    const char *from = scan->at;
    while (scan->at < scan->end && is_name((unsigned char)*scan->at, scan->at == from))
        scan->at++;
    return span_make(from, (size_t)(scan->at - from));
}

/* "&amp;" and its four kin, or a number: without a document type there are no others. */
static bool take_reference(struct scan *scan)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (starts(scan, span_of(known[i]))) {
            scan->at += strlen(known[i]);
            return true;
        }
    if (!starts(scan, SPAN("&#")))
        return fail(scan, "the document refers to an unknown entity");
    const char *at = scan->at + 2;
    unsigned class = SIP_TEXT_DIGIT;
    if (at < scan->end && *at == 'x') {
        at++;
        class = SIP_TEXT_HEX;
    }
    size_t digits = sip_text_run(at, scan->end, class);
    if (!digits || digits > 8 || at + digits == scan->end || at[digits] != ';')
        return fail(scan, "the document holds a broken character reference");
    scan->at = at + digits + 1;
    return true;
}

static bool take_attribute_value(struct scan *scan)
{
    char quote = scan->at < scan->end ? *scan->at : '\0';
    if (quote != '"' && quote != '\'')
        return fail(scan, "an attribute has no value in quotes");
    scan->at++;
    while (scan->at < scan->end && *scan->at != quote) {
        if (*scan->at == '<')
            return fail(scan, "an attribute's value holds '<'");
        if (*scan->at != '&')
            scan->at++;
        else if (!take_reference(scan))
            return false;
    }
    if (scan->at == scan->end)
        return fail(scan, "an attribute's value does not end");
    scan->at++;
    return true;
}

static bool take_attribute(struct scan *scan)
{
    if (!take_name(scan).len)
        return fail(scan, "an element holds what is no attribute");
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != '=')
        return fail(scan, "an attribute has no value");
    scan->at++;
    skip_space(scan);
    return take_attribute_value(scan);
}

static struct span local_name(struct span name)
{
    size_t colon = span_find(name, ':');
    return colon == name.len ? name : span_slice(name, colon + 1, name.len);
}

static bool open_element(struct scan *scan)
{
    struct span name = take_name(scan);
    if (!name.len)
        return fail(scan, "the document holds a stray '<'");
    if (!scan->depth && scan->had_root)
        return fail(scan, "the document has two roots");
    if (!scan->depth && !span_equal(local_name(name), SPAN("presence")))
        return fail(scan, "the document's root is not presence");
    scan->had_root = true;
    for (;;) {
        const char *before = scan->at;
        skip_space(scan);
        if (scan->at == scan->end)
            return fail(scan, "an element's tag does not end");
        if (*scan->at == '>' || starts(scan, SPAN("/>")))
            break;
        if (scan->at == before)
            return fail(scan, "an element's attributes are not apart");
        if (!take_attribute(scan))
            return false;
    }
    bool is_empty = *scan->at == '/';
    scan->at += is_empty ? 2 : 1;
    if (is_empty)
        return true;
    if (scan->depth == DEPTH_MAX)
        return fail(scan, "the document is nested too deeply");
    scan->open[scan->depth++] = name;
    return true;
}

static bool close_element(struct scan *scan)
{
    struct span name = take_name(scan);
    skip_space(scan);
    if (!scan->depth || !span_equal(name, scan->open[scan->depth - 1]))
        return fail(scan, "an element is closed that was not open");
    if (scan->at == scan->end || *scan->at != '>')
        return fail(scan, "an element's end does not end");
    scan->at++;
    scan->depth--;
    return true;
}

/* At '<'. */
static bool take_markup(struct scan *scan)
{
    if (starts(scan, SPAN("<!--")))
        return skip_past(scan, SPAN("-->")) || fail(scan, "a comment does not end");
    if (starts(scan, SPAN("<![CDATA[")) && scan->depth)
        return skip_past(scan, SPAN("]]>")) || fail(scan, "a CDATA section does not end");
    if (starts(scan, SPAN("<!")))
        return fail(scan, "a document type is not taken");
    if (starts(scan, SPAN("<?")))
        return skip_past(scan, SPAN("?>")) || fail(scan, "an instruction does not end");
    if (starts(scan, SPAN("</"))) {
        scan->at += 2;
        return close_element(scan);
    }
    scan->at++;
    return open_element(scan);
}

static bool take_next(struct scan *scan)
{
    if (*scan->at == '<')
        return take_markup(scan);
    if (!scan->depth && !is_space(*scan->at))
        return fail(scan, "the document holds text outside its root");
    if (*scan->at == '&')
        return take_reference(scan);
    scan->at++;
    return true;
}

static bool has_control(struct span body)
{
    for (size_t i = 0; i < body.len; i++)
        if ((unsigned char)body.at[i] < 0x20 && !is_space(body.at[i]))
            return true;
    return false;
}

bool notifier_pidf_check(struct span body, const char **out_why)
{
    struct scan scan = {.at = body.at, .end = sip_text_end(body)};
    bool good = sip_text_is_utf8(body) && !has_control(body);
    if (!good)
        scan.why = "the document is not UTF-8 text";
    if (good && starts(&scan, SPAN("\xef\xbb\xbf")))
        scan.at += 3;
    while (good && scan.at < scan.end)
        good = take_next(&scan);
    if (good && (scan.depth || !scan.had_root))
        good = fail(&scan, "the document does not end");
    if (!good)
        *out_why = scan.why;
    return good;
}
