/* SPDX-License-Identifier: Apache-2.0 */
/* What one transaction costs inside of the engine, without sockets: parse, transactions, checks, policy, guard, answer.
 *
 *   bench_engine [options|gone|call|all] [ROUNDS]     one JSON line each: nanoseconds of CPU a transaction
 *
 * The messages are those of an ordinary load: options (one datagram in, one out), gone (INVITE, 410, ACK) and call
 * (INVITE, 200, ACK, BYE, 200).  Under callgrind, instructions divided by ROUNDS repeat to the digit. */
#include "engine/engine_core.h"
#include "util/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char policy_text[] = "return function(req)\n"
                                  "  if req.target.user:sub(1, 4) == \"gone\" then\n"
                                  "    return gone { evidence = \"load test\" }\n"
                                  "  end\n"
                                  "  return ok {}\n"
                                  "end\n";

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                          "m=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n";

struct bench {
    struct engine_config config;
    struct engine_site site;
    struct clock clock;
    struct wheel wheel;
    struct engine_core *core;
    struct policy *policy;
    struct net_flow flow;
    char tag[64]; /* of the last answer */
    size_t tag_len;
    uint64_t answers;
};

static enum err keep_tag(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    (void)flow;
    bench->answers++;
    const char *to = memmem(bytes.at, bytes.len, "\r\nTo:", 5);
    const char *end = to ? memchr(to + 2, '\r', (size_t)(bytes.at + bytes.len - to - 2)) : NULL;
    const char *tag = end ? memmem(to, (size_t)(end - to), ";tag=", 5) : NULL;
    if (!tag)
        return OK;
    bench->tag_len = (size_t)(end - tag - 5) < sizeof(bench->tag) ? (size_t)(end - tag - 5) : 0;
    memcpy(bench->tag, tag + 5, bench->tag_len);
    return OK;
}

static enum err nobody(void *ctx, const struct policy_target *target, struct policy_record *out_record)
{
    (void)ctx;
    (void)target;
    (void)out_record;
    return ERR_NOT_FOUND;
}

static enum err open_bench(struct bench *bench, struct fault *fault)
{
    struct source *source;
    struct source_file file = {"policy.lua", SPAN(policy_text)};
    enum err err = engine_config_init(&bench->config);
    if (err == OK)
        err = engine_site_init(&bench->site, &bench->config, fault);
    wheel_init(&bench->wheel, 0, NULL);
    struct engine_core_options options = {.config = &bench->config,
                                          .site = &bench->site,
                                          .clock = &bench->clock,
                                          .wheel = &bench->wheel,
                                          .wire = {.ctx = bench, .send = keep_tag},
                                          .lookup = {.ctx = bench, .find = nobody},
                                          .key = {1, 2}};
    if (err == OK)
        err = engine_core_new(&options, &bench->core);
    if (err == OK)
        err = source_from_memory("bench", &file, 1, &source, fault);
    if (err != OK)
        return err;
    struct policy_options policy = {.host = engine_core_host(bench->core)};
    err = policy_load(source, &policy, &bench->policy, fault);
    source_unref(source);
    engine_core_use(bench->core, bench->policy, 1);
    bench->flow.remote = (struct net_address){.ip = {127, 0, 0, 1}, .port = 40000, .family = NET_FAMILY_IP4};
    bench->flow.local = (struct net_address){.ip = {127, 0, 0, 1}, .port = 5060, .family = NET_FAMILY_IP4};
    return err;
}

static void send_request(struct bench *bench, const char *method, const char *user, unsigned long number)
{
    char text[2048], tag[80] = "";
    bool is_invite = strcmp(method, "INVITE") == 0, in_dialog = method[0] == 'A' || method[0] == 'B';
    bool gone = user[0] == 'g';
    if (in_dialog)
        snprintf(tag, sizeof(tag), ";tag=%.*s", (int)bench->tag_len, bench->tag);
    /* The ACK for a 410 shares its INVITE's branch. */
    const char *branch = method[0] == 'A' && gone ? "INVITE" : method;
    int len = snprintf(text, sizeof(text),
                       "%s sip:%s%07lu@127.0.0.1:5060 SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK1a2b3c4d.1.%lu.%s;rport\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: \"Load\" <sip:caller@127.0.0.1>;tag=f1a2b3c4d1-%lu\r\n"
                       "To: <sip:%s%07lu@127.0.0.1>%s\r\n"
                       "Call-ID: 1a2b3c4d-1-%lu@127.0.0.1\r\n"
                       "CSeq: %d %s\r\n"
                       "Contact: <sip:caller@127.0.0.1:40000>\r\n"
                       "User-Agent: bench\r\n"
                       "%s"
                       "Content-Length: %zu\r\n\r\n%s",
                       method, user, number % 10000, number, branch, number, user, number % 10000, tag, number,
                       method[0] == 'B' ? 2 : 1, method,
                       is_invite ? "Content-Type: application/sdp\r\nSupported: timer, replaces\r\n"
                                   "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\n"
                                 : "",
                       is_invite ? sizeof(sdp) - 1 : 0, is_invite ? sdp : "");
    engine_core_receive(bench->core, &bench->flow, span_make(text, (size_t)len), SIP_DATAGRAM);
}

static void run_options(struct bench *bench, unsigned long number)
{
    send_request(bench, "OPTIONS", number % 2 ? "user" : "gone", number);
}

static void run_gone(struct bench *bench, unsigned long number)
{
    send_request(bench, "INVITE", "gone", number);
    send_request(bench, "ACK", "gone", number);
}

static void run_call(struct bench *bench, unsigned long number)
{
    send_request(bench, "INVITE", "user", number);
    send_request(bench, "ACK", "user", number);
    send_request(bench, "BYE", "user", number);
}

static const struct mode {
    const char *name;
    void (*run)(struct bench *bench, unsigned long number);
    unsigned answers;
} modes[] = {{"options", run_options, 1}, {"gone", run_gone, 1}, {"call", run_call, 2}};

/* A turn of the loop every 32 transactions, and 20,000 transactions a second on the clock. */
static int measure(const struct mode *mode, unsigned long rounds)
{
    static struct bench bench;
    struct fault fault = {0};
    memset(&bench, 0, sizeof(bench));
    if (open_bench(&bench, &fault) != OK) {
        fprintf(stderr, "bench_engine: %s\n", fault.text);
        return 1;
    }
    uint64_t started = clock_thread_cpu_ns();
    for (unsigned long i = 0; i < rounds; i++) {
        mode->run(&bench, i);
        if (i % 32 == 31)
            policy_collect(bench.policy);
        if (i % 20 == 19)
            wheel_advance(&bench.wheel, ++bench.clock.mono_ms);
    }
    uint64_t ns = clock_thread_cpu_ns() - started;
    printf("{\"bench\":\"engine\",\"what\":\"%s\",\"ns\":%llu,\"rounds\":%lu}\n", mode->name,
           (unsigned long long)(ns / rounds), rounds);
    bool right = bench.answers == (uint64_t)mode->answers * rounds;
    if (!right)
        fprintf(stderr, "bench_engine: %s: %llu answers to %lu transactions\n", mode->name,
                (unsigned long long)bench.answers, rounds);
    engine_core_free(bench.core);
    policy_free(bench.policy);
    return right ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "all";
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 200000;
    int failed = 0;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(which, "all") == 0 || strcmp(which, modes[i].name) == 0)
            failed |= measure(&modes[i], rounds ? rounds : 1);
    return failed;
}
