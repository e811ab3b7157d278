/* SPDX-License-Identifier: Apache-2.0 */
/* What calls that are held cost in memory: an engine core takes INVITEs with an offer and a Record-Route, answers 200, and gets
 * the ACK; nothing else happens.  The process's own resident memory is read before and after.
 *
 *   bench_calls [CALLS]     one JSON line: bytes a call while the INVITEs' transactions are kept, and after them */
#include "engine/engine_core.h"
#include "txn/txn_slab.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS_DEFAULT = 200000, TEXT_CAP = 2048, A_TURN = 32 };

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                          "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
                          "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";

struct bench {
    struct engine_config config;
    struct engine_site site;
    struct clock clock;
    struct wheel wheel;
    struct engine_core *core;
    struct policy *policy;
    struct net_flow flow;
    char tag[64]; /* of the last answer */
};

static enum err keep_tag(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct bench *bench = ctx;
    (void)flow;
    const char *to = memmem(bytes.at, bytes.len, "\r\nTo:", 5);
    const char *tag = to ? strstr(to, ";tag=") : NULL;
    if (tag)
        snprintf(bench->tag, sizeof(bench->tag), "%.*s", (int)strcspn(tag, "\r"), tag);
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
    static const char text[] = "return function(req) return ok {} end\n";
    struct source *source;
    struct source_file file = {"policy.lua", SPAN(text)};
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
    bench->flow.remote = (struct net_address){.ip = {192, 0, 2, 1}, .port = 5060, .family = NET_FAMILY_IP4};
    bench->flow.local = (struct net_address){.ip = {192, 0, 2, 9}, .port = 5060, .family = NET_FAMILY_IP4};
    return err;
}

static void receive(struct bench *bench, const char *method, unsigned long number)
{
    char text[TEXT_CAP];
    bool is_invite = method[0] == 'I';
    int len = snprintf(text, sizeof(text),
                       "%s sip:+49301234%04lu@example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKproxy.%lu.%s;rport\r\n"
                       "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKphone.%lu.%s\r\n"
                       "Record-Route: <sip:192.0.2.1;lr;ftag=f%lu>\r\nMax-Forwards: 69\r\n"
                       "From: \"A caller\" <sip:+493055%06lu@carrier.example.net>;tag=f%lu\r\n"
                       "To: <sip:+49301234%04lu@example.com>%s\r\n"
                       "Call-ID: 5f3a9c1e-%lu@198.51.100.7\r\nCSeq: 1 %s\r\n"
                       "Contact: <sip:+493055%06lu@198.51.100.7:5060>\r\nUser-Agent: bench\r\n"
                       "%sContent-Length: %zu\r\n\r\n%s",
                       method, number % 10000, number, method, number, method, number, number % 1000000, number,
                       number % 10000, is_invite ? "" : bench->tag, number, method, number % 1000000,
                       is_invite ? "Supported: timer, 100rel\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n"
                                   "Session-Expires: 1800;refresher=uac\r\nContent-Type: application/sdp\r\n"
                                 : "",
                       is_invite ? sizeof(sdp) - 1 : 0, is_invite ? sdp : "");
    engine_core_receive(bench->core, &bench->flow, span_make(text, (size_t)len), SIP_DATAGRAM);
}

static long resident_bytes(void)
{
    long pages = 0, total = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void pass(struct bench *bench, uint64_t ms)
{
    bench->clock.mono_ms += ms;
    wheel_advance(&bench->wheel, bench->clock.mono_ms);
    policy_collect(bench->policy);
}

int main(int argc, char **argv)
{
    unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : CALLS_DEFAULT;
    struct bench *bench = calloc(1, sizeof(*bench));
    struct fault fault = {0};
    if (!bench || !calls || open_bench(bench, &fault) != OK) {
        fprintf(stderr, "bench_calls: %s\n", fault.text[0] ? fault.text : "out of memory");
        return 1;
    }
    long before = resident_bytes();
    for (unsigned long number = 0; number < calls; number++) {
        receive(bench, "INVITE", number);
        receive(bench, "ACK", number);
        if (number % A_TURN == 0)
            pass(bench, 1);
    }
    long ringing = resident_bytes();
    pass(bench, 32000);
    long held = resident_bytes();
    size_t standing = call_table_count(bench->core->calls);
    size_t blocks = txn_slab_memory(txn_table_slab(bench->core->txns));
    printf("{\"name\":\"held\",\"calls\":%zu,\"bytes_a_call_with_transactions\":%ld,\"bytes_a_call\":%ld,"
           "\"slab_bytes_a_call\":%zu}\n",
           standing, (ringing - before) / (long)calls, (held - before) / (long)calls, blocks / calls);
    engine_core_free(bench->core);
    policy_free(bench->policy);
    engine_config_done(&bench->config);
    free(bench);
    return standing == calls ? 0 : 1;
}
