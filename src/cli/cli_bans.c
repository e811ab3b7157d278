/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that the engine does not hear for a time. */
#include "cli/cli_control.h"
#include "cli/cli_main.h"
#include "cli/cli_text.h"
#include "util/json.h"

struct bans_values {
    const char *control;
    const char *data;
    bool json;
    const char *note;
    uint32_t seconds;
};

#define COMMON_OPTIONS                                                                                                 \
    {"control", "SOCKET", "the engine's control socket", CLI_TEXT, offsetof(struct bans_values, control), 0, 0},       \
        {"data", "DIR", "its data folder, whose lock names the socket", CLI_TEXT, offsetof(struct bans_values, data),  \
         0,      0},                                                                                                   \
    {                                                                                                                  \
        "json", NULL, "the engine's answer as it came", CLI_FLAG, offsetof(struct bans_values, json), 0, 0             \
    }

static const struct cli_option common_options[] = {COMMON_OPTIONS, CLI_END};
static const struct cli_option add_options[] = {
    {"for", "SECONDS", "how long (default 600)", CLI_NUMBER, offsetof(struct bans_values, seconds), 1, 366 * 86400},
    {"note", "TEXT", "why, for whoever reads the list", CLI_TEXT, offsetof(struct bans_values, note), 0, 0},
    COMMON_OPTIONS,
    CLI_END,
};

static int run_bans(const struct cli_command *command, int argc, char **argv);

static const struct cli_command list_command = {
    .name = "list",
    .path = "bans list",
    .arguments = "",
    .summary = "Lists the sources that are not heard now.",
    .details = "They are forgotten when the engine ends.",
    .options = common_options,
    .run = run_bans,
};

static const struct cli_command add_command = {
    .name = "add",
    .path = "bans add",
    .arguments = "ADDRESS",
    .summary = "Has the engine ignore all that comes from an address or a block, for a time.",
    .details = "A block that holds a trusted address (the setting `trusted`) is refused.",
    .options = add_options,
    .args_min = 1,
    .args_max = 1,
    .run = run_bans,
};

static const struct cli_command remove_command = {
    .name = "remove",
    .path = "bans remove",
    .arguments = "ADDRESS",
    .summary = "Hears a source again.",
    .options = common_options,
    .args_min = 1,
    .args_max = 1,
    .run = run_bans,
};

static const struct cli_command *const commands[] = {&list_command, &add_command, &remove_command, NULL};

const struct cli_command cli_bans_command = {
    .name = "bans",
    .path = "bans",
    .arguments = "",
    .summary = "Sources that are not heard for a time.",
    .children = commands,
};

static void print_bans(const json_t *answer, FILE *to)
{
    const json_t *bans = json_object_get(answer, "bans");
    size_t count = json_array_size(bans);
    (void)fprintf(to, "%zu bans\n", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *ban = json_array_get(bans, i);
        (void)fprintf(to, "%-40s %8lld s  %s\n", cli_text_of(ban, "address"),
                      (long long)json_integer_value(json_object_get(ban, "left_s")), cli_text_of(ban, "note"));
    }
}

static struct span make_body(const struct cli_command *command, const struct bans_values *values, const char *address,
                             struct buffer *out)
{
    struct json json = json_into(out);
    json_object_begin(&json);
    json_put_text(&json, "address", address);
    if (command == &add_command)
        json_put_u64(&json, "seconds", values->seconds);
    if (values->note)
        json_put_text(&json, "note", values->note);
    json_object_end(&json);
    return buffer_span(out);
}

static int run_bans(const struct cli_command *command, int argc, char **argv)
{
    struct bans_values values = {.seconds = 600};
    struct cli_arguments arguments;
    struct fault fault = {0};
    char socket[CLI_SOCKET_MAX], text[1024];
    struct buffer out = buffer_over(text, sizeof(text));
    int code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &code))
        return code;
    enum err err = cli_control_socket(values.control, values.data, socket, &fault);
    if (err != OK) {
        cli_error(command, "%s", fault.text);
        return err == ERR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
    }
    struct cli_control_call call = {.command = command,
                                    .socket = socket,
                                    .method = command == &list_command ? "GET" : "POST",
                                    .path = command == &list_command  ? "/v1/bans"
                                            : command == &add_command ? "/v1/bans/add"
                                                                      : "/v1/bans/remove",
                                    .as_json = values.json,
                                    .print = print_bans};
    if (command != &list_command)
        call.body = make_body(command, &values, arguments.items[0], &out);
    if (out.overflow) {
        cli_error(command, "address and note are too long");
        return CLI_EXIT_USAGE;
    }
    return cli_control_run(&call);
}
