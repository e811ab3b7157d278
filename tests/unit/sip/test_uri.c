/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sip/sip_uri.h"
#include "support/span_guard.h"

static struct sip_uri parsed(const char *text)
{
    struct sip_uri uri;
    const char *reason = "";
    if (sip_uri_parse(span_of(text), &uri, &reason) != OK)
        fail_msg("%s: %s", text, reason);
    return uri;
}

static void check_host(void *ctx, struct span input)
{
    assert_int_equal(sip_host_kind_of(input), *(const int *)ctx);
}

static const struct {
    const char *text;
    int kind;
} hosts[] = {{"versatica.com", SIP_HOST_NAME},
             {"myhost123", SIP_HOST_NAME},
             {"1.2.3.4", SIP_HOST_IPV4},
             {"001.002.003.004", SIP_HOST_IPV4},
             {"1.2.3.4.", SIP_HOST_IPV4},
             {"1.2.3.444", SIP_HOST_NONE},
             {"1.2.3", SIP_HOST_NONE},
             {"1.2.3.4.5", SIP_HOST_NONE},
             {"1.2.3.0004", SIP_HOST_NONE},
             {"12", SIP_HOST_NONE},
             {"1.2.3.bar.qwe-asd.foo", SIP_HOST_NAME},
             {"1.2.3.4.bar.qwe-asd.foo", SIP_HOST_NAME},
             {"3com.com1", SIP_HOST_NAME},
             {"a.b.", SIP_HOST_NAME},
             {"a..b", SIP_HOST_NONE},
             {"a.b..", SIP_HOST_NONE},
             {".a", SIP_HOST_NONE},
             {".", SIP_HOST_NONE},
             {"", SIP_HOST_NONE},
             {"a b", SIP_HOST_NONE},
             {"i\xc3\xb1"
              "aki.com",
              SIP_HOST_NONE},
             {"::", SIP_HOST_IPV6},
             {"::1", SIP_HOST_IPV6},
             {"1::", SIP_HOST_IPV6},
             {"1:0:fF::432", SIP_HOST_IPV6},
             {"1:2:3:4:5:6:7:8", SIP_HOST_IPV6},
             {"1:2:3:4:5:6:7::", SIP_HOST_IPV6},
             {"::ffff:192.0.2.1", SIP_HOST_IPV6},
             {"1:2:3:4:5:6:192.0.2.1", SIP_HOST_IPV6},
             {"2001:db8:::192.0.2.1", SIP_HOST_IPV6},
             {"2001:db8:::1", SIP_HOST_NONE},
             {"2001:db8:::1.2.3", SIP_HOST_NONE},
             {":::", SIP_HOST_NONE},
             {"1:2:3:4:5:6:7:192.0.2.1", SIP_HOST_NONE},
             {"1:2:3:4:5:6:7:8:9", SIP_HOST_NONE},
             {"1:2:3:4:5:6:7", SIP_HOST_NONE},
             {"1:2:3:4:5:6:7:8::", SIP_HOST_NONE},
             {"1::2::3", SIP_HOST_NONE},
             {"12345::", SIP_HOST_NONE},
             {"1:", SIP_HOST_NONE},
             {":1", SIP_HOST_NONE},
             {"::g", SIP_HOST_NONE},
             {"1:2;3", SIP_HOST_NONE},
             {"fe80::1%eth0", SIP_HOST_NONE},
             {"::1.2.3.4:5", SIP_HOST_NONE}};

static void hosts_are_told_apart(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(hosts) / sizeof(hosts[0]); row++) {
        int kind = hosts[row].kind;
        if ((int)sip_host_kind_of(span_of(hosts[row].text)) != kind)
            fail_msg("%s", hosts[row].text);
        guard_both(span_of(hosts[row].text), check_host, &kind);
    }
    char name[300];
    memset(name, 'a', sizeof(name));
    assert_int_equal(sip_host_kind_of(span_make(name, 255)), SIP_HOST_NAME);
    assert_int_equal(sip_host_kind_of(span_make(name, 256)), SIP_HOST_NONE);
}

static void addresses_become_bytes(void **state)
{
    unsigned char bytes[16];
    const unsigned char v4[] = {192, 0, 2, 1};
    const unsigned char v6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};
    (void)state;
    assert_true(sip_host_address(SPAN("192.0.2.1"), SIP_HOST_IPV4, bytes));
    assert_memory_equal(bytes, v4, 4);
    assert_true(sip_host_address(SPAN("192.0.2.1."), SIP_HOST_IPV4, bytes));
    assert_true(sip_host_address(SPAN("2001:DB8:::192.0.2.1"), SIP_HOST_IPV6, bytes));
    assert_memory_equal(bytes, v6, 16);
    assert_false(sip_host_address(SPAN("a"), SIP_HOST_NAME, bytes));
    char text[64];
    struct buffer out = buffer_over(text, sizeof(text));
    sip_host_add(&out, SPAN("::1"), SIP_HOST_IPV6);
    sip_host_add(&out, SPAN("h"), SIP_HOST_NAME);
    assert_span(buffer_span(&out), "[::1]h");
}

static void parts_are_found(void **state)
{
    struct sip_uri uri = parsed(
        "SIP:%61liCE:pa&ss@versaTICA.Com:6060;TRansport=TCp;Foo=ABc;baz?X-Header-1=AaA1&X-Header-2=&x-header-1=AAA2");
    struct sip_param param;
    (void)state;
    assert_int_equal(uri.scheme, SIP_SCHEME_SIP);
    assert_span(uri.user, "%61liCE");
    assert_span(uri.password, "pa&ss");
    assert_span(uri.host, "versaTICA.Com");
    assert_int_equal(uri.port, 6060);
    assert_span(sip_uri_param(&uri, SPAN("transport")), "TCp");
    assert_span(sip_uri_param(&uri, SPAN("foo")), "ABc");
    assert_true(sip_uri_has_param(&uri, SPAN("BAZ")));
    assert_null(sip_uri_param(&uri, SPAN("baz")).at);
    assert_false(sip_uri_has_param(&uri, SPAN("ba")));
    assert_null(sip_uri_param(&uri, SPAN("nope")).at);
    struct span rest = uri.headers;
    assert_true(sip_uri_header_next(&rest, &param));
    assert_span(param.name, "X-Header-1");
    assert_span(param.value, "AaA1");
    assert_true(sip_uri_header_next(&rest, &param));
    assert_span(param.value, "");
    assert_true(sip_uri_header_next(&rest, &param));
    assert_span(param.name, "x-header-1");
    assert_false(sip_uri_header_next(&rest, &param));
    struct span bare = SPAN("a");
    assert_true(sip_uri_header_next(&bare, &param));
    assert_false(param.has_value);
    uri = parsed("sip:%6C%72@h;%6C%72");
    assert_true(sip_uri_has_param(&uri, SPAN("lr")));
}

static void check_refused(void *ctx, struct span input)
{
    struct sip_uri uri;
    const char *reason = NULL;
    (void)ctx;
    if (sip_uri_parse(input, &uri, &reason) != ERR_SYNTAX)
        fail_msg("accepted: %.*s", SPAN_ARG(input));
    assert_non_null(reason);
    assert_int_equal(sip_uri_parse(input, &uri, NULL), ERR_SYNTAX);
}

static void bad_ones_are_refused(void **state)
{
    const char *rows[] = {"",
                          "sip",
                          "sip:",
                          ":x",
                          "1sip:a",
                          "sip:@h",
                          "sip:a@",
                          "sip:a@b@c",
                          "sip:a b@c",
                          "sip:a@b:",
                          "sip:a@b:0",
                          "sip:a@b:65536",
                          "sip:a@b:x",
                          "sip:a@b;",
                          "sip:a@b;;lr",
                          "sip:a@b;x=",
                          "sip:a@b;=y",
                          "sip:a@b;lr;lr",
                          "sip:a@b;transport=udp;transport=udp",
                          "sip:a@b?",
                          "sip:a@b?x",
                          "sip:a@b?x=y&",
                          "sip:a@b?=y",
                          "sip:a@b?x=y z",
                          "sip:%@b",
                          "sip:%4@b",
                          "sip:%zz@b",
                          "sip:a:p@ss@h",
                          "sip:a:@",
                          "sip:[::1",
                          "sip:[::1]x",
                          "sip:[1.2.3.4]",
                          "sip:a@b/c",
                          "sip:192.168.43.83:443/wss/;transport=wss",
                          "sip:a\xc3\xa9@b",
                          "tel:",
                          "tel:+",
                          "tel:-.()",
                          "tel:+1a2",
                          "tel:+1*2",
                          "tel:12 34",
                          "tel:12;",
                          "tel:12?x=y",
                          "http:",
                          "http:a b",
                          "http:<a>",
                          "x:a>b",
                          "x:a\tb"};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row]), check_refused, NULL);
}

static void check_accepted(void *ctx, struct span input)
{
    struct sip_uri uri;
    (void)ctx;
    if (sip_uri_parse(input, &uri, NULL) != OK)
        fail_msg("refused: %.*s", SPAN_ARG(input));
    assert_true(span_equal(uri.text, input));
    assert_true(sip_uri_equal(&uri, &uri));
}

static void good_ones_are_accepted(void **state)
{
    const char *rows[] = {
        "sip:a@b",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@h",
        "sip:[::1];transport=udp",
        "sip:user@[::1]:1234;transport=udp?foo=bar",
        "sip:a:@h",
        "sip:h:05060",
        "sip:DOMAIN.com:5",
        "sip:*21#@h",
        "sip:bob@h?Accept-Contact=sip:bobsdesk.versatica.com",
        "sip:h;x=[::1]:5/&+$",
        "tel:+1-201-555-0123",
        "tel:7042;phone-context=example.com",
        "tel:*69;phone-context=+1",
        "tel:aBc;phone-context=x",
        "urn:service:sos",
        "data:text/plain,x",
        "soap.beep://192.0.2.103:3002"};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row]), check_accepted, NULL);
}

static void caps_hold(void **state)
{
    char text[2048];
    struct buffer out = buffer_over(text, sizeof(text));
    struct sip_uri uri;
    const char *reason = NULL;
    (void)state;
    buffer_add_text(&out, "sip:h");
    for (int at = 0; at < SIP_URI_PARAMS_MAX; at++)
        buffer_addf(&out, ";p%d", at);
    assert_int_equal(sip_uri_parse(buffer_span(&out), &uri, NULL), OK);
    buffer_add_text(&out, ";one");
    assert_int_equal(sip_uri_parse(buffer_span(&out), &uri, &reason), ERR_SYNTAX);
    assert_string_equal(reason, "more than 32 parameters");
    buffer_clear(&out);
    buffer_add_text(&out, "sip:h?a=b");
    for (int at = 1; at < SIP_URI_HEADERS_MAX; at++)
        buffer_addf(&out, "&h%d=", at);
    assert_int_equal(sip_uri_parse(buffer_span(&out), &uri, NULL), OK);
    buffer_add_text(&out, "&one=");
    assert_int_equal(sip_uri_parse(buffer_span(&out), &uri, &reason), ERR_SYNTAX);
    assert_string_equal(reason, "more than 32 headers behind '?'");
}

/* RFC 3261 19.1.4: its own examples, and what follows from its rules. */
static void equality_is_the_rfcs(void **state)
{
    const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
        {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
        {"sip:bob@h", "sips:bob@h", false},
        {"sip:h", "sip:bob@h", false},
        {"sip:bob:x@h", "sip:bob@h", false},
        {"sip:bob:x@h", "sip:bob:y@h", false},
        {"sip:a@h;user=phone", "sip:a@h", false},
        {"sip:a@h;ttl=1", "sip:a@h", false},
        {"sip:a@h;maddr=x", "sip:a@h", false},
        {"sip:a@h;method=INVITE", "sip:a@h", false},
        {"sip:a@h;lr", "sip:a@h", true},
        {"sip:a@h;lr", "sip:a@h;lr=on", false},
        {"sip:a%3Bb@h", "sip:a;b@h", false},
        {"sip:a%3bb@h", "sip:a%3Bb@h", true},
        {"sip:%2D@h", "sip:-@h", true},
        {"sip:a%00@h", "sip:a%00@h", true},
        {"sip:a%00@h", "sip:a%00%00@h", false},
        {"sip:[::1]", "sip:[0:0:0:0:0:0:0:1]", true},
        {"sip:[::1]", "sip:[::2]", false},
        {"sip:192.0.2.1", "sip:192.0.2.001", true},
        {"sip:192.0.2.1", "sip:192.0.2.2", false},
        {"sip:h?a=b&c=d", "sip:h?a=b", false},
        {"sip:h?a=b", "sip:h?a=B", false},
        {"sip:h?a=b&a=b", "sip:h?a=b&x=y", false},
        {"tel:+1-201-555-0123", "tel:+12015550123", true},
        {"tel:+12015550123", "tel:+12015550124", false},
        {"tel:+12015550123", "tel:+120155501", false},
        {"tel:+1;ext=2;isub=3", "tel:+1;isub=3;ext=2", true},
        {"tel:+1;ext=2", "tel:+1", false},
        {"tel:aB;phone-context=x", "tel:Ab;phone-context=X", true},
        {"urn:service:SOS", "URN:service:sos", true},
        {"urn:a", "urn:b", false},
        {"tel:1", "sip:h", false},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct sip_uri a = parsed(rows[row].a), b = parsed(rows[row].b);
        if (sip_uri_equal(&a, &b) != rows[row].equal || sip_uri_equal(&b, &a) != rows[row].equal)
            fail_msg("%s against %s", rows[row].a, rows[row].b);
    }
}

static void escapes_are_resolved_once(void **state)
{
    char out[64];
    size_t len = 0;
    (void)state;
    assert_true(sip_uri_unescape(SPAN("alice%40atlanta.com"), out, sizeof(out), &len));
    assert_span(span_make(out, len), "alice@atlanta.com");
    assert_true(sip_uri_unescape(SPAN("*21%23%25%34%31"), out, sizeof(out), &len));
    assert_span(span_make(out, len), "*21#%41");
    assert_true(sip_uri_unescape(SPAN("a%00b"), out, sizeof(out), &len));
    assert_int_equal(len, 3);
    assert_memory_equal(out, "a\0b", 3);
    assert_true(sip_uri_unescape((struct span){NULL, 0}, out, sizeof(out), &len));
    assert_int_equal(len, 0);
    assert_false(sip_uri_unescape(SPAN("%"), out, sizeof(out), &len));
    assert_false(sip_uri_unescape(SPAN("%0"), out, sizeof(out), &len));
    assert_false(sip_uri_unescape(SPAN("abc"), out, 2, &len));
    struct buffer buffer = buffer_over(out, sizeof(out));
    sip_uri_escape_user(&buffer, SPAN("a b@c#\xff"));
    assert_span(buffer_span(&buffer), "a%20b%40c%23%FF");
}

static void canonical_forms_name_one_user(void **state)
{
    const struct {
        const char *text, *want;
    } rows[] = {
        {"SIP:%61liCE:pw@Example.COM:5060;transport=tcp?x=y", "sip:aliCE@example.com"},
        {"sip:bob@h:5061", "sip:bob@h:5061"},
        {"sips:bob@h:5061", "sips:bob@h"},
        {"sip:H", "sip:h"},
        {"sip:a%20b%3b%3B@h", "sip:a%20b%3B%3B@h"},
        {"sip:a%2ab@h", "sip:a*b@h"},
        {"sip:*21#@h", "sip:*21%23@h"},
        {"sip:a@[2001:DB8::1]", "sip:a@[2001:db8::1]"},
        {"tel:+1-201-(555).0123;ext=4", "tel:+12015550123"},
        {"tel:70-42;phone-context=Example.COM", "tel:7042;phone-context=example.com"},
        {"tel:+1;phone-context=x", "tel:+1"},
        {"urn:service:SOS", "urn:service:SOS"},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        char text[128];
        struct buffer out = buffer_over(text, sizeof(text));
        struct sip_uri uri = parsed(rows[row].text);
        sip_uri_canonical(&uri, &out);
        assert_span(buffer_span(&out), rows[row].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_told_apart),
        cmocka_unit_test(addresses_become_bytes),
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(good_ones_are_accepted),
        cmocka_unit_test(caps_hold),
        cmocka_unit_test(equality_is_the_rfcs),
        cmocka_unit_test(escapes_are_resolved_once),
        cmocka_unit_test(canonical_forms_name_one_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
