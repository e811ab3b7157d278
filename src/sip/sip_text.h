/* SPDX-License-Identifier: Apache-2.0 */
/* Small scanners that everything in this folder is composed of: character classes of RFC 3261 25.1, linear white space
 * with folds, tokens, quoted strings. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"
#include "util/span.h"

enum sip_text_class {
    SIP_TEXT_TOKEN = 1,       /* token */
    SIP_TEXT_USER = 2,        /* unreserved and user-unreserved; '#' too, which dial strings hold in the wild */
    SIP_TEXT_PASSWORD = 4,    /* unreserved and &=+$, */
    SIP_TEXT_PARAM = 8,       /* unreserved and param-unreserved */
    SIP_TEXT_URI_HEADER = 16, /* unreserved and hnv-unreserved */
    SIP_TEXT_VISIBLE = 32,    /* ASCII that prints, without SP */
    SIP_TEXT_LABEL = 64,      /* of a host name: letters, digits, '-', and '_' (seen in the wild) */
    SIP_TEXT_DIGIT = 128,
    SIP_TEXT_HEX = 256,
    SIP_TEXT_ALPHA = 512,
    SIP_TEXT_VALUE = 1024,  /* value of a header parameter: visible but ; , " < > \ */
    SIP_TEXT_DISPLAY = 2048 /* unquoted display name: visible or not ASCII, but " < > , ; : \ */
};

extern const uint16_t sip_text_classes[256];

static inline bool sip_text_is(char byte, unsigned classes)
{
    return (sip_text_classes[(unsigned char)byte] & classes) != 0;
}

/* One past the last byte; NULL for the empty span that points nowhere. */
static inline const char *sip_text_end(struct span text)
{
    return text.len ? text.at + text.len : text.at;
}

/* The first byte from `at` on that is not of `classes`, or `end`. */
static inline const char *sip_text_past(const char *at, const char *end, unsigned classes)
{
    for (; end - at >= 4; at += 4) { /* one check of the end for four bytes: most runs are a word */
        if (!sip_text_is(at[0], classes))
            return at;
        if (!sip_text_is(at[1], classes))
            return at + 1;
        if (!sip_text_is(at[2], classes))
            return at + 2;
        if (!sip_text_is(at[3], classes))
            return at + 3;
    }
    while (at < end && sip_text_is(*at, classes))
        at++;
    return at;
}

/* Length of the run at `at` whose bytes are all of `classes`. */
static inline size_t sip_text_run(const char *at, const char *end, unsigned classes)
{
    return (size_t)(sip_text_past(at, end, classes) - at);
}

/* The first byte that is not white space: SP, HTAB, or a fold (CR LF before SP or HTAB). */
const char *sip_text_skip_slow(const char *at, const char *end);
static inline const char *sip_text_skip(const char *at, const char *end)
{
    if (at < end && *at == ' ')
        at++;
    return at < end && (unsigned char)*at <= ' ' ? sip_text_skip_slow(at, end) : at;
}
/* At an opening quote: the byte behind the closing one, or NULL when it never closes. */
const char *sip_text_quoted_end(const char *at, const char *end);
/* Takes the next comma-separated item, trimmed, off `rest` (commas in quotes and angle brackets do not count).  False
 * at the end; empty items are skipped (RFC 3261 allows none, lists in the wild hold them). */
bool sip_text_list_next(struct span *rest, struct span *out_item);

/* Appends `text` with every fold, and the white space around it, as one SP, and any other control byte as '?', unless
 * it is the second half of a quoted-pair, where the grammar allows it. */
void sip_text_unfold(struct buffer *out, struct span text);
/* Appends the content of a quoted string (without the quotes) with its backslash escapes resolved, folds as SP. */
void sip_text_unquote(struct buffer *out, struct span text);
/* Appends `text` as a quoted string; control bytes make the buffer overflow. */
void sip_text_quote(struct buffer *out, struct span text);
/* Appends a display name in a readable form: unquoted, runs of white space as one SP. */
void sip_text_display(struct buffer *out, struct span display);
/* Whether no byte of `text` could end a header line or hide in it: no CR, LF, NUL or other control byte but HTAB. */
bool sip_text_is_clean(struct span text);
/* Whether `text` is well-formed UTF-8. */
bool sip_text_is_utf8(struct span text);
