/* SPDX-License-Identifier: Apache-2.0 */
/* GRUUs (RFC 5627): what the 200 gives out, whom a request to one is for, and when it leads nowhere. */
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"
#include <stdio.h>
#include <stdlib.h>

static struct world world;

static const char ok_policy[] = "return function(req) return ok {} end";
/* Says whom it was asked about. */
static const char telling_policy[] =
    "return function(req) if req.method == 'REGISTER' then return ok {} end "
    "return reject(486) { headers = { ['X-Target'] = req.target.user .. '@' .. req.target.host } } end";

static void open_with(const char *policy)
{
    static char domain[] = "example.com", other[] = "example.org";
    struct engine_config config;
    assert_int_equal(engine_config_init(&config), OK);
    config.domains.items[config.domains.count++] = domain;
    config.domains.items[config.domains.count++] = other;
    world_open(&world, &config, policy);
}

static void expect(unsigned code)
{
    if (world_code(&world) != code)
        fail_msg("expected %u, got %s", code, world_last(&world));
}

static void enrol(const char *call_id, unsigned cseq, const char *contact)
{
    static unsigned count;
    char text[4096];
    snprintf(text, sizeof(text),
             "REGISTER sip:example.com SIP/2.0\n"
             "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKgruu%u\n"
             "From: <sip:alice@example.com>;tag=f%u\n"
             "To: <sip:alice@example.com>\n"
             "Call-ID: %s\n"
             "CSeq: %u REGISTER\n"
             "Supported: gruu, outbound\n"
             "Contact: %s\n"
             "Content-Length: 0\n\n",
             count, count, call_id, cseq, contact);
    count++;
    world_receive(&world, text);
}

static void unbind(void)
{
    world_receive(&world, "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKstar\n"
                          "From: <sip:alice@example.com>;tag=f\nTo: <sip:alice@example.com>\nCall-ID: star\n"
                          "CSeq: 1 REGISTER\nContact: *\nExpires: 0\nContent-Length: 0\n\n");
    expect(200);
}

/* The URI in this parameter of the answer's first Contact; "" when there is none. */
static const char *gruu(const char *name)
{
    static char found[4][1024];
    static unsigned next;
    char *out = found[next++ % 4];
    char wanted[32];
    snprintf(wanted, sizeof(wanted), ";%s=\"", name);
    const char *at = strstr(world_last(&world), wanted);
    out[0] = '\0';
    if (!at)
        return out;
    at += strlen(wanted);
    size_t len = strcspn(at, "\"");
    assert_true(len < sizeof(found[0]));
    memcpy(out, at, len);
    out[len] = '\0';
    return out;
}

static unsigned asked;

static void ask(const char *method, const char *uri, unsigned code)
{
    char call[32];
    snprintf(call, sizeof(call), "gruu%u", asked++);
    world_receive(&world, request_to(method, uri, call, ""));
    if (world_code(&world) != code)
        fail_msg("%s %s: expected %u, got %s", method, uri, code, world_last(&world));
}

static const char phone[] = "<sip:a@192.0.2.1:1111>;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";
static const char pub[] = "sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

static void the_200_gives_out_two(void **state)
{
    (void)state;
    open_with(ok_policy);
    enrol("a", 1, phone);
    expect(200);
    assert_string_equal(gruu("pub-gruu"), pub);
    const char *first = gruu("temp-gruu");
    assert_null(strstr(first, "alice"));
    assert_true(span_starts_with(span_of(first), SPAN("sip:")));
    assert_true(span_ends_with(span_of(first), SPAN("@example.com;gr")));
    enrol("a", 2, phone);
    assert_string_equal(gruu("pub-gruu"), pub);
    assert_string_not_equal(gruu("temp-gruu"), first); /* each 200 has a new one (3.1) */
    ask("OPTIONS", first, 200);                        /* and the older one lives on */
    /* What a phone repeats of them is not kept, and only who knows what a GRUU is hears of one. */
    char text[512];
    snprintf(text, sizeof(text), "%s;pub-gruu=\"sip:x@y;gr=z\";temp-gruu=\"sip:x@y;gr\"", phone);
    enrol("a", 3, text);
    assert_string_equal(gruu("pub-gruu"), pub);
    enrol("a", 4, "<sip:a@192.0.2.1:2222>");
    expect(200);
    world_receive(&world, "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKfetch\n"
                          "From: <sip:alice@example.com>;tag=f\nTo: <sip:alice@example.com>\nCall-ID: fetch\n"
                          "CSeq: 1 REGISTER\nContent-Length: 0\n\n");
    expect(200);
    assert_non_null(strstr(world_last(&world), "+sip.instance"));
    assert_null(strstr(world_last(&world), "gruu"));
    world_close(&world);
}

static void a_policy_is_asked_about_the_user(void **state)
{
    (void)state;
    open_with(telling_policy);
    enrol("a", 1, phone);
    const char *temporary = gruu("temp-gruu");
    const char *uris[] = {pub, temporary};
    for (size_t i = 0; i < 2; i++) {
        ask("INVITE", uris[i], 486);
        if (!strstr(world_last(&world), "\r\nX-Target: alice@example.com\r\n"))
            fail_msg("%s: %s", uris[i], world_last(&world));
    }
    world_close(&world);
}

/* 5.3: known, but nobody is there: 480; unknown: 404. */
static void a_gruu_without_a_contact(void **state)
{
    (void)state;
    open_with(ok_policy);
    ask("OPTIONS", pub, 480);
    enrol("a", 1, phone);
    const char *temporary = gruu("temp-gruu");
    static const char *const methods[] = {"OPTIONS", "MESSAGE"};
    for (size_t i = 0; i < 2; i++) {
        ask(methods[i], pub, 200);
        ask(methods[i], temporary, 200);
    }
    ask("OPTIONS", "sip:alice@example.com;gr=URN:uuid:F81D4FAE-7dec-11d0-a765-00a0c91e6bf6", 200);
    ask("OPTIONS", "sip:alice@example.com;gr=urn%3Auuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 200);
    ask("OPTIONS", "sip:alice@example.com;gr=urn:uuid:0", 480);
    ask("OPTIONS", "sip:bob@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 480);
    ask("OPTIONS", "sip:alice@example.com;gr", 404);
    ask("OPTIONS", "sip:00ff@example.com;gr", 404);
    ask("OPTIONS", "sip:bob@example.com", 200); /* no GRUU: as ever */
    ask("INVITE", "sip:alice@example.com;gr=urn:uuid:0", 480);
    unbind();
    ask("OPTIONS", pub, 480);
    ask("INVITE", temporary, 404); /* it ended with its registration */
    world_close(&world);
}

/* 3.1: under another Call-ID the phone has begun anew, and what it gave out before is nobody's any more. */
static void a_new_call_id_ends_the_old_ones(void **state)
{
    (void)state;
    open_with(ok_policy);
    enrol("a", 1, phone);
    const char *first = gruu("temp-gruu");
    ask("OPTIONS", first, 200);
    enrol("b", 1, phone);
    const char *second = gruu("temp-gruu");
    ask("OPTIONS", first, 404);
    ask("OPTIONS", second, 200);
    ask("OPTIONS", pub, 200);
    world_advance(&world, 3601000);
    ask("OPTIONS", second, 404);
    ask("OPTIONS", pub, 480);
    world_close(&world);
}

static void a_changed_one_is_nobodys(void **state)
{
    (void)state;
    open_with(ok_policy);
    enrol("a", 1, phone);
    char changed[1024];
    const char *temporary = gruu("temp-gruu");
    size_t end = strcspn(temporary, "@");
    for (size_t at = 4; at < end; at += 7) {
        snprintf(changed, sizeof(changed), "%s", temporary);
        changed[at] = changed[at] == '0' ? '1' : '0';
        ask("OPTIONS", changed, 404);
    }
    /* Under another domain of ours it was never given out. */
    snprintf(changed, sizeof(changed), "%.*s@example.org;gr", (int)end, temporary);
    ask("OPTIONS", changed, 404);
    world_close(&world);
}

/* Nothing but the policy makes a 410, and nothing takes one back. */
static void a_policys_no_stands(void **state)
{
    (void)state;
    open_with("return function(req) if req.method == 'REGISTER' then return ok {} end return gone {} end");
    world.lookup = OK;
    world.record = (struct policy_record){.state = POLICY_STATE_GONE};
    ask("OPTIONS", "sip:alice@example.com;gr=urn:uuid:0", 410);
    ask("OPTIONS", "sip:alice@example.com;gr", 410);
    world_close(&world);
}

/* 5.1: it would lead to itself. */
static void a_gruu_is_no_contact(void **state)
{
    (void)state;
    open_with(ok_policy);
    enrol("a", 1, "<sip:alice@example.com;gr=urn:uuid:1>");
    expect(403);
    enrol("a", 2, "<sip:alice@EXAMPLE.com;gr>");
    expect(403);
    enrol("a", 3, "<sip:alice@phone.example.net;gr=urn:uuid:1>");
    expect(200);
    world_close(&world);
}

static void an_instance_is_escaped(void **state)
{
    (void)state;
    open_with(ok_policy);
    enrol("a", 1, "<sip:a@192.0.2.1>;+sip.instance=\"<urn:x;y=%31 \xc3\xa4>\"");
    expect(200);
    assert_string_equal(gruu("pub-gruu"), "sip:alice@example.com;gr=urn:x%3By%3D%2531%20%C3%A4");
    ask("OPTIONS", gruu("pub-gruu"), 200);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_200_gives_out_two),    cmocka_unit_test(a_policy_is_asked_about_the_user),
        cmocka_unit_test(a_gruu_without_a_contact), cmocka_unit_test(a_new_call_id_ends_the_old_ones),
        cmocka_unit_test(a_changed_one_is_nobodys), cmocka_unit_test(a_policys_no_stands),
        cmocka_unit_test(a_gruu_is_no_contact),     cmocka_unit_test(an_instance_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
