/* SPDX-License-Identifier: Apache-2.0 */
/* The two loops that look at every byte of a header: the search for control bytes, which ends lines and finds what
 * must not be in one, and the search for the Call-ID before a message is parsed. */
#include "sip/sip_message.h"
#include "sip/sip_priv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_control(char byte)
{
    return ((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f;
}

uint64_t sip_scan_block_plain(const char *at, size_t len)
{
    uint64_t found = 0;
    for (size_t bit = 0; bit < len && bit < 64; bit++)
        found |= (uint64_t)is_control(at[bit]) << bit;
    return found;
}

/* Eight bytes a step: a word that may hold a control byte (HTAB among them, and now and then a neighbour of one) is
 * looked at again byte by byte. */
uint64_t sip_scan_block_words(const char *at, size_t len)
{
    const uint64_t ones = 0x0101010101010101, highs = ones << 7;
    uint64_t found = 0;
    size_t done = 0;
    for (; done < 64 && len - done >= 8; done += 8) {
        uint64_t word;
        memcpy(&word, at + done, sizeof(word));
        uint64_t deleted = word ^ 0x7f * ones;
        uint64_t suspect = ((word - 0x20 * ones) & ~word) | ((deleted - ones) & ~deleted);
        if (suspect & highs)
            found |= sip_scan_block_plain(at + done, 8) << done;
    }
    return done < 64 && len > done ? found | sip_scan_block_plain(at + done, len - done) << done : found;
}

#ifdef __SSE2__
static uint64_t scan_sixteen(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    __m128i delete = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    return (uint64_t)(unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), delete));
}

uint64_t sip_scan_block(const char *at, size_t len)
{
    if (len >= 64)
        return scan_sixteen(at) | scan_sixteen(at + 16) << 16 | scan_sixteen(at + 32) << 32 |
               scan_sixteen(at + 48) << 48;
    uint64_t found = 0;
    size_t done = 0;
    for (; len - done >= 16; done += 16)
        found |= scan_sixteen(at + done) << done;
    if (len == done)
        return found;
    if (len > 16) /* the last sixteen, some of them once more */
        return found | scan_sixteen(at + len - 16) << (len - 16);
    char room[16] = "                ";
    memcpy(room, at, len);
    return scan_sixteen(room);
}
bool sip_text_is_clean(struct span text)
{
    size_t at = 0;
    if (text.len < 16)
        return sip_scan_block_words(text.at, text.len) == 0;
    for (; text.len - at >= 16; at += 16)
        if (scan_sixteen(text.at + at))
            return false;
    return at == text.len || !scan_sixteen(text.at + text.len - 16); /* some bytes twice */
}
#else
uint64_t sip_scan_block(const char *at, size_t len)
{
    return sip_scan_block_words(at, len);
}

bool sip_text_is_clean(struct span text)
{
    for (size_t at = 0; at < text.len; at += 64)
        if (sip_scan_block(text.at + at, text.len - at < 64 ? text.len - at : 64))
            return false;
    return true;
}
#endif

/* Whether `at` is the second byte of a quoted-pair in a quoted string, where any byte but CR and LF may stand
 * (RFC 3261 25.1).  `seen` remembers how far the line was read, so that no byte is read twice. */
struct quotes {
    const char *at;
    bool inside;
};

static bool is_quoted_pair(struct quotes *seen, const char *at)
{
    bool pair = false;
    while (seen->at <= at) {
        pair = seen->inside && seen->at[0] == '\\';
        if (*seen->at == '"')
            seen->inside = !seen->inside;
        seen->at += pair ? 2 : 1;
    }
    return pair && *at != '\r' && *at != '\n';
}

const char *sip_scan_line(struct sip_scan *scan, const char *at, bool *out_unclean, const char **out_bad)
{
    struct quotes quotes = {.at = at};
    const char *end = scan->end;
    *out_unclean = false;
    while ((at = sip_scan_next(scan)) < end) {
        bool pair = *at == '\r' && end - at >= 2 && at[1] == '\n';
        if (pair)
            (void)sip_scan_next(scan); /* its LF */
        if (pair && (end - at == 2 || (at[2] != ' ' && at[2] != '\t')))
            return at;
        *out_unclean = true;
        if (!pair && !is_quoted_pair(&quotes, at) && !*out_bad)
            *out_bad = at;
    }
    return NULL;
}

/* At the start of a line: the colon's far side when the line is a Call-ID field, else NULL. */
static const char *call_id_value(const char *at, const char *end)
{
    size_t len = sip_text_run(at, end, SIP_TEXT_TOKEN);
    struct span name = span_make(at, len);
    if (!SIP_IS(name, "call-id") && !SIP_IS(name, "i"))
        return NULL;
    at += len;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at < end && *at == ':' ? at + 1 : NULL;
}

struct span sip_call_id_scan(struct span bytes)
{
    const char *at = bytes.at;
    const char *end = sip_text_end(bytes);
    while (at < end && (*at == '\r' || *at == '\n'))
        at++;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (!line || ++line == end || *line == '\r')
            break; /* the header ends here */
        at = line;
        if ((*at | 0x20) != 'c' && (*at | 0x20) != 'i')
            continue;
        const char *value = call_id_value(at, end);
        if (!value)
            continue;
        value = sip_text_skip(value, end);
        return span_make(value, sip_text_run(value, end, SIP_TEXT_VISIBLE));
    }
    return (struct span){NULL, 0};
}

/* At the start of a line: the colon's far side when the line is a field of this id, else NULL. */
static const char *field_value(const char *at, const char *end, enum sip_header_id id)
{
    size_t len = sip_text_run(at, end, SIP_TEXT_TOKEN);
    if (sip_header_find(span_make(at, len)) != id)
        return NULL;
    at += len;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at < end && *at == ':' ? at + 1 : NULL;
}

/* The line feed that ends the line at `at`, folds included, or `end`. */
static const char *field_end(const char *at, const char *end)
{
    for (;;) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (!line)
            return end;
        if (line + 1 == end || (line[1] != ' ' && line[1] != '\t'))
            return line;
        at = line + 1;
    }
}

struct span sip_field_scan(struct span bytes, enum sip_header_id id)
{
    const char *at = bytes.at;
    const char *end = sip_text_end(bytes);
    char full = (char)(*sip_header_name(id).at | 0x20), compact = sip_header_compact(id);
    while (at < end && (*at == '\r' || *at == '\n'))
        at++;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (!line || ++line == end || *line == '\r')
            break; /* the header ends here */
        at = line;
        char first = (char)(*at | 0x20);
        if (first != full && first != compact)
            continue;
        const char *value = field_value(at, end, id);
        if (value)
            return span_trim(span_make(value, (size_t)(field_end(value, end) - value)));
    }
    return (struct span){NULL, 0};
}
