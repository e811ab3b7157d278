/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of others against the codec: RFC 4475 and RFC 5118 messages, grammar, digests, session descriptions.
 * usage: sip_vectors FOLDER.  Exits 77 (skipped) where the folder is not; prints what failed, 1 if anything did. */
#include "auth/auth_header.h"
#include "sdp/sdp_answer.h"
#include "sip/sip_address.h"
#include "sip/sip_text.h"
#include "sip/sip_value.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_CAP = 1 << 17, PATH_CAP = 4096, SKIPPED = 77 };

struct vectors {
    const char *folder;
    unsigned run, failed;
};

static void judge(struct vectors *vectors, bool good, const char *what, const char *name)
{
    vectors->run++;
    if (good)
        return;
    vectors->failed++;
    printf("FAIL %s: %s\n", what, name);
}

static json_t *load(const struct vectors *vectors, const char *name)
{
    char path[PATH_CAP];
    snprintf(path, sizeof(path), "%s/%s", vectors->folder, name);
    json_t *root = json_load_file(path, 0, NULL);
    if (!root) {
        fprintf(stderr, "%s is not readable JSON\n", path);
        exit(1);
    }
    return root;
}

/* The file's bytes in one of four buffers, in turn. */
static struct span load_bytes(const struct vectors *vectors, const char *folder, const char *name)
{
    static char buffers[4][FILE_CAP];
    static unsigned turn;
    char *bytes = buffers[turn++ % 4];
    char path[PATH_CAP];
    snprintf(path, sizeof(path), "%s/%s/%s", vectors->folder, folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    struct span span = span_make(bytes, fread(bytes, 1, FILE_CAP, file));
    fclose(file);
    return span;
}

static struct span text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return span_make(json_string_value(value), json_string_length(value));
}

/* What the parser has to say where it differs from the first answer that the index expects of the whole server. */
static int own_judgement(const char *name)
{
    static const struct {
        const char *name;
        int code; /* 0: accepted */
    } rows[] = {
        {"unksm2", 0},    /* syntactically right; the registrar's 400 */
        {"insuf", -1},    /* refused in silence: no To, From and Call-ID to answer with */
        {"intmeth", 0},   /* 501 is the dispatcher's */
        {"esc02", 0},     /* the same */
        {"scalarlg", -1}, /* broken responses */
        {"bigcode", -1},
    };
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        if (strcmp(rows[row].name, name) == 0)
            return rows[row].code;
    return -2;
}

static int expected_code(const json_t *message)
{
    const char *first =
        json_string_value(json_array_get(json_object_get(json_object_get(message, "uas"), "expect"), 0));
    int own = own_judgement(json_string_value(json_object_get(message, "name")));
    if (own != -2)
        return own;
    return strcmp(first, "400") == 0 || strcmp(first, "501") == 0 || strcmp(first, "505") == 0
               ? (int)strtol(first, NULL, 10)
               : 0;
}

static void run_messages(struct vectors *vectors, const char *folder)
{
    static struct sip_message message;
    char name[64];
    size_t at;
    json_t *entry;
    snprintf(name, sizeof(name), "%s/index.json", folder);
    json_t *root = load(vectors, name);
    json_array_foreach(json_object_get(root, "messages"), at, entry)
    {
        struct sip_problem problem = {0};
        const char *unique = json_string_value(json_object_get(entry, "unique_file"));
        const char *file = unique ? unique : json_string_value(json_object_get(entry, "file"));
        struct span bytes = load_bytes(vectors, folder, file);
        enum err err = sip_message_parse(&message, bytes, SIP_DATAGRAM, &problem);
        int code = err == OK ? 0 : problem.code ? problem.code : -1;
        struct span call_id = sip_call_id_scan(bytes);
        judge(vectors, code == expected_code(entry), folder, file);
        judge(vectors, err != OK || call_id.at == message.call_id.at, "Call-ID scan", file);
    }
    json_decref(root);
}

static bool same_unescaped(struct span escaped, struct span want)
{
    char text[512];
    size_t len;
    return sip_uri_unescape(escaped, text, sizeof(text), &len) && span_equal(span_make(text, len), want);
}

static bool check_uri(struct span value, const json_t *expect)
{
    struct sip_uri uri;
    return sip_uri_parse(value, &uri, NULL) == OK && span_equal_nocase(uri.scheme_text, text_of(expect, "scheme")) &&
           same_unescaped(uri.user, text_of(expect, "user")) && span_equal_nocase(uri.host, text_of(expect, "host")) &&
           uri.port == json_integer_value(json_object_get(expect, "port"));
}

static bool check_name_addr(struct span value, const json_t *expect)
{
    struct sip_address address;
    char text[512];
    struct buffer display = buffer_over(text, sizeof(text));
    if (sip_address_parse(value, &address, NULL) != OK)
        return false;
    sip_text_display(&display, address.display);
    struct span want = text_of(expect, "display_name");
    return !want.len || span_starts_with(want, buffer_span(&display)); /* a remark may follow in the vector */
}

static bool check_contact(struct span value, const json_t *expect)
{
    struct sip_address address;
    json_int_t count = 0;
    while (sip_address_next(&value, &address, NULL) == OK)
        count++;
    return value.len == 0 && count == json_integer_value(json_object_get(expect, "count"));
}

static bool check_via(struct span value, const json_t *expect)
{
    struct sip_via via;
    return sip_via_next(&value, &via, NULL) == OK && span_equal(via.branch, text_of(expect, "branch")) &&
           via.port == json_integer_value(json_object_get(expect, "port")) &&
           via.rport == json_integer_value(json_object_get(expect, "rport"));
}

static bool check_cseq(struct span value, const json_t *expect)
{
    uint32_t number;
    struct span method;
    return sip_value_cseq(value, &number, &method) == OK && span_equal(method, text_of(expect, "method")) &&
           number == json_integer_value(json_object_get(expect, "value"));
}

static bool check_token(struct span value, const json_t *expect)
{
    struct sip_value parts;
    struct span event = text_of(expect, "event"), protocol = text_of(expect, "protocol");
    return sip_value_token(value, &parts) == OK &&
           (span_equal_nocase(parts.token, event) || span_equal_nocase(parts.token, protocol));
}

static bool check_session_expires(struct span value, const json_t *expect)
{
    uint32_t seconds;
    struct span refresher;
    return sip_value_session_expires(value, &seconds, &refresher) == OK &&
           seconds == json_integer_value(json_object_get(expect, "expires")) &&
           span_equal_nocase(refresher, text_of(expect, "refresher"));
}

static bool check_host(struct span value, const json_t *expect)
{
    static const char *const kinds[] = {"error", "domain", "IPv4", "IPv6"};
    if (value.len > 1 && value.at[0] == '[')
        value = span_slice(value, 1, value.len - 1);
    return strcmp(kinds[sip_host_kind_of(value)], json_string_value(expect)) == 0;
}

static bool check_replaces(struct span value, const json_t *expect)
{
    struct sip_replaces replaces;
    return sip_value_replaces(value, &replaces) == OK && span_equal(replaces.to_tag, text_of(expect, "to_tag")) &&
           span_equal(replaces.from_tag, text_of(expect, "from_tag")) &&
           span_equal(replaces.call_id, text_of(expect, "call_id"));
}

static bool check_status_line(struct span value, const json_t *expect)
{
    static struct sip_message message;
    char text[256];
    struct sip_problem problem;
    int len = snprintf(text, sizeof(text), "%.*s\r\n\r\n", SPAN_ARG(value));
    (void)!sip_message_parse(&message, span_make(text, (size_t)len), SIP_DATAGRAM, &problem);
    return message.status == json_integer_value(json_object_get(expect, "status"));
}

static void run_jssip(struct vectors *vectors)
{
    static const struct {
        const char *rule;
        bool (*check)(struct span, const json_t *);
    } rules[] = {{"SIP-URI", check_uri},
                 {"name-addr", check_name_addr},
                 {"Refer-To", check_name_addr},
                 {"Contact", check_contact},
                 {"Via", check_via},
                 {"CSeq", check_cseq},
                 {"Event", check_token},
                 {"Reason", check_token},
                 {"Session-Expires", check_session_expires},
                 {"host", check_host},
                 {"Replaces", check_replaces},
                 {"Status-Line", check_status_line}};
    json_t *root = load(vectors, "grammar/jssip.json");
    size_t at;
    json_t *entry;
    json_array_foreach(json_object_get(root, "cases"), at, entry)
    {
        const char *rule = json_string_value(json_object_get(entry, "rule"));
        struct span value = text_of(entry, "value");
        bool good = false;
        for (size_t row = 0; row < sizeof(rules) / sizeof(rules[0]); row++)
            if (strcmp(rules[row].rule, rule) == 0)
                good = rules[row].check(span_trim(value), json_object_get(entry, "expect"));
        judge(vectors, good, rule, value.at);
    }
    json_decref(root);
}

/* "/wss/" behind a port is no part of any SIP URI (RFC 3261 25.1): wrong in the vectors. */
static bool is_known_wrong(const char *uri)
{
    return strstr(uri, "/wss/") != NULL;
}

static unsigned count_vias(struct span lines)
{
    unsigned count = 0;
    while (lines.len) {
        struct span line = span_slice(lines, 0, span_find(lines, '\r'));
        struct span name = span_slice(line, 0, span_find(line, ':'));
        struct span rest = span_slice(line, name.len + 1, line.len);
        struct sip_via via;
        lines = span_slice(lines, line.len + 2, lines.len);
        while (sip_header_find(name) == SIP_HEADER_VIA && sip_via_next(&rest, &via, NULL) == OK)
            count++;
    }
    return count;
}

static void run_libre(struct vectors *vectors)
{
    json_t *root = load(vectors, "grammar/libre.json");
    size_t at;
    json_t *entry;
    struct sip_uri uri;
    struct sip_address address;
    struct sip_param param;
    json_array_foreach(json_object_get(root, "uris"), at, entry)
    {
        const char *text = json_string_value(entry);
        bool good = sip_uri_parse(span_of(text), &uri, NULL) == OK && span_equal(uri.text, span_of(text));
        judge(vectors, good != is_known_wrong(text), "uri", text);
    }
    json_array_foreach(json_object_get(root, "addrs"), at, entry)
    {
        const char *text = json_string_value(entry);
        bool good = sip_address_parse(span_of(text), &address, NULL) == OK && span_equal(address.text, span_of(text));
        judge(vectors, good, "address", text);
    }
    json_array_foreach(json_object_get(root, "user_unescape"), at, entry)
    {
        const char *text = json_string_value(json_array_get(entry, 0)),
                   *want = json_string_value(json_array_get(entry, 1));
        judge(vectors, same_unescaped(span_of(text), span_of(want)) != (strcmp(want, "error") == 0), "unescape", text);
    }
    json_array_foreach(json_object_get(root, "params"), at, entry)
    {
        const char *text = json_string_value(json_array_get(entry, 0)),
                   *want = json_string_value(json_array_get(entry, 2));
        struct span name = span_of(json_string_value(json_array_get(entry, 1)));
        bool good = sip_param_find(span_of(text), name, &param) == OK && param.has_value == (want != NULL) &&
                    (!want || span_equal(param.value, span_of(want)));
        judge(vectors, good, "parameter", text);
    }
    json_array_foreach(json_object_get(root, "via_counts"), at, entry)
    {
        struct span lines = span_of(json_string_value(json_array_get(entry, 1)));
        judge(vectors, count_vias(lines) == json_integer_value(json_array_get(entry, 0)), "via count", lines.at);
    }
    json_decref(root);
}

static bool same_where_given(struct span value, const json_t *expect, const char *key)
{
    return !json_object_get(expect, key) || span_equal(value, text_of(expect, key));
}

static void run_digests(struct vectors *vectors)
{
    json_t *root = load(vectors, "digest/vectors.json");
    size_t at;
    json_t *entry;
    json_array_foreach(json_object_get(root, "vectors"), at, entry)
    {
        struct auth_response_input input = {
            .username = text_of(entry, "username"),
            .realm = text_of(entry, "realm"),
            .password = text_of(entry, "password"),
            .ha1 = text_of(entry, "ha1"),
            .nonce = text_of(entry, "nonce"),
            .nc = text_of(entry, "nc"),
            .cnonce = text_of(entry, "cnonce"),
            .qop = text_of(entry, "qop"),
            .method = text_of(entry, "method"),
            .uri = text_of(entry, "uri"),
            .body = text_of(entry, "body"),
        };
        char response[DIGEST_HEX_MAX];
        if (json_object_get(entry, "body_hash"))
            continue; /* the body itself is not in the vector */
        bool good = auth_header_algorithm(text_of(entry, "algorithm"), &input.kind, &input.session) &&
                    auth_response(&input, response) == OK && span_equal(span_of(response), text_of(entry, "response"));
        judge(vectors, good, "digest", json_string_value(json_object_get(entry, "name")));
    }
    json_array_foreach(json_object_get(root, "header_parsing"), at, entry)
    {
        struct auth_header digest;
        struct span value = text_of(entry, "value");
        const json_t *expect = json_object_get(entry, "expect");
        bool parsed = auth_header_parse(value, &digest) == OK && digest.is_digest;
        bool same = parsed && same_where_given(digest.realm, expect, "realm") &&
                    same_where_given(digest.nonce, expect, "nonce") && same_where_given(digest.uri, expect, "uri") &&
                    same_where_given(digest.username, expect, "username") && same_where_given(digest.nc, expect, "nc");
        judge(vectors, json_is_string(expect) ? !parsed : same, "digest header", value.at);
    }
    json_decref(root);
}

/* Answers that RFC 3264 6 forbids (another number of m-lines, other types), or that were given to another order of the
 * offer's lines: the stack that these come from mends both before it compares. */
static bool is_no_answer(const char *offer)
{
    static const char *const offers[] = {"12-0-0", "13-0-0", "14-1-0", "15-1-0", "16-1-0"};
    for (size_t at = 0; at < sizeof(offers) / sizeof(offers[0]); at++)
        if (strstr(offer, offers[at]))
            return true;
    return false;
}

/* Both sides of a step: what was offered and what was answered. */
static void run_step(struct vectors *vectors, const json_t *step)
{
    static struct sdp sdp[3], ours;
    char text[8192];
    const json_t *list = json_object_get(step, "sdp");
    size_t count = json_array_size(list) > 3 ? 3 : json_array_size(list);
    for (size_t at = 0; at < count; at++) {
        const char *file = json_string_value(json_object_get(json_array_get(list, at), "file"));
        judge(vectors, sdp_parse(load_bytes(vectors, "sdp", file), &sdp[at], NULL) == OK, "sdp", file);
    }
    const char *offer = json_string_value(json_object_get(json_array_get(list, 0), "file"));
    bool local = strcmp(json_string_value(json_object_get(step, "kind")), "LOCAL_OFFER") == 0;
    const struct sdp *answer = local ? &sdp[1] : &sdp[count - 1];
    judge(vectors, (sdp_answer_check(&sdp[0], answer, NULL) == OK) != is_no_answer(offer), "answer", offer);
    struct buffer out = buffer_over(text, sizeof(text));
    const struct sdp_local verdict = {.address = SPAN("192.0.2.1"), .direction = SDP_INACTIVE};
    unsigned accepted;
    sdp_answer(&sdp[0], &verdict, &out, &accepted);
    judge(vectors, sdp_parse(buffer_span(&out), &ours, NULL) == OK && sdp_answer_check(&sdp[0], &ours, NULL) == OK,
          "our answer", offer);
}

static void run_sdp(struct vectors *vectors)
{
    json_t *root = load(vectors, "sdp/index.json");
    size_t at, step_at;
    json_t *entry, *step;
    json_array_foreach(json_object_get(root, "offer_answer"), at, entry)
    {
        json_array_foreach(json_object_get(entry, "steps"), step_at, step)
        {
            run_step(vectors, step);
        }
    }
    json_decref(root);
}

int main(int argc, char **argv)
{
    struct vectors vectors = {.folder = argc > 1 ? argv[1] : "."};
    char path[PATH_CAP];
    snprintf(path, sizeof(path), "%s/rfc4475/index.json", vectors.folder);
    if (access(path, R_OK) != 0) {
        printf("SKIPPED: no vectors in %s\n", vectors.folder);
        return SKIPPED;
    }
    run_messages(&vectors, "rfc4475");
    run_messages(&vectors, "rfc5118");
    run_jssip(&vectors);
    run_libre(&vectors);
    run_digests(&vectors);
    run_sdp(&vectors);
    printf("%u checks, %u failed\n", vectors.run, vectors.failed);
    return vectors.failed ? 1 : 0;
}
