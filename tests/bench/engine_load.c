/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_load.h"
#include "store/store_file.h"

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

void engine_load_keep_tag(struct bench *bench, unsigned at)
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

/* On the store thread. */
static void on_written(void *ctx, unsigned worker, struct registrar_batch *batch)
{
    struct bench *bench = ctx;
    (void)worker;
    bench->written = batch;
    sem_post(&bench->came);
}

void engine_load_wait(struct bench *bench)
{
    while (sem_wait(&bench->came) != 0)
        continue;
}

static enum err open_journal(struct bench *bench, struct fault *fault)
{
    struct registrar_journal_options options = {
        .workers = 1, .written = on_written, .ctx = bench, .map_bytes = 1 << 30}; /* valgrind maps no more */
    char path[sizeof(bench->folder) + 16];
    snprintf(bench->folder, sizeof(bench->folder), "/tmp/bench-XXXXXX");
    if (!mkdtemp(bench->folder) || sem_init(&bench->came, 0, 0) != 0)
        return fault_set(fault, ERR_IO, "/tmp", 0, "no folder can be made there");
    snprintf(path, sizeof(path), "%s/bindings", bench->folder);
    return registrar_journal_open(path, &options, &bench->journal, fault);
}

enum err engine_load_open(struct bench *bench, const struct engine_load_options *options, struct fault *fault)
{
    struct source *source = options->source;
    struct source_file file = {"policy.lua", span_of(options->policy ? options->policy : policy_text)};
    enum err err = engine_config_init(&bench->config);
    bench->users = options->users ? options->users : 10000;
    bench->registering = options->users ? options->users : 256;
    bench->config.t1_ms = options->t1_ms;
    bench->config.max_unacknowledged = 1000000000; /* all of it comes from one source */
    if (err == OK)
        err = engine_site_init(&bench->site, &bench->config, fault);
    if (err == OK && options->keeps)
        err = open_journal(bench, fault);
    wheel_init(&bench->wheel, 0, NULL);
    struct engine_core_options core = {
        .config = &bench->config,
        .site = &bench->site,
        .clock = &bench->clock,
        .wheel = &bench->wheel,
        .wire = {.ctx = bench, .send = keep_answer},
        .lookup = options->lookup.find ? options->lookup : (struct engine_lookup){.ctx = bench, .find = nobody},
        .bindings = {.journal = bench->journal},
        .key = {1, 2}};
    if (err == OK)
        err = engine_core_new(&core, &bench->core);
    if (err == OK && !source)
        err = source_from_memory("bench", &file, 1, &source, fault);
    if (err != OK)
        return err;
    struct policy_options policy = {.host = engine_core_host(bench->core)};
    err = policy_load(source, &policy, &bench->policy, fault);
    if (err == OK && options->tally)
        err = policy_load(source, &policy, &bench->second, fault);
    if (!options->source)
        source_unref(source);
    engine_core_use(bench->core, bench->policy, 1);
    const struct engine_beside_options beside = {.policy = bench->second, .tally = options->tally, .sample = 1};
    if (err == OK && bench->second)
        err = engine_beside_start(bench->core, &beside);
    bench->flow.remote = (struct net_address){.ip = {127, 0, 0, 1}, .port = 40000, .family = NET_FAMILY_IP4};
    bench->flow.local = (struct net_address){.ip = {127, 0, 0, 1}, .port = 5060, .family = NET_FAMILY_IP4};
    return err;
}

void engine_load_request(struct bench *bench, const char *method, bool gone, unsigned long number)
{
    bool is_invite = strcmp(method, "INVITE") == 0, in_dialog = method[0] == 'A' || method[0] == 'B';
    unsigned at = number % BATCH;
    bool registers = method[0] == 'R'; /* its user's Contact, of whom there are fewer: most are refreshed */
    const char *user = gone ? "gone" : "user";
    unsigned long who = number % (registers ? bench->registering : bench->users);
    char caller[32] = "caller", target[32] = "";
    snprintf(registers ? caller : target, sizeof(caller), registers ? "%s%07lu" : "%s%07lu@", user, who);
    /* The ACK for a 410 shares its INVITE's branch. */
    const char *branch = method[0] == 'A' && gone ? "INVITE" : method;
    int len = snprintf(bench->texts[at], TEXT_CAP,
                       "%s sip:%s127.0.0.1:5060 SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK1a2b3c4d.1.%lu.%s;rport\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: \"Load\" <sip:%s@127.0.0.1>;tag=f1a2b3c4d1-%lu\r\n"
                       "To: <sip:%s%07lu@127.0.0.1>%s\r\n"
                       "Call-ID: 1a2b3c4d-1-%lu@127.0.0.1\r\n"
                       "CSeq: %d %s\r\n"
                       "Contact: <sip:%s@127.0.0.1:40000>\r\n"
                       "User-Agent: bench\r\n"
                       "%s"
                       "Content-Length: %zu\r\n\r\n%s",
                       method, target, number, branch, caller, number, user, who, in_dialog ? bench->tags[at] : "",
                       number, method[0] == 'B' ? 2 : 1, method, caller,
                       is_invite          ? "Content-Type: application/sdp\r\nSupported: timer, replaces\r\n"
                                            "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\n"
                       : registers        ? "Expires: 3600\r\n"
                       : method[0] == 'S' ? "Event: presence\r\nExpires: 600\r\nAccept: application/pidf+xml\r\n"
                                          : "",
                       is_invite ? sizeof(sdp) - 1 : 0, is_invite ? sdp : "");
    bench->lens[at] = (size_t)len;
}

void engine_load_answer(struct bench *bench, unsigned long number)
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

void engine_load_close(struct bench *bench)
{
    registrar_journal_close(bench->journal);
    engine_core_free(bench->core);
    policy_free(bench->policy);
    policy_free(bench->second);
    if (bench->folder[0] && store_remove_folder(bench->folder) != OK)
        fprintf(stderr, "%s cannot be removed\n", bench->folder);
}

void engine_load_batch(struct bench *bench, const char *method, bool gone, unsigned long first)
{
    for (unsigned i = 0; i < BATCH; i++)
        engine_load_request(bench, method, gone, first + i);
    for (bench->at = 0; bench->at < BATCH; bench->at++)
        engine_core_receive(bench->core, &bench->flow, span_make(bench->texts[bench->at], bench->lens[bench->at]),
                            SIP_DATAGRAM);
    for (unsigned i = 0; i < BATCH && method[0] == 'I'; i++)
        engine_load_keep_tag(bench, i);
    policy_collect(bench->policy);
}
