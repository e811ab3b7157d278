/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the subcommand and runs it; help and the version. */
#include "cli/cli_main.h"
#include "util/suggest.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int run_help(const struct cli_command *command, int argc, char **argv);

static const struct cli_command help_command = {
    .name = "help",
    .path = "help",
    .arguments = "[COMMAND]...",
    .summary = "Explains a command.",
    .args_max = CLI_LIST_MAX,
    .run = run_help,
};

static const struct cli_command *const commands[] = {
    &cli_run_command,
    &cli_probe_command,
    &cli_check_command,
    &cli_test_command,
    &cli_explain_command,
    &cli_replay_command,
    &cli_bench_command,
    &cli_new_command,
    &cli_code_command,
    &cli_directory_command,
    &cli_reload_command,
    &cli_rollback_command,
    &cli_shadow_command,
    &cli_probation_command,
    &cli_versions_command,
    &cli_status_command,
    &cli_drain_command,
    &cli_bans_command,
    &cli_calls_command,
    &cli_call_command,
    &cli_subscriptions_command,
    &cli_peers_command,
    &cli_bindings_command,
    &help_command,
    NULL,
};

static const struct cli_command verdict = {
    .name = "verdict",
    .path = "",
    .arguments = "",
    .summary = "Verdict decides, for each SIP request, between 200 OK and 410 Gone, by a policy in Lua.",
    .details = "verdict help COMMAND explains a command; verdict --version tells the version.\n"
               "Exit codes: 0 done, 1 failed, 2 misused.",
    .children = commands,
};

const struct cli_command *const *cli_main_commands(void)
{
    return commands;
}

static const struct cli_command *find_named(const struct cli_command *const *table, const char *name)
{
    for (; *table; table++) {
        if (strcmp((*table)->name, name) == 0)
            return *table;
    }
    return NULL;
}

static void fault_unknown(const struct cli_command *const *table, const char *word, struct fault *fault)
{
    struct suggestion suggestion = suggest_for(word);
    for (; *table; table++)
        suggest_consider(&suggestion, (*table)->name);
    if (suggestion.best)
        (void)fault_set(fault, ERR_NOT_FOUND, NULL, 0, "unknown command \"%s\": did you mean %s?", word,
                        suggestion.best);
    else
        (void)fault_set(fault, ERR_NOT_FOUND, NULL, 0, "unknown command \"%s\": verdict help lists the commands", word);
}

const struct cli_command *cli_main_find(const struct cli_command *const *table, int count, char **words, int *out_used,
                                        struct fault *fault)
{
    const struct cli_command *found = NULL;
    int used = 0;
    while (table && used < count && words[used][0] != '-') {
        const struct cli_command *next = find_named(table, words[used]);
        if (!next) {
            fault_unknown(table, words[used], fault);
            return NULL;
        }
        found = next;
        table = next->children;
        used++;
    }
    if (!found) {
        (void)fault_set(fault, ERR_NOT_FOUND, NULL, 0, "expected a command: verdict help lists them");
        return NULL;
    }
    *out_used = used;
    return found;
}

static void print_help(const struct cli_command *command, FILE *to)
{
    struct buffer help = buffer_heap(1 << 16);
    cli_options_help(command, &help);
    if (help.len)
        (void)fwrite(help.at, 1, help.len, to);
    buffer_done(&help);
}

static bool is_any(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int run_help(const struct cli_command *command, int argc, char **argv)
{
    struct fault fault = {0};
    int used = 0;
    if (argc == 0) {
        print_help(&verdict, stdout);
        return CLI_EXIT_OK;
    }
    const bool is_itself = is_any(argv[0], "--help", "-h");
    const struct cli_command *found = is_itself ? command : cli_main_find(commands, argc, argv, &used, &fault);
    if (found && (is_itself || used == argc)) {
        print_help(found, stdout);
        return CLI_EXIT_OK;
    }
    cli_error(command, "%s", found ? "expected the name of a command" : fault.text);
    return CLI_EXIT_USAGE;
}

/* A command that only has subcommands: help is all that it does by itself. */
static int run_group(const struct cli_command *group, int argc, char **argv)
{
    if (argc > 0 && is_any(argv[0], "--help", "-h")) {
        print_help(group, stdout);
        return CLI_EXIT_OK;
    }
    cli_error(group, "expected a command: verdict help %s lists them", group->path);
    return CLI_EXIT_USAGE;
}

int cli_main(int argc, char **argv)
{
    /* A reader that went away (verdict ... | head) is an error of write(), not a silent death. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_help(&verdict, stderr);
        return CLI_EXIT_USAGE;
    }
    if (is_any(argv[1], "--version", "-V")) {
        (void)printf("verdict %s\n", VERDICT_VERSION);
        return CLI_EXIT_OK;
    }
    if (is_any(argv[1], "--help", "-h"))
        return run_help(&help_command, argc - 2, argv + 2);
    struct fault fault = {0};
    int used = 0;
    const struct cli_command *command = cli_main_find(commands, argc - 1, argv + 1, &used, &fault);
    if (!command) {
        cli_error(NULL, "%s", fault.text);
        return CLI_EXIT_USAGE;
    }
    argc -= 1 + used;
    argv += 1 + used;
    return command->run ? command->run(command, argc, argv) : run_group(command, argc, argv);
}
