/* SPDX-License-Identifier: Apache-2.0 */
/* Option parsing by table: every kind, every complaint, and help. */
#include "cli/cli_options.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

struct values {
    bool json;
    const char *data;
    uint32_t count;
    uint32_t timeout_ms;
    const char *transport;
    struct cli_list headers;
};

static const struct cli_option options[] = {
    {"json", NULL, "as JSON", CLI_FLAG, offsetof(struct values, json), 0, 0},
    {"data", "DIR", "data folder", CLI_TEXT, offsetof(struct values, data), 0, 0},
    {"count", "N", "how many", CLI_NUMBER, offsetof(struct values, count), 1, 10},
    {"timeout", "SECONDS", "how long", CLI_SECONDS, offsetof(struct values, timeout_ms), 100, 60000},
    {"transport", "udp|tcp", "which", CLI_CHOICE, offsetof(struct values, transport), 0, 0},
    {"header", "TEXT", "one more", CLI_LIST, offsetof(struct values, headers), 0, 0},
    CLI_END,
};

static const struct cli_command command = {
    .name = "add",
    .path = "directory add",
    .arguments = "KEY [FORWARD]",
    .summary = "Adds.",
    .details = "More.",
    .options = options,
    .args_min = 1,
    .args_max = 2,
};

static struct values values;
static struct cli_arguments arguments;
static struct fault fault;

/* Splits at blanks, so that a test is one line. */
static enum cli_parse parse(const char *line)
{
    static char text[512];
    char *argv[CLI_LIST_MAX * 2 + 8];
    int argc = 0;
    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *at = text; *at;) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = '\0';
    }
    values = (struct values){.count = 1};
    fault = (struct fault){0};
    return cli_options_parse(&command, argc, argv, &values, &arguments, &fault);
}

static void every_kind_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("--json --data d --count=10 --timeout 0.5 key --transport tcp --header a --header=b=c fwd"),
                     CLI_PARSE_OK);
    assert_true(values.json);
    assert_string_equal(values.data, "d");
    assert_int_equal(values.count, 10);
    assert_int_equal(values.timeout_ms, 500);
    assert_string_equal(values.transport, "tcp");
    assert_int_equal(values.headers.count, 2);
    assert_string_equal(values.headers.items[1], "b=c");
    assert_int_equal(arguments.count, 2);
    assert_string_equal(arguments.items[1], "fwd");
}

static void what_is_not_given_stays(void **state)
{
    (void)state;
    assert_int_equal(parse("key"), CLI_PARSE_OK);
    assert_int_equal(values.count, 1);
    assert_null(values.data);
    assert_false(values.json);
}

static void a_double_dash_ends_options_and_a_single_one_is_an_argument(void **state)
{
    (void)state;
    assert_int_equal(parse("-- --json -x"), CLI_PARSE_OK);
    assert_string_equal(arguments.items[0], "--json");
    assert_string_equal(arguments.items[1], "-x");
    assert_int_equal(parse("-"), CLI_PARSE_OK);
    assert_string_equal(arguments.items[0], "-");
}

static void help_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(parse("--help"), CLI_PARSE_HELP);
    assert_int_equal(parse("-h"), CLI_PARSE_HELP);
    assert_int_equal(parse("key --json -h"), CLI_PARSE_HELP);
}

static void assert_bad(const char *line, const char *text)
{
    assert_int_equal(parse(line), CLI_PARSE_BAD);
    assert_string_equal(fault.text, text);
}

static void complaints_say_what_was_expected(void **state)
{
    (void)state;
    assert_bad("k --jsno", "unknown option --jsno: did you mean --json?");
    assert_bad("k --tranport=udp", "unknown option --tranport=udp: did you mean --transport?");
    assert_bad("k -json", "unknown option -json: did you mean --json?");
    assert_bad("k --hlep", "unknown option --hlep: did you mean --help?");
    assert_bad("k --xyzzy", "unknown option --xyzzy: see verdict help directory add");
    assert_bad("k --json=yes", "--json takes no value");
    assert_bad("k --data", "--data needs a value: DIR");
    assert_bad("k --count 0", "--count 0: expected a number from 1 to 10");
    assert_bad("k --count 11", "--count 11: expected a number from 1 to 10");
    assert_bad("k --count ten", "--count ten: expected a number from 1 to 10");
    assert_bad("k --count=", "--count : expected a number from 1 to 10");
    assert_bad("k --timeout 0.05", "--timeout 0.05: expected seconds from 0.1 to 60");
    assert_bad("k --timeout 61", "--timeout 61: expected seconds from 0.1 to 60");
    assert_bad("k --transport tls", "--transport tls: expected udp|tcp");
    assert_bad("k --transport udp|tcp", "--transport udp|tcp: expected udp|tcp");
    assert_bad("", "expected KEY [FORWARD]");
    assert_bad("a b c", "unexpected \"c\": expected KEY [FORWARD]");
}

static void a_list_is_capped(void **state)
{
    (void)state;
    char *argv[CLI_LIST_MAX + 2];
    char header[] = "--header=x";
    for (int i = 0; i <= CLI_LIST_MAX; i++)
        argv[i] = header;
    values = (struct values){.count = 1};
    assert_int_equal(cli_options_parse(&command, CLI_LIST_MAX + 1, argv, &values, &arguments, &fault), CLI_PARSE_BAD);
    assert_string_equal(fault.text, "--header x: expected at most 64 of them");
}

static void seconds_are_read_exactly(void **state)
{
    (void)state;
    uint32_t ms = 7;
    assert_true(cli_seconds_parse("32", &ms));
    assert_int_equal(ms, 32000);
    assert_true(cli_seconds_parse("0.001", &ms));
    assert_int_equal(ms, 1);
    assert_true(cli_seconds_parse("1.25", &ms));
    assert_int_equal(ms, 1250);
    const char *bad[] = {"", ".", ".5", "1.", "1.2345", "-1", "1e3", "1,5", "4294967295", "x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(cli_seconds_parse(bad[i], &ms));
    assert_int_equal(ms, 1250);
}

static void help_comes_from_the_table(void **state)
{
    (void)state;
    char memory[2048];
    struct buffer out = buffer_over(memory, sizeof(memory) - 1);
    cli_options_help(&command, &out);
    memory[out.len] = '\0';
    assert_string_equal(memory, "usage: verdict directory add [OPTION]... KEY [FORWARD]\n"
                                "\n"
                                "Adds.\n"
                                "\n"
                                "More.\n"
                                "\n"
                                "Options:\n"
                                "  --json                    as JSON\n"
                                "  --data DIR                data folder\n"
                                "  --count N                 how many\n"
                                "  --timeout SECONDS         how long\n"
                                "  --transport udp|tcp       which\n"
                                "  --header TEXT ...         one more\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(what_is_not_given_stays),
        cmocka_unit_test(a_double_dash_ends_options_and_a_single_one_is_an_argument),
        cmocka_unit_test(help_is_asked_for),
        cmocka_unit_test(complaints_say_what_was_expected),
        cmocka_unit_test(a_list_is_capped),
        cmocka_unit_test(seconds_are_read_exactly),
        cmocka_unit_test(help_comes_from_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
