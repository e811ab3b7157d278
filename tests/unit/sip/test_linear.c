/* SPDX-License-Identifier: Apache-2.0 */
/* Costs are linear: for each thing that an adversary can repeat, twice as much of it takes at most twice the
 * instructions.  They are counted by callgrind, under which this program runs itself once. */
#include "support/cmocka_all.h"

#include "sip/sip_address.h"
#include "sip/sip_digest.h"
#include "sip/sip_multipart.h"
#include "sip/sip_reply.h"
#include "sip/sip_sdp_answer.h"
#include "sip/sip_stream.h"
#include "sip/sip_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<valgrind/callgrind.h>) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_COUNT 1
#include <valgrind/callgrind.h>
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef CAN_COUNT
#endif
#endif

enum { TEXT_CAP = 1 << 18, BASE = 1000 };

static volatile size_t sink; /* so that no work is left out */
static struct sip_message message;
static char out_bytes[TEXT_CAP];

#define HEAD                                                                                                           \
    "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: sip:a;tag=1\r\nTo: sip:b\r\nCall-ID: x\r\n"   \
    "CSeq: 1 INVITE\r\n"

/* What is done with the text that the rows below describe. */
static void parse_message(struct span text)
{
    struct sip_problem problem;
    sink += (size_t)sip_message_parse(&message, text, SIP_DATAGRAM, &problem);
    if (!message.answerable)
        return;
    const struct sip_reply_via via = {.received = SPAN("192.0.2.1")};
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    sip_reply_begin(&out, &message, 400, SPAN(""), &via, SPAN("t"));
    sink += out.len;
}

static void walk_list(struct span text)
{
    struct span item;
    while (sip_text_list_next(&text, &item))
        sink += item.len;
}

static void parse_uri(struct span text)
{
    struct sip_uri uri;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    if (sip_uri_parse(text, &uri, NULL) != OK)
        return;
    sip_uri_canonical(&uri, &out);
    sink += out.len + sip_uri_equal(&uri, &uri);
}

static void walk_addresses(struct span text)
{
    struct sip_address address;
    while (sip_address_next(&text, &address, NULL) == OK)
        sink += address.text.len;
}

static void walk_vias(struct span text)
{
    struct sip_via via;
    while (sip_via_next(&text, &via, NULL) == OK)
        sink += via.text.len;
}

static void parse_params(struct span text)
{
    sink += (size_t)sip_param_check(text, NULL);
    sink += sip_param_value(text, SPAN("zz")).len;
}

static void clean_text(struct span text)
{
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    sip_text_unfold(&out, text);
    sip_text_unquote(&out, text);
    sip_text_display(&out, text);
    sink += out.len;
}

static void parse_digest(struct span text)
{
    struct sip_digest digest;
    sink += (size_t)sip_digest_parse(text, &digest);
}

static void answer_sdp(struct span text)
{
    static struct sip_sdp offer, answer;
    const struct sip_sdp_local local = {.address = SPAN("192.0.2.1")};
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    unsigned accepted = 0;
    if (sip_sdp_parse(text, &offer, NULL) != OK)
        return;
    sip_sdp_answer(&offer, &local, &out, &accepted);
    if (sip_sdp_parse(buffer_span(&out), &answer, NULL) == OK)
        sink += (size_t)sip_sdp_answer_check(&offer, &answer, NULL);
}

static void walk_parts(struct span text)
{
    struct sip_multipart walk;
    struct sip_part part;
    if (sip_multipart_begin(text, SPAN("multipart/mixed;boundary=b"), &walk) != OK)
        return;
    while (sip_multipart_next(&walk, &part) == OK)
        sink += part.body.len;
}

/* One byte more a call, as a slow peer sends them. */
static void trickle(struct span text)
{
    struct sip_stream_state state = {0};
    for (size_t len = 1; len <= text.len; len++)
        sink += sip_stream_frame(&state, span_slice(text, 0, len), TEXT_CAP).len;
}

static void scan_call_id(struct span text)
{
    sink += sip_call_id_scan(text).len;
}

/* `head`, `unit` again and again, `tail`. */
static const struct construct {
    const char *name;
    void (*work)(struct span text);
    const char *head, *unit, *tail;
} constructs[] = {
    {"headers", parse_message, HEAD, "X-Some: y\r\n", "\r\n"},
    {"known headers", parse_message, HEAD, "Supported: y\r\n", "\r\n"},
    {"folds", parse_message, HEAD "Subject: a", "\r\n b", "\r\n\r\n"},
    {"folds in To", parse_message,
     "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nTo: a", "\r\n b",
     "\r\n\r\n"},
    {"control bytes", parse_message, HEAD "Subject: a", "\x01", "\r\n\r\n"},
    {"quoted control bytes", parse_message, HEAD "Subject: \"", "\\\x01", "\"\r\n\r\n"},
    {"quotes around control bytes", parse_message, HEAD "Subject: ", "\"\x01", "\r\n\r\n"},
    {"Via fields", parse_message, HEAD, "v: SIP/2.0/UDP h\r\n", "\r\n"},
    {"Via values", parse_message, HEAD "v: SIP/2.0/UDP h", ",SIP/2.0/UDP h", "\r\n\r\n"},
    {"Via values walked", walk_vias, "SIP/2.0/UDP h", ",SIP/2.0/UDP h", ""},
    {"Via parameters", parse_message, "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h", ";x", "\r\nFrom: sip:a\r\n\r\n"},
    {"Content-Lengths", parse_message, HEAD, "l: 0\r\n", "\r\n"},
    {"leading CRLFs", parse_message, "", "\r\n", HEAD "\r\n"},
    {"Contacts", parse_message, HEAD "Contact: <sip:a>", ",<sip:a>", "\r\n\r\n"},
    {"Routes", parse_message, HEAD, "Route: <sip:a;lr>\r\n", "\r\n"},
    {"unclosed brackets", parse_message, HEAD "Contact: ", "<", "\r\n\r\n"},
    {"quotes in a display name", parse_message, HEAD "Contact: \"", "\\\"", "\" <sip:a>\r\n\r\n"},
    {"unclosed quotes", parse_message, HEAD, "m: \"\r\n", "\r\n"},
    {"commas", walk_list, "", ",", ""},
    {"list items", walk_list, "a", ",a", ""},
    {"quotes in a list", walk_list, "", "\"a\",", ""},
    {"unclosed quotes in a list", walk_list, "\"", ",\\\"", ""},
    {"brackets in a list", walk_list, "", "<a,", ""},
    {"addresses", walk_addresses, "<sip:a>", ",<sip:a>", ""},
    {"words in a display name", walk_addresses, "a", " a", "<sip:a>"},
    {"escapes", parse_uri, "sip:", "%41", "@h"},
    {"user bytes", parse_uri, "sip:", "a", "@h"},
    {"password bytes without a host", parse_uri, "sip:a:", "a", ""},
    {"labels", parse_uri, "sip:a", ".a", ""},
    {"colons in a reference", parse_uri, "sip:[", "1:", "]"},
    {"URI parameters", parse_uri, "sip:h", ";x=y", ""},
    {"URI headers", parse_uri, "sip:h?a=b", "&a=b", ""},
    {"tel digits", parse_uri, "tel:+", "1-", ""},
    {"parameters", parse_params, "", ";a=b", ""},
    {"quoted parameters", parse_params, ";a=\"", "\\\"", "\""},
    {"blanks", parse_params, ";a", " \t", "=b"},
    {"cleaned folds", clean_text, "a", "\r\n b", ""},
    {"cleaned blanks", clean_text, "a", " ", "b"},
    {"digest fields", parse_digest, "Digest a=b", ", a=\"b\"", ""},
    {"SDP attributes", answer_sdp, "v=0\no=- 1 1 IN IP4 h\nc=IN IP4 h\nm=audio 1 RTP/AVP 0\n", "a=rtpmap:0 x\n", ""},
    {"SDP formats", answer_sdp, "v=0\no=- 1 1 IN IP4 h\nc=IN IP4 h\nm=audio 1 RTP/AVP 0", " 0", "\n"},
    {"SDP streams", answer_sdp, "v=0\no=- 1 1 IN IP4 h\nc=IN IP4 h\n", "m=audio 1 RTP/AVP 0\n", ""},
    {"parts", walk_parts, "--b\r\n", "\r\nx\r\n--b\r\n", ""},
    {"part headers", walk_parts, "--b\r\n", "X: y\r\n", "\r\n--b--"},
    {"near boundaries", walk_parts, "--b\r\n", "--bb\r\n", "--b--"},
    {"boundaries in a line", walk_parts, "--b\r\n", "-b", "\r\n--b--"},
    {"bytes one by one", trickle, "OPTIONS sip:a SIP/2.0\r\nX: ", "y", "\r\nl: 0\r\n\r\n"},
    {"lines one by one", trickle, "OPTIONS sip:a SIP/2.0\r\n", "X: y\r\n", "l: 0\r\n\r\n"},
    {"lines before the Call-ID", scan_call_id, "OPTIONS sip:a SIP/2.0\r\n", "Contact: y\r\n", "i: x\r\n\r\n"},
};

enum { CONSTRUCTS = sizeof(constructs) / sizeof(constructs[0]) };

#ifdef CAN_COUNT
static char text_bytes[TEXT_CAP];

static struct span build(const struct construct *construct, unsigned count)
{
    struct buffer out = buffer_over(text_bytes, sizeof(text_bytes));
    buffer_add_text(&out, construct->head);
    for (unsigned at = 0; at < count; at++)
        buffer_add_text(&out, construct->unit);
    buffer_add_text(&out, construct->tail);
    assert_false(out.overflow);
    return buffer_span(&out);
}

/* Inside callgrind: each construct twice, and a dump of the counters after each. */
static int count_all(void)
{
    for (int at = 0; at < CONSTRUCTS; at++)
        for (unsigned times = 1; times <= 2; times++) {
            char name[64];
            struct span text = build(&constructs[at], BASE * times);
            constructs[at].work(text); /* lazy binding is not counted */
            snprintf(name, sizeof(name), "%d/%u", at, times);
            CALLGRIND_ZERO_STATS;
            constructs[at].work(text);
            CALLGRIND_DUMP_STATS_AT(name);
        }
    return 0;
}

/* Reads the dumps: "desc: Trigger: Client Request: AT/TIMES" and "totals: N". */
static void read_counts(const char *folder, unsigned long long counts[CONSTRUCTS][2])
{
    for (int dump = 1; dump <= 2 * CONSTRUCTS; dump++) {
        char path[256], line[512];
        int at = -1, times = 0;
        snprintf(path, sizeof(path), "%s/out.%d", folder, dump);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
            unsigned long long total;
            sscanf(line, "desc: Trigger: Client Request: %d/%d", &at, &times);
            if (at >= 0 && (sscanf(line, "totals: %llu", &total) == 1 || sscanf(line, "summary: %llu", &total) == 1))
                counts[at][times - 1] = total;
        }
        fclose(file);
        unlink(path);
    }
}

static bool run_counted(const char *folder)
{
    char self[4096], out[256];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(len > 0);
    self[len] = '\0';
    snprintf(out, sizeof(out), "--callgrind-out-file=%s/out", folder);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execlp("valgrind", "valgrind", "--tool=callgrind", out, self, "--count", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return false;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}
#endif

static void twice_as_much_takes_at_most_twice_as_long(void **state)
{
    (void)state;
#ifdef CAN_COUNT
    static unsigned long long counts[CONSTRUCTS][2];
    char folder[] = "/tmp/verdict-linear-XXXXXX", path[64];
    unsigned bad = 0;
    assert_non_null(mkdtemp(folder));
    bool counted = run_counted(folder);
    if (counted)
        read_counts(folder, counts);
    snprintf(path, sizeof(path), "%s/out", folder);
    unlink(path);
    rmdir(folder);
    if (!counted) {
        print_message("valgrind is not installed: instructions are not counted\n");
        skip();
    }
    for (int at = 0; at < CONSTRUCTS; at++) {
        bool linear = counts[at][0] > 0 && counts[at][1] <= 2 * counts[at][0] + counts[at][0] / 100;
        print_message("%-32s %9llu %9llu%s\n", constructs[at].name, counts[at][0], counts[at][1],
                      linear ? "" : "  NOT LINEAR");
        bad += !linear;
    }
    assert_int_equal(bad, 0);
#else
    for (int at = 0; at < CONSTRUCTS; at++)
        constructs[at].work(SPAN(""));
    print_message("no callgrind here: instructions are not counted\n");
    skip();
#endif
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(twice_as_much_takes_at_most_twice_as_long)};
#ifdef CAN_COUNT
    if (argc > 1 && strcmp(argv[1], "--count") == 0)
        return count_all();
#else
    (void)argc;
    (void)argv;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
