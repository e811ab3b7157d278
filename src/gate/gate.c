/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate.h"
#include "util/json.h"
#include <string.h>

enum { SAMPLE = 32 }; /* one refusal in so many is told */

enum err gate_init(struct gate *gate, const struct gate_options *options)
{
    struct facts_limit_options limit = {.rate = options->rate,
                                        .burst = options->burst ? options->burst : options->rate};
    if (pthread_mutex_init(&gate->lock, NULL) != 0)
        return ERR_NOMEM;
    gate->count = 0;
    gate->sources = NULL;
    gate->trusted = options->trusted;
    gate->trusted_count = options->trusted_count;
    atomic_init(&gate->version, 0);
    enum err err = options->rate ? facts_limit_new(&limit, &gate->sources) : OK;
    if (err != OK)
        pthread_mutex_destroy(&gate->lock);
    return err;
}

bool gate_is_urgent(struct span bytes)
{
    return span_starts_with(bytes, SPAN("ACK ")) || span_starts_with(bytes, SPAN("BYE ")) ||
           span_starts_with(bytes, SPAN("CANCEL ")) || span_starts_with(bytes, SPAN("SIP/2.0 "));
}

void gate_done(struct gate *gate)
{
    facts_limit_free(gate->sources);
    pthread_mutex_destroy(&gate->lock);
}

static void refresh(struct gate *gate, struct gate_view *view)
{
    pthread_mutex_lock(&gate->lock);
    view->version = atomic_load_explicit(&gate->version, memory_order_relaxed);
    view->count = gate->count;
    for (unsigned i = 0; i < gate->count; i++) {
        view->bans[i].block = gate->bans[i].block;
        view->bans[i].until_ms = gate->bans[i].until_ms;
    }
    pthread_mutex_unlock(&gate->lock);
}

static unsigned family_of(const struct net_address *address)
{
    return address->family == NET_FAMILY_IP4 ? 4 : 6;
}

static bool trusts(const struct gate *gate, const struct net_address *source)
{
    for (unsigned i = 0; i < gate->trusted_count; i++)
        if (net_prefix_contains(&gate->trusted[i], source))
            return true;
    return false;
}

static bool is_banned(const struct gate_view *view, const struct gate_question *question)
{
    const struct net_address *source = &question->flow->remote;
    for (unsigned i = 0; i < view->count; i++)
        if (question->wall_ms < view->bans[i].until_ms &&
            facts_block_has(&view->bans[i].block, family_of(source), source->ip))
            return true;
    return false;
}

enum gate_admission gate_ask(struct gate *gate, struct gate_view *view, const struct gate_question *question)
{
    const struct net_address *source = &question->flow->remote;
    if (atomic_load_explicit(&gate->version, memory_order_acquire) != view->version)
        refresh(gate, view);
    if (!gate->sources && view->count == 0)
        return GATE_ADMIT;
    if (trusts(gate, source))
        return GATE_ADMIT;
    if (is_banned(view, question))
        return GATE_IGNORE;
    if (!gate->sources || gate_is_urgent(question->bytes) ||
        facts_limit_allow(gate->sources, source->ip, family_of(source) == 4 ? 4 : 16, question->mono_ms))
        return GATE_ADMIT;
    return facts_limit_refused(gate->sources) % SAMPLE == 0 ? GATE_REFUSE : GATE_IGNORE;
}

static int find(const struct gate *gate, const struct facts_block *block)
{
    for (unsigned i = 0; i < gate->count; i++)
        if (memcmp(&gate->bans[i].block, block, sizeof(*block)) == 0)
            return (int)i;
    return -1;
}

static void changed(struct gate *gate)
{
    atomic_fetch_add_explicit(&gate->version, 1, memory_order_release);
}

/* Whether the block holds a trusted address, as far as both are known by their first one. */
static bool is_trusted(const struct gate *gate, const struct facts_block *block)
{
    struct net_address first = {.family = block->family == 4 ? NET_FAMILY_IP4 : NET_FAMILY_IP6};
    memcpy(first.ip, block->address, sizeof(first.ip));
    for (unsigned i = 0; i < gate->trusted_count; i++)
        if (facts_block_has(block, family_of(&gate->trusted[i].address), gate->trusted[i].address.ip))
            return true;
    return trusts(gate, &first);
}

enum err gate_ban(struct gate *gate, struct span text, int64_t until_ms, struct span note)
{
    struct gate_entry ban = {.until_ms = until_ms};
    if (!facts_block_parse(text, &ban.block) || is_trusted(gate, &ban.block) ||
        !span_copy(text, ban.text, sizeof(ban.text)))
        return ERR_INVALID;
    (void)span_copy(span_slice(note, 0, GATE_BAN_NOTE_MAX - 1), ban.note, sizeof(ban.note));
    pthread_mutex_lock(&gate->lock);
    int at = find(gate, &ban.block);
    bool has_room = at >= 0 || gate->count < GATE_BANS_MAX;
    if (has_room)
        gate->bans[at >= 0 ? (unsigned)at : gate->count++] = ban;
    changed(gate);
    pthread_mutex_unlock(&gate->lock);
    return has_room ? OK : ERR_FULL;
}

enum err gate_unban(struct gate *gate, struct span text)
{
    struct facts_block block;
    if (!facts_block_parse(text, &block))
        return ERR_INVALID;
    pthread_mutex_lock(&gate->lock);
    int at = find(gate, &block);
    if (at >= 0)
        gate->bans[at] = gate->bans[--gate->count];
    changed(gate);
    pthread_mutex_unlock(&gate->lock);
    return at >= 0 ? OK : ERR_NOT_FOUND;
}

static void forget_ended(struct gate *gate, int64_t wall_ms)
{
    for (unsigned i = gate->count; i > 0; i--)
        if (gate->bans[i - 1].until_ms <= wall_ms)
            gate->bans[i - 1] = gate->bans[--gate->count];
    changed(gate);
}

void gate_list(struct gate *gate, int64_t wall_ms, struct buffer *out)
{
    struct json json = json_into(out);
    pthread_mutex_lock(&gate->lock);
    forget_ended(gate, wall_ms);
    json_object_begin(&json);
    json_key(&json, "bans");
    json_array_begin(&json);
    for (unsigned i = 0; i < gate->count; i++) {
        json_object_begin(&json);
        json_put_text(&json, "address", gate->bans[i].text);
        json_put_i64(&json, "left_s", (gate->bans[i].until_ms - wall_ms + 999) / 1000);
        json_put_text(&json, "note", gate->bans[i].note);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    pthread_mutex_unlock(&gate->lock);
}
