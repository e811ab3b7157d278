/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on in a running engine: calls, one call's messages as a ladder, subscriptions, who is registered, and the
 * peers by their ACKs. */
#include "cli/cli_control.h"
#include "cli/cli_main.h"
#include "cli/cli_text.h"
#include "probe/probe_ladder.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVERY_MS = 1000, DRAWING_MAX = 1 << 20 };

struct calls_values {
    const char *control;
    const char *data;
    bool json;
    bool watch;
    uint32_t limit;
};

#define COMMON_OPTIONS                                                                                                 \
    {"control", "SOCKET", "the engine's control socket", CLI_TEXT, offsetof(struct calls_values, control), 0, 0},      \
        {"data", "DIR", "its data folder, whose lock names the socket", CLI_TEXT, offsetof(struct calls_values, data), \
         0,      0},                                                                                                   \
    {                                                                                                                  \
        "json", NULL, "the engine's answer as it came", CLI_FLAG, offsetof(struct calls_values, json), 0, 0            \
    }

static const struct cli_option common_options[] = {COMMON_OPTIONS, CLI_END};

static const struct cli_option calls_options[] = {
    {"watch", NULL, "again every second, until interrupted", CLI_FLAG, offsetof(struct calls_values, watch), 0, 0},
    {"limit", "N", "calls to show a worker (default 100)", CLI_NUMBER, offsetof(struct calls_values, limit), 1, 10000},
    COMMON_OPTIONS,
    CLI_END,
};

static const struct cli_option subscriptions_options[] = {
    {"limit", "N", "subscriptions to show a worker (default 100)", CLI_NUMBER, offsetof(struct calls_values, limit), 1,
     10000},
    COMMON_OPTIONS,
    CLI_END,
};

static const struct cli_option bindings_options[] = {
    {"limit", "N", "bindings to show a worker (default 100)", CLI_NUMBER, offsetof(struct calls_values, limit), 1,
     10000},
    COMMON_OPTIONS,
    CLI_END,
};

#define WHERE                                                                                                          \
    "Which engine is meant is said by --control or --data, or by VERDICT_CONTROL or VERDICT_DATA in the environment."

static int run_calls(const struct cli_command *command, int argc, char **argv);
static int run_show(const struct cli_command *command, int argc, char **argv);
static int run_subscriptions(const struct cli_command *command, int argc, char **argv);
static int run_peers(const struct cli_command *command, int argc, char **argv);
static int run_bindings(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_calls_command = {
    .name = "calls",
    .path = "calls",
    .arguments = "",
    .summary = "Lists the live calls: state, age, ACK, retransmissions, peer; the newest first.",
    .details = WHERE,
    .options = calls_options,
    .run = run_calls,
};

static const struct cli_command show_command = {
    .name = "show",
    .path = "call show",
    .arguments = "CALL-ID",
    .summary = "Draws one call's messages as a ladder, from those that the engine still keeps.",
    .details = "How many are kept is the setting trace_bytes.\n" WHERE,
    .options = common_options,
    .args_min = 1,
    .args_max = 1,
    .run = run_show,
};

static const struct cli_command *const call_commands[] = {&show_command, NULL};

const struct cli_command cli_call_command = {
    .name = "call",
    .path = "call",
    .arguments = "",
    .summary = "One call.",
    .children = call_commands,
};

const struct cli_command cli_subscriptions_command = {
    .name = "subscriptions",
    .path = "subscriptions",
    .arguments = "[USER@HOST]",
    .summary = "Lists who watches whom: event package, state, seconds left, NOTIFYs sent, source.",
    .details = "With USER@HOST, only those to that user.\n" WHERE,
    .options = subscriptions_options,
    .args_max = 1,
    .run = run_subscriptions,
};

const struct cli_command cli_peers_command = {
    .name = "peers",
    .path = "peers",
    .arguments = "",
    .summary = "Prints what became of the answers to INVITE, peer by peer: acknowledged, late, missing, ...",
    .details = WHERE,
    .options = common_options,
    .run = run_peers,
};

const struct cli_command cli_bindings_command = {
    .name = "bindings",
    .path = "bindings",
    .arguments = "[AOR]",
    .summary = "Lists who is registered, and where; with an address (sip:alice@example.com) that user alone.",
    .details = WHERE,
    .options = bindings_options,
    .args_max = 1,
    .run = run_bindings,
};

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* Options and socket of all commands here; false: return *out_exit. */
static bool begin(const struct cli_command *command, int argc, char **argv, struct calls_values *values,
                  struct cli_arguments *out_arguments, char socket[CLI_SOCKET_MAX], int *out_exit)
{
    struct fault fault = {0};
    if (!cli_options_read(command, argc, argv, values, out_arguments, out_exit))
        return false;
    enum err err = cli_control_socket(values->control, values->data, socket, &fault);
    if (err == OK)
        return true;
    cli_error(command, "%s", fault.text);
    *out_exit = err == ERR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
    return false;
}

/* ---- calls ---- */

static int newest_first(const void *a, const void *b)
{
    long long one = number_of(*(json_t *const *)a, "age_ms"), other = number_of(*(json_t *const *)b, "age_ms");
    return (one > other) - (one < other);
}

static void print_call(const json_t *call, FILE *to)
{
    (void)fprintf(to, "%-10s %9.1f  %-13s %5lld  %-4s %-22s %s\n", cli_text_of(call, "state"),
                  (double)number_of(call, "age_ms") / 1000, cli_text_of(call, "ack"),
                  number_of(call, "retransmissions"), cli_text_of(call, "transport"), cli_text_of(call, "peer"),
                  cli_text_of(call, "call_id"));
}

static void print_calls(const json_t *answer, FILE *to)
{
    const json_t *calls = json_object_get(answer, "calls");
    size_t count = json_array_size(calls);
    json_t **sorted = calloc(count + 1, sizeof(json_t *));
    if (isatty(fileno(to)))
        (void)fputs("\033[H\033[J", to);
    (void)fprintf(to, "%lld calls\n", number_of(answer, "total"));
    if (!sorted)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(calls, i);
    qsort(sorted, count, sizeof(json_t *), newest_first);
    if (count)
        (void)fprintf(to, "%-10s %9s  %-13s %5s  %-4s %-22s %s\n", "state", "age s", "ACK", "again", "over", "peer",
                      "Call-ID");
    for (size_t i = 0; i < count; i++)
        print_call(sorted[i], to);
    if (number_of(answer, "shown") < number_of(answer, "total"))
        (void)fprintf(to, "%lld more not shown\n", number_of(answer, "total") - number_of(answer, "shown"));
    free(sorted);
}

static int run_calls(const struct cli_command *command, int argc, char **argv)
{
    struct calls_values values = {.limit = 100};
    struct cli_arguments arguments;
    char socket[CLI_SOCKET_MAX], path[64];
    int exit_code;
    if (!begin(command, argc, argv, &values, &arguments, socket, &exit_code))
        return exit_code;
    (void)snprintf(path, sizeof(path), "/v1/calls?limit=%u", values.limit);
    const struct cli_control_call call = {.command = command,
                                          .socket = socket,
                                          .method = "GET",
                                          .path = path,
                                          .as_json = values.json,
                                          .print = print_calls};
    for (;;) {
        exit_code = cli_control_run(&call);
        if (!values.watch || exit_code != CLI_EXIT_OK || fflush(stdout) != 0)
            return exit_code;
        (void)poll(NULL, 0, EVERY_MS);
    }
}

/* ---- call show ---- */

static void draw(const json_t *messages, FILE *to)
{
    const json_t *first = json_array_get(messages, 0);
    struct probe_ladder *ladder = calloc(1, sizeof(*ladder));
    struct buffer out = buffer_heap(DRAWING_MAX);
    if (!ladder)
        return;
    /* The caller is on the left, and what it sends goes to the right. */
    probe_ladder_init(ladder, cli_text_of(first, "peer"), cli_text_of(first, "local"));
    long long start = number_of(first, "time_us");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        const json_t *text = json_object_get(message, "text");
        long long at = number_of(message, "time_us") - start;
        bool is_in = strcmp(cli_text_of(message, "direction"), "in") == 0;
        (void)probe_ladder_add(ladder, at > 0 ? (uint64_t)at : 0, is_in ? PROBE_SENT : PROBE_RECEIVED,
                               span_make(json_string_value(text), json_string_length(text)));
    }
    probe_ladder_draw(ladder, &out);
    (void)fwrite(out.at, 1, out.len, to);
    buffer_done(&out);
    free(ladder);
}

static void print_show(const json_t *answer, FILE *to)
{
    const json_t *calls = json_object_get(answer, "calls");
    const json_t *messages = json_object_get(answer, "messages");
    for (size_t i = 0; i < json_array_size(calls); i++) {
        const json_t *call = json_array_get(calls, i);
        (void)fprintf(to, "%s for %.1f s, ACK %s, 200 sent again %lld times\n  from %s\n  to %s\n",
                      cli_text_of(call, "state"), (double)number_of(call, "age_ms") / 1000, cli_text_of(call, "ack"),
                      number_of(call, "retransmissions"), cli_text_of(call, "from"), cli_text_of(call, "to"));
    }
    if (!json_array_size(calls))
        (void)fputs("no live call\n", to);
    if (json_array_size(messages))
        draw(messages, to);
    else if (json_is_true(json_object_get(answer, "keeps")))
        (void)fputs("its messages have made room for later ones\n", to);
    else
        (void)fputs("no messages are kept: the setting trace_bytes is 0\n", to);
}

static int run_show(const struct cli_command *command, int argc, char **argv)
{
    struct calls_values values = {0};
    struct cli_arguments arguments;
    char socket[CLI_SOCKET_MAX];
    int exit_code;
    if (!begin(command, argc, argv, &values, &arguments, socket, &exit_code))
        return exit_code;
    struct buffer path = buffer_heap(1 << 16);
    buffer_add_literal(&path, "/v1/calls/show?call_id=");
    cli_http_escape(&path, span_of(arguments.items[0]));
    buffer_add_byte(&path, '\0');
    if (path.overflow) {
        cli_error(command, "the Call-ID is too long");
        exit_code = CLI_EXIT_USAGE;
    } else {
        const struct cli_control_call call = {.command = command,
                                              .socket = socket,
                                              .method = "GET",
                                              .path = path.at,
                                              .as_json = values.json,
                                              .print = print_show};
        exit_code = cli_control_run(&call);
    }
    buffer_done(&path);
    return exit_code;
}

/* ---- subscriptions ---- */

static void print_subscriptions(const json_t *answer, FILE *to)
{
    const json_t *rows = json_object_get(answer, "subscriptions");
    long long total = number_of(answer, "total"), shown = number_of(answer, "shown");
    (void)fprintf(to, "%lld subscriptions, %lld publications\n", total, number_of(answer, "publications"));
    if (shown)
        (void)fprintf(to, "%-28s %-10s %-8s %8s %8s  %-22s %s\n", "user", "event", "state", "left s", "NOTIFYs",
                      "source", "watcher");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        (void)fprintf(to, "%-28s %-10s %-8s %8lld %8lld  %-22s %s\n", cli_text_of(row, "user"),
                      cli_text_of(row, "event"), cli_text_of(row, "state"), number_of(row, "expires_s"),
                      number_of(row, "notified"), cli_text_of(row, "source"), cli_text_of(row, "watcher"));
    }
    if (shown < total)
        (void)fprintf(to, "%lld more not shown\n", total - shown);
}

static int run_subscriptions(const struct cli_command *command, int argc, char **argv)
{
    struct calls_values values = {.limit = 100};
    struct cli_arguments arguments;
    char socket[CLI_SOCKET_MAX];
    int exit_code;
    if (!begin(command, argc, argv, &values, &arguments, socket, &exit_code))
        return exit_code;
    struct buffer path = buffer_heap(1 << 16);
    buffer_addf(&path, "/v1/subscriptions?limit=%u", values.limit);
    if (arguments.count) {
        buffer_add_literal(&path, "&user=");
        cli_http_escape(&path, span_of(arguments.items[0]));
    }
    buffer_add_byte(&path, '\0');
    const struct cli_control_call call = {.command = command,
                                          .socket = socket,
                                          .method = "GET",
                                          .path = path.at,
                                          .as_json = values.json,
                                          .print = print_subscriptions};
    if (path.overflow)
        cli_error(command, "the user is too long");
    exit_code = path.overflow ? CLI_EXIT_USAGE : cli_control_run(&call);
    buffer_done(&path);
    return exit_code;
}

/* ---- peers ---- */

static void print_peer(const char *name, const json_t *peer, FILE *to)
{
    (void)fprintf(to, "%-40s %12lld %8lld %8lld %9lld %10lld %8lld\n", name, number_of(peer, "acknowledged"),
                  number_of(peer, "late"), number_of(peer, "missing"), number_of(peer, "mistagged"),
                  number_of(peer, "wrong_cseq"), number_of(peer, "stray"));
}

static void print_peers(const json_t *answer, FILE *to)
{
    const json_t *peers = json_object_get(answer, "peers");
    (void)fprintf(to, "%-40s %12s %8s %8s %9s %10s %8s\n", "peer", "acknowledged", "late", "missing", "mistagged",
                  "wrong CSeq", "stray");
    for (size_t i = 0; i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        print_peer(cli_text_of(peer, "peer"), peer, to);
    }
    print_peer("all", json_object_get(answer, "total"), to);
}

static int run_peers(const struct cli_command *command, int argc, char **argv)
{
    struct calls_values values = {0};
    struct cli_arguments arguments;
    char socket[CLI_SOCKET_MAX];
    int exit_code;
    if (!begin(command, argc, argv, &values, &arguments, socket, &exit_code))
        return exit_code;
    const struct cli_control_call call = {.command = command,
                                          .socket = socket,
                                          .method = "GET",
                                          .path = "/v1/peers",
                                          .as_json = values.json,
                                          .print = print_peers};
    return cli_control_run(&call);
}

/* ---- bindings ---- */

static void print_binding(const json_t *binding, FILE *to)
{
    const char *path = cli_text_of(binding, "path");
    (void)fprintf(to, "%-32s %6lld s  <%s>%s%s%s\n", cli_text_of(binding, "aor"), number_of(binding, "expires_s"),
                  cli_text_of(binding, "contact"), cli_text_of(binding, "params"), path[0] ? "  by " : "", path);
    const json_t *flow = json_object_get(binding, "flow");
    if (json_object_get(binding, "gruu"))
        (void)fprintf(to, "%43s gruu sip:%s\n", "", cli_text_of(binding, "gruu"));
    if (flow)
        (void)fprintf(to, "%43s flow %lld: %s%s%s\n", "", number_of(binding, "reg_id"), cli_text_of(flow, "transport"),
                      cli_text_of(flow, "transport")[0] ? " " : "", cli_text_of(flow, "state"));
}

static void print_bindings(const json_t *answer, FILE *to)
{
    const json_t *bindings = json_object_get(answer, "bindings"), *journal = json_object_get(answer, "journal");
    (void)fprintf(to, "%lld bindings of %lld users\n", number_of(answer, "total"), number_of(answer, "users"));
    if (!json_is_true(json_object_get(answer, "readable")))
        (void)fputs("the journal could not be opened: every REGISTER is answered 503\n", to);
    else if (journal)
        (void)fprintf(to, "journal: %lld rows, %lld bytes, last commit %.1f ms\n", number_of(journal, "rows"),
                      number_of(journal, "bytes"), (double)number_of(journal, "commit_us") / 1000);
    else
        (void)fputs("no data folder: they end with the process\n", to);
    if (!json_array_size(bindings))
        (void)fputs("no binding\n", to);
    for (size_t i = 0; i < json_array_size(bindings); i++)
        print_binding(json_array_get(bindings, i), to);
}

static int run_bindings(const struct cli_command *command, int argc, char **argv)
{
    struct calls_values values = {.limit = 100};
    struct cli_arguments arguments;
    char socket[CLI_SOCKET_MAX], space[4096];
    struct buffer path = buffer_over(space, sizeof(space));
    int exit_code;
    if (!begin(command, argc, argv, &values, &arguments, socket, &exit_code))
        return exit_code;
    buffer_addf(&path, "/v1/bindings?limit=%u", values.limit);
    if (arguments.count) {
        buffer_add_literal(&path, "&aor=");
        cli_http_escape(&path, span_of(arguments.items[0]));
    }
    buffer_add_byte(&path, '\0');
    if (path.overflow) {
        cli_error(command, "the address is too long");
        return CLI_EXIT_USAGE;
    }
    const struct cli_control_call call = {.command = command,
                                          .socket = socket,
                                          .method = "GET",
                                          .path = path.at,
                                          .as_json = values.json,
                                          .print = print_bindings};
    return cli_control_run(&call);
}
