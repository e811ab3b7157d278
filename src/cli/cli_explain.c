/* SPDX-License-Identifier: Apache-2.0 */
/* verdict explain: how one request would be answered, and why. */
#include "cli/cli_main.h"
#include "daemon/daemon_lookup.h"
#include "facts/facts_hours.h"
#include "net/net_address.h"
#include "offline/offline_explain.h"
#include "replay/replay_line.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
    const char *data;
    const char *config;
    const char *record;
    const char *forward;
    const char *from;
    const char *transport;
    const char *now;
    bool trusted;
    bool json;
};

static const struct cli_option options[] = {
    {.name = "data",
     .value = "DIR",
     .help = "ask the directory of this data folder (no daemon may be using it)",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, data)},
    {.name = "record",
     .value = "active|suspended|moved|gone|unreadable",
     .help = "what the directory says; default: no entry",
     .kind = CLI_CHOICE,
     .at = offsetof(struct values, record)},
    {.name = "forward",
     .value = "URI",
     .help = "the forwarding address of that record",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, forward)},
    {.name = "from",
     .value = "ADDR[:PORT]",
     .help = "where the request comes from; default: 192.0.2.1:5060",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, from)},
    {.name = "transport",
     .value = "udp|tcp",
     .help = "how it comes; default: udp",
     .kind = CLI_CHOICE,
     .at = offsetof(struct values, transport)},
    {.name = "trusted", .help = "its source is trusted", .kind = CLI_FLAG, .at = offsetof(struct values, trusted)},
    {.name = "now",
     .value = "TIME",
     .help = "when it comes, as 2026-01-31T12:00:00Z; default: now",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, now)},
    {.name = "config",
     .value = "FILE",
     .help = "the configuration: domains, numbers, guard, timers",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, config)},
    {.name = "json", .help = "as JSON", .kind = CLI_FLAG, .at = offsetof(struct values, json)},
    CLI_END};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_explain_command = {
    .name = "explain",
    .path = "explain",
    .arguments = "POLICY MESSAGE.sip|DECISIONS.jsonl",
    .summary = "Says how a request would be answered: each rule and why it fits or not, facts, bytes, what follows.",
    .details =
        "MESSAGE.sip is one SIP request (- is standard input); lone line feeds become CRLF.\n"
        "A decision log kept with log_request = true explains each of its decisions: when, whence and with which\n"
        "To tag then, so that the answer is the one that went out, to the byte.\n"
        "Dispatch, guard and reply builder are the daemon's; nothing is sent.",
    .options = options,
    .args_min = 2,
    .args_max = 2,
    .run = run,
};

enum { MESSAGE_MAX = 65535 };

/* The file's bytes; one without any CR was written by hand, and gets them. */
static enum err read_message(const char *path, FILE *file, struct buffer *out, struct fault *fault)
{
    char bytes[MESSAGE_MAX + 1];
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    if (ferror(file))
        return fault_set(fault, ERR_IO, path, 0, "cannot be read");
    bool by_hand = !memchr(bytes, '\r', len);
    for (size_t i = 0; i < len; i++) {
        if (by_hand && bytes[i] == '\n')
            buffer_add_byte(out, '\r');
        buffer_add_byte(out, bytes[i]);
    }
    if (by_hand && !memmem(out->at, out->len, "\r\n\r\n", 4))
        buffer_add_literal(out, "\r\n");
    if (len == 0)
        return fault_set(fault, ERR_INVALID, path, 0, "is empty");
    return len <= MESSAGE_MAX && !out->overflow
               ? OK
               : fault_set(fault, ERR_TOO_LONG, path, 0, "more than %d bytes", MESSAGE_MAX);
}

static void take_record(const struct values *values, struct authoring_test_case *request)
{
    struct policy_record *record = &request->record;
    if (!values->record)
        return;
    request->has_record = AUTHORING_TEST_RECORD;
    record->kind = "account";
    if (values->forward)
        record->forward = span_of(values->forward);
    for (unsigned i = POLICY_STATE_ACTIVE; i < POLICY_STATE_COUNT; i++) {
        if (strcmp(values->record, policy_state_name((enum policy_state)i)) == 0)
            record->state = (enum policy_state)i;
    }
    if (strcmp(values->record, "unreadable") == 0)
        request->has_record = AUTHORING_TEST_UNREADABLE;
}

static enum err take_circumstances(const struct values *values, struct authoring_test_case *request,
                                   struct fault *fault)
{
    struct net_address from = {0};
    int64_t seconds = 0;
    enum err err = net_address_parse(span_of(values->from ? values->from : "192.0.2.1"), 5060, &from);
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "--from %s: expected an address, as in 192.0.2.1:5060", values->from);
    request->source = (struct policy_peer){.family = from.family == NET_FAMILY_IP6 ? 6 : 4,
                                           .port = from.port,
                                           .transport = values->transport ? values->transport : "udp",
                                           .trusted = values->trusted};
    memcpy(request->source.address, from.ip, sizeof(request->source.address));
    request->now_ms = clock_wall_ms();
    if (values->now && !facts_time_parse(span_of(values->now), &seconds))
        return fault_set(fault, ERR_INVALID, NULL, 0, "--now %s: expected a time such as 2026-01-31T12:00:00Z",
                         values->now);
    if (values->now)
        request->now_ms = seconds * 1000;
    take_record(values, request);
    return OK;
}

static enum err explain_one(const struct values *values, const char *path, FILE *file, struct offline_explain_ask *ask,
                            struct fault *fault)
{
    struct buffer message = buffer_heap(2 * MESSAGE_MAX), out = buffer_heap(4 << 20);
    enum err err = read_message(path, file, &message, fault);
    ask->request.message = buffer_span(&message);
    if (err == OK)
        err = take_circumstances(values, &ask->request, fault);
    if (err == OK)
        err = offline_explain(ask, &out, fault);
    if (err == OK)
        cli_write(buffer_span(&out));
    buffer_done(&out);
    buffer_done(&message);
    return err;
}

/* A decision log, read as it comes; a line that cannot be explained is named, and the next one goes on. */
struct stream {
    const char *path;
    struct offline_explainer *explainer;
    struct daemon_lookup *lookup;
    struct replay_line line;
    struct buffer out;
    unsigned long number;
    unsigned long explained, failed, in_calls;
};

static void explain_line(struct stream *stream, struct span text)
{
    const char *why = "";
    enum err err = OK;
    switch (replay_line_read(text, &stream->line, &why)) {
    case REPLAY_LINE_DECISION:
        buffer_clear(&stream->out);
        err = offline_explainer_receive(stream->explainer, &stream->line.message, &stream->out);
        why = err == OK ? "" : err_text(err);
        daemon_lookup_turn_end(stream->lookup);
        break;
    case REPLAY_LINE_IN_CALL:
        stream->in_calls++;
        return;
    case REPLAY_LINE_OTHER:
        return;
    case REPLAY_LINE_NO_REQUEST:
        why = "the log was kept without log_request = true";
        break;
    case REPLAY_LINE_BAD:
        break;
    }
    if (why[0] == '\0') {
        cli_write(buffer_span(&stream->out));
        stream->explained++;
    } else if (stream->failed++ < 10) {
        (void)fprintf(stderr, "verdict explain: %s:%lu: %s\n", stream->path, stream->number, why);
    }
}

static enum err explain_log(const char *path, FILE *file, const struct offline_explain_ask *ask,
                            struct daemon_lookup *lookup, struct fault *fault)
{
    struct stream stream = {.path = path, .lookup = lookup, .out = buffer_heap(4 << 20)};
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    enum err err = offline_explainer_new(ask, &stream.explainer, fault);
    while (err == OK && (len = getline(&text, &cap, file)) > 0) {
        stream.number++;
        explain_line(&stream, span_make(text, (size_t)len - (text[len - 1] == '\n')));
    }
    if (stream.in_calls)
        (void)fprintf(stderr,
                      "verdict explain: %lu requests inside calls were passed over: what on_request says is shown by "
                      "in_call in test.lua\n",
                      stream.in_calls);
    if (err == OK && stream.failed)
        err = fault_set(fault, ERR_INVALID, path, 0, "%lu lines could not be explained, %lu were", stream.failed,
                        stream.explained);
    offline_explainer_free(stream.explainer);
    replay_line_done(&stream.line);
    buffer_done(&stream.out);
    free(text);
    return err;
}

static enum err explain(const struct values *values, const struct cli_arguments *arguments,
                        struct engine_config *config, struct fault *fault)
{
    const char *path = arguments->items[1];
    struct daemon_lookup lookup = {0};
    struct offline_explain_ask ask = {.policy = arguments->items[0], .json = values->json};
    bool is_input = strcmp(path, "-") == 0;
    enum err err = OK;
    if (values->config) {
        err = engine_config_load(config, values->config, fault);
        if (err == OK)
            err = engine_config_flag(config, "policy", ask.policy, true, fault);
        if (err == OK)
            err = engine_config_finish(config, fault);
        ask.config = config;
    }
    if (err == OK && values->data) {
        err = daemon_lookup_open(&lookup, values->data, fault);
        ask.lookup = (struct engine_lookup){.ctx = &lookup, .find = daemon_lookup_find};
    }
    FILE *file = is_input ? stdin : fopen(path, "re");
    if (err == OK && !file)
        err = fault_set(fault, ERR_IO, path, 0, "cannot be read: %s", strerror(errno));
    if (err == OK) {
        int first = ungetc(getc(file), file);
        err =
            first == '{' ? explain_log(path, file, &ask, &lookup, fault) : explain_one(values, path, file, &ask, fault);
    }
    if (file && !is_input)
        (void)fclose(file);
    daemon_lookup_close(&lookup);
    return err;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct values values = {0};
    struct cli_arguments arguments;
    struct engine_config config;
    struct fault fault = {0};
    int exit_code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &exit_code))
        return exit_code;
    if (engine_config_init(&config) != OK) {
        cli_error(command, "out of memory");
        return CLI_EXIT_FAILED;
    }
    log_set_level(
        LOG_NOTHING); /* a lost ACK that is only imagined is no news, and a failure stands in the explanation */
    enum err err = explain(&values, &arguments, &config, &fault);
    if (err != OK) {
        char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
        fault_format(&fault, text, sizeof(text));
        cli_error(command, "%s", text);
    }
    engine_config_done(&config);
    return err == OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
