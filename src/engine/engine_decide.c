/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the policy: fills in the view that it gets of the request, and is the world that it sees.  Credentials are judged
 * when it asks for them first, or challenges: never of ACK and CANCEL, which no policy sees, and never in a dialog, whose
 * tags only its peer knows. */
#include "engine/engine_beside.h"
#include "engine/engine_priv.h"
#include "sip/sip_address.h"
#include "util/clock.h"
#include "util/log.h"

static const char *const transport_names[NET_TRANSPORT_COUNT] = {
    [NET_UDP] = "udp", [NET_TCP] = "tcp", [NET_TLS] = "tls", [NET_WS] = "ws", [NET_WSS] = "wss",
};

static struct policy_peer peer_of(const struct engine_core *core, const struct net_flow *flow)
{
    struct policy_peer peer = {
        .family = flow->remote.family == NET_FAMILY_IP4 ? 4 : 6,
        .port = flow->remote.port,
        .transport = transport_names[flow->transport],
        .trusted = engine_site_trusts(core->site, &flow->remote),
    };
    memcpy(peer.address, flow->remote.ip, sizeof(peer.address));
    return peer;
}

/* A trusted source vouches for its caller (RFC 3325): the first P-Asserted-Identity.  Nobody else's word counts. */
static struct span identity_of(const struct sip_message *message, const struct policy_peer *source)
{
    struct sip_address address;
    struct span value = sip_message_value(message, SIP_HEADER_P_ASSERTED_IDENTITY);
    if (!source->trusted || !value.at || sip_address_parse(value, &address, NULL) != OK)
        return (struct span){NULL, 0};
    return address.uri.text;
}

static void name_source(struct engine_core *core, const struct net_flow *flow, struct policy_peer *source)
{
    if (!flow->peer || !core->peers.names)
        return;
    source->name_count = core->peers.names(core->peers.ctx, flow->peer, core->peer_names);
    source->names = core->peer_names;
    if (source->name_count)
        source->identity = core->peer_names[0];
}

static void believe(struct policy_request *view, const struct engine_credentials *said)
{
    view->authenticated_as = said->authenticated_as;
    view->in_dialog = said->in_dialog;
    if (said->identity.len > 0)
        view->source.identity = said->identity;
}

void engine_view(struct engine_core *core, const struct sip_message *message, const struct net_flow *flow,
                 const struct policy_target *target, struct policy_request *out_view)
{
    *out_view = (struct policy_request){.message = message, .source = peer_of(core, flow), .target = *target};
    name_source(core, flow, &out_view->source);
    if (!out_view->source.name_count)
        out_view->source.identity = identity_of(message, &out_view->source);
}

void engine_decide(struct engine_request *request)
{
    struct engine_core *core = request->core;
    struct policy_request *view = &request->view;
    engine_view(core, request->message, request->flow, &core->target.target, view);
    if (core->said)
        believe(view, core->said);
    if (core->decisions) {
        request->call_hash = siphash(&core->key, request->message->call_id.at, request->message->call_id.len);
        request->logs = decisions_log_wants(core->decisions, request->call_hash, false);
        if (request->logs)
            request->started_ns = clock_mono_ns();
    }
    if (request->txn)
        policy_decide(core->policy, view, &core->last.decision);
    else
        policy_decide_read_only(core->policy, view, &core->last.decision);
    if (core->identity.asked && core->identity.err == OK)
        view->authenticated_as = core->identity.aor; /* for who decides beside */
    core->last.decided = true;
    core->owes_collection = true;
}

/* Whom the call is for stands in its To; the Request-URI is our own Contact. */
static struct policy_target target_of_call(struct engine_core *core, const struct sip_message *request)
{
    enum err err = engine_site_target_of(core->site, &request->to.uri, &core->target);
    return err == OK ? core->target.target : (struct policy_target){.user = SPAN(""), .host = SPAN("")};
}

bool engine_ask_in_call(struct engine_core *core, struct call *call, const struct sip_message *request,
                        struct call_say *out_say)
{
    struct policy_decision *decision = &core->last.decision;
    if (!core->policy || core->deciding || !policy_has_event(core->policy, POLICY_ON_REQUEST))
        return false;
    struct policy_request view = {
        .message = request,
        .source = peer_of(core, call_flow(call)),
        .target = target_of_call(core, request),
        .in_dialog = true,
    };
    struct policy_call told = engine_view_of_call(call, call_age_ms(call), SPAN(""));
    policy_in_call(core->policy, &view, &told, decision);
    core->last.asked_in_call = true;
    core->owes_collection = true;
    if (decision->failure != POLICY_FAILED_NOT)
        engine_report_event(core, POLICY_ON_REQUEST, decision, call_id(call));
    if (!decision->answer)
        return false;
    *out_say = (struct call_say){.code = (unsigned)decision->answer->code,
                                 .reason = decision->answer->reason,
                                 .extra = engine_answer_lines(decision->answer, core->lines)};
    return true;
}

static int64_t host_wall_ms(void *ctx)
{
    const struct engine_core *core = ctx;
    return core->clock->wall_ms;
}

static enum err host_record(void *ctx, const struct policy_request *request, struct policy_record *out_record)
{
    const struct engine_core *core = ctx;
    return core->lookup.find(core->lookup.ctx, &request->target, out_record);
}

static void host_log(void *ctx, enum log_level level, const char *rule, struct span text)
{
    const struct engine_core *core = ctx;
    if (engine_beside_decides(core)) /* it has decided nothing */
        return;
    log_write(level, "policy", "%s%s%.*s", rule ? rule : "", rule ? ": " : "", SPAN_ARG(text));
}

/* A function of the request alone, so that the same request decides alike in every process. */
static uint64_t host_seed(void *ctx, const struct policy_request *request)
{
    static const struct siphash_key fixed = {0x7665726469637420u, 0x64656369646573u};
    (void)ctx;
    return siphash(&fixed, request->message->call_id.at, request->message->call_id.len) ^ request->message->cseq;
}

static enum err find_keys(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys)
{
    const struct engine_core *core = ctx;
    return core->lookup.keys ? core->lookup.keys(core->lookup.ctx, user, realm, out_keys) : ERR_NOT_FOUND;
}

static bool is_ours(void *ctx, struct span uri)
{
    const struct engine_core *core = ctx;
    struct engine_target target;
    struct sip_uri parsed;
    return sip_uri_parse(uri, &parsed, NULL) == OK && engine_site_target_of(core->site, &parsed, &target) == OK;
}

static struct span write_aor(struct engine_identity *identity)
{
    struct buffer out = buffer_over(identity->text, sizeof(identity->text));
    struct span realm = identity->result.realm;
    buffer_add_literal(&out, "sip:");
    sip_uri_escape_user(&out, identity->result.user);
    buffer_add_byte(&out, '@');
    for (size_t i = 0; i < realm.len; i++)
        buffer_add_byte(&out, realm.at[i] >= 'A' && realm.at[i] <= 'Z' ? (char)(realm.at[i] | 0x20) : realm.at[i]);
    return out.overflow ? SPAN("") : buffer_span(&out);
}

static void report_tries(struct engine_core *core)
{
    char source[NET_ADDRESS_TEXT_MAX];
    struct span user = write_aor(&core->identity);
    net_address_text(core->source, source);
    log_limited(&core->limits[ENGINE_LIMIT_TRIES], 20, LOG_WARN, "auth",
                "too many wrong passwords %s, which is refused for a while: the last one came from %s for %.*s",
                core->identity.result.user_full ? "for one user" : "from one source", source, SPAN_ARG(user));
}

static enum err judge(struct engine_core *core)
{
    struct engine_identity *identity = &core->identity;
    struct auth_result *result = &identity->result;
    const struct auth_question question = {
        .message = core->message,
        .source = engine_site_trusts(core->site, core->source) ? NULL : core->source, /* a proxy brings everybody's */
        .now_ms = core->clock->wall_ms,
        .ctx = core,
        .keys = find_keys,
        .is_ours = is_ours,
    };
    enum err err = auth_check(core->auth, &question, result);
    if (err != OK)
        return err;
    if (core->meters)
        metric_count(core->meters->credentials[result->outcome], core->worker, 1);
    if (result->source_full || result->user_full)
        report_tries(core);
    if (result->outcome == AUTH_GOOD)
        identity->aor = write_aor(identity);
    return OK;
}

enum err engine_identify(struct engine_core *core, struct span *out_aor)
{
    struct engine_identity *identity = &core->identity;
    if (!identity->asked) {
        identity->asked = true;
        identity->err = OK;
        identity->result.outcome = AUTH_NONE;
        identity->aor = core->said ? core->said->authenticated_as : SPAN("");
        if (!core->said && core->auth)
            identity->err = judge(core);
    }
    *out_aor = identity->aor;
    return identity->err;
}

static enum err host_identify(void *ctx, const struct policy_request *request, struct span *out_aor)
{
    struct engine_core *core = ctx;
    (void)
        request; /* the one at hand; what is decided beside was judged then, or is nobody's: a nonce count is used once */
    *out_aor = SPAN("");
    return engine_beside_decides(core) ? OK : engine_identify(core, out_aor);
}

struct policy_host engine_core_host(struct engine_core *core)
{
    return (struct policy_host){
        .clock = {.ctx = core, .wall_ms = host_wall_ms},
        .directory = {.ctx = core, .record = host_record, .identify = host_identify},
        .log = {.ctx = core, .write = host_log},
        .random = {.ctx = core, .seed = host_seed},
    };
}
