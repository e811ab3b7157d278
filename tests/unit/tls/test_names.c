/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a certificate is for: RFC 5922 7.1 and 7.2, and what we show to whom. */
#include "support_tls.h"

#include "tls/tls_names.h"

/* The names as "a b c". */
static const char *names_of(const char *common_name, const char *alternatives, enum tls_names_of kind)
{
    static char text[TLS_NAMES_BYTES];
    char bytes[TLS_NAMES_BYTES];
    struct buffer names = buffer_over(bytes, sizeof(bytes)), out = buffer_over(text, sizeof(text) - 1);
    struct span rest, name;
    EVP_PKEY *key;
    X509 *certificate = make_certificate(common_name, alternatives, 60, &key);
    tls_names_add(certificate, kind, &names);
    rest = buffer_span(&names);
    while (tls_names_next(&rest, &name)) {
        buffer_add_text(&out, out.len ? " " : "");
        buffer_add_span(&out, name);
    }
    text[out.len] = '\0';
    X509_free(certificate);
    EVP_PKEY_free(key);
    return text;
}

static void of_a_peer(void **state)
{
    (void)state;
    static const struct {
        const char *common_name, *alternatives, *names;
    } cases[] = {
        {"cn.example", "URI:sip:example.com,DNS:host.example.com", "example.com"},
        {"cn.example", "DNS:Host.Example.COM,DNS:b.example.com,DNS:b.example.com", "host.example.com b.example.com"},
        {"cn.example", NULL, "cn.example"},
        {"Somebody Else", NULL, ""},
        {"cn.example", "email:a@example.com", ""},
        {"cn.example", "IP:192.0.2.1", ""},
        {"cn.example", "URI:sip:alice@example.com,DNS:b.example.com", "b.example.com"},
        {"cn.example", "URI:https://example.com,DNS:b.example.com", "b.example.com"},
        {"cn.example", "URI:SIP:example.com;transport=tls", "example.com"},
        {"cn.example", "URI:sip:example.com:5061,URI:sip:", "example.com"},
        {"cn.example", "DNS:*.example.com", ""},
        {"*.example.com", NULL, ""},
        {"cn.example", "DNS:example.com.", "example.com"},
        {"cn.example", "DNS:-a.example,DNS:a b", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(names_of(cases[i].common_name, cases[i].alternatives, TLS_NAMES_OF_PEER), cases[i].names);
}

static void of_ours(void **state)
{
    (void)state;
    assert_string_equal(names_of("cn.example", "DNS:*.example.com,URI:sip:example.org", TLS_NAMES_OF_OURS),
                        "example.org *.example.com");
    assert_string_equal(names_of("*.example.net", NULL, TLS_NAMES_OF_OURS), "*.example.net");
}

/* A NUL in a name would make a prefix of it look like the whole. */
static void with_a_nul(void **state)
{
    (void)state;
    char bytes[256];
    struct buffer names = buffer_over(bytes, sizeof(bytes));
    EVP_PKEY *key;
    X509 *certificate = make_certificate("x", NULL, 60, &key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"good.example\0.evil.example", 26, -1, 0),
                     1);
    tls_names_add(certificate, TLS_NAMES_OF_PEER, &names);
    assert_int_equal(names.len, 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void match(void **state)
{
    (void)state;
    static const char list[] = "\x0b"
                               "example.com"
                               "\x0d"
                               "*.example.org";
    struct span names = span_make(list, sizeof(list) - 1);
    assert_true(tls_names_have(names, SPAN("EXAMPLE.com")));
    assert_false(tls_names_have(names, SPAN("a.example.com")));
    assert_false(tls_names_have(names, SPAN("a.example.org")));
    assert_true(tls_names_cover(names, SPAN("A.Example.org")));
    assert_false(tls_names_cover(names, SPAN("example.org")));
    assert_false(tls_names_cover(names, SPAN(".example.org")));
    assert_false(tls_names_cover(names, SPAN("a.b.example.org")));
    assert_false(tls_names_cover(names, SPAN("org")));
    /* Damaged lists end. */
    struct span rest = SPAN("\x05"
                            "abc"),
                name;
    assert_false(tls_names_next(&rest, &name));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_peer),
        cmocka_unit_test(of_ours),
        cmocka_unit_test(with_a_nul),
        cmocka_unit_test(match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
