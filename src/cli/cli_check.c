/* SPDX-License-Identifier: Apache-2.0 */
/* verdict check: what is wrong with a policy, or likely to be, without running it. */
#include "cli/cli_main.h"
#include "offline/offline_check.h"

#include <stdio.h>

static const struct cli_option options[] = {CLI_END};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_check_command = {
    .name = "check",
    .path = "check",
    .arguments = "POLICY",
    .summary = "Finds errors and likely mistakes in a policy (a folder or a .lua file) without running it.",
    .details = "Exit code 1 when there is an error; warnings alone are 0.",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};

static int run(const struct cli_command *command, int argc, char **argv)
{
    char no_values;
    struct cli_arguments arguments;
    int exit_code;
    if (!cli_options_read(command, argc, argv, &no_values, &arguments, &exit_code))
        return exit_code;
    struct buffer out = buffer_heap(1 << 20);
    unsigned errors = 0;
    unsigned warnings = 0;
    enum err err = offline_check_policy(arguments.items[0], &out, &errors, &warnings);
    cli_write(buffer_span(&out));
    bool said_nothing = out.len == 0;
    buffer_done(&out);
    if (err != OK && said_nothing) {
        cli_error(command, "%s: %s", arguments.items[0], err_text(err));
        return CLI_EXIT_FAILED;
    }
    (void)printf("%s: %u error%s, %u warning%s\n", arguments.items[0], errors, errors == 1 ? "" : "s", warnings,
                 warnings == 1 ? "" : "s");
    return err == OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
