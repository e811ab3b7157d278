/* SPDX-License-Identifier: Apache-2.0 */
/* What is per user meets at the user's owner, what is of a subscription at its tag's, the rest by its Call-ID; with any
 * number of workers. */
#include "daemon/daemon_steer.h"
#include "sip/sip_message.h"
#include "support/cmocka_all.h"
#include <stdio.h>

static const unsigned counts[] = {1, 2, 7};
static struct engine_config config;
static struct engine_site site;
static struct daemon_steering steering = {&site, {1, 2}};

static int setup(void **state)
{
    (void)state;
    static char domain[] = "example.com", alias[] = "sip.example.com=example.com", country[] = "49", national[] = "0";
    struct fault fault = {0};
    assert_int_equal(engine_config_init(&config), OK);
    config.domains.items[config.domains.count++] = domain;
    config.aliases.items[config.aliases.count++] = alias;
    config.country_code = country;
    config.national_prefix = national;
    return engine_site_init(&site, &config, &fault) == OK ? 0 : -1;
}

/* A message with this start line and these From, To and Call-ID; CSeq's method is the start line's, or `method`. */
static struct span message_of(const char *start, const char *from, const char *to, const char *call_id)
{
    static char text[4][1024];
    static unsigned next;
    char *at = text[next++ % 4];
    const char *method = strncmp(start, "SIP/2.0", 7) == 0 ? "NOTIFY" : start;
    snprintf(at, sizeof(text[0]),
             "%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: %s\r\nt: %s\r\nCall-ID: %s\r\nCSeq: 1 %.*s\r\n\r\n",
             start, from, to, call_id, (int)strcspn(method, " "), method);
    return span_of(at);
}

static struct span register_of(const char *to, const char *call_id)
{
    return message_of("REGISTER sip:example.com SIP/2.0", "<sip:a@b>;tag=1", to, call_id);
}

static struct span request_to(const char *start, const char *call_id)
{
    return message_of(start, "<sip:watcher@example.org>;tag=1", "<sip:whoever@example.com>", call_id);
}

static void meet(struct span one, struct span two)
{
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(daemon_steer(&steering, one, counts[i]), daemon_steer(&steering, two, counts[i]));
}

static void all_phones_of_a_user_meet(void **state)
{
    (void)state;
    for (int user = 0; user < 50; user++) {
        char to[64], also[64], key[64];
        snprintf(to, sizeof(to), "<sip:user%d@example.com>", user);
        snprintf(also, sizeof(also), "User <sip:u%%73er%d@SIP.example.com:5060;x=y>;tag=9", user);
        snprintf(key, sizeof(key), "user%d@example.com", user);
        meet(register_of(to, "one"), register_of(also, "two"));
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(daemon_steer(&steering, register_of(to, "one"), counts[i]),
                             daemon_steer_user(&steering, span_of(key), counts[i]));
    }
    meet(register_of("<sip:+49-30-1@example.com>", "one"), register_of("<sip:0301@example.com>", "one"));
    meet(register_of("<sip:0301234@example.com>", "one"), register_of("<tel:+49301234>", "two"));
}

static void watchers_and_publishers_meet_the_phone(void **state)
{
    (void)state;
    for (int user = 0; user < 50; user++) {
        char to[64], subscribe[96], publish[96];
        snprintf(to, sizeof(to), "<sip:user%d@example.com>", user);
        snprintf(subscribe, sizeof(subscribe), "SUBSCRIBE sip:user%d@example.com SIP/2.0", user);
        snprintf(publish, sizeof(publish), "\r\n\r\nPUBLISH sip:user%d@example.com;a=b SIP/2.0", user);
        meet(register_of(to, "one"), request_to(subscribe, "two"));
        meet(register_of(to, "one"), request_to(publish, "three"));
    }
}

static void a_subscription_goes_by_its_tag(void **state)
{
    (void)state;
    for (unsigned want = 0; want < 7; want++) {
        char tag[96];
        snprintf(tag, sizeof(tag), "<sip:user@example.com>;tag=n%02x0123456789abc", want);
        assert_int_equal(
            daemon_steer(&steering, message_of("SUBSCRIBE sip:192.0.2.1 SIP/2.0", "<sip:a@b>;tag=1", tag, "x"), 7),
            want);
        assert_int_equal(daemon_steer(&steering, message_of("SIP/2.0 200 OK", tag, "<sip:a@b>;tag=1", "x"), 7), want);
    }
}

/* Only NOTIFY's responses bring our tag in From, and no tag may name a worker that there is none of. */
static void what_only_looks_like_it_goes_by_call_id(void **state)
{
    (void)state;
    static const char ours[] = "<sip:a@example.com>;tag=n060123456789abc";
    static const char none[] = "<sip:a@example.com>;tag=nff0123456789abc";
    meet(message_of("INVITE sip:user1@example.com SIP/2.0", ours, ours, "c1"), request_to("BYE sip:x SIP/2.0", "c1"));
    meet(message_of("SIP/2.0 200 OK", none, "<sip:a@b>;tag=1", "c1"), request_to("BYE sip:x SIP/2.0", "c1"));
    meet(message_of("SUBSCRIBE sip:a@example.com SIP/2.0", ours, none, "c1"), request_to("BYE sip:x SIP/2.0", "c1"));
    meet(register_of("<sip:user@example.org>", "c1"), request_to("BYE sip:x SIP/2.0", "c1"));
    meet(register_of("<sip:user", "c1"), request_to("BYE sip:x SIP/2.0", "c1"));
    meet(request_to("REGISTERS sip:user1@example.com SIP/2.0", "c1"), request_to("BYE sip:x SIP/2.0", "c1"));
    meet(span_of("SUBSCRIBE"), span_of(""));
    meet(span_of("\r\n\r\n"), span_of(""));
}

static void users_spread_over_the_workers(void **state)
{
    (void)state;
    unsigned owned[7] = {0};
    for (int user = 0; user < 700; user++) {
        char to[64];
        snprintf(to, sizeof(to), "<sip:user%d@example.com>", user);
        owned[daemon_steer(&steering, register_of(to, "the same"), 7)]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(owned[i], 50, 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_phones_of_a_user_meet),      cmocka_unit_test(watchers_and_publishers_meet_the_phone),
        cmocka_unit_test(a_subscription_goes_by_its_tag), cmocka_unit_test(what_only_looks_like_it_goes_by_call_id),
        cmocka_unit_test(users_spread_over_the_workers),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
