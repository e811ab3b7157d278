/* SPDX-License-Identifier: Apache-2.0 */
/* Runs test.lua: a list of cases, each decided by a callback; and that callback without an engine. */
#include "authoring/authoring_test.h"
#include "authoring/authoring_case.h"

#include "sip/sip_message.h"
#include "sip/sip_number.h"
#include "util/clock.h"
#include "vm/vm.h"
#include "vm/vm_lines.h"

#include <lua.h>
#include <stdio.h>
#include <stdlib.h>

struct runner {
    struct source *source;
    authoring_test_run_fn run;
    authoring_test_report_fn report;
    void *ctx;
    struct vm_lines *lines;
    struct authoring_test_summary summary;
    struct authoring_case test;
    enum err err; /* of test.lua itself */
    struct fault *fault;
};

static enum err find_module(void *ctx, struct span name, struct span *out_source, char *out_chunk, size_t chunk_cap)
{
    const struct runner *runner = ctx;
    char path[SOURCE_NAME_MAX];
    struct buffer text = buffer_over(path, sizeof(path) - 1);
    for (size_t i = 0; i < name.len; i++)
        buffer_add_byte(&text, name.at[i] == '.' ? '/' : name.at[i]);
    buffer_add_literal(&text, ".lua");
    path[text.len] = '\0';
    const struct source_file *file = text.overflow ? NULL : source_find(runner->source, path);
    if (!file || !span_copy(span_of(path), out_chunk, chunk_cap))
        return ERR_NOT_FOUND;
    *out_source = file->bytes;
    return OK;
}

static enum err fail_case(struct runner *runner, enum err err)
{
    const struct authoring_test_case *test = &runner->test.test;
    runner->err = fault_set(runner->fault, err, "test.lua", test->line, "%s%s%s", test->name ? test->name : "",
                            test->name ? ": " : "", runner->test.problem);
    return err;
}

/* The case at the top of the stack. */
static enum err run_case(struct runner *runner, lua_State *L)
{
    struct authoring_case *test = &runner->test;
    struct authoring_test_result result = {.file = "test.lua"};
    struct authoring_test_got got = {0};
    int index = lua_gettop(L);
    if (!authoring_case_read(test, L, index))
        return fail_case(runner, ERR_INVALID);
    struct buffer text = buffer_over(result.text, sizeof(result.text) - 1);
    enum err err = OK;
    for (unsigned round = 1; err == OK && round <= test->times; round++) {
        if (!authoring_case_message(test, L, index, round))
            return fail_case(runner, ERR_INVALID);
        err = runner->run(runner->ctx, &test->test, &got);
    }
    if (err != OK)
        buffer_addf(&text, "cannot be decided: %s", got.failure_text ? got.failure_text : err_text(err));
    else if (!authoring_case_compare(test, L, index, &got, &text))
        return fail_case(runner, ERR_INVALID);
    result.text[text.len] = '\0';
    result.name = test->test.name;
    result.line = test->test.line;
    result.passed = text.len == 0 && !text.overflow;
    *(result.passed ? &runner->summary.passed : &runner->summary.failed) += 1;
    if (runner->report)
        runner->report(runner->ctx, &result);
    return OK;
}

/* Arguments: what test.lua returned, and the runner.  In protected mode: reading a table may run out of memory. */
static int run_all(lua_State *L)
{
    struct runner *runner = lua_touserdata(L, 2);
    size_t count = lua_type(L, 1) == LUA_TTABLE ? lua_rawlen(L, 1) : 0;
    lua_settop(L, 1);
    if (count == 0) {
        runner->err = fault_set(runner->fault, ERR_INVALID, "test.lua", 0, "expected it to return a list of tests");
        return 0;
    }
    for (size_t i = 1; i <= count; i++) {
        runner->test.number = (unsigned)i;
        runner->test.test.name = NULL;
        runner->test.test.line = vm_lines_of(runner->lines, vm_lines_position(vm_lines_root(), (int64_t)i));
        snprintf(runner->test.problem, sizeof(runner->test.problem), "test %zu: expected a table", i);
        lua_rawgeti(L, 1, (lua_Integer)i);
        enum err err = lua_istable(L, -1) ? run_case(runner, L) : fail_case(runner, ERR_INVALID);
        lua_settop(L, 1);
        if (err != OK)
            return 0;
    }
    return 0;
}

static enum err run_file(struct runner *runner, struct vm *vm, const struct source_file *file)
{
    struct vm_outcome outcome;
    lua_State *L = vm_state(vm);
    enum err err = vm_load(vm, file->name, file->bytes, runner->fault);
    if (err != OK)
        return err;
    err = vm_call(vm, 0, 1, &outcome);
    if (err == OK) {
        lua_pushcfunction(L, run_all);
        lua_insert(L, -2);
        lua_pushlightuserdata(L, runner);
        err = vm_call(vm, 2, 0, &outcome);
    }
    if (err != OK)
        return fault_set(runner->fault, err, outcome.file[0] ? outcome.file : "test.lua", outcome.line, "%s",
                         outcome.text);
    return runner->err;
}

enum err authoring_test_run(struct source *source, authoring_test_run_fn run, authoring_test_report_fn report,
                            void *ctx, struct authoring_test_summary *out_summary, struct fault *fault)
{
    const struct source_file *file = source_find(source, "test.lua");
    if (!file)
        return fault_set(fault, ERR_NOT_FOUND, source_name(source), 0, "the policy has no test.lua");
    struct vm *vm = NULL;
    struct runner *runner = calloc(1, sizeof(*runner));
    if (!runner)
        return fault_set(fault, ERR_NOMEM, "test.lua", 0, "out of memory");
    runner->source = source;
    runner->run = run;
    runner->report = report;
    runner->ctx = ctx;
    runner->fault = fault;
    const struct vm_options options = {.require = find_module, .require_ctx = runner};
    enum err err = vm_lines_scan(file->bytes, &runner->lines);
    if (err == OK)
        err = vm_new(&options, &vm);
    if (err == OK)
        err = run_file(runner, vm, file);
    else
        fault_set(fault, err, "test.lua", 0, "%s", err_text(err));
    if (err == OK)
        *out_summary = runner->summary;
    vm_free(vm);
    vm_lines_free(runner->lines);
    free(runner);
    return err;
}

struct authoring_test_bench {
    struct policy *policy;
    const struct authoring_test_case *test;
    struct sip_message message;
    struct policy_decision decision;
    char user[256];
    char number[SIP_NUMBER_MAX];
};

static int64_t bench_wall_ms(void *ctx)
{
    const struct authoring_test_bench *bench = ctx;
    return bench->test ? bench->test->now_ms : 0;
}

static enum err bench_record(void *ctx, const struct policy_request *request, struct policy_record *out_record)
{
    const struct authoring_test_bench *bench = ctx;
    (void)request;
    if (bench->test->has_record == AUTHORING_TEST_UNREADABLE)
        return ERR_IO;
    if (bench->test->has_record == AUTHORING_TEST_NO_RECORD)
        return ERR_NOT_FOUND;
    *out_record = bench->test->record;
    return OK;
}

enum err authoring_test_bench_new(struct source *source, bool fresh_request, struct authoring_test_bench **out_bench,
                                  struct fault *fault)
{
    struct authoring_test_bench *bench = calloc(1, sizeof(*bench));
    if (!bench)
        return fault_set(fault, ERR_NOMEM, "", 0, "out of memory");
    const struct policy_options options = {
        .host = {.clock = {.ctx = bench, .wall_ms = bench_wall_ms},
                 .directory = {.ctx = bench, .record = bench_record}},
        .fresh_request = fresh_request,
    };
    enum err err = policy_load(source, &options, &bench->policy, fault);
    if (err == OK)
        *out_bench = bench;
    else
        free(bench);
    return err;
}

void authoring_test_bench_free(struct authoring_test_bench *bench)
{
    if (!bench)
        return;
    policy_free(bench->policy);
    free(bench);
}

/* The Request-URI's user (REGISTER: the To's), unescaped; its number where it is one. */
static struct policy_target target_of(struct authoring_test_bench *bench)
{
    const struct sip_message *message = &bench->message;
    const struct sip_uri *uri = message->method == SIP_METHOD_REGISTER ? &message->to.uri : &message->uri;
    struct policy_target target = {.host = uri->host};
    size_t len = 0;
    if (uri->user.at && sip_uri_unescape(uri->user, bench->user, sizeof(bench->user), &len))
        target.user = span_make(bench->user, len);
    if (sip_number_of_uri(uri, NULL, 0, bench->number, &len) == OK)
        target.number = span_make(bench->number, len);
    return target;
}

static enum err prepare(struct authoring_test_bench *bench, const struct authoring_test_case *test,
                        struct policy_request *out_request, struct sip_problem *problem)
{
    bench->test = test;
    if (sip_message_parse(&bench->message, test->message, SIP_DATAGRAM, problem) != OK)
        return ERR_SYNTAX;
    *out_request = (struct policy_request){
        .message = &bench->message,
        .source = test->source,
        .target = target_of(bench),
        .authenticated_as = test->authenticated_as,
        .in_dialog = test->in_dialog,
    };
    return OK;
}

enum err authoring_test_measure(struct authoring_test_bench *bench, const struct authoring_test_case *test,
                                unsigned rounds, struct authoring_measure *out_measure)
{
    struct sip_problem problem = {0};
    struct policy_request request;
    struct policy_decision *decision = &bench->decision;
    enum err err = prepare(bench, test, &request, &problem);
    if (err != OK)
        return err;
    uint64_t first = clock_mono_ns();
    policy_decide(bench->policy, &request, decision); /* whatever only the first one pays */
    first = clock_mono_ns() - first;
    *out_measure = (struct authoring_measure){.ns = first,
                                              .fuel = decision->fuel,
                                              .verdict = policy_verdict_name(decision->answer->verdict),
                                              .rule = decision->rule,
                                              .failure = decision->failure};
    if (decision->failure != POLICY_FAILED_NOT)
        return OK;
    policy_collect(bench->policy);
    size_t before = policy_memory(bench->policy);
    policy_decide(bench->policy, &request, decision);
    size_t after = policy_memory(bench->policy);
    uint64_t best = UINT64_MAX; /* of ten parts: other work of the machine only ever adds */
    for (unsigned part = 0; part < 10; part++) {
        uint64_t start = clock_mono_ns();
        for (unsigned i = 0; i < rounds / 10 + 1; i++) {
            policy_decide(bench->policy, &request, decision);
            policy_collect(bench->policy);
        }
        uint64_t took = (clock_mono_ns() - start) / (rounds / 10 + 1);
        best = took < best ? took : best;
    }
    out_measure->ns = best;
    out_measure->fuel = decision->fuel;
    out_measure->bytes = after > before ? after - before : 0;
    return OK;
}

enum err authoring_test_decide(void *ctx, const struct authoring_test_case *test, struct authoring_test_got *out_got)
{
    struct authoring_test_bench *bench = ctx;
    struct sip_problem problem = {0};
    struct policy_request request;
    if (test->in_call.method.at) {
        *out_got = (struct authoring_test_got){.failure_text = "in_call: there are no calls without an engine"};
        return ERR_UNSUPPORTED;
    }
    if (prepare(bench, test, &request, &problem) != OK) {
        *out_got = (struct authoring_test_got){.code = problem.code, .failure_text = problem.reason};
        return ERR_SYNTAX;
    }
    policy_decide(bench->policy, &request, &bench->decision);
    *out_got = (struct authoring_test_got){
        .verdict = bench->decision.answer->verdict,
        .code = bench->decision.answer->code,
        .rule = bench->decision.rule,
        .failure = bench->decision.failure,
        .failure_text = bench->decision.text,
        .answer = bench->decision.answer,
    };
    return OK;
}
