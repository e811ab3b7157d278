/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and running one case; see fuzz_case.h. */
#include "fuzz_case.h"
#include "sip/sip_message.h"
#include "support/sanitized.h"
#include "util/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SCRIPT_MAX = 60 * 1024,
    SCRIPT_SOFT = 9000,
    SCRIPT_DEPTH = 15,
    REQUEST_DEPTH = 9,
    ATTEMPTS = 3,
    NOW_S = 1790000000
};

static void write_request(struct fuzz_case *test, struct fuzz_request *request, struct grammar *grammar)
{
    static const char *const transports[] = {"udp", "tcp", "tls", "ws", "wss", NULL};
    struct tape *tape = &test->tape;
    buffer_done(&request->bytes);
    *request = (struct fuzz_request){.bytes = buffer_heap(SIP_MESSAGE_MAX)};
    grammar_expand(grammar, "request", (struct grammar_limits){REQUEST_DEPTH, SIP_MESSAGE_MAX - 1024}, tape,
                   &request->bytes);
    request->source = (struct policy_peer){
        .family = (unsigned char[]){4, 6, 0}[tape_draw(tape, 3)],
        .address = {192, 0, 2, 1},
        .port = 5060,
        .transport = transports[tape_draw(tape, 6)],
        .trusted = tape_draw(tape, 2),
    };
    if (tape_draw(tape, 4) == 3)
        request->source.identity = SPAN("sip:alice@example.com");
    request->in_dialog = tape_draw(tape, 4) == 3;
    request->has_record = tape_draw(tape, 2);
    request->unreadable = tape_draw(tape, 16) == 15;
    request->record = (struct policy_record){
        .state = (enum policy_state)(1 + tape_draw(tape, POLICY_STATE_COUNT - 1)),
        .kind = "account",
        .key = SPAN("sip:a@example.com"),
        .forward = SPAN("sip:new@example.net"),
        .since_s = NOW_S,
        .cause = 1,
        .by = SPAN("import"),
    };
    if (tape_draw(tape, 4) == 3)
        request->authenticated_as = SPAN("sip:a@example.com");
}

void fuzz_case_write(struct fuzz_case *test, struct grammar *grammar)
{
    buffer_done(&test->script);
    test->script = buffer_heap(SCRIPT_MAX);
    grammar_expand(grammar, "policy", (struct grammar_limits){SCRIPT_DEPTH, SCRIPT_SOFT}, &test->tape, &test->script);
    for (unsigned i = 0; i < FUZZ_REQUESTS; i++)
        write_request(test, &test->requests[i], grammar);
}

void fuzz_case_done(struct fuzz_case *test)
{
    buffer_done(&test->script);
    for (unsigned i = 0; i < FUZZ_REQUESTS; i++)
        buffer_done(&test->requests[i].bytes);
}

void fuzz_case_print(const struct fuzz_case *test, FILE *out)
{
    fprintf(out, "%.*s\n", SPAN_ARG(buffer_span(&test->script)));
    for (unsigned i = 0; i < FUZZ_REQUESTS; i++) {
        const struct fuzz_request *request = &test->requests[i];
        fprintf(out, "---- request %u: family %u, %s%s%s%s%s%s, %zu bytes\n", i, request->source.family,
                request->source.transport ? request->source.transport : "no transport",
                request->source.trusted ? ", trusted" : "", request->in_dialog ? ", in a dialog" : "",
                request->has_record ? ", " : "", request->has_record ? policy_state_name(request->record.state) : "",
                request->unreadable ? ", unreadable" : "", request->bytes.len);
        fwrite(request->bytes.at, 1, request->bytes.len, out);
        fputc('\n', out);
    }
}

/* What a run needs: two VMs of one version in one world, which shows the request under decision. */
struct runner {
    struct policy *policies[2];
    const struct fuzz_request *request;
    struct sip_message message;
    struct policy_request view;
    struct policy_call call;
    struct fuzz_tally *tally;
    char *text;
    size_t cap;
};

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return NOW_S * (int64_t)1000;
}

static enum err find_record(void *ctx, const struct policy_request *request, struct policy_record *out_record)
{
    const struct runner *runner = ctx;
    (void)request;
    if (!runner->request || runner->request->unreadable)
        return ERR_IO;
    if (!runner->request->has_record)
        return ERR_NOT_FOUND;
    *out_record = runner->request->record;
    return OK;
}

static enum err identify(void *ctx, const struct policy_request *request, struct span *out_aor)
{
    const struct runner *runner = ctx;
    (void)request;
    *out_aor = runner->request ? runner->request->authenticated_as : SPAN("");
    return OK;
}

static void swallow(void *ctx, enum log_level level, const char *rule, struct span text)
{
    (void)ctx, (void)level, (void)rule, (void)text;
}

static uint64_t seed(void *ctx, const struct policy_request *request)
{
    (void)ctx, (void)request;
    return 42;
}

static enum err load(struct runner *runner, struct span script, struct vm_watchdog *watchdog, struct fault *fault)
{
    struct source_file file = {"policy.lua", script};
    struct source *source = NULL;
    struct policy_program *program = NULL;
    const struct policy_options options = {
        .host = {.clock = {.wall_ms = wall_ms},
                 .directory = {.ctx = runner, .record = find_record, .identify = identify},
                 .log = {.write = swallow},
                 .random = {.seed = seed}},
        .watchdog = watchdog,
    };
    enum err err = source_from_memory("fuzz", &file, 1, &source, fault);
    uint64_t began = clock_thread_cpu_ns();
    if (err == OK)
        err = policy_prepare(source, &program, fault);
    uint64_t took = clock_thread_cpu_ns() - began;
    for (int i = 0; i < 2 && err == OK; i++)
        err = policy_new(program, &options, &runner->policies[i], fault);
    runner->tally->longest_load_ns = took > runner->tally->longest_load_ns ? took : runner->tally->longest_load_ns;
    policy_program_unref(program);
    source_unref(source);
    return err;
}

/* The call's view of the same request: a Call-ID, addresses, a body. */
static void show_request(struct runner *runner)
{
    const struct sip_message *message = &runner->message;
    const struct fuzz_request *request = runner->request;
    struct span user = message->uri.user;
    bool number = user.len > 1 && user.at[0] == '+';
    runner->view = (struct policy_request){
        .message = message,
        .source = request->source,
        .target = {.user = user, .host = message->uri.host, .number = number ? user : SPAN("")},
        .authenticated_as = request->authenticated_as,
        .in_dialog = request->in_dialog,
    };
    runner->call = (struct policy_call){
        .id = message->call_id,
        .method = message->method_text,
        .from = message->from.uri.text,
        .to = message->to.uri.text,
        .target = SPAN("sip:a@example.com"),
        .code = 200,
        .reason = SPAN("peer"),
        .body = message->body,
        .body_type = SPAN("text/plain"),
        .source = request->source,
        .age_ms = 61500,
    };
}

/* A decision, or one of the events. */
static void ask(struct runner *runner, int vm, int event, struct policy_decision *out_decision)
{
    if (event < 0)
        policy_decide(runner->policies[vm], &runner->view, out_decision);
    else if (event == POLICY_ON_REQUEST)
        policy_in_call(runner->policies[vm], &runner->view, &runner->call, out_decision);
    else
        policy_event(runner->policies[vm], (enum policy_event)event, &runner->call, out_decision);
}

static enum fuzz_verdict say(struct runner *runner, enum fuzz_verdict verdict, const char *format, ...)
    PRINTF_LIKE(3, 4);
static enum fuzz_verdict say(struct runner *runner, enum fuzz_verdict verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(runner->text, runner->cap, format, args);
    va_end(args);
    return verdict;
}

static const char *event_name(int event)
{
    return event < 0 ? "the decision" : policy_event_name((enum policy_event)event);
}

/* The least of three where the first was over: a cold cache is no fault of ours, a bound that does not hold is over again. */
static enum fuzz_verdict timed(struct runner *runner, int vm, int event, struct policy_decision *out_decision)
{
    uint64_t least = UINT64_MAX, least_collect = UINT64_MAX;
    for (int attempt = 0; attempt < ATTEMPTS && (least > FUZZ_LIMIT_NS || least_collect > FUZZ_LIMIT_NS); attempt++) {
        struct policy_decision again;
        uint64_t began = clock_thread_cpu_ns();
        ask(runner, vm, event, attempt ? &again : out_decision);
        uint64_t decided = clock_thread_cpu_ns();
        policy_collect(runner->policies[vm]);
        uint64_t collected = clock_thread_cpu_ns();
        least = decided - began < least ? decided - began : least;
        least_collect = collected - decided < least_collect ? collected - decided : least_collect;
    }
    struct fuzz_tally *tally = runner->tally;
    tally->decisions++;
    tally->longest_ns = least > tally->longest_ns ? least : tally->longest_ns;
    tally->longest_collect_ns = least_collect > tally->longest_collect_ns ? least_collect : tally->longest_collect_ns;
    if (TEST_SANITIZED || (least <= FUZZ_LIMIT_NS && least_collect <= FUZZ_LIMIT_NS))
        return FUZZ_HELD;
    return say(runner, FUZZ_LATE, "%s: %llu us, the collector %llu us; %s, %llu fuel: %s", event_name(event),
               (unsigned long long)least / 1000, (unsigned long long)least_collect / 1000,
               policy_failure_name(out_decision->failure), (unsigned long long)out_decision->fuel, out_decision->text);
}

static enum fuzz_verdict judge(struct runner *runner, int event, const struct policy_decision *decision)
{
    const struct policy_answer *answer = decision->answer;
    if (event < 0 && !answer)
        return say(runner, FUZZ_WRONG, "no answer");
    bool failed = decision->failure != POLICY_FAILED_NOT;
    if (event < 0 && failed && (answer->verdict == POLICY_GONE || answer->code == 410))
        return say(runner, FUZZ_WRONG, "410 out of a failure: %s", decision->text);
    if (event == POLICY_ON_REQUEST && answer && (failed || (answer->code != 200 && answer->code < 400)))
        return say(runner, FUZZ_WRONG, "on_request gave %d (%s)", answer->code, policy_failure_name(decision->failure));
    return FUZZ_HELD;
}

static int code_of(const struct policy_decision *decision)
{
    return decision->answer ? decision->answer->code : -1;
}

static enum fuzz_verdict compare(struct runner *runner, int event, const struct policy_decision *one,
                                 const struct policy_decision *other)
{
    const char *rule = one->rule ? one->rule : "", *other_rule = other->rule ? other->rule : "";
    if (one->failure == other->failure && one->fuel == other->fuel && code_of(one) == code_of(other) &&
        strcmp(one->text, other->text) == 0 && strcmp(rule, other_rule) == 0)
        return FUZZ_HELD;
    return say(runner, FUZZ_DIFFERENT, "%s: %s %llu %d \"%s\" \"%s\", then %s %llu %d \"%s\" \"%s\"", event_name(event),
               policy_failure_name(one->failure), (unsigned long long)one->fuel, code_of(one), rule, one->text,
               policy_failure_name(other->failure), (unsigned long long)other->fuel, code_of(other), other_rule,
               other->text);
}

/* `*repeats` ends where the clock did: what was left undone then differs. */
static enum fuzz_verdict step(struct runner *runner, int event, bool *repeats)
{
    struct policy_decision decisions[2] = {0};
    for (int vm = 0; vm < 2; vm++) {
        enum fuzz_verdict verdict = timed(runner, vm, event, &decisions[vm]);
        if (verdict == FUZZ_HELD)
            verdict = judge(runner, event, &decisions[vm]);
        if (verdict != FUZZ_HELD)
            return verdict;
        runner->tally->by_failure[decisions[vm].failure]++;
        *repeats = *repeats && decisions[vm].failure != POLICY_FAILED_CLOCK;
    }
    return *repeats ? compare(runner, event, &decisions[0], &decisions[1]) : FUZZ_HELD;
}

static enum fuzz_verdict run_request(struct runner *runner, bool *repeats)
{
    struct sip_problem problem;
    if (sip_message_parse(&runner->message, buffer_span(&runner->request->bytes), SIP_DATAGRAM, &problem) != OK) {
        runner->tally->unparsed++;
        return FUZZ_HELD;
    }
    show_request(runner);
    enum fuzz_verdict verdict = FUZZ_HELD;
    for (int event = -1; event < POLICY_EVENT_COUNT && verdict == FUZZ_HELD; event++)
        if (event < 0 || policy_has_event(runner->policies[0], (enum policy_event)event))
            verdict = step(runner, event, repeats);
    return verdict;
}

enum fuzz_verdict fuzz_case_run(const struct fuzz_case *test, struct vm_watchdog *watchdog, struct fuzz_tally *tally,
                                char *text, size_t cap)
{
    static struct runner runner;
    struct fault fault = {0};
    enum fuzz_verdict verdict = FUZZ_HELD;
    bool repeats = true;
    runner = (struct runner){.tally = tally, .text = text, .cap = cap};
    text[0] = '\0';
    if (test->script.overflow) {
        tally->overlong++;
        return FUZZ_HELD;
    }
    tally->scripts++;
    if (load(&runner, buffer_span(&test->script), watchdog, &fault) != OK) {
        tally->refused++;
        snprintf(text, cap, "refused: %s:%d: %s", fault.file, fault.line, fault.text);
    } else {
        for (unsigned i = 0; i < FUZZ_REQUESTS && verdict == FUZZ_HELD; i++) {
            runner.request = &test->requests[i];
            verdict = run_request(&runner, &repeats);
        }
    }
    for (int i = 0; i < 2; i++)
        policy_free(runner.policies[i]);
    return verdict;
}
