/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a request is for: the Request-URI's user, normalised; a REGISTER's To; never the To of a forwarded call. */
#include "engine/engine_site.h"
#include "support/cmocka_all.h"
#include <stdio.h>

static struct engine_config config;
static struct engine_site site;

static void put(struct engine_list *list, char *item)
{
    list->items[list->count++] = item;
}

static int setup(void **state)
{
    (void)state;
    static char domain[] = "example.com", second[] = "example.net", alias[] = "sip.example.com=example.com";
    static char trusted[] = "192.0.2.0/24", country[] = "49", national[] = "0", international[] = "00";
    struct fault fault = {0};
    assert_int_equal(engine_config_init(&config), OK);
    put(&config.domains, domain);
    put(&config.domains, second);
    put(&config.aliases, alias);
    put(&config.trusted, trusted);
    config.country_code = country;
    config.national_prefix = national;
    config.international_prefix = international;
    assert_int_equal(engine_site_init(&site, &config, &fault), OK);
    struct net_address own = {.ip = {192, 0, 2, 9}, .port = 5060, .family = NET_FAMILY_IP4};
    assert_int_equal(engine_site_add_own(&site, &own, SPAN("")), OK);
    return 0;
}

static enum err target_of(const char *method, const char *uri, const char *to, struct engine_target *out)
{
    static struct sip_message message;
    static char text[2048];
    struct sip_problem problem;
    snprintf(text, sizeof(text),
             "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <%s>\r\n"
             "Call-ID: a\r\nCSeq: 1 %s\r\n\r\n",
             method, uri, to, method);
    assert_int_equal(sip_message_parse(&message, span_of(text), SIP_DATAGRAM, &problem), OK);
    return engine_site_target(&site, &message, out);
}

static void expect(const char *uri, const char *user, const char *host, const char *number)
{
    struct engine_target target;
    if (target_of("INVITE", uri, "sip:other@example.org", &target) != OK)
        fail_msg("%s is not ours", uri);
    assert_true(span_equal(target.target.user, span_of(user)));
    assert_true(span_equal(target.target.host, span_of(host)));
    if (!span_equal(target.target.number, span_of(number)))
        fail_msg("%s: number %.*s, expected %s", uri, SPAN_ARG(target.target.number), number);
}

static void test_hosts(void **state)
{
    (void)state;
    struct engine_target target;
    expect("sip:alice@example.com", "alice", "example.com", "");
    expect("sip:alice@EXAMPLE.com", "alice", "example.com", "");
    expect("sip:alice@sip.example.com", "alice", "example.com", "");
    expect("sip:alice@example.net:5070", "alice", "example.net", "");
    expect("sip:alice@192.0.2.9", "alice", "example.com", "");
    assert_int_equal(target_of("INVITE", "sip:alice@example.org", "sip:alice@example.com", &target), ERR_NOT_FOUND);
    assert_int_equal(target_of("INVITE", "sip:alice@192.0.2.10", "sip:alice@example.com", &target), ERR_NOT_FOUND);
}

static void test_users_and_numbers(void **state)
{
    (void)state;
    expect("sip:%61lice@example.com", "alice", "example.com", "");
    expect("sip:+1-555-0100@example.com", "+1-555-0100", "example.com", "+15550100");
    expect("sip:+1.555.0100@example.com;user=phone", "+1.555.0100", "example.com", "+15550100");
    expect("tel:+1-555-0100", "+1-555-0100", "example.com", "+15550100");
    expect("sip:0301234567@example.com;user=phone", "0301234567", "example.com", "+49301234567");
    expect("sip:0301234567@example.com", "0301234567", "example.com", "+49301234567");
    expect("sip:0015550100@example.com", "0015550100", "example.com", "+15550100");
}

static void test_a_register_names_its_to(void **state)
{
    (void)state;
    struct engine_target target;
    assert_int_equal(target_of("REGISTER", "sip:example.com", "sip:bob@example.com", &target), OK);
    assert_true(span_equal(target.target.user, SPAN("bob")));
    assert_true(span_equal(target.aor, SPAN("bob@example.com")));
}

static void expect_keys(const char *to, const char *aor, const char *owner_key)
{
    struct engine_target target;
    assert_int_equal(target_of("REGISTER", "sip:example.com", to, &target), OK);
    if (!span_equal(target.aor, span_of(aor)) || !span_equal(target.owner_key, span_of(owner_key)))
        fail_msg("%s: %.*s, %.*s", to, SPAN_ARG(target.aor), SPAN_ARG(target.owner_key));
}

/* RFC 3261 10.3 step 5: spellings of one address-of-record have one key. */
static void test_spellings_of_one_user_have_one_key(void **state)
{
    (void)state;
    expect_keys("sip:%62ob@EXAMPLE.com;transport=tcp", "bob@example.com", "bob@example.com");
    expect_keys("sips:bob@sip.example.com:5061", "bob@example.com", "bob@example.com");
    expect_keys("sip:+49-30-1234567@example.com", "+49301234567@example.com", "+49301234567");
    expect_keys("sip:0301234567@example.com", "+49301234567@example.com", "+49301234567");
    expect_keys("sip:0301234567@example.net", "+49301234567@example.net", "+49301234567");
    expect_keys("tel:+49-30-1234567", "+49301234567@example.com", "+49301234567");
    expect_keys("sip:example.com", "example.com", "example.com");
}

/* RFC 4475 3.1.1.4: a user is not cut at a NUL. */
static void test_nul_is_a_byte_like_others(void **state)
{
    (void)state;
    struct engine_target target;
    assert_int_equal(target_of("REGISTER", "sip:example.com", "sip:al%00ice@example.com", &target), OK);
    assert_true(span_equal(target.target.user, SPAN("al\0ice")));
    assert_true(span_equal(target.aor, SPAN("al\0ice@example.com")));
}

static void test_trusted_sources(void **state)
{
    (void)state;
    struct net_address in = {.ip = {192, 0, 2, 77}, .port = 1, .family = NET_FAMILY_IP4};
    struct net_address out = {.ip = {198, 51, 100, 1}, .port = 1, .family = NET_FAMILY_IP4};
    assert_true(engine_site_trusts(&site, &in));
    assert_false(engine_site_trusts(&site, &out));
    assert_false(engine_site_may_reach(&site, &in));
}

/* A peer's Contact may be a GRUU of ours: a BYE for it must not come back to us. */
static void test_we_are_not_to_be_reached(void **state)
{
    (void)state;
    static char block[] = "192.0.2.0/24";
    struct engine_config other;
    struct engine_site ours;
    struct fault fault = {0};
    struct net_address own = {.ip = {192, 0, 2, 9}, .port = 5060, .family = NET_FAMILY_IP4}, phone = own;
    phone.port = 5070;
    assert_int_equal(engine_config_init(&other), OK);
    other.egress.items[other.egress.count++] = block;
    assert_int_equal(engine_site_init(&ours, &other, &fault), OK);
    assert_true(engine_site_may_reach(&ours, &own));
    assert_int_equal(engine_site_add_own(&ours, &own, SPAN("")), OK);
    assert_false(engine_site_may_reach(&ours, &own));
    assert_true(engine_site_may_reach(&ours, &phone));
}

static void test_a_bad_block_is_named(void **state)
{
    (void)state;
    static char bad[] = "192.0.2.0/99";
    struct engine_config other;
    struct engine_site unused;
    struct fault fault = {0};
    assert_int_equal(engine_config_init(&other), OK);
    put(&other.egress, bad);
    assert_int_equal(engine_site_init(&unused, &other, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "egress: \"192.0.2.0/99\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_users_and_numbers),
        cmocka_unit_test(test_a_register_names_its_to),
        cmocka_unit_test(test_spellings_of_one_user_have_one_key),
        cmocka_unit_test(test_nul_is_a_byte_like_others),
        cmocka_unit_test(test_trusted_sources),
        cmocka_unit_test(test_we_are_not_to_be_reached),
        cmocka_unit_test(test_a_bad_block_is_named),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
