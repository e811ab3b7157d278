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

/* A row of the table at the end. */
struct answer_field {
    const char *name;
    unsigned verdicts;
    bool (*read)(struct policy_answer_reader *reader, const struct answer_field *field);
    size_t at, size;     /* in struct policy_answer */
    int64_t least, most; /* of a number; `most` bytes of a text */
};

static void *place_of(const struct policy_answer_reader *reader, const struct answer_field *field)
{
    return (char *)reader->answer + field->at;
}

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

static bool read_text(struct policy_answer_reader *reader, const struct answer_field *field)
{
    return take_clean(reader, field->name, (size_t)field->most, (struct span *)place_of(reader, field));
}

static bool read_uri(struct policy_answer_reader *reader, const struct answer_field *field)
{
    return take_uri(reader, field->name, (struct span *)place_of(reader, field));
}

static bool read_integer(struct policy_answer_reader *reader, const struct answer_field *field)
{
    int64_t value = 0;
    if (!take_integer(reader, field->name, field->least, field->most, &value))
        return false;
    if (field->size == sizeof(int64_t))
        *(int64_t *)place_of(reader, field) = value;
    else
        *(int32_t *)place_of(reader, field) = (int32_t)value;
    return true;
}

static bool read_ring(struct policy_answer_reader *reader, const struct answer_field *field)
{
    lua_State *L = reader->L;
    if (lua_type(L, -1) == LUA_TBOOLEAN) {
        reader->answer->ring_ms = lua_toboolean(L, -1) ? 0 : -1;
        return true;
    }
    lua_Number seconds = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    if (!(seconds >= 0 && seconds <= RING_MAX_S))
        return refuse(reader, "%s: expected true, or seconds from 0 to %d", field->name, RING_MAX_S);
    reader->answer->ring_ms = (int32_t)(seconds * 1000);
    return true;
}

static bool read_progress(struct policy_answer_reader *reader, const struct answer_field *field)
{
    if (lua_type(reader->L, -1) != LUA_TBOOLEAN)
        return refuse(reader, "%s: expected true or false, got %s", field->name, luaL_typename(reader->L, -1));
    reader->answer->progress = lua_toboolean(reader->L, -1);
    return true;
}

static bool read_sdp(struct policy_answer_reader *reader, const struct answer_field *field)
{
    static const char *const modes[] = {"inactive", "sendonly", "recvonly", "sendrecv", "reject"};
    struct span text;
    if (!take_text(reader, field->name, SDP_MAX, &text))
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
static bool read_contact(struct policy_answer_reader *reader, const struct answer_field *field)
{
    lua_State *L = reader->L;
    struct policy_answer *answer = reader->answer;
    if (lua_type(L, -1) != LUA_TTABLE) {
        answer->contact_count = 1;
        return take_uri(reader, field->name, &answer->contacts[0]);
    }
    size_t count = lua_rawlen(L, -1);
    if (count < 1 || count > POLICY_CONTACT_MAX)
        return refuse(reader, "%s: expected a URI or a list of 1 to %d", field->name, POLICY_CONTACT_MAX);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        bool fine = take_uri(reader, field->name, &answer->contacts[i]);
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

static bool read_header_name(struct policy_answer_reader *reader, struct span name, struct span *out)
{
    if (name.len == 0 || name.len > 64 || sip_text_run(name.at, name.at + name.len, SIP_TEXT_TOKEN) != name.len)
        return refuse(reader, "headers: \"%.64s\" is not a header name", name.at);
    const char *why = header_refused(name);
    if (why)
        return refuse(reader, "headers: %s cannot be set here: %s", name.at, why);
    return keep(reader, name, out);
}

/* Pushes the pair whose name comes next after `last` by its bytes (at == NULL: the first); false: there is none.  So neither an
 * answer's bytes nor which of several faults is named depend on the order of Lua's hashes. */
static bool push_next_header(lua_State *L, int table, struct span last)
{
    struct span best = {NULL, 0};
    int top = lua_gettop(L);
    lua_settop(L, top + 2);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        struct span name = {NULL, 0};
        if (lua_type(L, -2) == LUA_TSTRING)
            name.at = lua_tolstring(L, -2, &name.len);
        if (!name.at || (last.at && span_compare(name, last) <= 0) || (best.at && span_compare(name, best) >= 0))
            continue;
        best = name;
        lua_copy(L, -2, top + 1);
        lua_copy(L, -1, top + 2);
    }
    if (!best.at)
        lua_settop(L, top);
    return best.at != NULL;
}

/* The table at the top: names alone, and not too many of them. */
static bool count_headers(struct policy_answer_reader *reader)
{
    lua_State *L = reader->L;
    int table = lua_gettop(L);
    unsigned count = 0, names = 0;
    for (lua_pushnil(L); count <= POLICY_HEADER_MAX && lua_next(L, table); lua_pop(L, 1), count++)
        names += lua_type(L, -2) == LUA_TSTRING;
    lua_settop(L, table);
    if (count > POLICY_HEADER_MAX)
        return refuse(reader, "headers: more than %d", POLICY_HEADER_MAX);
    return names == count || refuse(reader, "headers: expected names, as in headers = { [\"X-Note\"] = \"text\" }");
}

static bool read_headers(struct policy_answer_reader *reader, const struct answer_field *field)
{
    lua_State *L = reader->L;
    if (lua_type(L, -1) != LUA_TTABLE)
        return refuse(reader, "%s: expected a table, got %s", field->name, luaL_typename(L, -1));
    int table = lua_gettop(L);
    struct span last = {NULL, 0};
    if (!count_headers(reader))
        return false;
    for (; push_next_header(L, table, last); lua_settop(L, table)) {
        struct policy_header *header = &reader->answer->headers[reader->answer->header_count];
        last.at = lua_tolstring(L, -2, &last.len);
        if (!read_header_name(reader, last, &header->name) ||
            !take_clean(reader, field->name, HEADER_VALUE_MAX, &header->value))
            return false;
        reader->answer->header_count++;
    }
    return true;
}

/* reject's own; written by the constructor, so it is right unless a script meddled with the table. */
static bool read_code(struct policy_answer_reader *reader, const struct answer_field *field)
{
    int64_t code = 0;
    if (!take_integer(reader, field->name, field->least, field->most, &code))
        return false;
    const char *why = reference_refusal_instead(code);
    if (why)
        return refuse(reader, "reject(%d): %s", (int)code, why);
    reader->answer->code = (int)code;
    return true;
}

#define IN(verdict) (1u << POLICY_##verdict)
#define FINAL       (IN(GONE) | IN(NOT_FOUND) | IN(UNAVAILABLE) | IN(REJECT))

#define PLACE(member) offsetof(struct policy_answer, member), sizeof(((struct policy_answer *)NULL)->member)

static const struct answer_field answer_fields[] = {
    {"evidence", IN(GONE), read_text, PLACE(evidence), 1, TEXT_MAX},
    {"reason", FINAL | IN(OK) | IN(MOVED) | IN(REDIRECT) | IN(CHALLENGE), read_text, PLACE(reason), 1, REASON_MAX},
    {"q850", FINAL | IN(MOVED) | IN(REDIRECT), read_integer, PLACE(q850), 1, 127},
    {"error_info", FINAL | IN(MOVED) | IN(REDIRECT), read_uri, PLACE(error_info), 1, URI_MAX},
    {"headers", FINAL | IN(OK) | IN(MOVED) | IN(REDIRECT) | IN(CHALLENGE), read_headers, PLACE(headers), 0, 0},
    {"contact", IN(OK) | IN(MOVED) | IN(REDIRECT), read_contact, PLACE(contacts), 0, 0},
    {"expires", IN(OK) | IN(MOVED) | IN(REDIRECT), read_integer, PLACE(expires), 0, UINT32_MAX},
    {"retry_after", IN(UNAVAILABLE) | IN(REJECT), read_integer, PLACE(retry_after), 0, INT32_MAX},
    {"sdp", IN(OK), read_sdp, PLACE(sdp), 0, 0},
    {"ring", IN(OK), read_ring, PLACE(ring_ms), 0, 0},
    {"progress", IN(OK), read_progress, PLACE(progress), 0, 0},
    {"hangup_after", IN(OK), read_integer, PLACE(hangup_after_s), 1, CALL_MAX_S},
    {"session_expires", IN(OK), read_integer, PLACE(session_expires_s), SESSION_MIN_S, CALL_MAX_S},
    {"realm", IN(CHALLENGE), read_text, PLACE(realm), 1, REASON_MAX},
    {"code", IN(REJECT), read_code, PLACE(code), 400, 699},
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

/* Which fields are there, a bit each.  Of several that are unknown the first one by its bytes is named, for the order of Lua's
 * hashes differs between processes and the same decision must say the same. */
static bool find_fields(struct policy_answer_reader *reader, int index, unsigned *out_there)
{
    lua_State *L = reader->L;
    const char *unknown = NULL;
    bool names = true;
    *out_there = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        unsigned at = 0;
        while (name && at < FIELD_COUNT && strcmp(name, answer_fields[at].name) != 0)
            at++;
        if (!name)
            names = false;
        else if (at < FIELD_COUNT && ((answer_fields[at].verdicts >> reader->answer->verdict) & 1))
            *out_there |= 1u << at;
        else if (!unknown || strcmp(name, unknown) < 0)
            unknown = name;
    }
    if (!names)
        return refuse(reader, "expected fields with names, as in { reason = \"text\" }");
    return !unknown || refuse_field(reader, unknown);
}

/* By lua_next: a lookup would have to make the name. */
static bool read_field(struct policy_answer_reader *reader, int index, unsigned at)
{
    lua_State *L = reader->L;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (strcmp(lua_tostring(L, -2), answer_fields[at].name) == 0)
            return answer_fields[at].read(reader, &answer_fields[at]);
    return true;
}

bool policy_answer_read(struct policy_answer_reader *reader, int index)
{
    lua_State *L = reader->L;
    int top = lua_gettop(L);
    unsigned there;
    bool fine = find_fields(reader, index, &there);
    lua_settop(L, top);
    for (unsigned at = 0; fine && at < FIELD_COUNT && there >> at; at++) {
        if ((there >> at) & 1)
            fine = read_field(reader, index, at);
        lua_settop(L, top);
    }
    if (!fine)
        return false;
    if (reader->answer->verdict == POLICY_REDIRECT && reader->answer->contact_count == 0)
        return refuse(reader, "contact is missing: expected redirect { contact = \"sip:...\" }");
    if (reader->answer->verdict == POLICY_REJECT && reader->answer->code == 0) /* a script took it away */
        return refuse(reader, "code is missing: expected reject(486) {}");
    return true;
}
