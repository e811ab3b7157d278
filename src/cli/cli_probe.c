/* SPDX-License-Identifier: Apache-2.0 */
/* verdict probe: asks a SIP server one question, as a caller does, and draws what went over the wire. */
#include "cli/cli_main.h"
#include "probe/probe_exchange.h"
#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* What the command line gives: an exchange's options, and the list that they point into. */
struct command_line {
    struct probe_options probe;
    struct cli_list headers;
};

static const struct cli_option options[] = {
    {"method", "METHOD", "INVITE (default), OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, ...", CLI_TEXT,
     offsetof(struct command_line, probe.method), 0, 0},
    {"transport", "udp|tcp|tls|ws|wss", "default: as the URI says, else udp; sips: is tls, or wss for ws", CLI_CHOICE,
     offsetof(struct command_line, probe.transport), 0, 0},
    {"server-ca", "PEM", "whose certificates are believed; default the system's", CLI_TEXT,
     offsetof(struct command_line, probe.server_ca), 0, 0},
    {"insecure", NULL, "go on whatever the certificate says", CLI_FLAG, offsetof(struct command_line, probe.insecure),
     0, 0},
    {"proxy", "HOST[:PORT]", "send there instead of to the URI's host", CLI_TEXT,
     offsetof(struct command_line, probe.proxy), 0, 0},
    {"from", "URI", "who asks; default sip:probe@ our address", CLI_TEXT, offsetof(struct command_line, probe.from), 0,
     0},
    {"header", "\"NAME: VALUE\"", "one more header", CLI_LIST, offsetof(struct command_line, headers), 0, 0},
    {"no-ack", NULL, "never acknowledge; show what comes in 64*T1", CLI_FLAG,
     offsetof(struct command_line, probe.no_ack), 0, 0},
    {"count", "N", "how many times, one after the other", CLI_NUMBER, offsetof(struct command_line, probe.count), 1,
     1000000},
    {"timeout", "SECONDS", "wait so long for a final answer; default 64*T1", CLI_SECONDS,
     offsetof(struct command_line, probe.timeout_ms), 1, 3600000},
    {"t1-ms", "N", "T1 of RFC 3261 in milliseconds; default 500", CLI_NUMBER,
     offsetof(struct command_line, probe.t1_ms), 1, 10000},
    {"expect", "CODE", "fail unless this is the final answer", CLI_NUMBER, offsetof(struct command_line, probe.expect),
     200, 699},
    {"json", NULL, "a JSON object a line, one for each request", CLI_FLAG, offsetof(struct command_line, probe.json), 0,
     0},
    CLI_END,
};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_probe_command = {
    .name = "probe",
    .path = "probe",
    .arguments = "URI",
    .summary = "Sends a request (sip:+15550100@127.0.0.1), acknowledges, hangs up, and draws the ladder.",
    .details =
        "Requests within the call go to the same address, as through an outbound proxy. Of several requests the\n"
        "first is drawn, and each that ends otherwise. Exit code 0 when a final answer came, else 1.",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};

enum { HANDSHAKE_MS = 5000 };

/* Where to send, read from the options. */
struct destination {
    struct sip_uri uri;
    char host[PROBE_TEXT_MAX];
    uint16_t port;
    bool is_stream, is_tls, is_websocket;
};

static uint16_t default_port(const struct destination *destination)
{
    if (destination->is_websocket)
        return destination->is_tls ? 443 : 80; /* RFC 7118 5.5 */
    return destination->is_tls ? 5061 : 5060;
}

/* "HOST", "HOST:PORT", "[::1]:PORT": the form of a URI's host part, so it is read as one. */
static enum err read_proxy(const char *proxy, struct destination *destination, struct fault *fault)
{
    char text[PROBE_TEXT_MAX];
    struct sip_uri uri;
    const char *reason = NULL;
    int len = snprintf(text, sizeof(text), "sip:%s", proxy);
    if (len < 0 || (size_t)len >= sizeof(text) || sip_uri_parse(span_of(text), &uri, &reason) != OK || uri.user.at)
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "--proxy %s: expected HOST or HOST:PORT", proxy);
    (void)span_copy(uri.host, destination->host, sizeof(destination->host));
    destination->port = uri.port ? uri.port : default_port(destination);
    return OK;
}

static enum err read_destination(const struct probe_options *probe, struct destination *destination,
                                 struct fault *fault)
{
    const char *reason = NULL;
    struct span text = span_of(probe->target);
    if (sip_uri_parse(text, &destination->uri, &reason) != OK)
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "%s: %s%s", probe->target, reason ? reason : "not a URI",
                         span_find(text, ':') == text.len || span_find(text, '@') < span_find(text, ':')
                             ? ": expected sip:USER@HOST"
                             : "");
    const struct sip_uri *uri = &destination->uri;
    struct span transport = probe->transport ? span_of(probe->transport) : sip_uri_param(uri, SPAN("transport"));
    bool is_wss = span_equal_nocase(transport, SPAN("wss"));
    destination->is_websocket = is_wss || span_equal_nocase(transport, SPAN("ws"));
    destination->is_tls = uri->scheme == SIP_SCHEME_SIPS || is_wss || span_equal_nocase(transport, SPAN("tls"));
    destination->is_stream =
        destination->is_tls || destination->is_websocket || span_equal_nocase(transport, SPAN("tcp"));
    if (probe->proxy)
        return read_proxy(probe->proxy, destination, fault);
    if (!uri->host.len || !span_copy(uri->host, destination->host, sizeof(destination->host)))
        return fault_set(fault, ERR_INVALID, NULL, 0, "%s names no host: give --proxy HOST", probe->target);
    destination->port = uri->port ? uri->port : default_port(destination);
    return OK;
}

static void exchange_done(struct probe_exchange *exchange)
{
    probe_wire_close(&exchange->wire);
    buffer_done(&exchange->request);
    buffer_done(&exchange->ack);
    buffer_done(&exchange->bye);
}

/* The certificate has to be for the host that we mean: the URI's, or the proxy that was named (RFC 5922 7.3). */
static enum err secure(const struct probe_options *probe, const struct destination *destination,
                       struct probe_exchange *exchange, struct fault *fault)
{
    struct tls_client_options wanted = {
        .name = destination->host, .ca = probe->server_ca, .trusting = probe->insecure, .timeout_ms = HANDSHAKE_MS};
    return probe_wire_secure(&exchange->wire, &wanted, fault);
}

static enum err upgrade(const struct destination *destination, struct probe_exchange *exchange, struct fault *fault)
{
    char host[PROBE_TEXT_MAX + 10];
    bool is_ip6 = strchr(destination->host, ':') != NULL;
    (void)snprintf(host, sizeof(host), is_ip6 ? "[%s]:%u" : "%s:%u", destination->host, destination->port);
    return probe_wire_upgrade(&exchange->wire, host, clock_mono_ns() + HANDSHAKE_MS * 1000000ull, fault);
}

/* One request from its socket to its result; a fault is a misuse or a wire that cannot be had. */
static enum err run_once(const struct probe_options *probe, const struct destination *destination,
                         struct probe_exchange *exchange, struct fault *fault)
{
    exchange->options = probe;
    exchange->target = destination->uri;
    exchange->result = (struct probe_result){.err = OK};
    exchange->request = exchange->ack = exchange->bye = buffer_heap(0);
    enum err err =
        probe_wire_open(&exchange->wire, destination->is_stream, destination->host, destination->port, fault);
    if (err == OK && destination->is_tls)
        err = secure(probe, destination, exchange, fault);
    if (err == OK && destination->is_websocket)
        err = upgrade(destination, exchange, fault);
    if (err == OK)
        err = probe_names(exchange, fault);
    if (err == OK)
        err = probe_build_request(exchange, fault);
    if (err != OK)
        return err;
    probe_ladder_init(&exchange->ladder, exchange->wire.local, exchange->wire.remote);
    probe_call(exchange);
    return OK;
}

/* What all requests together came to. */
struct tally {
    uint32_t done;
    uint32_t failed; /* no final answer, or not the one expected */
    unsigned first_code;
    uint32_t codes[7]; /* by class; 0: none */
    uint64_t least_us, most_us, sum_us;
};

static void count_result(struct tally *tally, const struct probe_options *probe, const struct probe_result *result)
{
    uint64_t took_us = result->answered_us;
    if (tally->done == 0)
        tally->first_code = result->code;
    tally->done++;
    tally->codes[result->code / 100 < 7 ? result->code / 100 : 0]++;
    if (!result->code || (probe->expect && result->code != probe->expect))
        tally->failed++;
    if (!result->code)
        return;
    tally->least_us = tally->least_us && tally->least_us < took_us ? tally->least_us : took_us;
    tally->most_us = tally->most_us > took_us ? tally->most_us : took_us;
    tally->sum_us += took_us;
}

static void print_result(const struct probe_exchange *exchange, bool draw)
{
    struct buffer out = buffer_heap(1 << 20);
    if (exchange->options->json) {
        struct json json = json_into(&out);
        probe_json(exchange, &json);
        buffer_add_byte(&out, '\n');
    } else if (draw) {
        probe_ladder_draw(&exchange->ladder, &out);
        buffer_add_byte(&out, '\n');
        probe_verdict(exchange, &out);
    }
    cli_write(buffer_span(&out));
    buffer_done(&out);
}

static void print_tally(const struct tally *tally)
{
    uint32_t answered = tally->done - tally->codes[0];
    (void)printf("\n%u requests: %u answered", tally->done, answered);
    for (unsigned class = 2; class < 7; class ++) {
        if (tally->codes[class])
            (void)printf(", %u of them %uxx", tally->codes[class], class);
    }
    if (answered)
        (void)printf("; %.2f / %.2f / %.2f ms (least, mean, most)", (double)tally->least_us / 1000,
                     (double)tally->sum_us / answered / 1000, (double)tally->most_us / 1000);
    (void)printf("\n");
}

static int run_all(const struct cli_command *command, const struct probe_options *probe,
                   const struct destination *destination)
{
    struct tally tally = {0};
    struct fault fault = {0};
    struct probe_exchange *exchange = calloc(1, sizeof(*exchange));
    enum err err = exchange ? OK : fault_set(&fault, ERR_NOMEM, NULL, 0, "%s", err_text(ERR_NOMEM));
    while (err == OK && tally.done < probe->count) {
        err = run_once(probe, destination, exchange, &fault);
        if (err == OK) {
            unsigned before = tally.first_code;
            bool is_first = tally.done == 0;
            count_result(&tally, probe, &exchange->result);
            print_result(exchange, is_first || exchange->result.code != before);
        }
        exchange_done(exchange);
    }
    free(exchange);
    if (tally.done > 1 && !probe->json)
        print_tally(&tally);
    if (err != OK)
        cli_error(command, "%s", fault.text);
    else if (tally.failed && probe->expect)
        cli_error(command, "%u of %u did not end with %u", tally.failed, tally.done, probe->expect);
    return err == OK && !tally.failed ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct command_line line = {.probe = {.method = "INVITE", .count = 1, .t1_ms = 500}};
    struct probe_options *probe = &line.probe;
    struct cli_arguments arguments;
    struct destination destination = {0};
    struct fault fault = {0};
    int exit_code;
    if (!cli_options_read(command, argc, argv, &line, &arguments, &exit_code))
        return exit_code;
    probe->target = arguments.items[0];
    probe->headers = line.headers.items;
    probe->header_count = line.headers.count;
    const char *wrong = NULL;
    if (strcmp(probe->method, "ACK") == 0 || strcmp(probe->method, "CANCEL") == 0)
        wrong = "has no answer of its own: probe another method";
    else if (probe->no_ack && strcmp(probe->method, "INVITE") != 0)
        wrong = "is never acknowledged: --no-ack is for INVITE";
    if (wrong)
        (void)fault_set(&fault, ERR_INVALID, NULL, 0, "%s %s", probe->method, wrong);
    if (wrong || read_destination(probe, &destination, &fault) != OK) {
        cli_error(command, "%s", fault.text);
        return CLI_EXIT_USAGE;
    }
    return run_all(command, probe, &destination);
}
