/* SPDX-License-Identifier: Apache-2.0 */
/* verdict replay: the traffic of the past, decided again. */
#include "cli/cli_main.h"
#include "daemon/daemon_lookup.h"
#include "replay/replay.h"
#include "util/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct values {
    const char *against;
    const char *data;
    const char *config;
    const char *filter;
    uint32_t examples;
    bool progress;
    bool json;
};

static const struct cli_option options[] = {
    {.name = "against",
     .value = "POLICY2",
     .help = "compare with what POLICY2 answers, not with what was answered then",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, against)},
    {.name = "data",
     .value = "DIR",
     .help = "ask the directory of this data folder (no daemon may be using it)",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, data)},
    {.name = "config",
     .value = "FILE",
     .help = "the configuration: domains, numbers, trusted sources, guard",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, config)},
    {.name = "filter",
     .value = "EXPRESSION",
     .help = "of a capture, only these packets, as for tcpdump: \"host 192.0.2.1\"",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, filter)},
    {.name = "examples",
     .value = "N",
     .help = "show the first N differences; default: 10",
     .kind = CLI_NUMBER,
     .at = offsetof(struct values, examples),
     .most = 100000},
    {.name = "progress",
     .help = "say how far it is, also when standard error is no terminal",
     .kind = CLI_FLAG,
     .at = offsetof(struct values, progress)},
    {.name = "json", .help = "as JSON", .kind = CLI_FLAG, .at = offsetof(struct values, json)},
    CLI_END};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_replay_command = {
    .name = "replay",
    .path = "replay",
    .arguments = "POLICY CAPTURE.pcap|DECISIONS.jsonl",
    .summary = "Decides a day's real traffic again, and says what would change.",
    .details =
        "The traffic is a packet capture (pcap or pcapng), or a decision log that was kept with log_request = true\n"
        "(- is standard input). POLICY's answers are compared with those of then (a capture's own, matched by\n"
        "transaction), or with POLICY2's. Each request is decided at its own time, so opening hours replay right.\n"
        "Only requests outside dialogs are decided, each transaction once; nothing is sent. Where nothing could be\n"
        "decided it says why and exits with 1; what was left out (TLS, WebSockets, cut packets, ...) is always "
        "counted.",
    .options = options,
    .args_min = 2,
    .args_max = 2,
    .run = run,
};

struct view {
    const struct cli_command *command;
    struct daemon_lookup lookup;
    bool is_open; /* a line of progress stands there, and is written over */
};

static void clear_line(struct view *view)
{
    if (view->is_open)
        (void)fprintf(stderr, "\r\033[K");
    view->is_open = false;
}

static void on_progress(void *ctx, const struct replay_progress *progress)
{
    struct view *view = ctx;
    bool terminal = isatty(STDERR_FILENO);
    if (terminal)
        clear_line(view);
    if (progress->bytes_total)
        (void)fprintf(stderr, "%5.1f %%  ", 100.0 * (double)progress->bytes_read / (double)progress->bytes_total);
    (void)fprintf(stderr, "%llu decided, %llu differ%s", (unsigned long long)progress->decided,
                  (unsigned long long)progress->differ, terminal ? "" : "\n");
    (void)fflush(stderr);
    view->is_open = terminal;
}

static void on_complaint(void *ctx, const char *text)
{
    struct view *view = ctx;
    clear_line(view);
    cli_error(view->command, "%s", text);
}

static void on_turn(void *ctx)
{
    struct view *view = ctx;
    daemon_lookup_turn_end(&view->lookup);
}

static enum err load_config(const struct values *values, const char *policy, struct engine_config *config,
                            struct fault *fault)
{
    enum err err = engine_config_load(config, values->config, fault);
    if (err == OK)
        err = engine_config_flag(config, "policy", policy, true, fault);
    return err == OK ? engine_config_finish(config, fault) : err;
}

static void print(const struct replay_ask *ask, const struct replay_result *result, bool json)
{
    struct buffer out = buffer_heap(64 << 20);
    if (json)
        replay_report_json(ask, result, &out);
    else
        replay_report_text(ask, result, &out);
    cli_write(buffer_span(&out));
    buffer_done(&out);
}

/* A replay of nothing has shown nothing, and must not pass for one that found no difference. */
static enum err check_decided(const struct replay_ask *ask, const struct replay_result *result, struct fault *fault)
{
    char text[FAULT_TEXT_MAX];
    struct buffer why = buffer_over(text, sizeof(text));
    if (result->counters.decided)
        return OK;
    replay_report_nothing(result, &why);
    return fault_set(fault, ERR_NOT_FOUND, ask->traffic, 0, "%.*s", SPAN_ARG(buffer_span(&why)));
}

static enum err replay(const struct values *values, const struct cli_arguments *arguments, struct view *view,
                       struct engine_config *config, struct fault *fault)
{
    struct replay_result *result = NULL;
    struct replay_ask ask = {
        .policy = arguments->items[0],
        .against = values->against,
        .traffic = arguments->items[1],
        .filter = values->filter,
        .examples = values->examples,
        .progress = values->progress || isatty(STDERR_FILENO) ? on_progress : NULL,
        .complain = on_complaint,
        .ctx = view,
    };
    enum err err = OK;
    if (values->config) {
        err = load_config(values, ask.policy, config, fault);
        ask.config = config;
    }
    if (err == OK && values->data) {
        err = daemon_lookup_open(&view->lookup, values->data, fault);
        ask.lookup = (struct engine_lookup){.ctx = &view->lookup, .find = daemon_lookup_find};
        ask.turn = on_turn;
    }
    if (err == OK)
        err = replay_run(&ask, &result, fault);
    clear_line(view);
    if (err == OK) {
        print(&ask, result, values->json);
        err = check_decided(&ask, result, fault);
    }
    replay_result_free(result);
    daemon_lookup_close(&view->lookup);
    return err;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct values values = {.examples = 10};
    struct cli_arguments arguments;
    struct engine_config config;
    struct fault fault = {0};
    struct view view = {.command = command};
    int exit_code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &exit_code))
        return exit_code;
    if (engine_config_init(&config) != OK) {
        cli_error(command, "out of memory");
        return CLI_EXIT_FAILED;
    }
    log_set_level(LOG_NOTHING); /* what a policy logs of the past, and its failures, are counted */
    enum err err = replay(&values, &arguments, &view, &config, &fault);
    if (err != OK) {
        char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
        fault_format(&fault, text, sizeof(text));
        cli_error(command, "%s", text);
    }
    engine_config_done(&config);
    return err == OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
