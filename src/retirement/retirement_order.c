/* SPDX-License-Identifier: Apache-2.0 */
#include "retirement/retirement_order.h"
#include "util/buffer.h"

static bool is_number(struct span user)
{
    for (size_t i = 1; i < user.len; i++)
        if (user.at[i] < '0' || user.at[i] > '9')
            return false;
    return user.len > 1 && user.at[0] == '+';
}

struct policy_target retirement_target(struct span aor)
{
    size_t at = aor.len;
    while (at > 0 && aor.at[at - 1] != '@')
        at--;
    if (at == 0)
        return (struct policy_target){.host = aor};
    struct policy_target target = {.user = span_slice(aor, 0, at - 1), .host = span_slice(aor, at, aor.len)};
    if (is_number(target.user))
        target.number = target.user;
    return target;
}

struct span retirement_owner_key(struct span aor)
{
    struct policy_target target = retirement_target(aor);
    return target.number.len ? target.number : aor;
}

static bool set_key(struct retirement_order *order, struct span key)
{
    if (key.len == 0 || key.len > sizeof(order->key))
        return false;
    memcpy(order->key, key.at, key.len);
    order->key_len = key.len;
    return true;
}

static bool set_account(struct retirement_order *order, struct span name)
{
    struct span user, host;
    char aor[RETIREMENT_KEY_MAX];
    struct buffer text = buffer_over(aor, sizeof(aor));
    if (!entry_name_account_parts(name, &user, &host))
        return false;
    buffer_add_span(&text, user);
    buffer_add_byte(&text, '@');
    buffer_add_span(&text, host);
    return !text.overflow && set_key(order, retirement_owner_key(buffer_span(&text)));
}

static bool set_text(struct retirement_order *order, struct span name)
{
    char text[ENTRY_KEY_TEXT_MAX];
    size_t len;
    return entry_name_text(name, text, &len) == OK && set_key(order, span_make(text, len));
}

static bool set_scope(struct retirement_order *order, struct span name)
{
    switch (entry_name_kind(name)) {
    case ENTRY_ACCOUNT:
        order->scope = RETIREMENT_OWNER;
        return set_account(order, name);
    case ENTRY_NUMBER:
        order->scope = RETIREMENT_OWNER;
        return set_text(order, name);
    case ENTRY_RANGE:
        order->scope = RETIREMENT_RANGE;
        order->digits = entry_range_bounds(name, &order->from, &order->to);
        return order->digits > 0;
    case ENTRY_DOMAIN:
        order->scope = RETIREMENT_DOMAIN;
        return set_text(order, name);
    case ENTRY_KIND_COUNT:
        break;
    }
    return false;
}

bool retirement_order_of(const struct directory_row *row, struct retirement_order *out_order)
{
    bool ends = row->has_after && (row->after.state == ENTRY_GONE || row->after.state == ENTRY_MOVED);
    bool removed = row->had_before && !row->has_after;
    if (row->name.len == 0 || row->op == DIRECTORY_OP_PASSWD || !(ends || removed))
        return false;
    *out_order = (struct retirement_order){.removed = removed};
    return set_scope(out_order, row->name);
}

void retirement_order_all(struct retirement_order *out_order)
{
    *out_order = (struct retirement_order){.scope = RETIREMENT_ALL};
}

static bool is_between(const struct retirement_order *order, struct span number)
{
    uint64_t value;
    return number.len == order->digits + 1 && span_to_u64(span_slice(number, 1, number.len), &value) &&
           value >= order->from && value <= order->to;
}

bool retirement_covers(const struct retirement_order *order, struct span aor)
{
    struct policy_target target = retirement_target(aor);
    switch (order->scope) {
    case RETIREMENT_OWNER:
        return span_equal(retirement_owner_key(aor), retirement_order_key(order));
    case RETIREMENT_DOMAIN:
        return span_equal(target.host, retirement_order_key(order));
    case RETIREMENT_RANGE:
        return is_between(order, target.number);
    case RETIREMENT_ALL:
        return true;
    }
    return false;
}
