/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from a file and from flags: what is wrong is named with file, line and what was expected. */
#include "engine/engine_config.h"
#include "support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum err load(const char *text, struct engine_config *config, struct fault *fault)
{
    char path[] = "/tmp/verdict-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    assert_int_equal(engine_config_init(config), OK);
    enum err err = engine_config_load(config, path, fault);
    unlink(path);
    return err;
}

static void test_a_whole_file(void **state)
{
    (void)state;
    struct engine_config config;
    struct fault fault = {0};
    static const char text[] = "return {\n"
                               "  listen = { \"udp:127.0.0.1:5060\", \"tcp:[::1]:5060\" },\n"
                               "  domains = { \"Example.COM\", \"example.net\" },\n"
                               "  aliases = { [\"sip.example.com\"] = \"example.com\" },\n"
                               "  trusted = \"192.0.2.0/24\",\n"
                               "  workers = 3, t1_ms = 100, guard = \"strict\", log = \"sample 10\",\n"
                               "  log_level = \"warn\", policy = \"policies/hello\", country_code = \"49\",\n"
                               "}\n";
    assert_int_equal(load(text, &config, &fault), OK);
    assert_int_equal(engine_config_finish(&config, &fault), OK);
    assert_int_equal(config.listen.count, 2);
    assert_string_equal(config.listen.items[1], "tcp:[::1]:5060");
    assert_string_equal(config.domains.items[0], "example.com");
    assert_string_equal(config.aliases.items[0], "sip.example.com=example.com");
    assert_int_equal(config.trusted.count, 1);
    assert_int_equal(config.workers, 3);
    assert_int_equal(config.t2_ms, 800);
    assert_int_equal(config.t4_ms, 1000);
    assert_int_equal(config.drain_timeout_ms, 6400);
    assert_true(config.guard_strict);
    assert_int_equal(config.decisions, DECISIONS_SAMPLE);
    assert_int_equal(config.decisions_sample, 10);
    assert_int_equal(config.log_level, LOG_WARN);
    engine_config_done(&config);
}

static void expect_fault(const char *text, int line, const char *part)
{
    struct engine_config config;
    struct fault fault = {0};
    assert_int_not_equal(load(text, &config, &fault), OK);
    assert_int_equal(fault.line, line);
    assert_non_null(strstr(fault.file, "verdict-config-"));
    if (!strstr(fault.text, part))
        fail_msg("expected \"%s\" in \"%s\"", part, fault.text);
    engine_config_done(&config);
}

static void test_what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    expect_fault("return {\n  workers = 2,\n  lisen = \"udp:127.0.0.1:1\",\n}\n", 3, "listen");
    expect_fault("return {\n  workers = \"two\",\n}\n", 2, "whole number");
    expect_fault("return {\n\n  workers = 1000,\n}\n", 3, "whole number");
    expect_fault("return {\n  t1_ms = 0.5,\n}\n", 2, "milliseconds");
    expect_fault("return {\n  listen = { 1, 2 },\n}\n", 2, "expected strings");
    expect_fault("return {\n  guard = \"lax\",\n}\n", 2, "strict");
    expect_fault("return {\n  log = \"sample\",\n}\n", 2, "sample N");
    expect_fault("return {\n  aliases = { \"a\" },\n}\n", 2, "alias = domain");
    expect_fault("return {\n  workers = ,\n}\n", 2, "");
}

static void test_flags_override_and_name_what_they_expected(void **state)
{
    (void)state;
    struct engine_config config;
    struct fault fault = {0};
    assert_int_equal(load("return { listen = \"udp:127.0.0.1:1\", policy = \"a\" }", &config, &fault), OK);
    assert_int_equal(engine_config_flag(&config, "listen", "udp:127.0.0.1:2", true, &fault), OK);
    assert_int_equal(engine_config_flag(&config, "listen", "udp:127.0.0.1:3", false, &fault), OK);
    assert_int_equal(config.listen.count, 2);
    assert_string_equal(config.listen.items[0], "udp:127.0.0.1:2");
    assert_int_equal(engine_config_flag(&config, "t1_ms", "5", true, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "from 10"));
    assert_int_equal(engine_config_flag(&config, "t1_ms", "-5", true, &fault), ERR_INVALID);
    assert_int_equal(engine_config_flag(&config, "nothing", "1", true, &fault), ERR_INVALID);
    engine_config_done(&config);
}

static void test_the_whole_must_fit_together(void **state)
{
    (void)state;
    struct engine_config config;
    struct fault fault = {0};
    assert_int_equal(load("return { t1_ms = 500,\n  t2_ms = 100, policy = \"a\" }", &config, &fault), OK);
    assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
    assert_int_equal(fault.line, 2);
    assert_non_null(strstr(fault.file, "verdict-config-"));
    engine_config_done(&config);
    assert_int_equal(load("return { aliases = { a = \"b\" }, policy = \"a\" }", &config, &fault), OK);
    assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
    engine_config_done(&config);
    assert_int_equal(load("return { country_code = \"x\", policy = \"a\" }", &config, &fault), OK);
    assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
    engine_config_done(&config);
    static const char *const wrong[] = {"collector:9060", "127.0.0.1", "127.0.0.1:0", "x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(load("return { policy = \"a\", hep_id = 7 }", &config, &fault), OK);
        assert_int_equal(engine_config_flag(&config, "hep", wrong[i], true, &fault), OK);
        assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
        assert_non_null(strstr(fault.text, "hep: expected an address and a port"));
        engine_config_done(&config);
    }
    assert_int_equal(load("return { policy = \"a\", hep = \"[::1]:9060\", trace_bytes = 0 }", &config, &fault), OK);
    assert_int_equal(engine_config_finish(&config, &fault), OK);
    engine_config_done(&config);
    static const char *const routes[] = {"sip:edge.example.com;lr", "<sip:edge", "<tel:+1>", "", "<sip:a>, x y",
                                         "<sip:a;lr>\r\nX: y"};
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        assert_int_equal(load("return { policy = \"a\" }", &config, &fault), OK);
        assert_int_not_equal(engine_config_flag(&config, "service_route", routes[i], true, &fault), OK);
        assert_non_null(strstr(fault.text, "service_route: expected routes such as"));
        engine_config_done(&config);
    }
    assert_int_equal(load("return { policy = \"a\", service_route = \"<sip:a;lr>, <sips:b;lr>\", "
                          "register_min_s = 100, register_max_s = 50 }",
                          &config, &fault),
                     OK);
    assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "register_"));
    engine_config_done(&config);
    static const char *const hosts[] = {"0.0.0.0", "::", "[::]", "a b", "x>;a=1"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "return { advertise = \"%s\", policy = \"a\" }", hosts[i]);
        assert_int_equal(load(text, &config, &fault), OK);
        assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
        assert_non_null(strstr(fault.text, "advertise"));
        engine_config_done(&config);
    }
    assert_int_equal(load("return { domains = { \"bad domain!\" }, policy = \"a\" }", &config, &fault), OK);
    assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
    engine_config_done(&config);
    assert_int_equal(load("return {}", &config, &fault), OK);
    assert_int_equal(engine_config_finish(&config, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "no policy"));
    engine_config_done(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(test_flags_override_and_name_what_they_expected),
        cmocka_unit_test(test_the_whole_must_fit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
