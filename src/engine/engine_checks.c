/* SPDX-License-Identifier: Apache-2.0 */
/* What RFC 3261 8.2 asks of a server before it looks at what a request wants, one function a step, in its order.
 * Authentication (8.2's first) is a verdict here: the policy asks for it. */
#include "engine/engine_priv.h"
#include "sip/sip_multipart.h"
#include "sip/sip_text.h"
#include "sip/sip_value.h"

/* Extensions that a Require may name. */
static bool supports(const struct sip_message *message, struct span option)
{
    if (message->method == SIP_METHOD_REGISTER)
        return span_equal_nocase(option, SPAN("path")) || span_equal_nocase(option, SPAN("outbound")) ||
               span_equal_nocase(option, SPAN("gruu"));
    return span_equal_nocase(option, SPAN("100rel")) || span_equal_nocase(option, SPAN("timer"));
}

/* 8.2.1 */
static bool check_method(struct engine_request *request)
{
    unsigned code = 0;
    switch (engine_treatment((enum sip_method)request->message->method)) {
    case ENGINE_TREAT_POLICY:
    case ENGINE_TREAT_NEVER:
        return false;
    case ENGINE_TREAT_NO_DIALOG:
        engine_answer(request, 481, SPAN(""), SPAN(""), SPAN(""));
        return true;
    case ENGINE_TREAT_NOT_ALLOWED:
        code = 405;
        break;
    case ENGINE_TREAT_UNKNOWN:
        code = 501;
        break;
    }
    engine_answer(request, code, SPAN(""), SPAN("Allow"), engine_allow());
    return true;
}

/* 8.2.2.1 */
static bool check_scheme(struct engine_request *request)
{
    if (request->message->uri.scheme != SIP_SCHEME_OTHER)
        return false;
    engine_answer(request, 416, SPAN(""), SPAN(""), SPAN(""));
    return true;
}

/* RFC 3261 26.2.2 and 26.4.4: sips: asks for TLS on every hop up to the domain, which is ours.  What a trusted source
 * forwards without it came to that source as it should; from anybody else it is not what the caller was promised.  A
 * Contact that is not sips: would lead what follows in the dialog away from TLS (8.1.1.8). */
static bool check_sips(struct engine_request *request)
{
    const struct sip_message *message = request->message;
    if (message->uri.scheme != SIP_SCHEME_SIPS)
        return false;
    if (!net_transport_is_secure((enum net_transport)request->flow->transport) &&
        !engine_site_trusts(request->core->site, &request->flow->remote)) {
        engine_answer(request, 403, SPAN(""), SPAN("Warning"), SPAN("399 verdict \"sips: came without TLS\""));
        return true;
    }
    bool opens_dialog = message->method == SIP_METHOD_INVITE || message->method == SIP_METHOD_SUBSCRIBE;
    if (!opens_dialog || !message->contact.text.at || message->contact.uri.scheme != SIP_SCHEME_SIP)
        return false;
    engine_answer(request, 400, SPAN("Bad Request: Contact is not sips"), SPAN(""), SPAN(""));
    return true;
}

/* RFC 3261 10.2: the To of a REGISTER is a SIP or SIPS URI (a tel URI is the same user by its number).  10.3 step 1: its
 * Request-URI names a domain of ours. */
static bool check_registrar(struct engine_request *request)
{
    const struct sip_message *message = request->message;
    if (message->method != SIP_METHOD_REGISTER)
        return false;
    if (message->to.uri.scheme == SIP_SCHEME_OTHER)
        engine_answer(request, 400, SPAN("To Is No SIP Address"), SPAN(""), SPAN(""));
    else if (!engine_site_is_ours(request->core->site, &message->uri))
        engine_answer(request, 404, SPAN(""), SPAN(""), SPAN(""));
    else
        return false;
    return true;
}

/* 8.2.2.1: a Request-URI that this server does not answer for. */
static bool check_target(struct engine_request *request)
{
    if (engine_site_target(request->core->site, request->message, &request->core->target) == OK) {
        engine_expect(request, ENGINE_EXPECT_TARGET);
        return false;
    }
    engine_answer(request, 404, SPAN(""), SPAN(""), SPAN(""));
    return true;
}

/* 8.2.2.3.  What does not fit into Unsupported is left out of it, but is refused all the same. */
bool engine_check_require(struct engine_request *request)
{
    char text[512];
    struct buffer unsupported = buffer_over(text, sizeof(text));
    bool refused = false;
    const struct sip_header *header = sip_message_header(request->message, SIP_HEADER_REQUIRE);
    for (; header; header = sip_message_header_next(request->message, header)) {
        struct span rest = header->value, option;
        while (sip_text_list_next(&rest, &option)) {
            if (supports(request->message, option))
                continue;
            refused = true;
            if (unsupported.cap - unsupported.len < option.len + 2)
                continue;
            if (unsupported.len)
                buffer_add_literal(&unsupported, ", ");
            buffer_add_span(&unsupported, option);
        }
    }
    if (refused)
        engine_answer(request, 420, SPAN(""), unsupported.len ? SPAN("Unsupported") : SPAN(""),
                      buffer_span(&unsupported));
    return refused;
}

/* Alone, or as a part of a multipart body. */
static bool has_sdp(const struct sip_message *message)
{
    struct span body;
    return sip_multipart_sdp(message, &body) != ERR_NOT_FOUND;
}

/* 8.2.3: what must be understood has to be.  A MESSAGE's body is the policy's to read, whatever its type. */
static bool check_body(struct engine_request *request)
{
    const struct sip_message *message = request->message;
    if (message->body.len == 0 || sip_multipart_is_optional(message))
        return false;
    if (sip_multipart_is_coded(message)) {
        engine_answer(request, 415, SPAN(""), SPAN("Accept-Encoding"), SPAN("identity"));
        return true;
    }
    if (message->method != SIP_METHOD_INVITE || has_sdp(message))
        return false;
    engine_answer(request, 415, SPAN(""), SPAN("Accept"), SPAN("application/sdp"));
    return true;
}

/* RFC 3261 20.1: an INVITE that takes no SDP in the answer cannot be answered 200. */
static bool check_accept(struct engine_request *request)
{
    const struct sip_message *message = request->message;
    if (message->method != SIP_METHOD_INVITE || !sip_message_has(message, SIP_HEADER_ACCEPT) ||
        sip_value_accepts(message, SPAN("application"), SPAN("sdp")))
        return false;
    engine_answer(request, 406, SPAN(""), SPAN(""), SPAN(""));
    return true;
}

/* Too many for one user: whoever sends them.  The AOR's keyed hash stands for an address. */
static bool check_user_rate(struct engine_request *request)
{
    struct engine_core *core = request->core;
    if (!core->users)
        return false;
    uint64_t hash[2] = {siphash(&core->key, core->target.aor.at, core->target.aor.len)};
    if (facts_limit_allow(core->users, hash, sizeof(hash), core->clock->mono_ms))
        return false;
    if (core->meters)
        metric_count(core->meters->noise[ENGINE_NOISE_OVERLOAD], core->worker, 1);
    struct buffer answer = engine_answer_begin(request, 503, SPAN(""));
    engine_answer_end(request, &answer, 503);
    return true;
}

bool engine_checks(struct engine_request *request)
{
    static bool (*const steps[])(struct engine_request *) = {
        check_method,    check_scheme,         check_sips, check_registrar, check_target,
        check_user_rate, engine_check_require, check_body, check_accept,    engine_check_event,
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (steps[i](request))
            return true;
    return false;
}
