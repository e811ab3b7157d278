/* SPDX-License-Identifier: Apache-2.0 */
/* What one transaction costs inside of the engine, without sockets: parse, transactions, checks, policy, guard, answer.
 *
 *   bench_engine [options|gone|call|subscribe|beside|all] [ROUNDS [T1_MS]]     one JSON line each: nanoseconds of CPU a transaction
 *
 * The messages are those of an ordinary load: options (one datagram in, one out), gone (INVITE, 410, ACK), call
 * (INVITE, 200, ACK, BYE, 200), subscribe (SUBSCRIBE, 200, NOTIFY, 200) and beside (as options, with a second version that
 * decides each request once more).  They come in batches of 32, as a socket hands them over, and are made outside of what
 * is measured.  tests/bench/instructions counts what runs inside of the two functions called measured_. */
#include "engine/engine_beside.h"
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

enum { BATCH = 32, TEXT_CAP = 1280, TAG_CAP = 64, STEPS_MAX = 3 };

struct bench {
    struct engine_config config;
    struct engine_site site;
    struct clock clock;
    struct wheel wheel;
    struct engine_core *core;
    struct policy *policy;
    struct policy *second; /* decides beside; NULL: none does */
    struct release_tally *tally;
    struct net_flow flow;
    char texts[BATCH][TEXT_CAP]; /* the requests of one step */
    size_t lens[BATCH];
    unsigned at;                   /* the one that is being received */
    char answers[BATCH][TEXT_CAP]; /* the last one to each */
    size_t answer_lens[BATCH];
    char tags[BATCH][TAG_CAP]; /* of the answers to the first step */
    uint64_t answer_count;
};

/* The copy stands for what a socket's batch takes. */
static enum err keep_answer(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    (void)flow;
    bench->answer_count++;
    bench->answer_lens[bench->at] = bytes.len < TEXT_CAP ? bytes.len : 0;
    memcpy(bench->answers[bench->at], bytes.at, bench->answer_lens[bench->at]);
    return OK;
}

static void keep_tag(struct bench *bench, unsigned at)
{
    const char *answer = bench->answers[at], *last = answer + bench->answer_lens[at];
    const char *to = memmem(answer, bench->answer_lens[at], "\r\nTo:", 5);
    const char *end = to ? memchr(to + 2, '\r', (size_t)(last - to - 2)) : NULL;
    const char *tag = end ? memmem(to, (size_t)(end - to), ";tag=", 5) : NULL;
    bench->tags[at][0] = '\0';
    if (tag)
        snprintf(bench->tags[at], TAG_CAP, ";tag=%.*s", (int)(end - tag - 5), tag + 5);
}

static enum err nobody(void *ctx, const struct policy_target *target, struct policy_record *out_record)
{
    (void)ctx;
    (void)target;
    (void)out_record;
    return ERR_NOT_FOUND;
}

static enum err open_bench(struct bench *bench, unsigned t1_ms, struct fault *fault)
{
    struct source *source;
    struct source_file file = {"policy.lua", SPAN(policy_text)};
    enum err err = engine_config_init(&bench->config);
    bench->config.t1_ms = t1_ms;
    if (err == OK)
        err = engine_site_init(&bench->site, &bench->config, fault);
    wheel_init(&bench->wheel, 0, NULL);
    struct engine_core_options options = {.config = &bench->config,
                                          .site = &bench->site,
                                          .clock = &bench->clock,
                                          .wheel = &bench->wheel,
                                          .wire = {.ctx = bench, .send = keep_answer},
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
    if (err == OK && bench->tally)
        err = policy_load(source, &policy, &bench->second, fault);
    source_unref(source);
    engine_core_use(bench->core, bench->policy, 1);
    const struct engine_beside_options beside = {.policy = bench->second, .tally = bench->tally, .sample = 1};
    if (err == OK && bench->second)
        err = engine_beside_start(bench->core, &beside);
    bench->flow.remote = (struct net_address){.ip = {127, 0, 0, 1}, .port = 40000, .family = NET_FAMILY_IP4};
    bench->flow.local = (struct net_address){.ip = {127, 0, 0, 1}, .port = 5060, .family = NET_FAMILY_IP4};
    return err;
}

/* Request `number` of the batch, by method and user ("gone": 410, "user": 200). */
static void make_request(struct bench *bench, const char *method, bool gone, unsigned long number)
{
    bool is_invite = strcmp(method, "INVITE") == 0, in_dialog = method[0] == 'A' || method[0] == 'B';
    unsigned at = number % BATCH;
    const char *user = gone ? "gone" : "user";
    /* The ACK for a 410 shares its INVITE's branch. */
    const char *branch = method[0] == 'A' && gone ? "INVITE" : method;
    int len = snprintf(bench->texts[at], TEXT_CAP,
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
                       method, user, number % 10000, number, branch, number, user, number % 10000,
                       in_dialog ? bench->tags[at] : "", number, method[0] == 'B' ? 2 : 1, method,
                       is_invite          ? "Content-Type: application/sdp\r\nSupported: timer, replaces\r\n"
                                            "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\n"
                       : method[0] == 'S' ? "Event: presence\r\nExpires: 600\r\nAccept: application/pidf+xml\r\n"
                                          : "",
                       is_invite ? sizeof(sdp) - 1 : 0, is_invite ? sdp : "");
    bench->lens[at] = (size_t)len;
}

/* The 200 to the NOTIFY that was sent last: the lines that a response copies. */
static void make_answer(struct bench *bench, unsigned long number)
{
    static const char *const copied[] = {"Via:", "From:", "To:", "Call-ID:", "CSeq:"};
    unsigned at = number % BATCH;
    const char *line = bench->answers[at], *last = line + bench->answer_lens[at], *end;
    size_t len = (size_t)snprintf(bench->texts[at], TEXT_CAP, "SIP/2.0 200 OK\r\n");
    for (; (end = memmem(line, (size_t)(last - line), "\r\n", 2)) && end > line; line = end + 2)
        for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
            if (strncmp(line, copied[i], strlen(copied[i])) == 0) {
                memcpy(bench->texts[at] + len, line, (size_t)(end + 2 - line));
                len += (size_t)(end + 2 - line);
            }
    bench->lens[at] = len + (size_t)snprintf(bench->texts[at] + len, TEXT_CAP - len, "Content-Length: 0\r\n\r\n");
}

static const struct mode {
    const char *name;
    const char *steps[STEPS_MAX]; /* methods, or 200 to what was asked of us; NULL: no more */
    unsigned answers;
} modes[] = {
    {"options", {"OPTIONS"}, 1},
    {"gone", {"INVITE", "ACK"}, 1},
    {"call", {"INVITE", "ACK", "BYE"}, 2},
    {"subscribe", {"SUBSCRIBE", "200"}, 2},
    {"beside", {"OPTIONS"}, 1},
};

__attribute__((noinline)) static void measured_receive(struct bench *bench)
{
    unsigned at = bench->at;
    engine_core_receive(bench->core, &bench->flow, span_make(bench->texts[at], bench->lens[at]), SIP_DATAGRAM);
}

/* The end of a turn of the loop. */
__attribute__((noinline)) static void measured_turn(struct bench *bench)
{
    policy_collect(bench->policy);
    engine_beside_turn(bench->core);
    wheel_advance(&bench->wheel, bench->clock.mono_ms);
}

static uint64_t run_step(struct bench *bench, const struct mode *mode, unsigned step, unsigned long first)
{
    const char *method = mode->steps[step];
    for (unsigned i = 0; i < BATCH; i++)
        if (method[0] == '2')
            make_answer(bench, first + i);
        else
            make_request(bench, method, mode->name[0] == 'g' || (strchr("ob", mode->name[0]) && i % 2), first + i);
    uint64_t started = clock_thread_cpu_ns();
    for (bench->at = 0; bench->at < BATCH; bench->at++)
        measured_receive(bench);
    measured_turn(bench);
    uint64_t ns = clock_thread_cpu_ns() - started;
    for (unsigned i = 0; i < BATCH && step == 0; i++)
        keep_tag(bench, i);
    return ns;
}

/* `rounds` is a multiple of BATCH.  16,000 transactions a second on the clock. */
static uint64_t run(struct bench *bench, const struct mode *mode, unsigned long first, unsigned long rounds)
{
    uint64_t ns = 0;
    for (unsigned long at = first; at < first + rounds; at += BATCH) {
        for (unsigned step = 0; step < STEPS_MAX && mode->steps[step]; step++)
            ns += run_step(bench, mode, step, at);
        bench->clock.mono_ms += 2;
    }
    return ns;
}

static int measure(const struct mode *mode, unsigned long rounds, unsigned t1_ms)
{
    static struct bench bench;
    struct fault fault = {0};
    memset(&bench, 0, sizeof(bench));
    if (mode->name[0] == 'b')
        bench.tally = calloc(1, sizeof(*bench.tally));
    if (open_bench(&bench, t1_ms, &fault) != OK) {
        fprintf(stderr, "bench_engine: %s\n", fault.text);
        return 1;
    }
    uint64_t ns = run(&bench, mode, 0, rounds);
    printf("{\"bench\":\"engine\",\"what\":\"%s\",\"ns\":%llu,\"rounds\":%lu,\"decided_twice\":%llu}\n", mode->name,
           (unsigned long long)(ns / rounds), rounds, (unsigned long long)(bench.tally ? bench.tally->pairs : 0));
    bool right = bench.answer_count == (uint64_t)mode->answers * rounds;
    if (!right)
        fprintf(stderr, "bench_engine: %s: %llu answers to %lu transactions\n", mode->name,
                (unsigned long long)bench.answer_count, rounds);
    engine_core_free(bench.core);
    policy_free(bench.policy);
    policy_free(bench.second);
    free(bench.tally);
    return right ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "all";
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 200000;
    unsigned t1_ms = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 50;
    int failed = 0;
    rounds = (rounds + BATCH - 1) / BATCH * BATCH;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(which, "all") == 0 || strcmp(which, modes[i].name) == 0)
            failed |= measure(&modes[i], rounds ? rounds : BATCH, t1_ms);
    return failed;
}
