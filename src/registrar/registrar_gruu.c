/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/facts_gauge.h"
#include "registrar/registrar_gruu_priv.h"
#include "sip/sip_uri.h"
#include "util/random.h"
#include "util/seal.h"
#include "util/siphash.h"
#include <stdlib.h>

/* In front of the address-of-record; the random bytes make each GRUU another one. */
struct sealed_head {
    uint64_t random, key;
};

enum err registrar_gruus_new(const unsigned char secret[REGISTRAR_SECRET_LEN], struct registrar_gruus **out_gruus)
{
    struct registrar_gruus *gruus = calloc(1, sizeof(*gruus));
    if (!gruus)
        return ERR_NOMEM;
    _Static_assert(SEAL_KEY_LEN + sizeof(gruus->key) == REGISTRAR_SECRET_LEN, "two keys");
    memcpy(&gruus->key, secret + SEAL_KEY_LEN, sizeof(gruus->key));
    pthread_mutex_init(&gruus->mutex, NULL);
    enum err err = seal_new(secret, &gruus->seal);
    if (err == OK)
        err = map_init(&gruus->by_phone);
    if (err == OK)
        err = map_init(&gruus->by_call);
    if (err == OK)
        err = facts_gauge_new(0, UINT32_MAX, &gruus->held);
    if (err != OK) {
        registrar_gruus_free(gruus);
        return err;
    }
    *out_gruus = gruus;
    return OK;
}

void registrar_gruus_free(struct registrar_gruus *gruus)
{
    if (!gruus)
        return;
    seal_free(gruus->seal);
    facts_gauge_free(gruus->held);
    map_done(&gruus->by_phone);
    map_done(&gruus->by_call);
    pthread_mutex_destroy(&gruus->mutex);
    free(gruus);
}

static struct span bare(struct span instance)
{
    if (instance.len >= 2 && instance.at[0] == '<' && instance.at[instance.len - 1] == '>')
        return span_slice(instance, 1, instance.len - 1);
    return instance;
}

/* A URN's scheme and a UUID's digits are the same in either case (RFC 8141 3.1, RFC 4122 3). */
uint64_t registrar_gruu_key(const struct registrar_gruus *gruus, const struct registrar_phone *phone, bool with_call)
{
    struct siphash_state state;
    siphash_begin(&state, &gruus->key);
    siphash_add(&state, phone->aor);
    siphash_add_nocase(&state, bare(phone->instance));
    if (with_call)
        siphash_add(&state, phone->call_id);
    return siphash_end(&state);
}

bool registrar_gruus_hold(struct registrar_gruus *gruus, const struct registrar_phone *phone)
{
    uint64_t key = registrar_gruu_key(gruus, phone, false);
    if (facts_gauge_take(gruus->held, key) != FACTS_GAUGE_TAKEN)
        return false;
    if (facts_gauge_take(gruus->held, registrar_gruu_key(gruus, phone, true)) == FACTS_GAUGE_TAKEN)
        return true;
    facts_gauge_give(gruus->held, key);
    return false;
}

void registrar_gruus_let_go(struct registrar_gruus *gruus, const struct registrar_phone *phone)
{
    facts_gauge_give(gruus->held, registrar_gruu_key(gruus, phone, false));
    facts_gauge_give(gruus->held, registrar_gruu_key(gruus, phone, true));
}

enum err registrar_gruus_add(const struct registrar_gruus *gruus, const struct registrar_phone *phone,
                             struct buffer *out)
{
    struct sealed_head head = {.key = registrar_gruu_key(gruus, phone, true)};
    char text[REGISTRAR_GRUU_MAX], sealed[REGISTRAR_GRUU_MAX];
    struct buffer plain = buffer_over(text, sizeof(text)), closed = buffer_over(sealed, sizeof(sealed));
    enum err err = random_system(&head.random, sizeof(head.random));
    if (err != OK)
        return err;
    buffer_add(&plain, &head, sizeof(head));
    buffer_add_span(&plain, phone->aor);
    if (plain.overflow)
        return ERR_TOO_LONG;
    err = seal_close(gruus->seal, buffer_span(&plain), &closed);
    if (err == OK)
        buffer_add_hex(out, closed.at, closed.len);
    return err == OK && out->overflow ? ERR_TOO_LONG : err;
}

static bool may_stand(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c && strchr("-_.!~*'()[]/:&+$", c) != NULL;
}

void registrar_gruu_value(struct buffer *out, struct span instance)
{
    static const char digits[] = "0123456789ABCDEF";
    struct span value = bare(instance);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        if (may_stand((char)byte)) {
            buffer_add_byte(out, (char)byte);
            continue;
        }
        buffer_add_byte(out, '%');
        buffer_add_byte(out, digits[byte >> 4]);
        buffer_add_byte(out, digits[byte & 15]);
    }
}

/* A user may have some '@' of its own. */
size_t registrar_gruu_host(struct span aor)
{
    for (size_t i = aor.len; i-- > 0;)
        if (aor.at[i] == '@')
            return i + 1;
    return aor.len;
}

void registrar_gruu_public(struct buffer *out, struct span aor, struct span instance)
{
    size_t host = registrar_gruu_host(aor);
    if (!instance.len || host == aor.len)
        return;
    struct span name = span_slice(aor, host, aor.len);
    sip_uri_escape_user(out, span_slice(aor, 0, host - 1));
    buffer_add_byte(out, '@');
    sip_host_add(out, name, sip_host_kind_of(name));
    buffer_add_literal(out, ";gr=");
    registrar_gruu_value(out, instance);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct span text, struct buffer *out)
{
    if (text.len % 2)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = digit_of(text.at[i]), low = digit_of(text.at[i + 1]);
        if (high < 0 || low < 0)
            return false;
        buffer_add_byte(out, (char)(high << 4 | low));
    }
    return !out->overflow;
}

enum err registrar_gruus_read(const struct registrar_gruus *gruus, struct span user, struct buffer *out_aor,
                              uint64_t *out_key)
{
    struct sealed_head head;
    char text[REGISTRAR_GRUU_MAX], sealed[REGISTRAR_GRUU_MAX];
    struct buffer plain = buffer_over(text, sizeof(text)), closed = buffer_over(sealed, sizeof(sealed));
    if (!read_hex(user, &closed))
        return ERR_INVALID;
    enum err err = seal_open(gruus->seal, buffer_span(&closed), &plain);
    if (err != OK)
        return err;
    if (plain.len <= sizeof(head))
        return ERR_INVALID;
    memcpy(&head, plain.at, sizeof(head));
    *out_key = head.key;
    buffer_add_span(out_aor, span_slice(buffer_span(&plain), sizeof(head), plain.len));
    return out_aor->overflow ? ERR_TOO_LONG : OK;
}

bool registrar_gruus_is_held(struct registrar_gruus *gruus, uint64_t key)
{
    return facts_gauge_count(gruus->held, key) > 0;
}

bool registrar_gruus_is_registered(struct registrar_gruus *gruus, const struct registrar_phone *phone)
{
    return registrar_gruus_is_held(gruus, registrar_gruu_key(gruus, phone, false));
}
