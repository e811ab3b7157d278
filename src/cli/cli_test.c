/* SPDX-License-Identifier: Apache-2.0 */
/* verdict test: runs a policy's own test.lua without a network. */
#include "cli/cli_main.h"
#include "engine/engine_check.h"

#include <stdio.h>

static const struct cli_option options[] = {CLI_END};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_test_command = {
    .name = "test",
    .path = "test",
    .arguments = "POLICY",
    .summary = "Runs a policy's own test.lua, with the engine's dispatch and guard but without a network.",
    .details = "Exit code 1 when a test fails or there is none.",
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
    struct buffer out = buffer_heap(4 << 20);
    unsigned passed = 0;
    unsigned failed = 0;
    enum err err = engine_test_policy(arguments.items[0], &out, &passed, &failed);
    cli_write(buffer_span(&out));
    bool said_nothing = out.len == 0;
    buffer_done(&out);
    if (err != OK && said_nothing) {
        cli_error(command, "%s: %s", arguments.items[0],
                  err == ERR_NOT_FOUND ? "there is no test.lua beside the policy" : err_text(err));
        return CLI_EXIT_FAILED;
    }
    (void)printf("%s: %u passed, %u failed\n", arguments.items[0], passed, failed);
    return err == OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
