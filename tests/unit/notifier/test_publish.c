/* SPDX-License-Identifier: Apache-2.0 */
/* PUBLISH (RFC 3903) and what presence makes of it (RFC 3856). */
#include "unit/notifier/support_notifier.h"

#define PIDF(basic)                                                                                                    \
    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:bob@example.com\"><tuple "                           \
    "id=\"t\"><status><basic>" basic "</basic></status></tuple></presence>"
#define FOR_PRESENCE "Event: presence\r\n"

static unsigned publish(struct bench *bench, const char *etag, const char *expires, const char *body)
{
    char extra[256], call_id[24];
    snprintf(call_id, sizeof(call_id), "publish-%u", bench->branch);
    snprintf(extra, sizeof(extra), FOR_PRESENCE "%s%.16s%s%s%s%s", etag ? "SIP-If-Match: " : "", etag ? etag : "",
             etag ? "\r\n" : "", expires ? "Expires: " : "", expires ? expires : "", expires ? "\r\n" : "");
    bench_receive(bench,
                  (struct sip_ask){.method = "PUBLISH",
                                   .call_id = call_id,
                                   .contact = "-",
                                   .extra = extra,
                                   .body = body,
                                   .type = "application/pidf+xml"},
                  &bench->udp);
    return bench->code;
}

static void keep_etag(const struct bench *bench, char out[TXN_TAG_LEN + 1])
{
    memcpy(out, bench->grant.etag, TXN_TAG_LEN);
    out[TXN_TAG_LEN] = '\0';
}

static void watch(struct bench *bench)
{
    assert_int_equal(bench_subscribe(bench, "c1", PRESENCE), 200);
    bench_take(bench);
    fake_clock_pass(&bench->fake, 2000);
}

/* What the watcher hears next; "" when nothing. */
static const char *heard(struct bench *bench)
{
    static char text[4096];
    fake_wire_clear(&bench->wire);
    fake_clock_pass(&bench->fake, 2000);
    if (!bench->wire.count)
        return "";
    snprintf(text, sizeof(text), "%s", fake_wire_text(&bench->wire, 0));
    bench_answer_with(bench, 0, 200);
    return text;
}

static void presence_follows_the_registration(void **state)
{
    struct bench *bench = *state;
    bench_subscribe(bench, "c1", PRESENCE);
    assert_sent(bench, 1, "Content-Type: application/pidf+xml\r\n");
    assert_sent(bench, 1, "entity=\"sip:bob@example.com\"");
    assert_sent(bench, 1, "<basic>closed</basic>");
    bench_take(bench);
    fake_clock_pass(&bench->fake, 2000);
    bench->registered = true;
    notifier_changed(bench->table, notifier_presence(bench->table), SPAN("bob@example.com"));
    assert_non_null(strstr(heard(bench), "<basic>open</basic>"));
}

static void a_publication_is_passed_on(void **state)
{
    struct bench *bench = *state;
    watch(bench);
    assert_int_equal(publish(bench, NULL, NULL, PIDF("open")), 200);
    assert_int_equal(bench->grant.expires_s, 3600);
    assert_non_null(strstr(heard(bench), "\r\n\r\n" PIDF("open")));
    char etag[TXN_TAG_LEN + 1];
    keep_etag(bench, etag);
    /* Refresh: a new tag, and nothing to tell. */
    assert_int_equal(publish(bench, etag, "600", NULL), 200);
    assert_int_equal(bench->grant.expires_s, 600);
    assert_memory_not_equal(etag, bench->grant.etag, TXN_TAG_LEN);
    assert_string_equal(heard(bench), "");
    /* The old tag is gone. */
    assert_int_equal(publish(bench, etag, NULL, NULL), 412);
    keep_etag(bench, etag);
    assert_int_equal(publish(bench, etag, NULL, PIDF("closed")), 200);
    assert_non_null(strstr(heard(bench), PIDF("closed")));
    keep_etag(bench, etag);
    assert_int_equal(publish(bench, etag, "10", NULL), 423);
    assert_int_equal(publish(bench, etag, NULL, "<presence>"), 400);
    assert_int_equal(publish(bench, etag, "0", NULL), 200);
    assert_int_equal(bench->grant.expires_s, 0);
    assert_non_null(strstr(heard(bench), "<tuple id=\"registration\">"));
    assert_int_equal(publish(bench, etag, NULL, PIDF("open")), 412);
    assert_int_equal(notifier_table_census(bench->table).publications, 0);
}

static void the_newest_speaks(void **state)
{
    struct bench *bench = *state;
    char first[TXN_TAG_LEN + 1];
    watch(bench);
    publish(bench, NULL, NULL, PIDF("open"));
    keep_etag(bench, first);
    assert_non_null(strstr(heard(bench), PIDF("open")));
    publish(bench, NULL, "120", PIDF("closed"));
    assert_non_null(strstr(heard(bench), PIDF("closed")));
    /* When it expires, the one before it speaks again. */
    fake_wire_clear(&bench->wire);
    fake_clock_pass(&bench->fake, 118000);
    assert_int_equal(bench->wire.count, 1);
    assert_sent(bench, 0, PIDF("open"));
    assert_int_equal(notifier_table_counters(bench->table)->publications_expired, 1);
    bench_take(bench);
    /* A modified one is the newest. */
    publish(bench, NULL, NULL, PIDF("closed"));
    heard(bench);
    publish(bench, first, NULL, PIDF("open"));
    assert_non_null(strstr(heard(bench), PIDF("open")));
}

static void what_is_wrong_is_refused(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *extra, *body, *type;
        unsigned code;
    } cases[] = {
        {"", PIDF("open"), "application/pidf+xml", 489},
        {"Event: count\r\n", "x", "text/plain", 489}, /* it is not published */
        {FOR_PRESENCE, NULL, NULL, 400},              /* an initial one without a body */
        {FOR_PRESENCE, PIDF("open"), "text/plain", 415},
        {FOR_PRESENCE, PIDF("open"), "application/sdp", 415},
        {FOR_PRESENCE, "<presence>", "application/pidf+xml", 400},
        {FOR_PRESENCE "Expires: 10\r\n", PIDF("open"), "application/pidf+xml", 423},
        {FOR_PRESENCE "Expires: x\r\n", PIDF("open"), "application/pidf+xml", 400},
        {FOR_PRESENCE "SIP-If-Match: a b\r\n", PIDF("open"), "application/pidf+xml", 400},
        {FOR_PRESENCE "SIP-If-Match: nobody\r\n", PIDF("open"), "application/pidf+xml", 412},
        {FOR_PRESENCE "SIP-If-Match: 0123456789abcdef\r\n", NULL, NULL, 412},
        {FOR_PRESENCE "Expires: 0\r\nSIP-If-Match: 0123456789abcdef\r\n", NULL, NULL, 412},
        /* RFC 3903 6: step 4 comes before steps 5 and 6. */
        {FOR_PRESENCE "Expires: 10\r\nSIP-If-Match: nobody\r\n", PIDF("open"), "application/pidf+xml", 412},
        {FOR_PRESENCE "SIP-If-Match: nobody\r\n", PIDF("open"), "text/plain", 412},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char call_id[16];
        snprintf(call_id, sizeof(call_id), "p%zu", i);
        bench_receive(bench,
                      (struct sip_ask){.method = "PUBLISH",
                                       .call_id = call_id,
                                       .extra = cases[i].extra,
                                       .body = cases[i].body,
                                       .type = cases[i].type},
                      &bench->udp);
        assert_int_equal(bench->code, cases[i].code);
        if (cases[i].code == 415)
            assert_true(span_equal(bench->refusal.value, SPAN("application/pidf+xml")));
    }
    assert_int_equal(notifier_table_census(bench->table).users, 0);
}

static void an_initial_one_that_expires_at_once_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(publish(bench, NULL, "0", PIDF("open")), 200);
    struct notifier_census census = notifier_table_census(bench->table);
    assert_int_equal(census.publications + census.users + census.sources, 0);
}

static void caps_have_their_answers(void **state)
{
    struct bench *bench = *state;
    struct notifier_options options = bench_options(bench);
    options.caps = (struct notifier_caps){.publications_per_user = 2, .publication_bytes = 200};
    bench_table(bench, &options);
    char etag[TXN_TAG_LEN + 1], body[512];
    assert_int_equal(publish(bench, NULL, NULL, PIDF("open")), 200);
    assert_int_equal(publish(bench, NULL, NULL, PIDF("open")), 200);
    keep_etag(bench, etag);
    assert_int_equal(publish(bench, NULL, NULL, PIDF("open")), 480);
    assert_int_equal(publish(bench, etag, NULL, PIDF("closed")), 200);
    snprintf(body, sizeof(body), "<presence>%0300d</presence>", 1);
    keep_etag(bench, etag);
    assert_int_equal(publish(bench, etag, NULL, body), 413);
    assert_int_equal(publish(bench, etag, "0", NULL), 200);
    assert_int_equal(publish(bench, NULL, NULL, PIDF("open")), 200);
    options.caps = (struct notifier_caps){.publications = 1};
    bench_table(bench, &options);
    assert_int_equal(publish(bench, NULL, NULL, PIDF("open")), 200);
    assert_int_equal(publish(bench, NULL, NULL, PIDF("open")), 503);
}

static void who_is_gone_is_closed_and_its_publications_go(void **state)
{
    struct bench *bench = *state;
    watch(bench);
    bench->registered = true;
    publish(bench, NULL, NULL, PIDF("open"));
    heard(bench);
    char etag[TXN_TAG_LEN + 1];
    keep_etag(bench, etag);
    notifier_end(bench->table, SPAN("bob@example.com"), NOTIFIER_NORESOURCE);
    assert_int_equal(notifier_table_census(bench->table).publications, 0);
    const char *last = heard(bench);
    assert_non_null(strstr(last, "terminated;reason=noresource"));
    assert_non_null(strstr(last, "<basic>closed</basic>"));
    assert_null(strstr(last, "id=\"t\""));
    assert_int_equal(publish(bench, etag, NULL, NULL), 412);
    assert_int_equal(notifier_table_census(bench->table).users, 0);
}

static void an_end_without_watchers_takes_the_publications(void **state)
{
    struct bench *bench = *state;
    publish(bench, NULL, NULL, PIDF("open"));
    notifier_end(bench->table, SPAN("bob@example.com"), NOTIFIER_NORESOURCE);
    struct notifier_census census = notifier_table_census(bench->table);
    assert_int_equal(census.publications + census.users + census.sources, 0);
}

static void names_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *aor, *text;
    } cases[] = {
        {"bob@example.com", "sip:bob@example.com"},
        {"+15550100@example.com", "sip:+15550100@example.com"},
        {"a@b@example.com", "sip:a%40b@example.com"},
        {"\"<&'>@example.com", "sip:%22%3C&amp;&apos;%3E@example.com"},
        {"example.com", "sip:example.com"},
        {"bob@2001:db8::1", "sip:bob@[2001:db8::1]"},
        {"a\x01@example.com", "sip:a%01@example.com"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char memory[256];
        struct buffer out = buffer_over(memory, sizeof(memory));
        notifier_xml_aor(&out, span_of(cases[i].aor));
        assert_false(out.overflow);
        assert_int_equal(out.len, strlen(cases[i].text));
        assert_memory_equal(out.at, cases[i].text, out.len);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(presence_follows_the_registration),
        TEST(a_publication_is_passed_on),
        TEST(the_newest_speaks),
        TEST(what_is_wrong_is_refused),
        TEST(an_initial_one_that_expires_at_once_leaves_nothing),
        TEST(caps_have_their_answers),
        TEST(who_is_gone_is_closed_and_its_publications_go),
        TEST(an_end_without_watchers_takes_the_publications),
        cmocka_unit_test(names_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
