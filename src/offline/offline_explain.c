/* SPDX-License-Identifier: Apache-2.0 */
#include "offline/offline_explain.h"
#include "offline/offline_trial.h"
#include "util/json.h"
#include <stdio.h>
#include <stdlib.h>

enum { STEPS_MAX = 2048, NAME_MAX = 96, VALUE_MAX = 192 };

enum step_kind { STEP_RULE, STEP_CONDITION, STEP_READ, STEP_LOOKUP };

struct step {
    enum step_kind kind;
    enum policy_tried tried; /* RULE */
    size_t rule;             /* RULE */
    bool holds;              /* CONDITION */
    char name[NAME_MAX];     /* field, or what was asked */
    char key[VALUE_MAX];     /* LOOKUP */
    char value[VALUE_MAX];
};

struct offline_explainer {
    struct offline_trial *trial;
    struct source *source;
    const char *policy;
    bool json;
    struct policy_trace listener;
    const struct policy_description *description;
    unsigned answers_at_once; /* messages sent before time passed */
    size_t count;
    size_t left_out;
    struct sip_message again; /* the message, read once more to say why nothing came of it */
    struct step steps[STEPS_MAX];
};

static struct step *next_step(struct offline_explainer *self, enum step_kind kind)
{
    if (self->count == STEPS_MAX) {
        self->left_out++;
        return NULL;
    }
    struct step *step = &self->steps[self->count++];
    *step = (struct step){.kind = kind};
    return step;
}

static void keep(char *into, size_t cap, struct span text)
{
    (void)span_copy(span_slice(text, 0, cap - 1), into, cap);
}

static void on_rule(void *ctx, size_t index, enum policy_tried tried)
{
    struct step *step = next_step(ctx, STEP_RULE);
    if (!step)
        return;
    step->rule = index;
    step->tried = tried;
}

static void on_condition(void *ctx, size_t rule, unsigned condition, struct span field, struct span value, bool holds)
{
    struct step *step = next_step(ctx, STEP_CONDITION);
    (void)rule;
    (void)condition;
    if (!step)
        return;
    step->holds = holds;
    keep(step->name, sizeof(step->name), field);
    keep(step->value, sizeof(step->value), value);
}

static void on_read(void *ctx, const char *object, struct span field, struct span value)
{
    struct step *step = next_step(ctx, STEP_READ);
    if (!step)
        return;
    bool is_header = strcmp(object, "req") == 0 && !policy_object_has_field(SPAN("req"), field, &(const char *){NULL});
    snprintf(step->name, sizeof(step->name), is_header ? "%s:header \"%.*s\"" : "%s.%.*s", object, SPAN_ARG(field));
    keep(step->value, sizeof(step->value), value);
}

static void on_lookup(void *ctx, const char *what, struct span key, struct span result)
{
    struct step *step = next_step(ctx, STEP_LOOKUP);
    if (!step)
        return;
    keep(step->name, sizeof(step->name), span_of(what));
    keep(step->key, sizeof(step->key), key);
    keep(step->value, sizeof(step->value), result);
}

static const char *const tried_texts[POLICY_TRIED_COUNT] = {
    [POLICY_TRIED_WHEN_FAILED] = "does not fit: `when`",
    [POLICY_TRIED_CHECK_FAILED] = "does not fit: `check` said no",
    [POLICY_TRIED_DECIDE_NOTHING] = "does not fit: `decide` gave no verdict",
    [POLICY_TRIED_FITS] = "fits",
    [POLICY_TRIED_FAILED] = "failed",
};

/* Bytes of the network for a terminal: no control byte but the line's end gets there. */
static void add_visible(struct buffer *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte >= 0x20 && byte != 0x7f)
            buffer_add_byte(out, (char)byte);
        else
            buffer_addf(out, "\\x%02x", byte);
    }
}

/* ---- As text ---- */

static void say_detail(const struct step *step, struct buffer *out)
{
    struct span value = span_of(step->value);
    switch (step->kind) {
    case STEP_CONDITION:
        buffer_addf(out, "         %s %s: \"", step->holds ? "yes" : "no ", step->name);
        add_visible(out, value);
        buffer_add_literal(out, "\"\n");
        return;
    case STEP_READ:
        buffer_add_literal(out, "         read ");
        add_visible(out, span_of(step->name));
        buffer_add_literal(out, " = ");
        add_visible(out, value);
        buffer_add_byte(out, '\n');
        return;
    case STEP_LOOKUP:
        buffer_addf(out, "         asked %s for \"", step->name);
        add_visible(out, span_of(step->key));
        buffer_add_literal(out, "\": ");
        add_visible(out, value);
        buffer_add_byte(out, '\n');
        return;
    case STEP_RULE:
        return;
    }
}

static void say_rules(const struct offline_explainer *self, struct buffer *out)
{
    size_t told = 0;
    buffer_add_literal(out, "rules\n");
    for (size_t i = 0; i < self->count; i++) {
        const struct step *step = &self->steps[i];
        if (step->kind != STEP_RULE)
            continue;
        const struct policy_rule_info *rule = &self->description->rules[step->rule];
        buffer_addf(out, "  %3zu %s (line %d): %s\n", step->rule + 1, rule->name, rule->line, tried_texts[step->tried]);
        for (; told < i; told++)
            say_detail(&self->steps[told], out);
    }
    for (; told < self->count; told++)
        say_detail(&self->steps[told], out);
    if (self->left_out)
        buffer_addf(out, "  and %zu steps more\n", self->left_out);
    if (self->count == 0)
        buffer_add_literal(out, "  none was asked\n");
}

/* Nothing is sent, and no policy was asked. */
static void say_why_not(struct offline_explainer *self, struct span message, struct buffer *out)
{
    struct sip_problem problem = {0};
    if (sip_message_parse(&self->again, message, SIP_DATAGRAM, &problem) != OK) {
        buffer_add_literal(out, "  it cannot be read: ");
        sip_problem_add(out, &problem);
        buffer_add_byte(out, '\n');
    } else if (!self->again.is_request) {
        buffer_add_literal(out, "  it is a response, and no request of ours waits for it here\n");
    } else if (self->again.method == SIP_METHOD_ACK) {
        buffer_add_literal(out, "  an ACK is never answered\n");
    }
}

static void say_decision(const struct offline_explainer *self, struct buffer *out)
{
    const struct engine_outcome *last = &self->trial->core->last;
    const struct policy_decision *decision = &last->decision;
    if (!last->decided) {
        buffer_add_literal(out, "decision\n  the engine answers by itself, no policy was asked\n");
        if (span_starts_with(span_make(self->trial->answer, self->trial->answer_len), SPAN("SIP/2.0 481 ")))
            buffer_add_literal(out, "  it belongs to a call that is not here; what on_request says in one is shown by "
                                    "`in_call` in test.lua\n");
        return;
    }
    buffer_addf(out, "decision\n  %s by rule \"%s\", fuel %llu\n", policy_verdict_name(decision->answer->verdict),
                decision->rule, (unsigned long long)decision->fuel);
    if (decision->failure != POLICY_FAILED_NOT)
        buffer_addf(out, "  on_error answers: %s at %s:%d: %s\n", policy_failure_name(decision->failure),
                    decision->file, decision->line, decision->text);
    if (last->guarded)
        buffer_addf(out, "  guard: %s\n", engine_guard_result(last->guard)->name);
    if (last->note && last->note[0] != '\0')
        buffer_addf(out, "  carried out as %s: %s\n", policy_verdict_name(last->verdict), last->note);
}

static void say_answer(const struct offline_explainer *self, struct buffer *out)
{
    struct span left = span_make(self->trial->answer, self->trial->answer_len);
    if (left.len == 0) {
        buffer_add_literal(out, "answer\n  nothing is sent\n");
        return;
    }
    buffer_addf(out, "answer, %zu bytes", left.len);
    if (self->trial->answer_ms)
        buffer_addf(out, ", after %llu ms", (unsigned long long)self->trial->answer_ms);
    buffer_add_byte(out, '\n');
    while (left.len > 0) {
        size_t end = span_find(left, '\n');
        struct span line = span_slice(left, 0, end);
        if (span_ends_with(line, SPAN("\r")))
            line.len--;
        buffer_add_literal(out, "  ");
        add_visible(out, line);
        buffer_add_byte(out, '\n');
        left = span_slice(left, end + 1, left.len);
    }
}

/* What time brings, and a request of ours that follows the answer at once (NOTIFY). */
static bool follows(const struct offline_explainer *self, unsigned index)
{
    return index >= self->answers_at_once || !self->trial->sent[index].code;
}

static void say_follows(const struct offline_explainer *self, bool is_invite, struct buffer *out)
{
    const struct offline_trial *trial = self->trial;
    buffer_add_literal(out, "what follows\n");
    if (trial->sent_count == 0)
        buffer_add_literal(out, "  nothing, and nothing for its retransmissions\n");
    else if (!is_invite)
        buffer_add_literal(out, "  the same bytes for its retransmissions\n");
    else
        buffer_add_literal(out, "  an ACK ends it; without one:\n");
    for (unsigned i = 0; i < trial->sent_count; i++)
        if (follows(self, i))
            buffer_addf(out, "  %6.1f s  %s%s\n", (double)trial->sent[i].at_ms / 1000.0, trial->sent[i].line,
                        trial->sent[i].again ? " (again)" : "");
    if (is_invite && trial->sent_count > self->answers_at_once)
        buffer_addf(out, "  %6.1f s  given up%s%s\n", 64.0 * trial->config->t1_ms / 1000.0,
                    offline_trial_hung_up(trial) ? "" : ", nothing more is sent",
                    trial->lost_ack_told ? "; on_ack_missing is told" : "");
}

static void say_all(struct offline_explainer *self, struct span message, struct buffer *out)
{
    buffer_add_literal(out, "request\n  ");
    add_visible(out, span_slice(message, 0, span_find(message, '\r')));
    buffer_add_literal(out, "\n  target ");
    add_visible(out, self->trial->core->target.aor);
    buffer_add_byte(out, '\n');
    say_rules(self, out);
    say_decision(self, out);
    if (!self->trial->core->last.decided && !self->trial->answer_len)
        say_why_not(self, message, out);
    say_answer(self, out);
    say_follows(self, span_starts_with(message, SPAN("INVITE ")), out);
}

/* ---- As JSON ---- */

static void put_step(const struct offline_explainer *self, const struct step *step, struct json *json)
{
    static const char *const kinds[] = {"rule", "condition", "read", "lookup"};
    json_object_begin(json);
    json_put_text(json, "step", kinds[step->kind]);
    if (step->kind == STEP_RULE) {
        json_put_text(json, "name", self->description->rules[step->rule].name);
        json_put_i64(json, "line", self->description->rules[step->rule].line);
        json_put_text(json, "outcome", tried_texts[step->tried]);
    } else {
        json_put_text(json, "name", step->name);
        if (step->kind == STEP_LOOKUP)
            json_put_text(json, "key", step->key);
        json_put_text(json, "value", step->value);
        if (step->kind == STEP_CONDITION)
            json_put_bool(json, "holds", step->holds);
    }
    json_object_end(json);
}

static void put_decision(const struct offline_explainer *self, struct json *json)
{
    const struct engine_outcome *last = &self->trial->core->last;
    json_key(json, "decision");
    if (!last->decided) {
        json_none(json);
        return;
    }
    json_object_begin(json);
    json_put_text(json, "rule", last->decision.rule);
    json_put_text(json, "verdict", policy_verdict_name(last->decision.answer->verdict));
    json_put_text(json, "carried_out", policy_verdict_name(last->verdict));
    json_put_text(json, "note", last->note);
    json_put_text(json, "guard", last->guarded ? engine_guard_result(last->guard)->name : NULL);
    json_put_text(json, "failure", policy_failure_name(last->decision.failure));
    json_put_text(json, "failure_text", last->decision.text);
    json_put_u64(json, "fuel", last->decision.fuel);
    json_object_end(json);
}

static void put_follows(const struct offline_explainer *self, struct json *json)
{
    json_key(json, "without_ack");
    json_array_begin(json);
    for (unsigned i = 0; i < self->trial->sent_count; i++) {
        if (!follows(self, i))
            continue;
        const struct offline_trial_sent *sent = &self->trial->sent[i];
        json_object_begin(json);
        json_put_u64(json, "ms", sent->at_ms);
        json_put_text(json, "message", sent->line);
        json_put_bool(json, "again", sent->again);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_all(const struct offline_explainer *self, struct buffer *out)
{
    struct json json = json_into(out);
    json_object_begin(&json);
    json_put_span(&json, "call_id", self->trial->core->message->call_id);
    json_put_span(&json, "target", self->trial->core->target.aor);
    json_key(&json, "steps");
    json_array_begin(&json);
    for (size_t i = 0; i < self->count; i++)
        put_step(self, &self->steps[i], &json);
    json_array_end(&json);
    put_decision(self, &json);
    json_put_bytes(&json, "answer", "answer_bytes", span_make(self->trial->answer, self->trial->answer_len));
    json_put_u64(&json, "answer_after_ms", self->trial->answer_ms);
    put_follows(self, &json);
    json_put_bool(&json, "on_ack_missing", self->trial->lost_ack_told);
    json_object_end(&json);
    buffer_add_byte(out, '\n');
}

/* ---- */

static enum err open_trial(struct offline_explainer *self, const struct offline_explain_ask *ask, struct fault *fault)
{
    const struct policy_trace trace = {
        .ctx = self, .rule = on_rule, .condition = on_condition, .read = on_read, .lookup = on_lookup};
    self->listener = trace;
    const struct offline_trial_options options = {
        .config = ask->config, .trace = &self->listener, .lookup = ask->lookup};
    enum err err = source_read(ask->policy, &self->source, fault);
    if (err == OK)
        err = offline_trial_new(&options, self->source, &self->trial, fault);
    if (err == OK)
        self->description = policy_describe(policy_program_of(self->trial->policy));
    return err;
}

enum err offline_explainer_new(const struct offline_explain_ask *ask, struct offline_explainer **out_explainer,
                               struct fault *fault)
{
    struct offline_explainer *self = calloc(1, sizeof(*self));
    if (!self)
        return fault_set(fault, ERR_NOMEM, ask->policy, 0, "out of memory");
    self->policy = ask->policy;
    self->json = ask->json;
    enum err err = open_trial(self, ask, fault);
    if (err == OK)
        *out_explainer = self;
    else
        offline_explainer_free(self);
    return err;
}

void offline_explainer_free(struct offline_explainer *self)
{
    if (!self)
        return;
    offline_trial_free(self->trial);
    source_unref(self->source);
    free(self);
}

/* The message was received: says what came of it, after the time in which a lost ACK is given up. */
static void say_outcome(struct offline_explainer *self, struct span message, struct buffer *out)
{
    struct offline_trial *trial = self->trial;
    self->answers_at_once = trial->sent_count;
    struct engine_outcome before = trial->core->last; /* whatever the end of the wait decides */
    offline_trial_wait(trial, (uint64_t)OFFLINE_TRIAL_LOST_T1 * trial->config->t1_ms);
    trial->core->last = before;
    if (self->json)
        put_all(self, out);
    else
        say_all(self, message, out);
}

enum err offline_explainer_receive(struct offline_explainer *self, const struct offline_trial_message *message,
                                   struct buffer *out)
{
    self->count = self->left_out = 0;
    enum err err = offline_trial_receive(self->trial, message);
    if (err == OK)
        say_outcome(self, message->bytes, out);
    return err;
}

enum err offline_explain(const struct offline_explain_ask *ask, struct buffer *out, struct fault *fault)
{
    struct offline_explainer *self;
    enum err err = offline_explainer_new(ask, &self, fault);
    if (err != OK)
        return err;
    err = offline_trial_run(self->trial, &ask->request);
    if (err == OK)
        say_outcome(self, ask->request.message, out);
    else
        (void)fault_set(fault, err, ask->policy, 0, "%s", err_text(err));
    offline_explainer_free(self);
    return err;
}
