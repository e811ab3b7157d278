/* SPDX-License-Identifier: Apache-2.0 */
/* The event package `reg` (RFC 3680): what a user's watchers are told of its contacts.  Contacts that have gone are kept for
 * as long as somebody watches, so that each watcher, whenever its NOTIFY is due, hears once of each of them. */
#include "registrar/registrar_priv.h"
#include "sip/sip_value.h"
#include <stdlib.h>

enum { DEPARTED_MAX = 32 };

/* A contact that has gone. */
struct departed {
    struct list node;
    uint64_t serial; /* of the change that took it */
    enum registrar_event event;
    struct registrar_binding *binding; /* a copy */
};

/* Of a user who is watched: its changes since then. */
struct registrar_watch {
    struct map_node node;
    uint64_t serial; /* of the last change; 0: none yet */
    struct list departed;
    unsigned departed_count;
    uint16_t aor_len;
    char aor[];
};

static bool is_of(const struct map_node *node, const void *key)
{
    const struct registrar_watch *watch = container_of_const(node, struct registrar_watch, node);
    return span_equal(span_make(watch->aor, watch->aor_len), *(const struct span *)key);
}

static struct registrar_watch *watch_find(const struct registrar *registrar, struct span aor)
{
    if (!registrar->watches.count)
        return NULL;
    struct map_node *node = map_find(&registrar->watches, registrar_hash(registrar, aor), is_of, &aor);
    return node ? container_of(node, struct registrar_watch, node) : NULL;
}

/* NULL: nobody watches, or memory is out (then a watcher misses what has gone, and sees that it is not there any more). */
static struct registrar_watch *watch_take(struct registrar *registrar, struct span aor)
{
    struct notifier_table *notifier = registrar->options.notifier;
    struct registrar_watch *watch = notifier ? watch_find(registrar, aor) : NULL;
    if (watch || !notifier || !notifier_is_watched(notifier, &registrar_reg_package, aor))
        return watch;
    watch = calloc(1, sizeof(*watch) + aor.len);
    if (!watch)
        return NULL;
    list_init(&watch->departed);
    watch->aor_len = (uint16_t)aor.len;
    memcpy(watch->aor, aor.at, aor.len);
    map_add(&registrar->watches, &watch->node, registrar_hash(registrar, aor));
    return watch;
}

static void drop_oldest(struct registrar_watch *watch)
{
    struct departed *departed = container_of(list_first(&watch->departed), struct departed, node);
    list_remove(&departed->node);
    watch->departed_count--;
    free(departed->binding);
    free(departed);
}

static void watch_free(struct registrar *registrar, struct registrar_watch *watch)
{
    while (watch->departed_count)
        drop_oldest(watch);
    map_remove(&registrar->watches, &watch->node);
    free(watch);
}

void registrar_reginfo_done(struct registrar *registrar)
{
    struct map_node *node;
    while ((node = map_next(&registrar->watches, NULL)))
        watch_free(registrar, container_of(node, struct registrar_watch, node));
    map_done(&registrar->watches);
}

void registrar_depart(struct registrar *registrar, struct span aor, const struct registrar_binding *binding,
                      enum registrar_event event)
{
    struct registrar_watch *watch = watch_take(registrar, aor);
    struct departed *departed = watch ? malloc(sizeof(*departed)) : NULL;
    struct registrar_binding *copy = departed ? malloc(registrar_binding_bytes(binding)) : NULL;
    if (!copy) {
        free(departed);
        return;
    }
    memcpy(copy, binding, registrar_binding_bytes(binding));
    copy->way = NULL;
    *departed = (struct departed){.serial = watch->serial + 1, .event = event, .binding = copy};
    list_push_back(&watch->departed, &departed->node);
    if (++watch->departed_count > DEPARTED_MAX)
        drop_oldest(watch);
}

void registrar_tell(struct registrar *registrar, struct span aor)
{
    struct registrar_watch *watch = watch_take(registrar, aor);
    if (watch)
        watch->serial++;
    if (registrar->options.notifier)
        notifier_changed(registrar->options.notifier, NULL, aor); /* presence shows it too */
}

/* ---- the document ---- */

/* The same for the same contact, now and after a restart: of a flow, its instance and number, else the URI. */
static uint64_t contact_id(struct span aor, const struct registrar_binding *binding)
{
    static const struct siphash_key fixed = {0x7265676973747261u, 0x72636f6e74616374u};
    struct siphash_state state;
    siphash_begin(&state, &fixed);
    siphash_add(&state, aor);
    siphash_add(&state, binding->reg_id ? registrar_binding_instance(binding) : registrar_binding_uri(binding));
    siphash_add(&state, span_make((const char *)&binding->reg_id, sizeof(binding->reg_id)));
    return siphash_end(&state);
}

static void add_id(struct buffer *out, const char *letter, uint64_t id)
{
    buffer_add_text(out, letter);
    buffer_add_hex(out, &id, sizeof(id));
}

static void add_number(struct buffer *out, const char *name, uint64_t value)
{
    buffer_add_byte(out, ' ');
    buffer_add_text(out, name);
    buffer_add_literal(out, "=\"");
    buffer_add_u64(out, value);
    buffer_add_byte(out, '"');
}

static void add_params(struct buffer *out, struct span rest)
{
    struct sip_param param;
    while (sip_param_next(&rest, &param) == OK) {
        if (span_equal_nocase(param.name, SPAN("q")))
            continue;
        buffer_add_literal(out, "<unknown-param name=\"");
        notifier_xml_escape(out, param.name);
        buffer_add_literal(out, "\">");
        notifier_xml_escape(out, param.value);
        buffer_add_literal(out, "</unknown-param>");
    }
}

/* RFC 5628 4.2.  The temporary ones are nobody's business but the phone's own. */
static void add_gruu(struct buffer *out, struct span aor, const struct registrar_binding *binding)
{
    char text[REGISTRAR_GRUU_MAX + 128];
    struct buffer gruu = buffer_over(text, sizeof(text));
    registrar_gruu_public(&gruu, aor, registrar_binding_instance(binding));
    if (!gruu.len || gruu.overflow)
        return;
    buffer_add_literal(out, "<gr:pub-gruu uri=\"sip:");
    notifier_xml_escape(out, buffer_span(&gruu));
    buffer_add_literal(out, "\"/>");
}

/* One that is registered, or (`gone`) that was. */
static void add_contact(struct buffer *out, struct span aor, const struct registrar_binding *binding,
                        const struct departed *gone, uint64_t now_ms)
{
    struct span q = sip_param_value(registrar_binding_params(binding), SPAN("q"));
    buffer_add_literal(out, "<contact id=\"");
    add_id(out, "c", contact_id(aor, binding));
    buffer_add_text(out, gone ? "\" state=\"terminated\" event=\"" : "\" state=\"active\" event=\"");
    buffer_add_text(out, registrar_event_text(gone ? gone->event : (enum registrar_event)binding->event));
    buffer_add_byte(out, '"');
    if (!gone) {
        add_number(out, "duration-registered", (now_ms - binding->since_ms) / 1000);
        add_number(out, "expires", registrar_binding_expires_s(binding, now_ms));
    }
    if (q.len) {
        buffer_add_literal(out, " q=\"");
        notifier_xml_escape(out, q);
        buffer_add_byte(out, '"');
    }
    buffer_add_literal(out, " callid=\"");
    notifier_xml_escape(out, registrar_binding_call_id(binding));
    buffer_add_byte(out, '"');
    add_number(out, "cseq", binding->cseq);
    buffer_add_literal(out, "><uri>");
    notifier_xml_escape(out, registrar_binding_uri(binding));
    buffer_add_literal(out, "</uri>");
    add_params(out, registrar_binding_params(binding));
    if (!gone && binding->held) /* then GRUUs are given out */
        add_gruu(out, aor, binding);
    buffer_add_literal(out, "</contact>\r\n");
}

/* What makes contact_id(). */
static bool is_same_contact(const struct registrar_binding *one, const struct registrar_binding *other)
{
    return one->reg_id == other->reg_id &&
           (one->reg_id ? span_equal(registrar_binding_instance(one), registrar_binding_instance(other))
                        : span_equal(registrar_binding_uri(one), registrar_binding_uri(other)));
}

/* It came back, or went once more, since it went: one document says one thing of a contact. */
static bool is_outdated(const struct registrar_watch *watch, const struct departed *departed,
                        const struct registrar_user *user)
{
    for (const struct registrar_binding *at = user ? user->first : NULL; at; at = at->next)
        if (is_same_contact(at, departed->binding))
            return true;
    for (const struct list *node = departed->node.next; node != &watch->departed; node = node->next)
        if (is_same_contact(container_of_const(node, struct departed, node)->binding, departed->binding))
            return true;
    return false;
}

/* Those that this subscription has not been told of; a new one was never told that they were there. */
static void add_departed(struct buffer *out, const struct registrar_watch *watch, const struct notifier_view *view,
                         const struct registrar_user *user, uint64_t now_ms)
{
    struct list *node = watch && view->version ? watch->departed.next : NULL;
    for (; node && node != &watch->departed; node = node->next) {
        const struct departed *departed = container_of_const(node, struct departed, node);
        if (departed->serial > view->mark && !is_outdated(watch, departed, user))
            add_contact(out, view->aor, departed->binding, departed, now_ms);
    }
}

/* Terminated is what was active (RFC 3680 3.4.1) and has ended since this watcher was told last; then it is init again. */
static const char *state_of(const struct registrar_user *user, const struct registrar_watch *watch,
                            const struct notifier_view *view)
{
    if (user && user->count)
        return "active";
    return view->version && watch && watch->serial > view->mark ? "terminated" : "init";
}

static enum err build(void *ctx, struct notifier_view *view, struct buffer *out)
{
    struct registrar *registrar = ctx;
    static const struct siphash_key fixed = {0x7265676973747261u, 0x74696f6e00000000u};
    const struct registrar_watch *watch = watch_find(registrar, view->aor);
    const struct registrar_user *user = registrar_user_of(registrar, view->aor);
    uint64_t now_ms = registrar->options.clock->mono_ms, serial = watch ? watch->serial : 0;
    if (!view->full && !view->last && view->mark >= serial)
        return ERR_NOT_FOUND;
    buffer_add_literal(out, "<?xml version=\"1.0\"?>\r\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\"");
    if (registrar->options.gruus)
        buffer_add_literal(out, " xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\"");
    add_number(out, "version", view->version);
    buffer_add_text(out, view->full ? " state=\"full\">\r\n" : " state=\"partial\">\r\n");
    buffer_add_literal(out, "<registration aor=\"");
    notifier_xml_aor(out, view->aor);
    buffer_add_literal(out, "\" id=\"");
    add_id(out, "r", siphash(&fixed, view->aor.at, view->aor.len));
    buffer_add_literal(out, "\" state=\"");
    buffer_add_text(out, state_of(user, watch, view));
    buffer_add_literal(out, "\">\r\n");
    for (const struct registrar_binding *at = user ? user->first : NULL; at; at = at->next)
        add_contact(out, view->aor, at, NULL, now_ms);
    add_departed(out, watch, view, user, now_ms);
    buffer_add_literal(out, "</registration>\r\n</reginfo>\r\n");
    view->mark = serial;
    return OK;
}

static void unwatched(void *ctx, struct span aor)
{
    struct registrar *registrar = ctx;
    struct registrar_watch *watch = watch_find(registrar, aor);
    if (watch)
        watch_free(registrar, watch);
}

const struct notifier_package registrar_reg_package = {
    .name = "reg",
    .media_type = "application/reginfo+xml",
    .build = build,
    .unwatched = unwatched,
};
