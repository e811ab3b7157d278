/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: each is complete, is found, is explained; misspelt ones get a suggestion. */
#include "support_run.h"

static void check_command(const struct cli_command *command, const char *path)
{
    assert_string_equal(command->path, path);
    assert_true(command->summary && command->summary[0]);
    assert_non_null(command->arguments);
    assert_true((command->run != NULL) != (command->children != NULL));
    assert_true(command->args_min <= command->args_max);
    assert_true(command->args_min == 0 || command->arguments[0]);
    for (const struct cli_option *option = command->options; option && option->name; option++) {
        assert_true(option->help && option->help[0]);
        assert_true((option->kind == CLI_FLAG) == (option->value == NULL));
        assert_true(option->least <= option->most);
        for (const struct cli_option *other = command->options; other != option; other++)
            assert_string_not_equal(other->name, option->name);
    }
}

static void every_command_is_complete(void **state)
{
    (void)state;
    for (const struct cli_command *const *at = cli_main_commands(); *at; at++) {
        check_command(*at, (*at)->name);
        for (const struct cli_command *const *child = (*at)->children; child && *child; child++) {
            char path[64];
            (void)snprintf(path, sizeof(path), "%s %s", (*at)->name, (*child)->name);
            check_command(*child, path);
        }
    }
}

static void every_command_explains_itself(void **state)
{
    (void)state;
    static struct run_output out;
    for (const struct cli_command *const *at = cli_main_commands(); *at; at++) {
        char line[64];
        char usage[64];
        (void)snprintf(usage, sizeof(usage), "usage: verdict %s", (*at)->name);
        (void)snprintf(line, sizeof(line), "help %s", (*at)->name);
        run_line(&out, line, NULL);
        assert_says(&out, CLI_EXIT_OK, usage);
        (void)snprintf(line, sizeof(line), "%s --help", (*at)->name);
        run_line(&out, line, NULL);
        assert_says(&out, CLI_EXIT_OK, usage);
    }
    run_line(&out, "help directory retire", NULL);
    assert_says(&out, CLI_EXIT_OK, "usage: verdict directory retire [OPTION]... KEY");
    run_line(&out, "help", NULL);
    assert_says(&out, CLI_EXIT_OK, "  probe ");
    run_line(&out, "--help", NULL);
    assert_says(&out, CLI_EXIT_OK, "  probe ");
}

static void misuse_is_told(void **state)
{
    (void)state;
    static struct run_output out;
    run_line(&out, "relaod", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "verdict: unknown command \"relaod\": did you mean reload?");
    run_line(&out, "xyzzy", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "verdict: unknown command \"xyzzy\": verdict help lists the commands");
    run_line(&out, "directory retyre", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "did you mean retire?");
    run_line(&out, "directory", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "verdict directory: expected a command");
    run_line(&out, "help relaod", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "did you mean reload?");
    run_line(&out, "help reload now", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "expected the name of a command");
    run_line(&out, "--jsno", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "expected a command");
    run_line(&out, "", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "usage: verdict");
    run_line(&out, "reload --polcy x", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "verdict reload: unknown option --polcy: did you mean --policy?");
}

static void the_version_is_told(void **state)
{
    (void)state;
    static struct run_output out;
    run_line(&out, "--version", NULL);
    assert_says(&out, CLI_EXIT_OK, "verdict " VERDICT_VERSION "\n");
}

static void a_probe_is_checked_before_anything_is_sent(void **state)
{
    (void)state;
    static struct run_output out;
    run_line(&out, "probe", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "verdict probe: expected URI");
    run_line(&out, "probe alice@127.0.0.1", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "expected sip:USER@HOST");
    run_line(&out, "probe sip:alice@127.0.0.1 --transport sctp", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "udp|tcp|tls");
    run_line(&out, "probe tel:+15550100", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "names no host: give --proxy HOST");
    run_line(&out, "probe --method OPTIONS --no-ack sip:a@127.0.0.1", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "--no-ack is for INVITE");
    run_line(&out, "probe --method ACK sip:a@127.0.0.1", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "has no answer of its own");
    run_line(&out, "probe --proxy a@b sip:a@127.0.0.1", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "--proxy a@b: expected HOST or HOST:PORT");
    run_line(&out, "probe --header x sip:a@127.0.0.1", NULL);
    assert_says(&out, CLI_EXIT_FAILED, "expected \"Name: value\"");
}

static void run_refuses_what_it_cannot_mean(void **state)
{
    (void)state;
    static struct run_output out;
    run_line(&out, "run --set nonsense x.lua", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "--set nonsense: expected KEY=VALUE");
    run_line(&out, "run --config /nonexistent/verdict.lua x.lua", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "/nonexistent/verdict.lua");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_complete),
        cmocka_unit_test(every_command_explains_itself),
        cmocka_unit_test(misuse_is_told),
        cmocka_unit_test(the_version_is_told),
        cmocka_unit_test(a_probe_is_checked_before_anything_is_sent),
        cmocka_unit_test(run_refuses_what_it_cannot_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
