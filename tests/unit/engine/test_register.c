/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3261 10.3 step by step, on a core that keeps its bindings in memory alone. */
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"
#include <stdio.h>

static struct world world;

static const char ok_policy[] = "return function(req) return ok {} end";

static void open_with(const char *policy)
{
    static char domain[] = "example.com", route[] = "<sip:edge.example.com;lr>";
    struct engine_config config;
    assert_int_equal(engine_config_init(&config), OK);
    config.domains.items[config.domains.count++] = domain;
    config.service_route = route;
    config.max_bindings_per_user = 3;
    world_open(&world, &config, policy);
}

/* A REGISTER for alice with these further lines; each call is a transaction of its own. */
static void ask(const char *call_id, unsigned cseq, const char *lines)
{
    static unsigned count;
    char text[4096];
    snprintf(text, sizeof(text),
             "REGISTER sip:example.com SIP/2.0\n"
             "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKreg%u\n"
             "From: <sip:alice@example.com>;tag=f%u\n"
             "To: <sip:alice@example.com>\n"
             "Call-ID: %s\n"
             "CSeq: %u REGISTER\n"
             "%s"
             "Content-Length: 0\n\n",
             count, count, call_id, cseq, lines);
    count++;
    world_receive(&world, text);
}

static void expect(unsigned code)
{
    if (world_code(&world) != code)
        fail_msg("expected %u, got %s", code, world_last(&world));
}

static void expect_line(const char *line)
{
    char wanted[512];
    snprintf(wanted, sizeof(wanted), "\r\n%s\r\n", line);
    if (!strstr(world_last(&world), wanted))
        fail_msg("no \"%s\" in %s", line, world_last(&world));
}

static unsigned contacts(void)
{
    unsigned count = 0;
    for (const char *at = world_last(&world); (at = strstr(at, "\r\nContact: ")); at++)
        count++;
    return count;
}

/* What a fetch shows now. */
static unsigned fetch(void)
{
    ask("fetch", 1, "");
    expect(200);
    return contacts();
}

static void bindings_are_added_refreshed_and_removed(void **state)
{
    (void)state;
    open_with(ok_policy);
    assert_int_equal(fetch(), 0);
    ask("a", 1, "Contact: <sip:alice@192.0.2.1>;q=0.7;expires=600\nDate: x\n");
    expect(200);
    expect_line("Contact: <sip:alice@192.0.2.1>;q=0.7;expires=600");
    expect_line("Date: Thu, 01 Jan 2026 00:00:00 GMT");
    expect_line("Service-Route: <sip:edge.example.com;lr>");
    world_advance(&world, 100500);
    assert_int_equal(fetch(), 1);
    expect_line("Contact: <sip:alice@192.0.2.1>;q=0.7;expires=499");
    /* A second phone; the first one's is in its answer too. */
    ask("b", 1, "Contact: \"A\" <sip:alice@192.0.2.2>, sip:alice@192.0.2.3;expires=1000\nExpires: 900\n");
    expect(200);
    assert_int_equal(contacts(), 3);
    expect_line("Contact: <sip:alice@192.0.2.2>;expires=900");
    expect_line("Contact: <sip:alice@192.0.2.3>;expires=1000");
    /* Equal by RFC 3261 19.1.4: a refresh, not a second one. */
    ask("a", 2, "m: <sip:%61lice@192.0.2.1>\n");
    expect(200);
    assert_int_equal(contacts(), 3);
    expect_line("Contact: <sip:%61lice@192.0.2.1>;expires=3600");
    ask("a", 3, "Contact: <sip:alice@192.0.2.1>;expires=0\n");
    expect(200);
    assert_int_equal(contacts(), 2);
    ask("c", 1, "Contact: *\nExpires: 0\n");
    expect(200);
    assert_int_equal(contacts(), 0);
    world_close(&world);
}

static void bindings_expire_by_themselves(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 1, "Contact: <sip:a@192.0.2.1>;expires=60, <sip:a@192.0.2.2>;expires=120\n");
    expect(200);
    world_advance(&world, 59999);
    assert_int_equal(fetch(), 2);
    world_advance(&world, 1);
    assert_int_equal(fetch(), 1);
    world_advance(&world, 60000);
    assert_int_equal(fetch(), 0);
    struct registrar_census census;
    registrar_census(world.core->registrar, &census);
    assert_int_equal(census.expired, 2);
    assert_int_equal(census.users, 0);
    assert_int_equal(census.bytes, 0);
    world_close(&world);
}

static void call_id_and_cseq_hold_the_order(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 5, "Contact: <sip:a@192.0.2.1>\n");
    expect(200);
    ask("a", 5, "Contact: <sip:a@192.0.2.1>;expires=100\n");
    expect(500);
    ask("a", 4, "Contact: <sip:a@192.0.2.1>;expires=0\n");
    expect(500);
    /* All or nothing: the new one is not taken either. */
    ask("a", 4, "Contact: <sip:new@192.0.2.9>, <sip:a@192.0.2.1>\n");
    expect(500);
    ask("a", 5, "Contact: *\nExpires: 0\n");
    expect(500);
    assert_int_equal(fetch(), 1);
    expect_line("Contact: <sip:a@192.0.2.1>;expires=3600");
    ask("another", 1, "Contact: <sip:a@192.0.2.1>;expires=100\n");
    expect(200);
    ask("another", 2, "Contact: *\nExpires: 0\n");
    expect(200);
    assert_int_equal(contacts(), 0);
    world_close(&world);
}

static void expires_has_bounds(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 1, "Contact: <sip:a@192.0.2.1>;expires=59\n");
    expect(423);
    expect_line("Min-Expires: 60");
    ask("a", 2, "Contact: <sip:a@192.0.2.1>, <sip:a@192.0.2.2>;expires=1\n");
    expect(423);
    assert_int_equal(fetch(), 0);
    ask("a", 3, "Contact: <sip:a@192.0.2.1>;expires=4294967295\n");
    expect(200);
    expect_line("Contact: <sip:a@192.0.2.1>;expires=7200");
    /* What is no number counts as not given (RFC 3261 20.10). */
    ask("a", 4, "Contact: <sip:a@192.0.2.1>;expires=soon\n");
    expect_line("Contact: <sip:a@192.0.2.1>;expires=3600");
    world_close(&world);
}

static void a_star_stands_alone_with_expires_0(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 1, "Contact: <sip:a@192.0.2.1>\n");
    ask("a", 2, "Contact: *\n");
    expect(400);
    ask("a", 3, "Contact: *\nExpires: 1\n");
    expect(400);
    ask("a", 4, "Contact: *, <sip:a@192.0.2.1>\nExpires: 0\n");
    expect(400);
    ask("a", 5, "Contact: <sip:a@192.0.2.1>\nContact: *\nExpires: 0\n");
    expect(400);
    ask("a", 6, "Contact: <sip:a@192.0.2.2>, <sip:broken\n");
    expect(400);
    assert_int_equal(fetch(), 1);
    world_close(&world);
}

static void a_user_has_a_cap(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 1, "Contact: <sip:a@192.0.2.1>, <sip:a@192.0.2.2>\n");
    expect(200);
    ask("a", 2, "Contact: <sip:a@192.0.2.3>, <sip:a@192.0.2.4>\n");
    expect(403);
    assert_int_equal(fetch(), 2);
    ask("a", 3, "Contact: <sip:a@192.0.2.3>, <sip:a@192.0.2.4>, <sip:a@192.0.2.1>;expires=0\n");
    expect(200);
    assert_int_equal(contacts(), 3);
    world_close(&world);
}

/* RFC 5626 6: an instance's flow has one binding, whatever its address is by now. */
static void a_flow_replaces_its_older_self(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 1, "Contact: <sip:a@192.0.2.1:1111>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\nSupported: outbound\n");
    expect(200);
    expect_line("Contact: <sip:a@192.0.2.1:1111>;reg-id=1;+sip.instance=\"<urn:uuid:1>\";expires=3600");
    expect_line("Require: outbound");
    expect_line("Flow-Timer: 120");
    expect_line("Supported: path, outbound, gruu");
    ask("b", 1, "Contact: <sip:a@192.0.2.1:2222>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\nSupported: outbound\n");
    expect(200);
    assert_int_equal(contacts(), 1);
    expect_line("Contact: <sip:a@192.0.2.1:2222>;+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=3600");
    ask("b", 2, "Contact: <sip:a@192.0.2.1:2222>;+sip.instance=\"<urn:uuid:1>\";reg-id=2\n");
    expect(200);
    assert_int_equal(contacts(), 2);
    ask("b", 3, "Contact: <sip:a@h>;reg-id=1;+sip.instance=\"<x>\", <sip:a@i>;reg-id=2;+sip.instance=\"<x>\"\n");
    expect(400);
    /* Without an instance a reg-id says nothing. */
    ask("b", 4, "Contact: <sip:a@192.0.2.1:2222>;reg-id=1;expires=0\n");
    expect(200);
    assert_int_equal(contacts(), 1);
    world_close(&world);
}

static void an_edge_that_knows_no_flows_is_said(void **state)
{
    (void)state;
    open_with(ok_policy);
    world_receive(&world, "REGISTER sip:example.com SIP/2.0\n"
                          "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKq\n"
                          "From: <sip:alice@example.com>;tag=f\nTo: <sip:alice@example.com>\nCall-ID: a\n"
                          "CSeq: 1 REGISTER\nSupported: outbound\n"
                          "Contact: <sip:a@192.0.2.1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\n\n");
    expect(439);
    world_close(&world);
}

/* RFC 5626 5.1, 6: the first hop's Path is the last, and its "ob" says that it keeps the flow, which then is its to time. */
static void the_first_hop_of_a_path_says_ob(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        unsigned code;
    } rows[] = {{"<sip:edge.example.net;lr;ob>", 200},
                {"<sip:core.example.net;lr>, <sip:edge.example.net;lr;ob>", 200},
                {"<sip:core.example.net;lr;ob>, <sip:edge.example.net;lr>", 439},
                {"<sip:edge.example.net;lr>;ob", 439},
                {"<sip:edge.example.net;lr>", 439}};
    char text[1024];
    open_with(ok_policy);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(text, sizeof(text),
                       "REGISTER sip:example.com SIP/2.0\n"
                       "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKp%zu\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKq%zu\n"
                       "From: <sip:alice@example.com>;tag=f\nTo: <sip:alice@example.com>\nCall-ID: a\n"
                       "CSeq: %zu REGISTER\nSupported: outbound, path\nPath: %s\n"
                       "Contact: <sip:a@192.0.2.1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\n\n",
                       i, i, i + 1, rows[i].path);
        world_receive(&world, text);
        expect(rows[i].code);
        assert_null(strstr(world_last(&world), "Flow-Timer"));
    }
    world_close(&world);
}

static void a_path_is_kept_and_shown_to_who_knows_it(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 1, "Require: path\nSupported: path\nPath: <sip:edge1;lr>,\n <sip:edge2;lr>\nContact: <sip:a@192.0.2.1>\n");
    expect(200);
    assert_non_null(strstr(world_last(&world), "\r\nPath: <sip:edge1;lr>"));
    ask("a", 2, "Path: <sip:edge1;lr>\nContact: <sip:a@192.0.2.1>\n");
    expect(200);
    assert_null(strstr(world_last(&world), "\r\nPath:"));
    ask("a", 3, "Path: nonsense here\nContact: <sip:a@192.0.2.1>\n");
    expect(400);
    world_close(&world);
}

/* RFC 4475 3.3.12 and 3.3.13: what stands outside the brackets stays there. */
static void parameters_stay_where_they_were(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("a", 1, "Contact: sip:+19725552222@gw1.example.net;unknownparam\n");
    expect_line("Contact: <sip:+19725552222@gw1.example.net>;unknownparam;expires=3600");
    ask("b", 1, "Contact: <sip:+19725552222@gw1.example.net;unknownparam>\n");
    expect_line("Contact: <sip:+19725552222@gw1.example.net;unknownparam>;expires=3600");
    ask("c", 1, "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>;q=7;feature=\"a\n b\"\n");
    expect_line("Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>;feature=\"a b\";expires=3600");
    world_close(&world);
}

static void the_policy_decides_who_may(void **state)
{
    (void)state;
    open_with(
        "return function(req)\n"
        "  if req.target.user == 'alice' then return ok { headers = { ['X-Seen'] = 'yes' }, reason = 'Hello' } end\n"
        "  if req.target.user == 'gone' then return gone {} end\n"
        "  return not_found {} end");
    ask("a", 1, "Contact: <sip:a@192.0.2.1>\n");
    expect(200);
    assert_int_equal(strncmp(world_last(&world), "SIP/2.0 200 Hello\r\n", 19), 0);
    expect_line("X-Seen: yes");
    static const char other[] = "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%s\n"
                                "From: <sip:a@b>;tag=f\nTo: <%s>\nCall-ID: %s\nCSeq: 1 REGISTER\n"
                                "Contact: <sip:a@192.0.2.1>\n\n";
    const struct {
        const char *to;
        unsigned code;
    } rows[] = {
        {"sip:gone@example.com", 410},        {"sip:nobody@example.com", 404},
        {"sip:alice@elsewhere.example", 404}, {"isbn:2983792873", 400},
        {"sip:alice@EXAMPLE.com", 200},       {"sips:alice@example.com:5061", 200},
        {"sip:alice@example.com;tag=x", 200}, {"sip:al%69ce@example.com", 200},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024], name[16];
        snprintf(name, sizeof(name), "row%zu", i);
        snprintf(text, sizeof(text), other, name, rows[i].to, name);
        world_receive(&world, text);
        expect(rows[i].code);
    }
    world_close(&world);
}

static void a_retransmission_gets_the_same_bytes(void **state)
{
    (void)state;
    open_with(ok_policy);
    static const char text[] = "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsame\n"
                               "From: <sip:a@b>;tag=f\nTo: <sip:alice@example.com>\nCall-ID: a\nCSeq: 1 REGISTER\n"
                               "Contact: <sip:a@192.0.2.1>;expires=100\n\n";
    char first[SENT_BYTES];
    world_receive(&world, text);
    memcpy(first, world_last(&world), sizeof(first));
    world_advance(&world, 5000);
    world_receive(&world, text);
    assert_string_equal(first, world_last(&world));
    world_close(&world);
}

/* The policy may grant less than was asked for; less than a second would be a removal. */
static void a_policy_bounds_what_is_granted(void **state)
{
    (void)state;
    open_with("return function(req) return ok { expires = tonumber(req.user_agent), reason = 'As You Like' } end");
    ask("a", 1, "User-Agent: 120\nContact: <sip:a@192.0.2.1>;expires=3600, <sip:b@192.0.2.1>;expires=100\n");
    assert_non_null(strstr(world_last(&world), "SIP/2.0 200 As You Like\r\n"));
    expect_line("Contact: <sip:a@192.0.2.1>;expires=120");
    expect_line("Contact: <sip:b@192.0.2.1>;expires=100");
    ask("a", 2, "User-Agent: 999999999\nContact: <sip:a@192.0.2.1>;expires=999999\n");
    expect_line("Contact: <sip:a@192.0.2.1>;expires=7200"); /* register_max_s */
    ask("a", 3, "User-Agent: 0\nContact: <sip:a@192.0.2.1>\n");
    expect_line("Contact: <sip:a@192.0.2.1>;expires=1");
    ask("a", 4, "User-Agent: 120\nContact: *\nExpires: 0\n");
    assert_int_equal(fetch(), 0);
    world_close(&world);
}

/* The latest NOTIFY that went out since the last step; it is answered. */
static const char *heard(void)
{
    static char notify[SENT_BYTES], answer[SENT_BYTES];
    notify[0] = '\0';
    for (unsigned i = 0; i < world.sent_count; i++)
        if (strncmp(world.sent[i], "NOTIFY ", 7) == 0)
            memcpy(notify, world.sent[i], sizeof(notify));
    struct buffer out = buffer_over(answer, sizeof(answer) - 1);
    buffer_add_literal(&out, "SIP/2.0 200 OK\n");
    for (const char *line = notify; *line && *line != '\r'; line = strstr(line, "\r\n") + 2)
        if (strncmp(line, "Via:", 4) == 0 || strncmp(line, "From:", 5) == 0 || strncmp(line, "To:", 3) == 0 ||
            strncmp(line, "Call-ID:", 8) == 0 || strncmp(line, "CSeq:", 5) == 0)
            buffer_addf(&out, "%.*s\n", (int)strcspn(line, "\r"), line);
    buffer_add_literal(&out, "Content-Length: 0\n\n");
    answer[out.len] = '\0';
    if (notify[0])
        world_receive(&world, answer);
    return notify;
}

static void expect_heard(const char *part)
{
    const char *text = heard();
    if (!strstr(text, part))
        fail_msg("no \"%s\" in %s", part, text);
}

/* RFC 3680: who watches hears of each contact that comes, is refreshed, expires, or goes. */
static void watchers_are_told(void **state)
{
    (void)state;
    open_with(ok_policy);
    world_receive(&world, "SUBSCRIBE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsub\n"
                          "From: <sip:w@example.org>;tag=w\nTo: <sip:alice@example.com>\nCall-ID: sub\n"
                          "CSeq: 1 SUBSCRIBE\nContact: <sip:w@192.0.2.1>\nEvent: reg\nExpires: 3600\n\n");
    expect_heard("version=\"0\" state=\"full\">\r\n<registration aor=\"sip:alice@example.com\" id=\"r");
    ask("a", 1, "Contact: <sip:a&b@192.0.2.1>;q=0.5;x=y;expires=60, <sip:second@192.0.2.2>;expires=600\n");
    world_advance(&world, 1000);
    static char text[SENT_BYTES];
    memcpy(text, heard(), sizeof(text));
    assert_non_null(strstr(text, "Content-Type: application/reginfo+xml\r\n"));
    assert_non_null(strstr(text, "version=\"1\" state=\"partial\""));
    assert_non_null(strstr(text, "state=\"active\">\r\n"));
    assert_non_null(strstr(text,
                           " state=\"active\" event=\"created\" duration-registered=\"1\" expires=\"59\" q=\"0.5\" "
                           "callid=\"a\" cseq=\"1\"><uri>sip:a&amp;b@192.0.2.1</uri>"
                           "<unknown-param name=\"x\">y</unknown-param></contact>"));
    ask("a", 2, "Contact: <sip:second@192.0.2.2>;expires=900\n");
    world_advance(&world, 1000);
    expect_heard("event=\"refreshed\" duration-registered=\"2\" expires=\"899\"");
    world_advance(&world, 60000);
    expect_heard("state=\"terminated\" event=\"expired\" q=\"0.5\"");
    ask("a", 3, "Contact: *\nExpires: 0\n");
    world_advance(&world, 2000);
    memcpy(text, heard(), sizeof(text));
    assert_non_null(strstr(text, "state=\"terminated\">\r\n<contact"));
    assert_non_null(strstr(text, "event=\"unregistered\""));
    assert_null(strstr(text, "event=\"expired\"")); /* that was told before */
    ask("b", 1, "Contact: <sip:a@192.0.2.1>\n");
    registrar_remove_all(world.core->registrar, SPAN("alice@example.com"), REGISTRAR_REJECTED, NULL, NULL);
    notifier_end(world.core->notifier, SPAN("alice@example.com"), NOTIFIER_NORESOURCE);
    world_advance(&world, 2000);
    memcpy(text, heard(), sizeof(text));
    assert_non_null(strstr(text, "Subscription-State: terminated;reason=noresource"));
    assert_non_null(strstr(text, "event=\"rejected\""));
    assert_int_equal(fetch(), 0);
    world_close(&world);
}

static void begin_watching(void)
{
    world_receive(&world, "SUBSCRIBE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsub\n"
                          "From: <sip:w@example.org>;tag=w\nTo: <sip:alice@example.com>\nCall-ID: sub\n"
                          "CSeq: 1 SUBSCRIBE\nContact: <sip:w@192.0.2.1>\nEvent: reg\nExpires: 3600\n\n");
    expect_heard("version=\"0\" state=\"full\"");
}

/* RFC 3680 3.4.1: nothing ends that was not, and what has ended is in its first state again. */
static void who_never_registered_is_not_terminated(void **state)
{
    (void)state;
    char text[1024], tag[64] = "";
    open_with(ok_policy);
    world_receive(&world, "SUBSCRIBE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsub\n"
                          "From: <sip:w@example.org>;tag=w\nTo: <sip:alice@example.com>\nCall-ID: sub\n"
                          "CSeq: 1 SUBSCRIBE\nContact: <sip:w@192.0.2.1>\nEvent: reg\nExpires: 3600\n\n");
    const char *from = strstr(heard(), "\r\nFrom: <sip:alice@example.com>;tag=");
    assert_non_null(from);
    assert_int_equal(sscanf(strstr(from, ";tag="), ";tag=%63[^\r]", tag), 1);
    for (unsigned cseq = 2; cseq < 5; cseq++) {
        snprintf(text, sizeof(text),
                 "SUBSCRIBE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsub%u\n"
                 "From: <sip:w@example.org>;tag=w\nTo: <sip:alice@example.com>;tag=%s\nCall-ID: sub\n"
                 "CSeq: %u SUBSCRIBE\nContact: <sip:w@192.0.2.1>\nEvent: reg\nExpires: 3600\n\n",
                 cseq, tag, cseq);
        world_receive(&world, text);
        const char *notify = heard();
        assert_non_null(strstr(notify, "state=\"full\""));
        if (!strstr(notify, "\" state=\"init\">"))
            fail_msg("no init in %s", notify);
        if (cseq == 3) {
            ask("a", 1, "Contact: <sip:a@192.0.2.1>\n");
            world_advance(&world, 1000);
            expect_heard("\" state=\"active\">");
            ask("a", 2, "Contact: *\nExpires: 0\n");
            world_advance(&world, 1000);
            expect_heard("\" state=\"terminated\">");
        }
    }
    world_close(&world);
}

/* One REGISTER may name a contact twice; whoever watches hears what became of it in the end. */
static void a_contact_named_twice_is_told_by_its_end(void **state)
{
    (void)state;
    static char text[SENT_BYTES];
    open_with(ok_policy);
    begin_watching();
    ask("a", 1, "Contact: <sip:one@192.0.2.1>, <sip:two@192.0.2.1>\n");
    world_advance(&world, 1000);
    expect_heard("version=\"1\"");
    ask("a", 2, "Contact: <sip:one@192.0.2.1>;q=0.1, <sip:one@192.0.2.1>;q=0.2, <sip:two@192.0.2.1>\n");
    world_advance(&world, 1000);
    memcpy(text, heard(), sizeof(text));
    assert_non_null(strstr(text, "event=\"refreshed\" duration-registered=\"2\" expires=\"3599\" q=\"0.2\""));
    assert_null(strstr(text, "event=\"created\""));
    ask("a", 3,
        "Contact: <sip:one@192.0.2.1>, <sip:one@192.0.2.1>;expires=0, <sip:new@192.0.2.1>, "
        "<sip:new@192.0.2.1>;expires=0\n");
    world_advance(&world, 1000);
    memcpy(text, heard(), sizeof(text));
    assert_non_null(strstr(text, "state=\"terminated\" event=\"unregistered\" q=\"0.2\""));
    assert_non_null(strstr(text, "<uri>sip:two@192.0.2.1</uri>"));
    assert_null(strstr(text, "sip:new@")); /* it never was */
    assert_int_equal(fetch(), 1);
    world_close(&world);
}

/* expires=0 would say that it was removed. */
static void who_is_there_for_less_than_a_second_is_there(void **state)
{
    (void)state;
    open_with(ok_policy);
    begin_watching();
    ask("a", 1, "Contact: <sip:a@192.0.2.1>;expires=60\n");
    world_advance(&world, 59001);
    assert_int_equal(fetch(), 1);
    expect_line("Contact: <sip:a@192.0.2.1>;expires=1");
    world_advance(&world, 998);
    assert_int_equal(fetch(), 1);
    expect_line("Contact: <sip:a@192.0.2.1>;expires=1");
    world_advance(&world, 1);
    assert_int_equal(fetch(), 0);
    world_close(&world);
}

static unsigned times(const char *text, const char *part)
{
    unsigned count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

/* Who goes and comes back before the next NOTIFY is there: a document says one thing of a contact (RFC 3680 5.1: its id is
 * unique within the registration). */
static void who_came_back_meanwhile_is_there(void **state)
{
    (void)state;
    static char text[SENT_BYTES];
    open_with(ok_policy);
    begin_watching();
    ask("a", 1, "Contact: <sip:one@192.0.2.1>, <sip:two@192.0.2.1>;+sip.instance=\"<urn:x>\";reg-id=1\n");
    world_advance(&world, 10000);
    expect_heard("version=\"1\"");
    ask("a", 2, "Contact: *\nExpires: 0\n");
    (void)heard(); /* the next one has to keep its interval */
    ask("a", 3, "Contact: <sip:one@192.0.2.1>, <sip:two@192.0.2.9>;+sip.instance=\"<urn:x>\";reg-id=1\n");
    ask("a", 4, "Contact: *\nExpires: 0\n");
    ask("a", 5, "Contact: <sip:one@192.0.2.1>\n");
    world_advance(&world, 10000);
    memcpy(text, heard(), sizeof(text));
    assert_int_equal(times(text, "<uri>sip:one@192.0.2.1</uri>"), 1);
    assert_int_equal(times(text, "state=\"active\" event=\"created\""), 1);
    assert_int_equal(times(text, "<uri>sip:two@"), 1);
    assert_int_equal(times(text, "state=\"terminated\" event=\"unregistered\""), 1);
    world_close(&world);
}

/* The last binding's time is over, its timer has not run yet, and a request that changes nothing comes in between. */
static void who_expired_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const unchanging[] = {"", "Contact: <sip:a@192.0.2.1>;expires=1\n", "Contact: *\nExpires: 0\n"};
    for (size_t i = 0; i < sizeof(unchanging) / sizeof(unchanging[0]); i++) {
        struct registrar_census census;
        open_with(ok_policy);
        ask("a", 1, "Contact: <sip:a@192.0.2.1>;expires=60\n");
        world.clock.mono_ms += 60000;
        ask("a", 2, unchanging[i]);
        registrar_census(world.core->registrar, &census);
        assert_int_equal(census.bindings, 0);
        assert_int_equal(census.expired, 1);
        assert_int_equal(census.bytes, 0);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bindings_are_added_refreshed_and_removed),
        cmocka_unit_test(bindings_expire_by_themselves),
        cmocka_unit_test(call_id_and_cseq_hold_the_order),
        cmocka_unit_test(expires_has_bounds),
        cmocka_unit_test(a_star_stands_alone_with_expires_0),
        cmocka_unit_test(a_user_has_a_cap),
        cmocka_unit_test(a_flow_replaces_its_older_self),
        cmocka_unit_test(an_edge_that_knows_no_flows_is_said),
        cmocka_unit_test(the_first_hop_of_a_path_says_ob),
        cmocka_unit_test(a_path_is_kept_and_shown_to_who_knows_it),
        cmocka_unit_test(parameters_stay_where_they_were),
        cmocka_unit_test(the_policy_decides_who_may),
        cmocka_unit_test(a_retransmission_gets_the_same_bytes),
        cmocka_unit_test(a_policy_bounds_what_is_granted),
        cmocka_unit_test(watchers_are_told),
        cmocka_unit_test(who_never_registered_is_not_terminated),
        cmocka_unit_test(a_contact_named_twice_is_told_by_its_end),
        cmocka_unit_test(who_expired_leaves_nothing_behind),
        cmocka_unit_test(who_is_there_for_less_than_a_second_is_there),
        cmocka_unit_test(who_came_back_meanwhile_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
