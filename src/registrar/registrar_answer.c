/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer to a REGISTER says of the bindings (RFC 3261 10.3 step 8, RFC 3327, RFC 3608, RFC 5626 6). */
#include "registrar/registrar_priv.h"
#include "sip/sip_date.h"
#include "sip/sip_reply.h"

/* What the contacts of a 200 are to show beside themselves. */
struct showing {
    struct registrar_gruus *gruus; /* NULL: none */
    struct span aor;
    bool sips;
};

/* A quoted string's content that is a URI: its user and its `gr` escaped, so no quote stands in it. */
static void begin_gruu(struct buffer *answer, const struct showing *showing)
{
    if (showing->sips)
        buffer_add_literal(answer, "sips:");
    else
        buffer_add_literal(answer, "sip:");
}

/* RFC 5627 5.2: of who has an instance and says that it knows what a GRUU is. */
static void add_gruus(struct buffer *answer, const struct showing *showing, const struct registrar_binding *binding)
{
    struct registrar_phone phone = {showing->aor, registrar_binding_instance(binding),
                                    registrar_binding_call_id(binding)};
    char text[REGISTRAR_GRUU_MAX * 2 + 128];
    struct buffer user = buffer_over(text, sizeof(text));
    size_t host = registrar_gruu_host(showing->aor);
    if (!showing->gruus || !phone.instance.len || host == showing->aor.len)
        return;
    if (registrar_gruus_add(showing->gruus, &phone, &user) != OK)
        return; /* the phone does without */
    struct span name = span_slice(showing->aor, host, showing->aor.len);
    buffer_add_literal(answer, ";pub-gruu=\"");
    begin_gruu(answer, showing);
    registrar_gruu_public(answer, showing->aor, phone.instance);
    buffer_add_literal(answer, "\";temp-gruu=\"");
    begin_gruu(answer, showing);
    buffer_add_span(answer, buffer_span(&user));
    buffer_add_byte(answer, '@');
    sip_host_add(answer, name, sip_host_kind_of(name));
    buffer_add_literal(answer, ";gr\"");
}

/* The texts were clean when they were stored. */
static void add_contact(struct buffer *answer, const struct showing *showing, const struct registrar_binding *binding,
                        uint64_t now_ms)
{
    buffer_add_literal(answer, "Contact: <");
    buffer_add_span(answer, registrar_binding_uri(binding));
    buffer_add_byte(answer, '>');
    buffer_add_span(answer, registrar_binding_params(binding));
    buffer_add_literal(answer, ";expires=");
    buffer_add_u64(answer, registrar_binding_expires_s(binding, now_ms));
    add_gruus(answer, showing, binding);
    buffer_add_literal(answer, "\r\n");
}

static void add_date(struct registrar *registrar, struct buffer *answer)
{
    int64_t now_s = registrar->options.clock->wall_ms / 1000;
    if (registrar->date_s != now_s || !registrar->date_len) {
        struct buffer date = buffer_over(registrar->date, sizeof(registrar->date));
        sip_date_add(&date, now_s);
        registrar->date_len = date.overflow ? 0 : date.len;
        registrar->date_s = now_s;
    }
    if (registrar->date_len)
        sip_reply_header(answer, SPAN("Date"), span_make(registrar->date, registrar->date_len));
}

/* Path goes back to who says that it understands it, so that a UA sees what edges stand between (RFC 3327 5.3). */
static void add_path(const struct sip_message *request, struct buffer *answer)
{
    if (sip_message_has_token(request, SIP_HEADER_SUPPORTED, SPAN("path")))
        sip_reply_copy(answer, request, SIP_HEADER_PATH);
}

static bool has_flow(const struct registrar_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->next[i]->reg_id)
            return true;
    return false;
}

/* The flow of a phone behind a proxy is the proxy's to watch. */
static void add_outbound(const struct registrar *registrar, const struct registrar_plan *plan,
                         const struct sip_message *request, struct buffer *answer)
{
    uint32_t flow_timer_s = registrar->options.flow_timer_s;
    if (!has_flow(plan) || !sip_message_has_token(request, SIP_HEADER_SUPPORTED, SPAN("outbound")))
        return;
    sip_reply_header(answer, SPAN("Require"), SPAN("outbound"));
    if (flow_timer_s && request->via_count == 1)
        sip_reply_header_u64(answer, SPAN("Flow-Timer"), flow_timer_s);
}

void registrar_add_bindings(struct registrar *registrar, const struct registrar_plan *plan,
                            const struct sip_message *request, struct buffer *answer)
{
    if (plan->code == 423)
        sip_reply_header_u64(answer, SPAN("Min-Expires"), registrar->options.limits.min_s);
    if (plan->code != 200)
        return;
    struct showing showing = {.aor = plan->name.aor, .sips = request->to.uri.scheme == SIP_SCHEME_SIPS};
    if (sip_message_has_token(request, SIP_HEADER_SUPPORTED, SPAN("gruu")))
        showing.gruus = registrar->options.gruus;
    for (unsigned i = 0; i < plan->count; i++)
        add_contact(answer, &showing, plan->next[i], registrar->options.clock->mono_ms);
    add_path(request, answer);
    if (registrar->options.service_route.len && plan->count)
        sip_reply_header(answer, SPAN("Service-Route"), registrar->options.service_route);
    add_outbound(registrar, plan, request, answer);
    if (sip_message_has(request, SIP_HEADER_SUPPORTED)) /* who has never heard of options is not told of any */
        sip_reply_header(answer, SPAN("Supported"), SPAN("path, outbound, gruu"));
    add_date(registrar, answer);
}
