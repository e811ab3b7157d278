/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the engine that a command is for, and asking it. */
#pragma once

#include "cli/cli_http.h"
#include "cli/cli_options.h"

enum { CLI_SOCKET_MAX = 256 };

/* The socket of the running engine: `control` itself; else the one that the lock of data folder `data` names; else what
 * the environment's VERDICT_CONTROL or VERDICT_DATA say.  ERR_NOT_FOUND: no engine runs there; ERR_INVALID: nobody
 * said where. */
MUST_CHECK enum err cli_control_socket(const char *control, const char *data, char out_socket[CLI_SOCKET_MAX],
                                       struct fault *fault);
/* The data folder that is meant: `data`, else VERDICT_DATA, else NULL. */
const char *cli_control_data(const char *data);

/* Asks and prints: `print` for people, or the JSON itself where `as_json`.  Errors of the engine are printed as such.  Returns the
 * exit code. */
struct cli_control_call {
    const struct cli_command *command;
    const char *socket;
    const char *method;
    const char *path;
    struct span body;
    bool as_json;
    void (*print)(const json_t *answer, FILE *to);
};
int cli_control_run(const struct cli_control_call *call);

/* Prints an answer as cli_control_run does. */
int cli_control_show(const struct cli_control_call *call, const struct cli_http_answer *answer);
