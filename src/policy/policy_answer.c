/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in a verdict, field by field, each with its check: nothing that a script writes gets out unseen. */
#include "policy/policy_answer.h"

#include "reference/reference_refusal.h"

#include "sip/sip_header.h"
#include "sip/sip_text.h"
#include "sip/sip_uri.h"

#include <math.h>

enum {
    REASON_MAX = 128,
    TEXT_MAX = 256,
    URI_MAX = 1024,
    HEADER_VALUE_MAX = 2048,
    SDP_MAX = 8192,
    RING_MAX_S = 180,
    SESSION_MIN_S = 90, /* RFC 4028 5 */
    CALL_MAX_S = 7 * 86400,
};

void policy_answer_begin(struct policy_answer *answer, enum policy_verdict verdict, int code)
{
    answer->verdict = verdict;
    answer->code = code;
    answer->reason = answer->error_info = answer->evidence = answer->realm = answer->sdp_body = (struct span){NULL, 0};
    answer->contact_count = answer->header_count = 0;
    answer->q850 = 0;
    answer->sdp = POLICY_SDP_INACTIVE;
    answer->ring_ms = answer->retry_after = -1;
    answer->expires = -1;
    answer->progress = false;
    answer->hangup_after_s = answer->session_expires_s = 0;
}

static bool refuse(struct policy_answer_reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(struct policy_answer_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reader->text, reader->text_cap, format, args);
    va_end(args);
    return false;
}

static bool keep(struct policy_answer_reader *reader, struct span text, struct span *out)
{
    struct span copy = text;
    if (reader->keeper)
        copy = policy_keep_text(reader->keeper, text);
    else if (reader->arena)
        copy = arena_copy(reader->arena, text);
    if (!copy.at)
        return refuse(reader, "the verdict's texts have more than %d bytes in all", POLICY_ARENA_BYTES);
    *out = copy;
    return true;
}

/* The string at the top of the stack; never converts a number, which would allocate. */
static bool take_text(struct policy_answer_reader *reader, const char *name, size_t most, struct span *out)
{
    if (lua_type(reader->L, -1) != LUA_TSTRING)
        return refuse(reader, "%s: expected a string, got %s", name, luaL_typename(reader->L, -1));
    out->at = lua_tolstring(reader->L, -1, &out->len);
    if (out->len == 0 || out->len > most)
        return refuse(reader, "%s: expected 1 to %zu bytes, got %zu", name, most, out->len);
    return true;
}

static bool take_clean(struct policy_answer_reader *reader, const char *name, size_t most, struct span *out)
{
    struct span text;
    if (!take_text(reader, name, most, &text))
        return false;
    if (!sip_text_is_clean(text) || !sip_text_is_utf8(text))
        return refuse(reader, "%s: expected UTF-8 text without control bytes", name);
    return keep(reader, text, out);
}

static bool take_integer(struct policy_answer_reader *reader, const char *name, int64_t least, int64_t most,
                         int64_t *out)
{
    int whole = 0;
    lua_Integer value = lua_type(reader->L, -1) == LUA_TNUMBER ? lua_tointegerx(reader->L, -1, &whole) : 0;
    if (!whole || value < least || value > most)
        return refuse(reader, "%s: expected a whole number from %lld to %lld", name, (long long)least, (long long)most);
    *out = value;
    return true;
}

static bool take_uri(struct policy_answer_reader *reader, const char *name, struct span *out)
{
    struct span text;
    struct sip_uri uri;
    const char *reason = "";
    if (!take_text(reader, name, URI_MAX, &text))
        return false;
    if (text.at[0] == '<' || !sip_text_is_clean(text) || sip_uri_parse(text, &uri, &reason) != OK)
        return refuse(reader, "%s: expected a URI such as \"sip:user@example.com\", without angle brackets (%s)", name,
                      reason);
    return keep(reader, text, out);
}

static bool read_reason(struct policy_answer_reader *reader)
{
    return take_clean(reader, "reason", REASON_MAX, &reader->answer->reason);
}

static bool read_evidence(struct policy_answer_reader *reader)
{
    return take_clean(reader, "evidence", TEXT_MAX, &reader->answer->evidence);
}

static bool read_realm(struct policy_answer_reader *reader)
{
    return take_clean(reader, "realm", REASON_MAX, &reader->answer->realm);
}

static bool read_error_info(struct policy_answer_reader *reader)
{
    return take_uri(reader, "error_info", &reader->answer->error_info);
}

static bool read_q850(struct policy_answer_reader *reader)
{
    int64_t value = 0;
    if (!take_integer(reader, "q850", 1, 127, &value))
        return false;
    reader->answer->q850 = (int)value;
    return true;
}

static bool read_retry_after(struct policy_answer_reader *reader)
{
    int64_t value = 0;
    if (!take_integer(reader, "retry_after", 0, INT32_MAX, &value))
        return false;
    reader->answer->retry_after = (int32_t)value;
    return true;
}

static bool read_expires(struct policy_answer_reader *reader)
{
    return take_integer(reader, "expires", 0, UINT32_MAX, &reader->answer->expires);
}

static bool read_ring(struct policy_answer_reader *reader)
{
    lua_State *L = reader->L;
    if (lua_type(L, -1) == LUA_TBOOLEAN) {
        reader->answer->ring_ms = lua_toboolean(L, -1) ? 0 : -1;
        return true;
    }
    lua_Number seconds = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    if (!(seconds >= 0 && seconds <= RING_MAX_S))
        return refuse(reader, "ring: expected true, or seconds from 0 to %d", RING_MAX_S);
    reader->answer->ring_ms = (int32_t)(seconds * 1000);
    return true;
}

static bool read_progress(struct policy_answer_reader *reader)
{
    if (lua_type(reader->L, -1) != LUA_TBOOLEAN)
        return refuse(reader, "progress: expected true or false, got %s", luaL_typename(reader->L, -1));
    reader->answer->progress = lua_toboolean(reader->L, -1);
    return true;
}

static bool read_hangup_after(struct policy_answer_reader *reader)
{
    int64_t value = 0;
    if (!take_integer(reader, "hangup_after", 1, CALL_MAX_S, &value))
        return false;
    reader->answer->hangup_after_s = (int32_t)value;
    return true;
}

static bool read_session_expires(struct policy_answer_reader *reader)
{
    int64_t value = 0;
    if (!take_integer(reader, "session_expires", SESSION_MIN_S, CALL_MAX_S, &value))
        return false;
    reader->answer->session_expires_s = (int32_t)value;
    return true;
}

static bool read_sdp(struct policy_answer_reader *reader)
{
    static const char *const modes[] = {"inactive", "sendonly", "recvonly", "sendrecv", "reject"};
    struct span text;
    if (!take_text(reader, "sdp", SDP_MAX, &text))
        return false;
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (span_equal(text, span_of(modes[i]))) {
            reader->answer->sdp = (enum policy_sdp)i;
            return true;
        }
    }
    if (!span_starts_with(text, SPAN("v=0")) || memchr(text.at, '\0', text.len))
        return refuse(
            reader,
            "sdp: expected \"inactive\", \"sendonly\", \"recvonly\", \"sendrecv\", \"reject\" or a body \"v=0...\"");
    reader->answer->sdp = POLICY_SDP_BODY;
    return keep(reader, text, &reader->answer->sdp_body);
}

/* One URI, or a list of them. */
static bool read_contact(struct policy_answer_reader *reader)
{
    lua_State *L = reader->L;
    struct policy_answer *answer = reader->answer;
    if (lua_type(L, -1) != LUA_TTABLE) {
        answer->contact_count = 1;
        return take_uri(reader, "contact", &answer->contacts[0]);
    }
    size_t count = lua_rawlen(L, -1);
    if (count < 1 || count > POLICY_CONTACT_MAX)
        return refuse(reader, "contact: expected a URI or a list of 1 to %d", POLICY_CONTACT_MAX);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        bool fine = take_uri(reader, "contact", &answer->contacts[i]);
        lua_pop(L, 1);
        if (!fine)
            return false;
    }
    answer->contact_count = (unsigned)count;
    return true;
}

/* Headers that only C writes, or that a field of the verdict sets. */
static const char *header_refused(struct span name)
{
    static const struct {
        enum sip_header_id id;
        const char *why;
    } by_field[] = {{SIP_HEADER_REASON, "q850 sets it"},
                    {SIP_HEADER_ERROR_INFO, "error_info sets it"},
                    {SIP_HEADER_RETRY_AFTER, "retry_after sets it"},
                    {SIP_HEADER_EXPIRES, "expires sets it"},
                    {SIP_HEADER_CONTACT, "contact sets it"}};
    enum sip_header_id id = sip_header_find(name);
    for (size_t i = 0; i < sizeof(by_field) / sizeof(by_field[0]); i++)
        if (by_field[i].id == id)
            return by_field[i].why;
    return sip_header_is_machinery(id) ? "the engine writes it" : NULL;
}

static bool read_header_name(struct policy_answer_reader *reader, struct span *out)
{
    lua_State *L = reader->L;
    if (lua_type(L, -2) != LUA_TSTRING)
        return refuse(reader, "headers: expected names, as in headers = { [\"X-Note\"] = \"text\" }");
    struct span name;
    name.at = lua_tolstring(L, -2, &name.len);
    if (name.len == 0 || name.len > 64 || sip_text_run(name.at, name.at + name.len, SIP_TEXT_TOKEN) != name.len)
        return refuse(reader, "headers: \"%.64s\" is not a header name", name.at);
    const char *why = header_refused(name);
    if (why)
        return refuse(reader, "headers: %s cannot be set here: %s", name.at, why);
    return keep(reader, name, out);
}

/* Sorted by name: lua_next's order differs between processes, an answer's bytes must not. */
static void insert_header(struct policy_answer *answer, struct policy_header header)
{
    unsigned at = answer->header_count++;
    for (; at > 0 && span_compare(header.name, answer->headers[at - 1].name) < 0; at--)
        answer->headers[at] = answer->headers[at - 1];
    answer->headers[at] = header;
}

static bool read_headers(struct policy_answer_reader *reader)
{
    lua_State *L = reader->L;
    if (lua_type(L, -1) != LUA_TTABLE)
        return refuse(reader, "headers: expected a table, got %s", luaL_typename(L, -1));
    int table = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        struct policy_header header;
        if (reader->answer->header_count == POLICY_HEADER_MAX)
            return refuse(reader, "headers: more than %d", POLICY_HEADER_MAX);
        if (!read_header_name(reader, &header.name) || !take_clean(reader, "headers", HEADER_VALUE_MAX, &header.value))
            return false;
        insert_header(reader->answer, header);
    }
    return true;
}

/* reject's own; written by the constructor, so it is right unless a script meddled with the table. */
static bool read_code(struct policy_answer_reader *reader)
{
    int64_t code = 0;
    if (!take_integer(reader, "code", 400, 699, &code))
        return false;
    const char *why = reference_refusal_instead(code);
    if (why)
        return refuse(reader, "reject(%d): %s", (int)code, why);
    reader->answer->code = (int)code;
    return true;
}

#define IN(verdict) (1u << POLICY_##verdict)
#define FINAL       (IN(GONE) | IN(NOT_FOUND) | IN(UNAVAILABLE) | IN(REJECT))

static const struct {
    const char *name;
    unsigned verdicts;
    bool (*read)(struct policy_answer_reader *reader);
} answer_fields[] = {
    {"evidence", IN(GONE), read_evidence},
    {"reason", FINAL | IN(OK) | IN(MOVED) | IN(REDIRECT) | IN(CHALLENGE), read_reason},
    {"q850", FINAL | IN(MOVED) | IN(REDIRECT), read_q850},
    {"error_info", FINAL | IN(MOVED) | IN(REDIRECT), read_error_info},
    {"headers", FINAL | IN(OK) | IN(MOVED) | IN(REDIRECT) | IN(CHALLENGE), read_headers},
    {"contact", IN(OK) | IN(MOVED) | IN(REDIRECT), read_contact},
    {"expires", IN(OK) | IN(MOVED) | IN(REDIRECT), read_expires},
    {"retry_after", IN(UNAVAILABLE) | IN(REJECT), read_retry_after},
    {"sdp", IN(OK), read_sdp},
    {"ring", IN(OK), read_ring},
    {"progress", IN(OK), read_progress},
    {"hangup_after", IN(OK), read_hangup_after},
    {"session_expires", IN(OK), read_session_expires},
    {"realm", IN(CHALLENGE), read_realm},
    {"code", IN(REJECT), read_code},
};

enum { FIELD_COUNT = sizeof(answer_fields) / sizeof(answer_fields[0]) };

size_t policy_answer_names(enum policy_verdict verdict, const char **out_names, size_t cap)
{
    size_t count = 0;
    for (unsigned i = 0; i < FIELD_COUNT && count < cap; i++) {
        if ((answer_fields[i].verdicts >> verdict) & 1)
            out_names[count++] = answer_fields[i].name;
    }
    return count;
}

static bool refuse_field(struct policy_answer_reader *reader, const char *name)
{
    const char *known[FIELD_COUNT];
    const char *nearest = suggest_of(name, known, policy_answer_names(reader->answer->verdict, known, FIELD_COUNT));
    if (nearest)
        return refuse(reader, "unknown field \"%.32s\"; did you mean \"%s\"?", name, nearest);
    return refuse(reader, "unknown field \"%.32s\"", name);
}

static bool read_field(struct policy_answer_reader *reader)
{
    lua_State *L = reader->L;
    if (lua_type(L, -2) != LUA_TSTRING)
        return refuse(reader, "expected fields with names, as in { reason = \"text\" }");
    const char *name = lua_tostring(L, -2);
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(name, answer_fields[i].name) == 0 && ((answer_fields[i].verdicts >> reader->answer->verdict) & 1))
            return answer_fields[i].read(reader);
    }
    return refuse_field(reader, name);
}

bool policy_answer_read(struct policy_answer_reader *reader, int index)
{
    lua_State *L = reader->L;
    int top = lua_gettop(L);
    bool fine = true;
    lua_pushnil(L);
    while (fine && lua_next(L, index)) {
        fine = read_field(reader);
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    if (!fine)
        return false;
    if (reader->answer->verdict == POLICY_REDIRECT && reader->answer->contact_count == 0)
        return refuse(reader, "contact is missing: expected redirect { contact = \"sip:...\" }");
    return true;
}
