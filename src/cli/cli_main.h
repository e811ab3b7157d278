/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of subcommands. */
#pragma once

#include "cli/cli_options.h"

/* Runs the command that argv names; returns the process's exit code: 0 done, 1 failed, 2 misused. */
int cli_main(int argc, char **argv);

/* Finds the command that `words` name in a table and its tables of subcommands ("directory", "add").  *out_used is how
 * many words named it.  NULL: `fault` says what was expected, with a suggestion.  A command with subcommands of its own is
 * returned when the words end there. */
const struct cli_command *cli_main_find(const struct cli_command *const *table, int count, char **words, int *out_used,
                                        struct fault *fault);

/* The table, ended by NULL. */
const struct cli_command *const *cli_main_commands(void);

/* Each subcommand's entry in the table. */
extern const struct cli_command cli_run_command;
extern const struct cli_command cli_probe_command;
extern const struct cli_command cli_check_command;
extern const struct cli_command cli_test_command;
extern const struct cli_command cli_explain_command;
extern const struct cli_command cli_replay_command;
extern const struct cli_command cli_bench_command;
extern const struct cli_command cli_new_command;
extern const struct cli_command cli_code_command;
extern const struct cli_command cli_directory_command;
extern const struct cli_command cli_reload_command;
extern const struct cli_command cli_rollback_command;
extern const struct cli_command cli_shadow_command;
extern const struct cli_command cli_probation_command;
extern const struct cli_command cli_versions_command;
extern const struct cli_command cli_status_command;
extern const struct cli_command cli_drain_command;
extern const struct cli_command cli_bans_command;
extern const struct cli_command cli_calls_command;
extern const struct cli_command cli_call_command;
extern const struct cli_command cli_subscriptions_command;
extern const struct cli_command cli_peers_command;
extern const struct cli_command cli_bindings_command;
