/* SPDX-License-Identifier: Apache-2.0 */
#include "offline/offline_check.h"
#include "authoring/authoring_check.h"
#include "authoring/authoring_coverage.h"
#include "offline/offline_trial.h"
#include <stdio.h>
#include <stdlib.h>

/* The cases of one test.lua on their way. */
struct run {
    struct offline_trial *trial;
    struct buffer *out;   /* may be NULL */
    struct buffer *junit; /* may be NULL */
    struct fault *fault;  /* may be NULL: the first failed test */
};

/* The status of the latest answer; a NOTIFY may have followed it.  0: there was none. */
static int answered(const struct offline_trial *trial)
{
    unsigned at = trial->sent_count;
    while (at && !trial->sent[at - 1].code)
        at--;
    return at ? (int)trial->sent[at - 1].code : 0;
}

/* In a call the rule is on_request where it gave the answer, and none where the engine did. */
static enum err run_in_call(struct offline_trial *trial, const struct authoring_test_case *test,
                            struct authoring_test_got *out_got)
{
    const char *why = "";
    enum err err = offline_trial_in_call(trial, test, &why);
    const struct engine_outcome *last = &trial->core->last;
    const struct policy_answer *said = last->asked_in_call ? last->decision.answer : NULL;
    *out_got = (struct authoring_test_got){
        .verdict = said               ? said->verdict
                   : last->code < 300 ? POLICY_OK
                                      : POLICY_REJECT,
        .code = answered(trial),
        .rule = said ? policy_event_name(POLICY_ON_REQUEST) : "",
        .failure = last->asked_in_call ? last->decision.failure : POLICY_FAILED_NOT,
        .failure_text = err != OK             ? why
                        : last->asked_in_call ? last->decision.text
                                              : "",
        .answer = said,
    };
    return err;
}

/* Each case meets an empty engine, so that no transaction of an earlier one answers for it. */
static enum err run_case(void *ctx, const struct authoring_test_case *test, struct authoring_test_got *out_got)
{
    struct offline_trial *trial = ((struct run *)ctx)->trial;
    enum err err = offline_trial_run(trial, test);
    if (err != OK)
        return err;
    if (test->in_call.method.at)
        return run_in_call(trial, test, out_got);
    const struct engine_outcome *last = &trial->core->last;
    *out_got = (struct authoring_test_got){
        .verdict = last->decided ? last->verdict : POLICY_REJECT,
        .code = answered(trial),
        .rule = last->decided ? last->decision.rule : "",
        .failure = last->decided ? last->decision.failure : POLICY_FAILED_NOT,
        .failure_text = last->decided ? last->decision.text : "",
        .answer = last->decided ? last->decision.answer : NULL,
    };
    if (test->ack_lost)
        offline_trial_wait(trial, OFFLINE_TRIAL_LOST_T1 * trial->config->t1_ms);
    out_got->sent = offline_trial_answers(trial);
    out_got->on_ack_missing = trial->lost_ack_told;
    out_got->bye = offline_trial_hung_up(trial);
    return OK;
}

/* XML 1.0 has no way to write most control bytes. */
static void add_xml(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '<')
            buffer_add_literal(out, "&lt;");
        else if (byte == '>')
            buffer_add_literal(out, "&gt;");
        else if (byte == '&')
            buffer_add_literal(out, "&amp;");
        else if (byte == '"')
            buffer_add_literal(out, "&quot;");
        else
            buffer_add_byte(out, byte < 0x20 ? ' ' : (char)byte);
    }
}

static void report_junit(struct buffer *out, const struct authoring_test_result *result)
{
    buffer_add_literal(out, "  <testcase name=\"");
    add_xml(out, result->name);
    buffer_addf(out, "\" file=\"%s\" line=\"%d\"", result->file, result->line);
    if (result->passed) {
        buffer_add_literal(out, "/>\n");
        return;
    }
    buffer_add_literal(out, ">\n    <failure message=\"");
    add_xml(out, result->text);
    buffer_add_literal(out, "\"/>\n  </testcase>\n");
}

static void report_case(void *ctx, const struct authoring_test_result *result)
{
    struct run *run = ctx;
    char line[16] = ""; /* of a case that a function made it is not known */
    if (result->line)
        (void)snprintf(line, sizeof(line), ":%d", result->line);
    if (run->out)
        buffer_addf(run->out, "%s  %s (%s%s)%s%s\n", result->passed ? "ok  " : "FAIL", result->name, result->file, line,
                    result->passed ? "" : ": ", result->passed ? "" : result->text);
    if (run->junit)
        report_junit(run->junit, result);
    if (!result->passed && run->fault && run->fault->err == OK)
        (void)fault_set(run->fault, ERR_CONFLICT, result->file, result->line, "test \"%s\": %s", result->name,
                        result->text);
}

static enum err test_with(struct run *run, struct source *source, struct authoring_test_summary *out_summary,
                          struct fault *fault)
{
    enum err err = authoring_test_run(source, run_case, report_case, run, out_summary, fault);
    return err == OK && out_summary->failed ? ERR_CONFLICT : err;
}

enum err offline_test_source(const struct engine_config *config, struct source *source,
                             struct authoring_test_summary *out_summary, struct fault *fault)
{
    struct fault first = {0};
    struct run run = {.fault = &first};
    const struct offline_trial_options options = {.config = config};
    if (!source_find(source, "test.lua"))
        return ERR_NOT_FOUND;
    enum err err = offline_trial_new(&options, source, &run.trial, fault);
    if (err != OK)
        return err;
    err = test_with(&run, source, out_summary, fault);
    if (err == ERR_CONFLICT && fault)
        *fault = first;
    offline_trial_free(run.trial);
    return err;
}

static enum err say_fault(struct buffer *out, const struct fault *fault, enum err err)
{
    char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
    fault_format(fault, text, sizeof(text));
    buffer_addf(out, "%s\n", text);
    return err;
}

/* The suite's element around its cases, whose number is known only now. */
static void wrap_junit(const struct offline_test_ask *ask, const struct source *source, struct span cases,
                       const struct authoring_test_summary *summary)
{
    buffer_add_literal(ask->junit, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"");
    add_xml(ask->junit, source_name(source));
    buffer_addf(ask->junit, "\" tests=\"%zu\" failures=\"%zu\">\n", summary->passed + summary->failed, summary->failed);
    buffer_add_span(ask->junit, cases);
    buffer_add_literal(ask->junit, "</testsuite>\n");
}

static enum err test_source(const struct offline_test_ask *ask, struct source *source,
                            struct offline_test_result *result, struct fault *fault)
{
    struct authoring_coverage *coverage = NULL;
    struct buffer cases = buffer_heap(8 << 20);
    struct run run = {.out = ask->out, .junit = ask->junit ? &cases : NULL};
    struct authoring_test_summary summary = {0};
    enum err err = source_find(source, "test.lua") ? OK : ERR_NOT_FOUND;
    if (err == OK && ask->coverage)
        err = authoring_coverage_new(source, &coverage, fault);
    const struct offline_trial_options options = {.trace = coverage ? authoring_coverage_trace(coverage) : NULL};
    if (err == OK)
        err = offline_trial_new(&options, source, &run.trial, fault);
    if (err == OK)
        err = test_with(&run, source, &summary, fault);
    result->passed = (unsigned)summary.passed;
    result->failed = (unsigned)summary.failed;
    if (err == OK || err == ERR_CONFLICT) {
        if (coverage)
            result->covered =
                authoring_coverage_report(coverage, policy_describe(policy_program_of(run.trial->policy)), ask->out);
        if (ask->junit)
            wrap_junit(ask, source, buffer_span(&cases), &summary);
    }
    offline_trial_free(run.trial);
    authoring_coverage_free(coverage);
    buffer_done(&cases);
    return err;
}

enum err offline_test_policy(const struct offline_test_ask *ask, struct offline_test_result *out_result)
{
    struct source *source;
    struct fault fault = {0};
    *out_result = (struct offline_test_result){0};
    enum err err = source_read(ask->path, &source, &fault);
    if (err != OK)
        return say_fault(ask->out, &fault, err == ERR_NOT_FOUND ? ERR_IO : err);
    err = test_source(ask, source, out_result, &fault);
    if (err != OK && err != ERR_CONFLICT && err != ERR_NOT_FOUND)
        (void)say_fault(ask->out, &fault, err);
    source_unref(source);
    return err;
}

enum err offline_check_policy(const char *path, struct buffer *out, unsigned *out_errors, unsigned *out_warnings)
{
    struct source *source;
    struct fault fault = {0};
    enum err err = source_read(path, &source, &fault);
    *out_errors = 1;
    *out_warnings = 0;
    if (err != OK)
        return say_fault(out, &fault, err);
    struct authoring_findings *findings = calloc(1, sizeof(*findings));
    if (findings) {
        authoring_check(source, findings);
        for (size_t i = 0; i < findings->count; i++)
            authoring_finding_format(&findings->list[i], source, out);
        if (findings->left_out)
            buffer_addf(out, "and %zu more\n", findings->left_out);
        *out_errors = (unsigned)findings->errors;
        *out_warnings = (unsigned)(findings->count - findings->errors);
        err = findings->errors ? ERR_INVALID : OK;
    } else {
        err = ERR_NOMEM;
    }
    free(findings);
    source_unref(source);
    return err;
}
