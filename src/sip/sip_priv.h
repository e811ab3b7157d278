/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share and nobody else sees (tests excepted). */
#pragma once

#include "sip/sip_header.h"
#include "sip/sip_param.h"
#include "sip/sip_text.h"

/* memset to zero by a call: compilers turn one of a known size of some hundred bytes into "rep stos", whose start alone
 * costs more than the library's whole work. */
void sip_clear(void *at, size_t len);

/* Takes a parameter at *at, where only white space may come before its ';'.  ERR_NOT_FOUND (and *at untouched) when
 * something else stands there, which is the caller's to judge: a comma, the end, garbage. */
MUST_CHECK enum err sip_param_take(const char **at, const char *end, struct sip_param *out_param);

/* Compares without case, where `name` holds no capitals.  Most texts are written as the RFC writes them. */
bool sip_span_is_folded(struct span text, const char *name);
static inline bool sip_span_is_lower(struct span text, const char *name, size_t len)
{
    return text.len == len && (memcmp(text.at, name, len) == 0 || sip_span_is_folded(text, name));
}
#define SIP_IS(text, literal) sip_span_is_lower((text), (literal), sizeof(literal) - 1)

/* Walks the control bytes (HTAB excepted) of a text in order: they end lines, or must not be there.  64 bytes are
 * judged at once, and a bit of `found` stands for each one that is not taken yet. */
struct sip_scan {
    const char *block;
    const char *end;
    uint64_t found;
};

/* One bit for each of the first 64 bytes that is a control byte.  The plain one is the definition, the second goes by
 * words, the third uses what the machine has. */
uint64_t sip_scan_block_plain(const char *at, size_t len);
uint64_t sip_scan_block_words(const char *at, size_t len);
uint64_t sip_scan_block(const char *at, size_t len);

static inline struct sip_scan sip_scan_begin(const char *at, const char *end)
{
    return (struct sip_scan){.block = at, .end = end, .found = sip_scan_block(at, (size_t)(end - at))};
}

/* To the next block, which must be there. */
static inline void sip_scan_advance(struct sip_scan *scan)
{
    scan->block += 64;
    scan->found = sip_scan_block(scan->block, (size_t)(scan->end - scan->block));
}

/* The next control byte, or the end. */
static inline const char *sip_scan_next(struct sip_scan *scan)
{
    while (!scan->found) {
        if (scan->end - scan->block <= 64)
            return scan->end;
        sip_scan_advance(scan);
    }
    const char *at = scan->block + __builtin_ctzll(scan->found);
    scan->found &= scan->found - 1;
    return at;
}

/* The end (its CR) of the line at `at`, folds included; NULL when the bytes end first.  *out_unclean: it holds a fold
 * or a control byte; *out_bad: the first control byte that may not be there, untouched when there is none. */
const char *sip_scan_line(struct sip_scan *scan, const char *at, bool *out_unclean, const char **out_bad);

/* The same for the usual line: nothing in it to note, its CR LF in one block, and no fold behind.  NULL for others,
 * with `scan` as it was. */
static inline const char *sip_scan_plain_line(struct sip_scan *scan)
{
    while (!scan->found && scan->end - scan->block > 64)
        sip_scan_advance(scan);
    unsigned bit = scan->found ? (unsigned)__builtin_ctzll(scan->found) : 63;
    const char *stop = scan->block + bit;
    if (bit == 63 || scan->end - stop <= 2 || memcmp(stop, "\r\n", 2) != 0 || (unsigned char)stop[2] <= ' ')
        return NULL;
    scan->found &= ~(3ULL << bit);
    return stop;
}

/* A known name that stands at `at` with its colon right behind it; SIP_HEADER_OTHER when it is another one, or too
 * near to `end` for the fast way. */
struct sip_header_hit {
    uint8_t id; /* enum sip_header_id */
    uint8_t len;
};
struct sip_header_hit sip_header_take(const char *at, const char *end);

/* sip_uri_parse into a struct that is zero already; NULL, or what is wrong. */
struct sip_uri;
const char *sip_uri_read(struct span text, struct sip_uri *uri);

/* What can stand behind '@' in a URI and in a Via's sent-by: host [":" port].  Sets *at behind it. */
struct sip_hostport {
    struct span host; /* no brackets */
    uint16_t port;    /* 0: none */
    uint8_t kind;     /* enum sip_host_kind */
    uint8_t ip4[4];   /* of SIP_HOST_IPV4 */
};
/* `blanks`: white space may stand around the colon (Via).  NULL on success, else what is wrong. */
const char *sip_hostport_take(const char **at, const char *end, bool blanks, struct sip_hostport *out_hostport);
