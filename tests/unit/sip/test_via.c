/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_via.h"
#include "support/span_guard.h"

static void parts_are_found(void **state)
{
    struct span rest = SPAN("SIP /  3.0 \r\n / UDP [1:ab::FF]:6060 ;\r\n  BRanch=1234;rport=1111;Param1=Foo;paRAM2;"
                            "param3=Bar , SIP/2.0/WSS h");
    struct sip_via via;
    (void)state;
    assert_int_equal(sip_via_next(&rest, &via, NULL), OK);
    assert_int_equal(via.transport, SIP_TRANSPORT_UDP);
    assert_span(via.host, "1:ab::FF");
    assert_int_equal(via.host_kind, SIP_HOST_IPV6);
    assert_int_equal(via.port, 6060);
    assert_span(via.branch, "1234");
    assert_int_equal(via.rport, 1111);
    assert_true(via.has_rport && via.usable && via.whole && !via.has_cookie);
    assert_span(sip_param_value(via.params, SPAN("param1")), "Foo");
    assert_true(sip_param_has(via.params, SPAN("param2")));
    assert_int_equal(sip_via_next(&rest, &via, NULL), OK);
    assert_int_equal(via.transport, SIP_TRANSPORT_WSS);
    assert_null(via.branch.at);
    assert_int_equal(sip_via_next(&rest, &via, NULL), ERR_NOT_FOUND);
}

struct refusal {
    const char *text;
    bool usable;
    const char *reason;
};

static void check_refused(void *ctx, struct span input)
{
    const struct refusal *want = ctx;
    struct span rest = input;
    struct sip_via via;
    const char *reason = "";
    assert_int_equal(sip_via_next(&rest, &via, &reason), ERR_SYNTAX);
    if (via.usable != want->usable || strcmp(reason, want->reason) != 0)
        fail_msg("%s: usable %d, %s", want->text, via.usable, reason);
    assert_int_equal(sip_via_next(&rest, &via, NULL), ERR_SYNTAX);
}

static void bad_ones_are_refused(void **state)
{
    struct refusal rows[] = {
        {"x", false, "it does not start with SIP/2.0/"},
        {"SIP", false, "it does not start with SIP/2.0/"},
        {"SIP/", false, "it does not start with SIP/2.0/"},
        {"SIP/2.0", false, "it does not start with SIP/2.0/"},
        {"/2.0/UDP h", false, "it does not start with SIP/2.0/"},
        {"SIP/2.0/", false, "the transport is missing"},
        {"SIP/2.0/ ;", false, "the transport is missing"},
        {"SIP/2.0/UDP", false, "no space between transport and sent-by"},
        {"SIP/2.0/UDP;branch=x", false, "no space between transport and sent-by"},
        {"SIP/2.0/UDP ", false, "the host is missing"},
        {"SIP/2.0/UDP ;branch=x", false, "the host is missing"},
        {"SIP/2.0/UDP h..x", false, "neither a host name nor an address"},
        {"SIP/2.0/UDP h:", false, "the port is no number from 1 to 65535"},
        {"SIP/2.0/UDP h:70000", false, "the port is over 65535"},
        {"SIP/2.0/UDP [::1", false, "an IPv6 reference is not closed"},
        {"SIP/2.0/UDP [::z]", false, "not an IPv6 address"},
        {"SIP/2.0/UDP h x", true, "neither a parameter nor a comma follows"},
        {"SIP/2.0/UDP h,", true, "nothing follows a comma"},
        {"SIP/2.0/UDP h;", true, "a parameter is malformed"},
        {"SIP/2.0/UDP h;;", true, "a parameter is malformed"},
        {"SIP/2.0/UDP h;x=", true, "a parameter is malformed"},
        {"SIP/2.0/UDP h;x=\"", true, "a parameter is malformed"},
        {"SIP/2.0/UDP h;branch", true, "branch has no token as its value"},
        {"SIP/2.0/UDP h;branch=\"z9hG4bKx\"", true, "branch has no token as its value"},
        {"SIP/2.0/UDP h;branch=z9hG4bK", true, "branch holds nothing behind its magic cookie"},
        {"SIP/2.0/UDP h;branch=a;branch=a", true, "a parameter stands twice"},
        {"SIP/2.0/UDP h;rport;rport", true, "a parameter stands twice"},
        {"SIP/2.0/UDP h;received=a;received=b", true, "a parameter stands twice"},
        {"SIP/2.0/UDP h;maddr=a;maddr=b", true, "a parameter stands twice"},
        {"SIP/2.0/UDP h;ttl=1;ttl=1", true, "a parameter stands twice"},
        {"SIP/2.0/UDP h;rport=x", true, "rport is no port"},
        {"SIP/2.0/UDP h;rport=65536", true, "rport is no port"},
        {"SIP/2.0/UDP h;ttl", true, "ttl is no number up to 255"},
        {"SIP/2.0/UDP h;ttl=256", true, "ttl is no number up to 255"},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row].text), check_refused, &rows[row]);
    struct span empty = {NULL, 0};
    struct sip_via via;
    assert_int_equal(sip_via_next(&empty, &via, NULL), ERR_NOT_FOUND);
}

static void parameters_are_capped(void **state)
{
    char text[1024];
    struct buffer out = buffer_over(text, sizeof(text));
    struct sip_via via;
    const char *reason = "";
    (void)state;
    buffer_add_text(&out, "SIP/2.0/UDP h");
    for (int at = 0; at < SIP_PARAMS_MAX; at++)
        buffer_addf(&out, ";p%d", at);
    struct span rest = buffer_span(&out);
    assert_int_equal(sip_via_next(&rest, &via, NULL), OK);
    buffer_add_text(&out, ";x");
    rest = buffer_span(&out);
    assert_int_equal(sip_via_next(&rest, &via, &reason), ERR_SYNTAX);
    assert_string_equal(reason, "more than 64 parameters");
}

static void transports_have_names(void **state)
{
    (void)state;
    for (int transport = 1; transport < SIP_TRANSPORT_COUNT; transport++)
        assert_int_equal(sip_transport_find(sip_transport_text((enum sip_transport)transport)), transport);
    assert_int_equal(sip_transport_find(SPAN("tcp")), SIP_TRANSPORT_TCP);
    assert_int_equal(sip_transport_find(SPAN("pigeon")), SIP_TRANSPORT_OTHER);
    assert_span(sip_transport_text(SIP_TRANSPORT_OTHER), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(parameters_are_capped),
        cmocka_unit_test(transports_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
