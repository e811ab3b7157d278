/* SPDX-License-Identifier: Apache-2.0 */
/* Header names to ids and back.  A lookup compares with the few names of the same length. */
#include "sip/sip_header.h"

#include "sip/sip_priv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct row {
    struct span name, lead;
    char compact;
    uint8_t kind;
};

static const struct row rows[SIP_HEADER_COUNT] = {[SIP_HEADER_OTHER] = {{"", 0}, {": ", 2}, 0, SIP_HEADER_REPEAT},
#define X(id, name, compact, kind)                                                                                     \
    [SIP_HEADER_##id] = {{name, sizeof(name) - 1}, {name ": ", sizeof(name) + 1}, compact, kind},
                                                  SIP_HEADER_TABLE(X)
#undef X
};

enum { LENGTH_MAX = 20, SAME_LENGTH_MAX = 10, NAME_ROOM = 32 };

/* The names once more, each with room behind it, so that whole registers can be loaded. */
static const char names[SIP_HEADER_COUNT][NAME_ROOM] = {
#define X(id, name, compact, kind) [SIP_HEADER_##id] = name,
    SIP_HEADER_TABLE(X)
#undef X
};

/* Ids by the length of the full name, what a call carries first; tests/unit/sip/test_header.c finds one that is
 * missing here. */
static const uint8_t by_length[LENGTH_MAX + 1][SAME_LENGTH_MAX] = {
    [2] = {SIP_HEADER_TO},
    [3] = {SIP_HEADER_VIA},
    [4] = {SIP_HEADER_FROM, SIP_HEADER_CSEQ, SIP_HEADER_DATE, SIP_HEADER_JOIN, SIP_HEADER_PATH, SIP_HEADER_RACK,
           SIP_HEADER_RSEQ},
    [5] = {SIP_HEADER_ROUTE, SIP_HEADER_ALLOW, SIP_HEADER_EVENT},
    [6] = {SIP_HEADER_ACCEPT, SIP_HEADER_MIN_SE, SIP_HEADER_REASON, SIP_HEADER_SERVER},
    [7] = {SIP_HEADER_CALL_ID, SIP_HEADER_CONTACT, SIP_HEADER_EXPIRES, SIP_HEADER_REQUIRE, SIP_HEADER_PRIVACY,
           SIP_HEADER_SUBJECT, SIP_HEADER_WARNING},
    [8] = {SIP_HEADER_IDENTITY, SIP_HEADER_PRIORITY, SIP_HEADER_REFER_TO, SIP_HEADER_REPLACES, SIP_HEADER_REPLY_TO,
           SIP_HEADER_SIP_ETAG},
    [9] = {SIP_HEADER_SUPPORTED, SIP_HEADER_CALL_INFO, SIP_HEADER_DIVERSION, SIP_HEADER_REFER_SUB,
           SIP_HEADER_TIMESTAMP},
    [10] = {SIP_HEADER_USER_AGENT, SIP_HEADER_ALERT_INFO, SIP_HEADER_ERROR_INFO, SIP_HEADER_FLOW_TIMER},
    [11] = {SIP_HEADER_MAX_BREADTH, SIP_HEADER_IN_REPLY_TO, SIP_HEADER_MIN_EXPIRES, SIP_HEADER_REFERRED_BY,
            SIP_HEADER_RETRY_AFTER, SIP_HEADER_UNSUPPORTED},
    [12] = {SIP_HEADER_MAX_FORWARDS, SIP_HEADER_CONTENT_TYPE, SIP_HEADER_RECORD_ROUTE, SIP_HEADER_ALLOW_EVENTS,
            SIP_HEADER_HISTORY_INFO, SIP_HEADER_MIME_VERSION, SIP_HEADER_ORGANIZATION, SIP_HEADER_SIP_IF_MATCH},
    [13] = {SIP_HEADER_AUTHORIZATION, SIP_HEADER_PROXY_REQUIRE, SIP_HEADER_SERVICE_ROUTE},
    [14] = {SIP_HEADER_CONTENT_LENGTH, SIP_HEADER_ACCEPT_CONTACT, SIP_HEADER_REJECT_CONTACT},
    [15] = {SIP_HEADER_ACCEPT_ENCODING, SIP_HEADER_ACCEPT_LANGUAGE, SIP_HEADER_SESSION_EXPIRES},
    [16] = {SIP_HEADER_CONTENT_ENCODING, SIP_HEADER_CONTENT_LANGUAGE, SIP_HEADER_WWW_AUTHENTICATE},
    [18] = {SIP_HEADER_PROXY_AUTHENTICATE, SIP_HEADER_SUBSCRIPTION_STATE},
    [19] = {SIP_HEADER_AUTHENTICATION_INFO, SIP_HEADER_CONTENT_DISPOSITION, SIP_HEADER_P_ASSERTED_IDENTITY,
            SIP_HEADER_PROXY_AUTHORIZATION, SIP_HEADER_REQUEST_DISPOSITION},
    [20] = {SIP_HEADER_P_PREFERRED_IDENTITY},
};

/* Ids by compact form: letters only, either case. */
static const uint8_t by_compact[32] = {
    ['a' & 31] = SIP_HEADER_ACCEPT_CONTACT,
    ['b' & 31] = SIP_HEADER_REFERRED_BY,
    ['c' & 31] = SIP_HEADER_CONTENT_TYPE,
    ['d' & 31] = SIP_HEADER_REQUEST_DISPOSITION,
    ['e' & 31] = SIP_HEADER_CONTENT_ENCODING,
    ['f' & 31] = SIP_HEADER_FROM,
    ['i' & 31] = SIP_HEADER_CALL_ID,
    ['j' & 31] = SIP_HEADER_REJECT_CONTACT,
    ['k' & 31] = SIP_HEADER_SUPPORTED,
    ['l' & 31] = SIP_HEADER_CONTENT_LENGTH,
    ['m' & 31] = SIP_HEADER_CONTACT,
    ['o' & 31] = SIP_HEADER_EVENT,
    ['r' & 31] = SIP_HEADER_REFER_TO,
    ['s' & 31] = SIP_HEADER_SUBJECT,
    ['t' & 31] = SIP_HEADER_TO,
    ['u' & 31] = SIP_HEADER_ALLOW_EVENTS,
    ['v' & 31] = SIP_HEADER_VIA,
    ['x' & 31] = SIP_HEADER_SESSION_EXPIRES,
    ['y' & 31] = SIP_HEADER_IDENTITY,
};

/* A table name holds letters, digits and '-' alone.  0x20 is set in all of these but capitals, and nothing but a
 * control byte becomes one of them by setting it; the parser refuses these elsewhere. */
static bool same_name(const char *name, const char *table, size_t len)
{
    for (size_t at = 0; at < len; at++)
        if ((name[at] | 0x20) != (table[at] | 0x20))
            return false;
    return true;
}

static enum sip_header_id find_compact(char letter)
{
    letter |= 0x20;
    return letter >= 'a' && letter <= 'z' ? (enum sip_header_id)by_compact[letter & 31] : SIP_HEADER_OTHER;
}

#ifdef __SSE2__
static __m128i load_folded(const char *at)
{
    return _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)at), _mm_set1_epi8(0x20));
}

struct sip_header_hit sip_header_take(const char *at, const char *end)
{
    const struct sip_header_hit none = {SIP_HEADER_OTHER, 0};
    if (end - at < 16)
        return none;
    const __m128i colon = _mm_set1_epi8(':'); /* 0x20 is set in it; what else it makes one, 0x1a, is sorted out below */
    __m128i low = load_folded(at), high = low;
    unsigned colons = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(low, colon));
    if (!colons && end - at >= NAME_ROOM) {
        high = load_folded(at + 16);
        colons = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(high, colon)) << 16;
    }
    unsigned len = colons ? (unsigned)__builtin_ctz(colons) : 0;
    if (len < 2 || len > LENGTH_MAX || at[len] != ':')
        return len == 1 && at[1] == ':' ? (struct sip_header_hit){(uint8_t)find_compact(at[0]), 1} : none;
    unsigned wanted = (1U << len) - 1;
    for (const uint8_t *id = by_length[len]; id < by_length[len] + SAME_LENGTH_MAX && *id; id++) {
        unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(low, load_folded(names[*id])));
        if (len > 16)
            same |= (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(high, load_folded(names[*id] + 16))) << 16;
        if ((same & wanted) == wanted)
            return (struct sip_header_hit){*id, (uint8_t)len};
    }
    return none;
}
#else
struct sip_header_hit sip_header_take(const char *at, const char *end)
{
    (void)at;
    (void)end;
    return (struct sip_header_hit){SIP_HEADER_OTHER, 0}; /* the plain way finds it */
}
#endif

enum sip_header_id sip_header_find(struct span name)
{
    if (name.len == 1)
        return find_compact(name.at[0]);
    if (name.len > LENGTH_MAX)
        return SIP_HEADER_OTHER;
    const uint8_t *ids = by_length[name.len];
    for (size_t at = 0; at < SAME_LENGTH_MAX && ids[at]; at++)
        if (same_name(name.at, names[ids[at]], name.len))
            return (enum sip_header_id)ids[at];
    return SIP_HEADER_OTHER;
}

struct span sip_header_name(enum sip_header_id id)
{
    return rows[id].name;
}

struct span sip_header_lead(enum sip_header_id id)
{
    return rows[id].lead;
}

char sip_header_compact(enum sip_header_id id)
{
    return rows[id].compact;
}

unsigned sip_header_kind(enum sip_header_id id)
{
    return rows[id].kind;
}

bool sip_header_is_machinery(enum sip_header_id id)
{
    static const bool is_machinery[SIP_HEADER_COUNT] = {
        [SIP_HEADER_VIA] = true,
        [SIP_HEADER_FROM] = true,
        [SIP_HEADER_TO] = true,
        [SIP_HEADER_CALL_ID] = true,
        [SIP_HEADER_CSEQ] = true,
        [SIP_HEADER_ROUTE] = true,
        [SIP_HEADER_RECORD_ROUTE] = true,
        [SIP_HEADER_CONTENT_LENGTH] = true,
        [SIP_HEADER_CONTENT_TYPE] = true,
        [SIP_HEADER_CONTENT_ENCODING] = true,
        [SIP_HEADER_MAX_FORWARDS] = true,
        [SIP_HEADER_WWW_AUTHENTICATE] = true,
        [SIP_HEADER_PROXY_AUTHENTICATE] = true,
        [SIP_HEADER_AUTHENTICATION_INFO] = true,
        [SIP_HEADER_ALLOW] = true,
        [SIP_HEADER_ACCEPT] = true,
        [SIP_HEADER_SUPPORTED] = true,
        [SIP_HEADER_REQUIRE] = true,
        [SIP_HEADER_UNSUPPORTED] = true,
        [SIP_HEADER_TIMESTAMP] = true,
        [SIP_HEADER_RSEQ] = true,
        [SIP_HEADER_SESSION_EXPIRES] = true,
        [SIP_HEADER_MIN_SE] = true,
        [SIP_HEADER_MIN_EXPIRES] = true,
    };
    return is_machinery[id];
}
