/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that ask a running engine: reload, rollback, versions, status, drain. */
#include "cli/cli_control.h"
#include "cli/cli_main.h"
#include "cli/cli_text.h"
#include "store/store_lock.h"
#include "util/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct control_values {
    const char *control;
    const char *data;
    const char *policy;
    const char *expect;
    const char *activate_if;
    uint32_t shadow_ms;
    uint32_t sample;
    bool json;
    bool off;
    bool certificates;
    bool force;
    bool cancel;
};

#define COMMON_OPTIONS                                                                                                   \
    {"control", "SOCKET", "the engine's control socket", CLI_TEXT, offsetof(struct control_values, control), 0, 0},      \
        {"data", "DIR", "its data folder, whose lock names the socket", CLI_TEXT, offsetof(struct control_values, data), \
         0,      0},                                                                                                     \
    {                                                                                                                    \
        "json", NULL, "the engine's answer as it came", CLI_FLAG, offsetof(struct control_values, json), 0, 0            \
    }

static const struct cli_option common_options[] = {COMMON_OPTIONS, CLI_END};

static const struct cli_option reload_options[] = {
    {"policy", "PATH", "another folder or .lua file; default: where the active policy came from", CLI_TEXT,
     offsetof(struct control_values, policy), 0, 0},
    {"certificates", NULL, "the certificates of TLS instead, all or none; connections stay", CLI_FLAG,
     offsetof(struct control_values, certificates), 0, 0},
    {"force", NULL, "also bytes that are active already, or that a probation rolled back", CLI_FLAG,
     offsetof(struct control_values, force), 0, 0},
    {"expect", "CHANGE", "a wanted change: \"410 +2%\", \"410 -5%\", \"errors +1%\", \"diff +30%\"", CLI_TEXT,
     offsetof(struct control_values, expect), 0, 0},
    {"shadow", "SECONDS", "first decide beside the active version for so long, and answer nothing", CLI_SECONDS,
     offsetof(struct control_values, shadow_ms), 100, 7 * 86400 * 1000},
    {"sample", "N", "of the shadow: one call in N; default: each", CLI_NUMBER, offsetof(struct control_values, sample),
     1, 1000000},
    {"activate-if", "CONDITION", "at the shadow's end: \"diff < 0.1%\", \"410 < 0.5%, errors < 0.1%\"", CLI_TEXT,
     offsetof(struct control_values, activate_if), 0, 0},
    COMMON_OPTIONS,
    CLI_END,
};

static const struct cli_option shadow_options[] = {
    {"cancel", NULL, "end it; the candidate is discarded", CLI_FLAG, offsetof(struct control_values, cancel), 0, 0},
    COMMON_OPTIONS,
    CLI_END,
};

static const struct cli_option drain_options[] = {
    {"off", NULL, "take new requests again", CLI_FLAG, offsetof(struct control_values, off), 0, 0},
    COMMON_OPTIONS,
    CLI_END,
};

#define WHERE                                                                                                          \
    "Which engine is meant is said by --control or --data, or by VERDICT_CONTROL or VERDICT_DATA in the environment."

static int run_reload(const struct cli_command *command, int argc, char **argv);
static int run_rollback(const struct cli_command *command, int argc, char **argv);
static int run_shadow(const struct cli_command *command, int argc, char **argv);
static int run_probation(const struct cli_command *command, int argc, char **argv);
static int run_versions(const struct cli_command *command, int argc, char **argv);
static int run_status(const struct cli_command *command, int argc, char **argv);
static int run_drain(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_reload_command = {
    .name = "reload",
    .path = "reload",
    .arguments = "",
    .summary = "Loads the policy anew into the running engine, tested, on all workers or on none.",
    .details =
        "Exit code 1 when the policy was refused; the version that decided before decides on.\n"
        "With --shadow the new version first decides a sample of the same requests and answers nothing: `verdict "
        "shadow`\n"
        "shows what would change.  At the end it becomes active by --activate-if, or is discarded.  It comes from "
        "another\n"
        "folder (--policy), or the folder is not watched (watch = false), since a save is loaded at once.\n"
        "After every activation the version before decides a sample of the same requests (probation): when more 410s,\n"
        "errors or kills come of the new one than its band allows, the engine rolls back by itself.\n" WHERE,
    .options = reload_options,
    .run = run_reload,
};
const struct cli_command cli_rollback_command = {
    .name = "rollback",
    .path = "rollback",
    .arguments = "",
    .summary = "Goes back to the policy version before the active one.",
    .details = WHERE,
    .options = common_options,
    .run = run_rollback,
};
const struct cli_command cli_shadow_command = {
    .name = "shadow",
    .path = "shadow",
    .arguments = "",
    .summary = "Shows what the version in the shadow would answer differently, or did when it was the last one.",
    .details = "`verdict reload --shadow 60s` begins one.  Differences are counted by code and rule, the most frequent "
               "first.\n" WHERE,
    .options = shadow_options,
    .run = run_shadow,
};
const struct cli_command cli_probation_command = {
    .name = "probation",
    .path = "probation",
    .arguments = "",
    .summary = "Shows how the active version answers beside the one before, and how the last probation ended.",
    .details = "After every activation the version before decides a sample of the same requests: what leaves its band\n"
               "(probation_band in the configuration) is rolled back by the engine itself.\n" WHERE,
    .options = common_options,
    .run = run_probation,
};
const struct cli_command cli_versions_command = {
    .name = "versions",
    .path = "versions",
    .arguments = "",
    .summary = "Lists the policy versions that the engine knows, the newest first.",
    .details = WHERE,
    .options = common_options,
    .run = run_versions,
};
const struct cli_command cli_status_command = {
    .name = "status",
    .path = "status",
    .arguments = "",
    .summary = "Tells how the engine is: version, listeners, calls, ACKs, directory, drops.",
    .details = WHERE,
    .options = common_options,
    .run = run_status,
};
const struct cli_command cli_drain_command = {
    .name = "drain",
    .path = "drain",
    .arguments = "",
    .summary = "Lets the engine answer new requests with 503; calls go on.",
    .details = WHERE,
    .options = drain_options,
    .run = run_drain,
};

const char *cli_control_data(const char *data)
{
    const char *from_environment = getenv("VERDICT_DATA");
    if (data)
        return data;
    return from_environment && from_environment[0] ? from_environment : NULL;
}

static enum err copy_socket(const char *socket, char out_socket[CLI_SOCKET_MAX], struct fault *fault)
{
    if (!span_copy(span_of(socket), out_socket, CLI_SOCKET_MAX))
        return fault_set(fault, ERR_TOO_LONG, NULL, 0, "the path of the control socket has over %d bytes",
                         CLI_SOCKET_MAX - 1);
    return OK;
}

enum err cli_control_socket(const char *control, const char *data, char out_socket[CLI_SOCKET_MAX], struct fault *fault)
{
    const char *from_environment = getenv("VERDICT_CONTROL");
    if (control)
        return copy_socket(control, out_socket, fault);
    if (!data && from_environment && from_environment[0])
        return copy_socket(from_environment, out_socket, fault);
    data = cli_control_data(data);
    if (!data)
        return fault_set(fault, ERR_INVALID, NULL, 0, "which engine? expected --control SOCKET or --data DIR");
    struct store_holder holder;
    enum err err = store_lock_holder(data, &holder);
    if (err == ERR_NOT_FOUND)
        return fault_set(fault, err, NULL, 0, "no engine runs on the data folder %s", data);
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "%s/verdict.lock: %s", data, err_text(err));
    if (!holder.control_socket[0])
        return fault_set(fault, ERR_BUSY, NULL, 0, "%s is held by process %ld, which has no control socket", data,
                         holder.pid);
    return copy_socket(holder.control_socket, out_socket, fault);
}

int cli_control_show(const struct cli_control_call *call, const struct cli_http_answer *answer)
{
    struct fault fault = {0};
    json_t *json = cli_http_json(answer, &fault);
    if (!json) {
        cli_error(call->command, "%s", fault.text);
        return CLI_EXIT_FAILED;
    }
    if (call->as_json) {
        cli_write(buffer_span(&answer->body));
        cli_write(SPAN("\n"));
    }
    bool failed = cli_http_fault(json, &fault) || answer->status >= 300;
    if (!failed && !call->as_json) {
        cli_text_clean(json);
        call->print(json, stdout);
    }
    if (failed && !call->as_json) {
        char text[FAULT_FILE_MAX + FAULT_TEXT_MAX];
        fault_format(&fault, text, sizeof(text));
        cli_error(call->command, "%s", text);
    }
    json_decref(json);
    return failed ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

int cli_control_run(const struct cli_control_call *call)
{
    struct cli_http_answer answer;
    struct fault fault = {0};
    const struct cli_http_request request = {
        .socket = call->socket, .method = call->method, .path = call->path, .body = call->body};
    int exit_code = CLI_EXIT_FAILED;
    if (cli_http_call(&request, &answer, &fault) == OK)
        exit_code = cli_control_show(call, &answer);
    else
        cli_error(call->command, "%s", fault.text);
    cli_http_answer_done(&answer);
    return exit_code;
}

/* Options and socket of all commands here; false: return *out_exit. */
static bool begin(const struct cli_command *command, int argc, char **argv, struct control_values *values,
                  char socket[CLI_SOCKET_MAX], int *out_exit)
{
    struct cli_arguments arguments;
    struct fault fault = {0};
    *values = (struct control_values){0};
    if (!cli_options_read(command, argc, argv, values, &arguments, out_exit))
        return false;
    enum err err = cli_control_socket(values->control, values->data, socket, &fault);
    if (err == OK)
        return true;
    cli_error(command, "%s", fault.text);
    *out_exit = err == ERR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
    return false;
}

static int run_simple(const struct cli_command *command, int argc, char **argv, struct cli_control_call call)
{
    struct control_values values;
    char socket[CLI_SOCKET_MAX];
    int exit_code;
    if (!begin(command, argc, argv, &values, socket, &exit_code))
        return exit_code;
    call.command = command;
    call.socket = socket;
    call.as_json = values.json;
    return cli_control_run(&call);
}

static int run_rollback(const struct cli_command *command, int argc, char **argv)
{
    return run_simple(command, argc, argv,
                      (struct cli_control_call){.method = "POST", .path = "/v1/rollback", .print = cli_text_report});
}

static int run_shadow(const struct cli_command *command, int argc, char **argv)
{
    struct control_values values;
    char socket[CLI_SOCKET_MAX];
    int exit_code;
    if (!begin(command, argc, argv, &values, socket, &exit_code))
        return exit_code;
    const struct cli_control_call call = {.command = command,
                                          .socket = socket,
                                          .method = values.cancel ? "POST" : "GET",
                                          .path = values.cancel ? "/v1/shadow/cancel" : "/v1/shadow",
                                          .as_json = values.json,
                                          .print = cli_text_trial};
    return cli_control_run(&call);
}

static int run_probation(const struct cli_command *command, int argc, char **argv)
{
    return run_simple(command, argc, argv,
                      (struct cli_control_call){.method = "GET", .path = "/v1/probation", .print = cli_text_trial});
}

static int run_versions(const struct cli_command *command, int argc, char **argv)
{
    return run_simple(command, argc, argv,
                      (struct cli_control_call){.method = "GET", .path = "/v1/versions", .print = cli_text_versions});
}

static int run_status(const struct cli_command *command, int argc, char **argv)
{
    return run_simple(command, argc, argv,
                      (struct cli_control_call){.method = "GET", .path = "/v1/status", .print = cli_text_tree});
}

/* The engine has another working folder, so a path goes to it whole. */
static char *whole_path(const struct cli_command *command, const char *path)
{
    char *whole = realpath(path, NULL);
    if (!whole)
        cli_error(command, "--policy %s: expected a policy's folder or .lua file: %s", path, strerror(errno));
    return whole;
}

static void put_wish(struct json *json, const struct control_values *values)
{
    if (values->force)
        json_put_bool(json, "force", true);
    if (values->expect)
        json_put_text(json, "expect", values->expect);
    if (values->shadow_ms)
        json_put_u64(json, "shadow_ms", values->shadow_ms);
    if (values->sample)
        json_put_u64(json, "sample", values->sample);
    if (values->activate_if)
        json_put_text(json, "activate_if", values->activate_if);
}

static int run_reload(const struct cli_command *command, int argc, char **argv)
{
    struct control_values values;
    char socket[CLI_SOCKET_MAX];
    int exit_code;
    if (!begin(command, argc, argv, &values, socket, &exit_code))
        return exit_code;
    if (values.certificates && values.policy) {
        cli_error(command, "--certificates and --policy do not go together");
        return CLI_EXIT_USAGE;
    }
    if (values.certificates) {
        const struct cli_control_call call = {.command = command,
                                              .socket = socket,
                                              .method = "POST",
                                              .path = "/v1/reload/certificates",
                                              .as_json = values.json,
                                              .print = cli_text_tree};
        return cli_control_run(&call);
    }
    char *path = values.policy ? whole_path(command, values.policy) : NULL;
    if (values.policy && !path)
        return CLI_EXIT_FAILED;
    char memory[8192];
    struct buffer body = buffer_over(memory, sizeof(memory));
    struct json json = json_into(&body);
    json_object_begin(&json);
    if (path)
        json_put_text(&json, "policy", path);
    put_wish(&json, &values);
    json_object_end(&json);
    free(path);
    const struct cli_control_call call = {.command = command,
                                          .socket = socket,
                                          .method = "POST",
                                          .path = "/v1/reload",
                                          .body = buffer_span(&body),
                                          .as_json = values.json,
                                          .print = cli_text_report};
    return cli_control_run(&call);
}

static int run_drain(const struct cli_command *command, int argc, char **argv)
{
    struct control_values values;
    char socket[CLI_SOCKET_MAX];
    int exit_code;
    if (!begin(command, argc, argv, &values, socket, &exit_code))
        return exit_code;
    const struct cli_control_call call = {.command = command,
                                          .socket = socket,
                                          .method = "POST",
                                          .path = "/v1/drain",
                                          .body = values.off ? SPAN("{\"on\":false}") : SPAN("{\"on\":true}"),
                                          .as_json = values.json,
                                          .print = cli_text_tree};
    return cli_control_run(&call);
}
