/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay.h"
#include "replay/replay_ledger.h"
#include "replay/replay_line.h"
#include "util/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TURN_EVERY = 1024, PROGRESS_MS = 200, COMPLAINTS_MAX = 10, PACKETS_AT_ONCE = 1024 };

/* A request of a capture whose answer has not been seen yet. */
struct pending {
    struct replay_outcome now;
    int64_t wall_ms;
    char text[REPLAY_EXAMPLE_MAX / 2];
};

struct side {
    struct source *source;
    struct offline_trial *trial; /* NULL: there is no such side */
};

struct replay {
    const struct replay_ask *ask;
    struct replay_result *result;
    struct side now, then;
    FILE *file;
    uint64_t file_bytes;
    bool matches; /* a capture's answers are what is compared with */
    struct replay_ledger *ledger;
    struct pending *pending;
    struct sip_message message;
    uint64_t began_ns, told_ms;
    unsigned complaints;
    char text[REPLAY_EXAMPLE_MAX];
};

/* Both sides give the same tag, or every answer would differ. */
static const struct span fixed_tag = {"replay0000000000", 16};

static void complain(struct replay *self, const char *text)
{
    if (self->ask->complain && self->complaints++ < COMPLAINTS_MAX)
        self->ask->complain(self->ask->ctx, text);
}

static uint64_t elapsed_ms(const struct replay *self)
{
    return (clock_mono_ns() - self->began_ns) / 1000000;
}

static void tell_progress(struct replay *self)
{
    uint64_t now_ms = elapsed_ms(self);
    if (!self->ask->progress || now_ms - self->told_ms < PROGRESS_MS)
        return;
    self->told_ms = now_ms;
    off_t at = ftello(self->file);
    const struct replay_progress progress = {
        .decided = self->result->counters.decided,
        .differ = replay_tally_differ(self->result->tally),
        .bytes_read = at > 0 ? (uint64_t)at : 0,
        .bytes_total = self->file_bytes,
    };
    self->ask->progress(self->ask->ctx, &progress);
}

/* Which request it is, in one line. */
static void describe(struct replay *self, const struct offline_trial_message *message)
{
    struct buffer out = buffer_over(self->text, sizeof(self->text) - 1);
    const struct sip_message *request = &self->message;
    struct span call_id = span_slice(request->call_id, 0, 64);
    buffer_add_span(&out, span_slice(request->method_text, 0, 16));
    buffer_add_byte(&out, ' ');
    buffer_add_span(&out, span_slice(request->uri_text, 0, 80));
    buffer_add_literal(&out, " from ");
    net_address_format(&message->flow.remote, &out);
    buffer_add_literal(&out, " call_id=");
    buffer_add_span(&out, call_id);
    self->text[out.len] = '\0';
    for (size_t i = 0; i < out.len; i++)
        if ((unsigned char)self->text[i] < 0x20 || self->text[i] == 0x7f)
            self->text[i] = '?';
}

static struct replay_outcome decide(struct replay *self, const struct side *side,
                                    const struct offline_trial_message *message)
{
    static const struct siphash_key fixed = {7, 8};
    const struct offline_trial *trial = side->trial;
    const struct engine_outcome *last = &trial->core->last;
    if (offline_trial_receive(side->trial, message) != OK)
        return (struct replay_outcome){0};
    struct replay_outcome outcome = {.code = (uint16_t)last->code};
    if (last->decided)
        outcome.rule = replay_tally_rule(self->result->tally, span_of(last->decision.rule));
    if (self->then.trial && trial->answer_len)
        outcome.print = siphash(&fixed, trial->answer, trial->answer_len);
    return outcome;
}

static void count_decision(struct replay *self, const struct replay_outcome *outcome)
{
    struct replay_counters *counters = &self->result->counters;
    const struct engine_outcome *last = &self->now.trial->core->last;
    counters->by_engine += !last->decided;
    counters->failed += last->decided && last->decision.failure != POLICY_FAILED_NOT;
    replay_tally_answer(self->result->tally, outcome);
    if (++counters->decided % TURN_EVERY == 0) {
        if (self->ask->turn)
            self->ask->turn(self->ask->ctx);
        tell_progress(self);
    }
}

/* Decides a new request; true with *out_now, and what the other policy says is compared already. */
static void decide_both(struct replay *self, struct offline_trial_message message, struct replay_outcome *out_now)
{
    if (!message.tag.len)
        message.tag = fixed_tag;
    *out_now = decide(self, &self->now, &message);
    count_decision(self, out_now);
    describe(self, &message);
    if (!self->then.trial)
        return;
    struct replay_outcome then = decide(self, &self->then, &message);
    replay_tally_compare(self->result->tally, &then, out_now, message.wall_ms, self->text);
}

/* Whether it is a request that a policy may decide: parsed, none of ACK and CANCEL, outside a dialog. */
static bool is_initial(struct replay *self)
{
    struct replay_counters *counters = &self->result->counters;
    const struct sip_message *message = &self->message;
    if (message->method == SIP_METHOD_ACK || message->method == SIP_METHOD_CANCEL) {
        counters->acks++;
        return false;
    }
    if (message->to.tag.at) {
        counters->in_dialog++;
        return false;
    }
    return true;
}

/* ---- A decision log ---- */

static void take_decision(struct replay *self, const struct replay_line *line)
{
    struct sip_problem problem;
    struct replay_outcome now;
    enum sip_framing framing = line->message.flow.transport == NET_UDP ? SIP_DATAGRAM : SIP_STREAM;
    /* What the engine refused then is refused again, or the limits have changed: both are worth knowing. */
    if (sip_message_parse(&self->message, line->message.bytes, framing, &problem) == OK && !is_initial(self))
        return;
    decide_both(self, line->message, &now);
    if (self->then.trial)
        return;
    const struct replay_outcome then = {.code = (uint16_t)line->then.status,
                                        .rule = replay_tally_rule(self->result->tally, line->then.rule)};
    replay_tally_compare(self->result->tally, &then, &now, line->message.wall_ms, self->text);
}

static void take_line(struct replay *self, struct span text, unsigned long number, struct replay_line *line)
{
    char complaint[512];
    const char *why = "";
    struct replay_counters *counters = &self->result->counters;
    switch (replay_line_read(text, line, &why)) {
    case REPLAY_LINE_DECISION:
        take_decision(self, line);
        return;
    case REPLAY_LINE_NO_REQUEST:
        counters->no_request++;
        return;
    case REPLAY_LINE_IN_CALL:
        counters->in_dialog++;
        return;
    case REPLAY_LINE_OTHER:
        return;
    case REPLAY_LINE_BAD:
        counters->bad_lines++;
        (void)snprintf(complaint, sizeof(complaint), "%s:%lu: %s; passed over", self->ask->traffic, number, why);
        complain(self, complaint);
        return;
    }
}

static enum err replay_log(struct replay *self, struct fault *fault)
{
    struct replay_line line = {0};
    char *text = NULL;
    size_t cap = 0;
    unsigned long number = 0;
    ssize_t len;
    while ((len = getline(&text, &cap, self->file)) > 0)
        take_line(self, span_make(text, (size_t)len - (text[len - 1] == '\n')), ++number, &line);
    enum err err = ferror(self->file) ? fault_set(fault, ERR_IO, self->ask->traffic, (int)number, "cannot be read: %s",
                                                  strerror(errno))
                                      : OK;
    free(text);
    replay_line_done(&line);
    return err;
}

/* ---- A packet capture ---- */

static void take_response(struct replay *self, int64_t wall_ms)
{
    self->result->counters.responses++;
    if (!self->matches || self->message.status < 200)
        return;
    const struct replay_entry *entry = replay_ledger_settle(self->ledger, &self->message, wall_ms);
    if (!entry)
        return;
    if (self->message.status == 487) { /* the caller gave up (RFC 3261 21.4.25): that decides nothing */
        self->result->counters.cancelled++;
        return;
    }
    const struct pending *pending = &self->pending[entry->at];
    const struct replay_outcome then = {.code = self->message.status};
    replay_tally_compare(self->result->tally, &then, &pending->now, pending->wall_ms, pending->text);
}

static void take_request(struct replay *self, const struct offline_trial_message *message)
{
    const struct replay_entry *entry = replay_ledger_add(self->ledger, &self->message, message->wall_ms);
    struct replay_outcome now;
    if (!entry) {
        self->result->counters.retransmissions++;
        return;
    }
    decide_both(self, *message, &now);
    if (!self->matches)
        return;
    struct pending *pending = &self->pending[entry->at];
    pending->now = now;
    pending->wall_ms = message->wall_ms;
    (void)snprintf(pending->text, sizeof(pending->text), "%.*s", (int)sizeof(pending->text) - 1, self->text);
}

static void on_message(void *ctx, const struct replay_message *found)
{
    struct replay *self = ctx;
    struct sip_problem problem;
    enum sip_framing framing = found->flow.transport == NET_UDP ? SIP_DATAGRAM : SIP_STREAM;
    if (sip_message_parse(&self->message, found->bytes, framing, &problem) != OK) {
        self->result->counters.malformed++;
        return;
    }
    const struct offline_trial_message message = {
        .bytes = found->bytes, .flow = found->flow, .wall_ms = found->wall_ms};
    if (!self->message.is_request)
        take_response(self, found->wall_ms);
    else if (is_initial(self))
        take_request(self, &message);
}

static enum err replay_packets(struct replay *self, struct fault *fault)
{
    struct replay_capture *capture = NULL;
    const char *damage = NULL;
    FILE *file = self->file;
    self->matches = !self->then.trial;
    self->result->counters.is_capture = true;
    self->pending = self->matches ? calloc(REPLAY_LEDGER_MAX, sizeof(*self->pending)) : NULL;
    if (replay_ledger_new(&self->ledger) != OK || (self->matches && !self->pending))
        return fault_set(fault, ERR_NOMEM, self->ask->traffic, 0, "out of memory");
    self->file = NULL; /* the capture takes it */
    enum err err = replay_capture_open(file, self->ask->traffic, self->ask->filter, on_message, self, &capture, fault);
    if (err != OK)
        return err;
    self->file = file;
    while (replay_capture_read(capture, PACKETS_AT_ONCE, &damage))
        tell_progress(self);
    if (damage) {
        char complaint[512];
        (void)snprintf(self->result->damage, sizeof(self->result->damage), "%s", damage);
        (void)snprintf(complaint, sizeof(complaint), "%s: %s; what came before it was replayed", self->ask->traffic,
                       damage);
        self->complaints = 0;
        complain(self, complaint);
    }
    self->result->counters.capture = replay_capture_counters(capture);
    if (self->matches)
        self->result->counters.unanswered = replay_ledger_unanswered(self->ledger);
    self->file = NULL;
    replay_capture_close(capture);
    return OK;
}

/* ---- */

static enum err open_side(const struct replay_ask *ask, const char *path, struct side *side, struct fault *fault)
{
    const struct offline_trial_options options = {.config = ask->config, .lookup = ask->lookup};
    enum err err = source_read(path, &side->source, fault);
    return err == OK ? offline_trial_new(&options, side->source, &side->trial, fault) : err;
}

static void close_side(struct side *side)
{
    offline_trial_free(side->trial);
    source_unref(side->source);
}

static enum err open_traffic(struct replay *self, struct fault *fault)
{
    struct stat about;
    const char *path = self->ask->traffic;
    self->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!self->file)
        return fault_set(fault, ERR_IO, path, 0, "cannot be read: %s", strerror(errno));
    if (fstat(fileno(self->file), &about) == 0 && S_ISREG(about.st_mode))
        self->file_bytes = (uint64_t)about.st_size;
    return OK;
}

static enum err replay_traffic(struct replay *self, struct fault *fault)
{
    enum err err = open_side(self->ask, self->ask->policy, &self->now, fault);
    if (err == OK && self->ask->against)
        err = open_side(self->ask, self->ask->against, &self->then, fault);
    if (err == OK)
        err = open_traffic(self, fault);
    if (err != OK)
        return err;
    self->began_ns = clock_mono_ns();
    int first = getc(self->file);
    if (first == EOF)
        return fault_set(fault, ERR_INVALID, self->ask->traffic, 0,
                         ferror(self->file) ? "cannot be read: %s" : "is empty", strerror(errno));
    (void)ungetc(first, self->file);
    err = first == '{' ? replay_log(self, fault) : replay_packets(self, fault);
    self->result->counters.elapsed_ms = elapsed_ms(self);
    return err;
}

enum err replay_run(const struct replay_ask *ask, struct replay_result **out_result, struct fault *fault)
{
    struct replay *self = calloc(1, sizeof(*self));
    struct replay_result *result = calloc(1, sizeof(*result));
    enum err err = self && result ? replay_tally_new(ask->examples, &result->tally) : ERR_NOMEM;
    if (err == OK) {
        self->ask = ask;
        self->result = result;
        err = replay_traffic(self, fault);
        close_side(&self->now);
        close_side(&self->then);
        if (self->file && self->file != stdin)
            (void)fclose(self->file);
        replay_ledger_free(self->ledger);
        free(self->pending);
    } else {
        (void)fault_set(fault, err, ask->traffic, 0, "out of memory");
    }
    free(self);
    if (err == OK)
        *out_result = result;
    else
        replay_result_free(result);
    return err;
}

void replay_result_free(struct replay_result *result)
{
    if (result)
        replay_tally_free(result->tally);
    free(result);
}
