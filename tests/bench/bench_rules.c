/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision costs by the number of `when` rules: a mix of users, numbers, prefixes, address blocks, headers and
 * states, of which the last one fits.  One JSON line for each count: nanoseconds of CPU, and how often that is the first.
 *   bench_rules [ROUNDS] */
#include "policy/policy.h"
#include "sip/sip_message.h"
#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 1000, RULE_CAP = 128 };

static const char request_text[] = "INVITE sip:+15550142@example.com SIP/2.0\r\n"
                                   "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                                   "From: <sip:ada@caller.example>;tag=1\r\nTo: <sip:+15550142@example.com>\r\n"
                                   "Call-ID: a@192.0.2.1\r\nCSeq: 7 INVITE\r\nUser-Agent: bench\r\nX-Tag: one\r\n\r\n";

static enum err find_record(void *ctx, const struct policy_request *request, struct policy_record *out_record)
{
    (void)ctx;
    (void)request;
    *out_record = (struct policy_record){.state = POLICY_STATE_ACTIVE};
    return OK;
}

static size_t add_rule(char *out, size_t cap, unsigned i)
{
    static const char *const forms[] = {
        "{ 'r%u', when = { user = 'user%u' }, verdict = ok {} },\n",
        "{ 'r%u', when = { number = '+4930%u' }, verdict = ok {} },\n",
        "{ 'r%u', when = { number = prefix '+44%u', method = 'INVITE' }, verdict = ok {} },\n",
        "{ 'r%u', when = { source = '10.0.%u.0/24' }, verdict = ok {} },\n",
        "{ 'r%u', when = { header = { ['X-Tag'] = 'tag%u' } }, verdict = ok {} },\n",
        "{ 'r%u', when = { state = 'gone', from_user = 'caller%u' }, verdict = gone {} },\n",
    };
    return (size_t)snprintf(out, cap, forms[i % 6], i, i % 250);
}

static struct policy *make_policy(unsigned count)
{
    static char text[RULES_MAX * RULE_CAP + 256];
    struct source *source;
    struct policy *policy = NULL;
    struct fault fault = {0};
    size_t len =
        (size_t)sprintf(text, "return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n");
    for (unsigned i = 0; i + 1 < count; i++)
        len += add_rule(text + len, sizeof(text) - len, i);
    snprintf(text + len, sizeof(text) - len, "{ 'last', when = { state = 'active' }, verdict = ok {} } } }");
    struct source_file file = {"policy.lua", span_of(text)};
    struct policy_options options = {.host = {.directory = {.record = find_record}}};
    if (source_from_memory("bench", &file, 1, &source, &fault) != OK)
        return NULL;
    if (policy_load(source, &options, &policy, &fault) != OK)
        fprintf(stderr, "bench_rules: %s:%d: %s\n", fault.file, fault.line, fault.text);
    source_unref(source);
    return policy;
}

static double decide_many(struct policy *policy, const struct policy_request *request, unsigned long rounds)
{
    struct policy_decision decision;
    uint64_t started = clock_thread_cpu_ns();
    for (unsigned long i = 0; i < rounds; i++) {
        policy_decide(policy, request, &decision);
        if (strcmp(decision.rule, "last") != 0)
            abort();
    }
    return (double)(clock_thread_cpu_ns() - started) / (double)rounds;
}

int main(int argc, char **argv)
{
    static const unsigned counts[] = {10, 30, 100, 300, 1000};
    static struct sip_message message;
    struct sip_problem problem;
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    double first = 0;
    if (sip_message_parse(&message, SPAN(request_text), SIP_DATAGRAM, &problem) != OK)
        return 1;
    const struct policy_request request = {
        .message = &message,
        .source = {.family = 4, .address = {192, 0, 2, 1}, .port = 5060, .transport = "udp"},
        .target = {.user = message.uri.user, .number = message.uri.user, .host = message.uri.host},
    };
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct policy *policy = make_policy(counts[i]);
        if (!policy)
            return 1;
        decide_many(policy, &request, rounds / 10 + 1);
        double ns = decide_many(policy, &request, rounds);
        first = i ? first : ns;
        printf("{\"bench\":\"rules\",\"rules\":%u,\"ns\":%.0f,\"of_first\":%.2f}\n", counts[i], ns, ns / first);
        policy_free(policy);
    }
    return 0;
}
