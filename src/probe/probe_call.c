/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange as a caller has it: the request until its final answer, ACK, BYE; or, with --no-ack, the silence in which
 * the other side has to say its answer again and again. */
#include "probe/probe_exchange.h"
#include "util/clock.h"

/* What the request at hand is waiting for. */
struct waiting {
    enum sip_method method;
    uint32_t cseq;
    bool is_provisional; /* a 1xx has come */
    bool is_final;
};

static void record(struct probe_exchange *exchange, enum probe_direction direction, struct span message)
{
    (void)probe_ladder_add(&exchange->ladder, (clock_mono_ns() - exchange->start_ns) / 1000, direction, message);
}

static enum err send_and_record(struct probe_exchange *exchange, struct span message)
{
    record(exchange, PROBE_SENT, message);
    return probe_wire_send(&exchange->wire, message, &exchange->result.fault);
}

static void copy_header(const struct sip_message *message, enum sip_header_id id, char *out, size_t cap)
{
    struct span value = sip_message_value(message, id);
    (void)span_copy(span_slice(value, 0, cap - 1), out, cap);
}

/* The first final answer to the probe's own request is kept whole: ACK and BYE are made from it. */
static void keep_final(struct probe_exchange *exchange)
{
    struct probe_result *result = &exchange->result;
    struct sip_problem problem;
    struct span bytes = exchange->incoming.bytes;
    if (bytes.len > sizeof(exchange->final_bytes))
        return;
    memcpy(exchange->final_bytes, bytes.at, bytes.len);
    if (sip_message_parse(&exchange->final, span_make(exchange->final_bytes, bytes.len), SIP_DATAGRAM, &problem) != OK)
        return; /* it was parsed a moment ago */
    const struct sip_message *final = &exchange->final;
    exchange->first_final_ns = clock_mono_ns();
    result->answered_us = (exchange->first_final_ns - exchange->start_ns) / 1000;
    result->code = final->status;
    (void)span_copy(span_slice(final->reason, 0, sizeof(result->phrase) - 1), result->phrase, sizeof(result->phrase));
    if (final->contact.text.at)
        (void)span_copy(span_slice(final->contact.uri.text, 0, sizeof(result->contact) - 1), result->contact,
                        sizeof(result->contact));
    copy_header(final, SIP_HEADER_REASON, result->reason, sizeof(result->reason));
    copy_header(final, SIP_HEADER_RETRY_AFTER, result->retry_after, sizeof(result->retry_after));
    copy_header(final, SIP_HEADER_ERROR_INFO, result->error_info, sizeof(result->error_info));
    copy_header(final, SIP_HEADER_WARNING, result->warning, sizeof(result->warning));
}

static enum err take_response(struct probe_exchange *exchange, struct waiting *waiting)
{
    const struct sip_message *message = &exchange->incoming;
    if (!span_equal(message->call_id, span_of(exchange->call_id)))
        return OK; /* of an earlier probe */
    bool is_first_request = message->cseq == 1;
    bool is_final = message->status >= 200;
    if (is_first_request && !is_final)
        exchange->result.provisionals++;
    if (is_first_request && is_final && ++exchange->result.finals == 1)
        keep_final(exchange);
    else if (is_first_request && is_final && exchange->ack.len)
        return send_and_record(exchange, buffer_span(&exchange->ack)); /* it was lost: said again */
    if (message->cseq != waiting->cseq || message->cseq_method != waiting->method)
        return OK;
    waiting->is_provisional = true;
    waiting->is_final = waiting->is_final || is_final;
    return OK;
}

static enum err take_request(struct probe_exchange *exchange)
{
    const struct sip_message *message = &exchange->incoming;
    if (message->method == SIP_METHOD_ACK)
        return OK;
    bool is_bye = message->method == SIP_METHOD_BYE;
    bool is_ours = span_equal(message->call_id, span_of(exchange->call_id));
    if (is_bye && is_ours) {
        exchange->result.bye_received = true;
        copy_header(message, SIP_HEADER_REASON, exchange->result.bye_reason, sizeof(exchange->result.bye_reason));
    }
    char memory[8192];
    struct buffer reply = buffer_over(memory, sizeof(memory));
    enum err err = probe_build_reply(message, !is_ours ? 481 : is_bye ? 200 : 501, &reply);
    return err == OK ? send_and_record(exchange, buffer_span(&reply)) : OK;
}

static enum err take_message(struct probe_exchange *exchange, struct span bytes, struct waiting *waiting)
{
    struct sip_problem problem;
    record(exchange, PROBE_RECEIVED, bytes);
    if (sip_message_parse(&exchange->incoming, bytes, probe_wire_framing(&exchange->wire), &problem) != OK)
        return OK; /* shown in the ladder, of no other use */
    return exchange->incoming.is_request ? take_request(exchange) : take_response(exchange, waiting);
}

/* Listens until `until_ns`, or until what is waited for has come, or the other side has hung up. */
static enum err listen_until(struct probe_exchange *exchange, uint64_t until_ns, struct waiting *waiting)
{
    while (!waiting->is_final && !exchange->result.bye_received) {
        struct span bytes;
        enum err err = probe_wire_receive(&exchange->wire, until_ns, &bytes, &exchange->result.fault);
        if (err == OK)
            err = take_message(exchange, bytes, waiting);
        if (err != OK)
            return err;
    }
    return OK;
}

static uint64_t ms(uint64_t count)
{
    return count * 1000000;
}

/* RFC 3261 17.1.1.2 (timer A: doubling, until a 1xx) and 17.1.2.2 (timer E: doubling to T2, T2 after a 1xx). */
static uint64_t next_interval(const struct waiting *waiting, uint64_t interval_ns, uint64_t t2_ns)
{
    if (waiting->method == SIP_METHOD_INVITE)
        return interval_ns * 2;
    return waiting->is_provisional || interval_ns * 2 > t2_ns ? t2_ns : interval_ns * 2;
}

/* The first 1xx of an INVITE stops the repeating (17.1.1.2); a stream never repeats. */
static bool may_repeat(const struct probe_exchange *exchange, const struct waiting *waiting)
{
    return !exchange->wire.is_stream && !(waiting->method == SIP_METHOD_INVITE && waiting->is_provisional);
}

/* Sends a request and waits for its final answer.  The times of repeating are kept by plan, not by when a busy machine
 * got to it. */
static enum err ask(struct probe_exchange *exchange, struct span request, struct waiting *waiting, uint64_t until_ns)
{
    uint64_t interval_ns = ms(exchange->options->t1_ms);
    uint64_t t2_ns = 8 * interval_ns;
    uint64_t again_ns = clock_mono_ns() + interval_ns;
    enum err err = send_and_record(exchange, request);
    while (err == OK) {
        uint64_t due_ns = may_repeat(exchange, waiting) && again_ns < until_ns ? again_ns : until_ns;
        err = listen_until(exchange, due_ns, waiting);
        if (err != ERR_TIMEOUT || due_ns == until_ns)
            break;
        err = may_repeat(exchange, waiting) ? send_and_record(exchange, request) : OK;
        interval_ns = next_interval(waiting, interval_ns, t2_ns);
        again_ns += interval_ns;
    }
    return err;
}

static uint64_t sixty_four_t1(const struct probe_exchange *exchange)
{
    return ms((uint64_t)PROBE_RETRANSMISSION_T1 * exchange->options->t1_ms);
}

/* Says nothing for 64*T1 and two T1 more, in which the other side's BYE must come. */
static enum err stay_silent(struct probe_exchange *exchange)
{
    struct waiting waiting = {.method = SIP_METHOD_COUNT};
    uint64_t until_ns = exchange->first_final_ns + sixty_four_t1(exchange) + ms(2 * (uint64_t)exchange->options->t1_ms);
    enum err err = listen_until(exchange, until_ns, &waiting);
    return err == ERR_TIMEOUT ? OK : err;
}

static enum err hang_up(struct probe_exchange *exchange)
{
    enum err err = probe_build_bye(exchange);
    if (err != OK)
        return fault_set(&exchange->result.fault, err, NULL, 0, "no BYE can be made from the 2xx");
    struct waiting waiting = {.method = SIP_METHOD_BYE, .cseq = exchange->cseq};
    err = ask(exchange, buffer_span(&exchange->bye), &waiting, clock_mono_ns() + sixty_four_t1(exchange));
    exchange->result.bye_answered = waiting.is_final;
    return err == ERR_TIMEOUT ? OK : err;
}

static enum err follow_up(struct probe_exchange *exchange)
{
    if (strcmp(exchange->options->method, "INVITE") != 0)
        return OK;
    if (exchange->options->no_ack)
        return stay_silent(exchange);
    enum err err = probe_build_ack(exchange);
    if (err != OK)
        return fault_set(&exchange->result.fault, err, NULL, 0, "no ACK can be made from the answer");
    err = send_and_record(exchange, buffer_span(&exchange->ack));
    if (err != OK)
        return err;
    exchange->result.acknowledged = true;
    return exchange->final.status < 300 ? hang_up(exchange) : OK;
}

void probe_call(struct probe_exchange *exchange)
{
    const struct probe_options *options = exchange->options;
    exchange->start_ns = clock_mono_ns();
    uint64_t until_ns = exchange->start_ns + (options->timeout_ms ? ms(options->timeout_ms) : sixty_four_t1(exchange));
    struct waiting waiting = {.method = sip_method_find(span_of(options->method)), .cseq = 1};
    enum err err = ask(exchange, buffer_span(&exchange->request), &waiting, until_ns);
    if (err == OK && waiting.is_final)
        err = follow_up(exchange);
    else if (err == OK)
        err = fault_set(&exchange->result.fault, ERR_CLOSED, NULL, 0, "a BYE came before any answer");
    exchange->result.err = err;
}
