/* SPDX-License-Identifier: Apache-2.0 */
/* What a REGISTER would do: RFC 3261 10.3, steps 6 and 7, as amended by RFC 5626 6.  Nothing is changed here. */
#include "registrar/registrar_priv.h"
#include "sip/sip_address.h"
#include <stdlib.h>

enum { SPACE = 16 * 1024, HOUR_S = 3600 };

/* A plan in the making. */
struct draft {
    struct registrar *registrar;
    const struct sip_message *request;
    const struct net_flow *flow; /* of the phone's own; NULL: none is known, or it is a proxy's */
    struct registrar_plan *plan;
    uint32_t most_s; /* that is granted */
    struct registrar_contacts contacts;
    unsigned before;                /* bindings that the user has */
    bool fresh[REGISTRAR_USER_MAX]; /* made by this request */
    /* Of a fresh one: the one that the user has in its place, or NULL. */
    struct registrar_binding *was[REGISTRAR_USER_MAX];
};

static void refuse(struct draft *draft, enum registrar_outcome outcome, unsigned code, const char *reason)
{
    draft->registrar->census.outcomes[outcome]++;
    registrar_drop(draft->plan);
    draft->plan->code = code;
    draft->plan->reason = reason;
}

/* All of them, or false with the answer set: RFC 5626 6 allows one flow a request, and asks the edge to know of flows. */
static bool check_flows(struct draft *draft)
{
    unsigned flows = 0;
    for (unsigned i = 0; i < draft->contacts.count; i++)
        flows += draft->contacts.items[i].reg_id && draft->contacts.items[i].expires_s;
    if (flows > 1) {
        refuse(draft, REGISTRAR_OUT_BAD, 400, "More Than One Flow");
        return false;
    }
    const struct sip_message *request = draft->request;
    if (flows && request->via_count > 1 && !draft->contacts.edge_knows_flows &&
        sip_message_has_token(request, SIP_HEADER_SUPPORTED, SPAN("outbound"))) {
        refuse(draft, REGISTRAR_OUT_BAD, 439, "");
        return false;
    }
    return true;
}

/* A GRUU of the same user leads back here (RFC 5627 5.1): 403.  Whose host is not the user's is somebody else's. */
static bool check_gruus(struct draft *draft)
{
    struct span aor = draft->plan->name.aor;
    for (unsigned i = 0; i < draft->contacts.count; i++) {
        const struct sip_uri *uri = &draft->contacts.items[i].uri;
        size_t at = aor.len > uri->host.len ? aor.len - uri->host.len : 0;
        if (!at || uri->scheme == SIP_SCHEME_TEL || !sip_uri_has_param(uri, SPAN("gr")) || aor.at[at - 1] != '@' ||
            !span_equal_nocase(span_slice(aor, at, aor.len), uri->host))
            continue;
        refuse(draft, REGISTRAR_OUT_BAD, 403, "Contact Is A GRUU");
        return false;
    }
    return true;
}

/* Step 7: 423 only for what is shorter than an hour. */
static bool check_expires(struct draft *draft)
{
    const struct registrar_limits *limits = &draft->registrar->options.limits;
    for (unsigned i = 0; i < draft->contacts.count; i++) {
        struct registrar_contact *contact = &draft->contacts.items[i];
        if (contact->expires_s && contact->expires_s < limits->min_s && contact->expires_s < HOUR_S) {
            refuse(draft, REGISTRAR_OUT_TOO_BRIEF, 423, "");
            return false;
        }
        if (contact->expires_s > draft->most_s)
            contact->expires_s = draft->most_s;
    }
    return true;
}

/* Step 6: all of them go, if each one's Call-ID and CSeq allow it; and step 7 says the same of one. */
static bool is_in_order(const struct draft *draft, const struct registrar_binding *binding)
{
    return !span_equal(registrar_binding_call_id(binding), draft->request->call_id) ||
           draft->request->cseq > binding->cseq;
}

static bool refuse_order(struct draft *draft)
{
    refuse(draft, REGISTRAR_OUT_ORDER, 500, "CSeq Out Of Order");
    return false;
}

static bool plan_star(struct draft *draft)
{
    struct registrar_plan *plan = draft->plan;
    if (!span_equal(sip_message_value(draft->request, SIP_HEADER_EXPIRES), SPAN("0"))) {
        refuse(draft, REGISTRAR_OUT_BAD, 400, "Contact * Without Expires 0");
        return false;
    }
    for (unsigned i = 0; i < plan->count; i++)
        if (!is_in_order(draft, plan->next[i]))
            return refuse_order(draft);
    memcpy(plan->removed, plan->next, plan->count * sizeof(plan->next[0]));
    plan->removed_count = plan->count;
    plan->count = 0;
    plan->changes = plan->removed_count > 0;
    return true;
}

static unsigned find(const struct draft *draft, const struct registrar_contact *contact)
{
    unsigned at = 0;
    while (at < draft->plan->count && !registrar_contact_is(contact, draft->plan->next[at]))
        at++;
    return at;
}

static void take_off(struct draft *draft, unsigned at)
{
    struct registrar_plan *plan = draft->plan;
    unsigned behind = --plan->count - at;
    struct registrar_binding *held = draft->fresh[at] ? draft->was[at] : plan->next[at];
    if (draft->fresh[at])
        registrar_binding_free(plan->next[at]);
    if (held)
        plan->removed[plan->removed_count++] = held;
    memmove(&plan->next[at], &plan->next[at + 1], behind * sizeof(plan->next[0]));
    memmove(&draft->fresh[at], &draft->fresh[at + 1], behind * sizeof(draft->fresh[0]));
    memmove(&draft->was[at], &draft->was[at + 1], behind * sizeof(draft->was[0]));
    plan->changes = true;
}

static enum err make(const struct draft *draft, const struct registrar_contact *contact,
                     struct registrar_binding **out_binding)
{
    const struct clock *clock = draft->registrar->options.clock;
    struct registrar_texts texts = {.uri = contact->uri.text,
                                    .params = contact->params,
                                    .call_id = draft->request->call_id,
                                    .path = draft->contacts.path,
                                    .instance = contact->instance,
                                    .reg_id = contact->reg_id};
    struct registrar_binding *binding;
    enum err err = registrar_binding_new(&texts, &binding);
    if (err != OK)
        return err;
    binding->cseq = draft->request->cseq;
    binding->since_ms = clock->mono_ms;
    binding->expires_ms = clock->mono_ms + 1000 * (uint64_t)contact->expires_s;
    binding->event = REGISTRAR_CREATED;
    if (contact->reg_id && draft->flow)
        registrar_flow_note(binding, draft->flow);
    *out_binding = binding;
    return OK;
}

/* A new binding at `at`, which may be one past the last. */
static bool put(struct draft *draft, unsigned at, const struct registrar_contact *contact)
{
    struct registrar_plan *plan = draft->plan;
    struct registrar_binding *binding;
    enum err err = at < REGISTRAR_USER_MAX ? make(draft, contact, &binding) : ERR_FULL;
    if (err == ERR_FULL)
        refuse(draft, REGISTRAR_OUT_TOO_MANY, 403, "Too Many Bindings");
    else if (err == ERR_TOO_LONG)
        refuse(draft, REGISTRAR_OUT_BAD, 400, "Contact Too Long");
    else if (err != OK)
        refuse(draft, REGISTRAR_OUT_UNSTORED, 503, "");
    if (err != OK)
        return false;
    if (at == plan->count) {
        draft->was[at] = NULL;
        plan->count++;
    } else if (draft->fresh[at]) {
        registrar_binding_free(plan->next[at]);
    } else {
        draft->was[at] = plan->next[at];
    }
    if (draft->was[at]) {
        binding->since_ms = draft->was[at]->since_ms;
        binding->event = REGISTRAR_REFRESHED;
    }
    plan->next[at] = binding;
    draft->fresh[at] = true;
    plan->changes = true;
    return true;
}

/* Step 7, for one Contact. */
static bool plan_contact(struct draft *draft, const struct registrar_contact *contact)
{
    struct registrar_plan *plan = draft->plan;
    unsigned at = find(draft, contact);
    if (at < plan->count && !draft->fresh[at] && !is_in_order(draft, plan->next[at]))
        return refuse_order(draft);
    if (contact->expires_s)
        return put(draft, at, contact);
    if (at < plan->count)
        take_off(draft, at);
    return true;
}

/* A user that has too many (the setting was lowered) may still refresh and remove them. */
static bool check_caps(struct draft *draft)
{
    const struct registrar *registrar = draft->registrar;
    unsigned count = draft->plan->count;
    if (count <= draft->before)
        return true;
    if (count > registrar->options.limits.per_user) {
        refuse(draft, REGISTRAR_OUT_TOO_MANY, 403, "Too Many Bindings");
        return false;
    }
    if (registrar->census.bindings + count - draft->before > registrar->options.limits.total) {
        refuse(draft, REGISTRAR_OUT_UNSTORED, 503, "");
        return false;
    }
    return true;
}

static void begin(struct draft *draft)
{
    struct registrar_plan *plan = draft->plan;
    struct registrar_user *user = plan->user;
    if (user && registrar_user_expire(draft->registrar, user))             /* its timer may be due in this very turn */
        user = plan->user = registrar_user_settle(draft->registrar, user); /* what it left may be nothing */
    for (struct registrar_binding *at = user ? user->first : NULL; at; at = at->next)
        plan->next[plan->count++] = at;
    draft->before = plan->count;
    memset(draft->fresh, 0, plan->count);
}

/* Behind a proxy the connection is the proxy's, and others' phones come by it, too. */
static bool brings_a_flow(const struct sip_message *request)
{
    return request->via_count == 1 && sip_message_has_token(request, SIP_HEADER_SUPPORTED, SPAN("outbound"));
}

void registrar_plan(struct registrar *registrar, const struct registrar_question *question,
                    struct registrar_plan *out_plan)
{
    const struct sip_message *request = question->request;
    char space[SPACE];
    struct draft draft; /* large, and written before it is read */
    draft.registrar = registrar;
    draft.request = request;
    draft.flow = brings_a_flow(request) ? question->flow : NULL;
    draft.plan = out_plan;
    draft.most_s = registrar->options.limits.max_s;
    if (question->most_s && question->most_s < draft.most_s)
        draft.most_s = question->most_s;
    draft.contacts.space = buffer_over(space, sizeof(space));
    out_plan->code = 200;
    out_plan->reason = "";
    out_plan->waits = out_plan->changes = out_plan->fetches = false;
    out_plan->name = question->name;
    out_plan->user = NULL;
    out_plan->count = out_plan->removed_count = 0;
    memset(draft.fresh, 0, sizeof(draft.fresh));
    if (registrar->refuses) {
        refuse(&draft, REGISTRAR_OUT_UNSTORED, 503, "");
        return;
    }
    out_plan->user = question->hash ? registrar_user_find_hashed(registrar, &out_plan->name, question->hash)
                                    : registrar_user_find(registrar, &out_plan->name);
    out_plan->waits = out_plan->user && out_plan->user->change;
    if (out_plan->waits)
        return;
    const char *wrong = registrar_contacts_read(request, registrar->options.limits.default_s, &draft.contacts);
    if (wrong) {
        refuse(&draft, REGISTRAR_OUT_BAD, 400, wrong);
        return;
    }
    begin(&draft);
    out_plan->fetches = !draft.contacts.star && !draft.contacts.count;
    bool fits =
        draft.contacts.star ? plan_star(&draft) : check_gruus(&draft) && check_flows(&draft) && check_expires(&draft);
    for (unsigned i = 0; fits && i < draft.contacts.count; i++)
        fits = plan_contact(&draft, &draft.contacts.items[i]);
    if (fits && check_caps(&draft) && !out_plan->changes)
        registrar->census.outcomes[REGISTRAR_OUT_FETCHED]++;
}

static bool is_of(const struct registrar_user *user, const struct registrar_binding *binding)
{
    for (const struct registrar_binding *at = user ? user->first : NULL; at; at = at->next)
        if (at == binding)
            return true;
    return false;
}

void registrar_drop(struct registrar_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (!is_of(plan->user, plan->next[i]))
            registrar_binding_free(plan->next[i]);
    plan->count = plan->removed_count = 0;
    plan->changes = false;
}
