/* SPDX-License-Identifier: Apache-2.0 */
/* The order matters: limits first, which cost nothing; then one look-up and one response, the same for whom we know and
 * for whom we do not; only a right one learns about its nonce, and only then is anything noted. */
#include "auth/auth_check.h"
#include "auth/auth_header.h"
#include "auth/auth_response.h"
#include "auth/auth_tries.h"
#include "auth/auth_window.h"
#include "sip/sip_text.h"

#include <stdlib.h>

enum { HEADERS_MAX = 8, TRIES_PLACES = 1 << 16, CLOCK_SKEW_MS = 2000 };

struct auth {
    struct siphash_key nonce_key;
    struct siphash_key tries_key;
    struct auth_challenge challenge;
    unsigned algorithms; /* all that the challenges offer */
    bool auth_int;
    uint32_t nonce_ms;
    struct auth_window *window;
    struct auth_tries *sources;
    struct auth_tries *users;
    unsigned char nobody[DIGEST_MAX]; /* the HA1 of whom we do not know: no password has it */
};

enum err auth_new(const struct auth_options *options, struct auth **out_auth)
{
    struct auth *auth = calloc(1, sizeof(*auth));
    if (!auth)
        return ERR_NOMEM;
    uint64_t words[8];
    for (unsigned char i = 0; i < 8; i++)
        words[i] = siphash(&options->key, &i, 1);
    auth->nonce_key = (struct siphash_key){words[0], words[1]};
    auth->tries_key = (struct siphash_key){words[2], words[3]};
    memcpy(auth->nobody, &words[4], sizeof(auth->nobody));
    auth->auth_int = options->auth_int;
    auth->nonce_ms = options->nonce_ms;
    enum err err = auth_order_parse(options->algorithms, &auth->challenge.usual);
    for (unsigned i = 0; err == OK && i < options->agent_count; i++)
        err = auth_challenge_add_agent(&auth->challenge, span_of(options->agents[i]));
    auth->algorithms = auth_challenge_algorithms(&auth->challenge);
    if (err == OK)
        err = auth_window_new(options->nonces_max, options->nonce_ms, &auth->window);
    if (err == OK)
        err = auth_tries_new(TRIES_PLACES, options->tries_source_max, options->tries_ms, &auth->sources);
    if (err == OK)
        err = auth_tries_new(TRIES_PLACES, options->tries_user_max, options->tries_ms, &auth->users);
    if (err == OK)
        *out_auth = auth;
    else
        auth_free(auth);
    return err;
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    auth_challenge_done(&auth->challenge);
    auth_window_free(auth->window);
    auth_tries_free(auth->sources);
    auth_tries_free(auth->users);
    free(auth);
}

const char *auth_outcome_text(enum auth_outcome outcome)
{
    static const char *const texts[AUTH_OUTCOME_COUNT] = {"none",   "good",  "wrong",  "stale",
                                                          "replay", "crowd", "limited"};
    return texts[outcome];
}

void auth_nonce_new(const struct auth *auth, int64_t now_ms, uint64_t unique, char out[AUTH_NONCE_LEN])
{
    uint64_t parts[] = {(uint64_t)now_ms, unique};
    struct auth_nonce nonce = {.issued_ms = now_ms, .salt = siphash(&auth->tries_key, parts, sizeof(parts)) >> 8};
    auth_nonce_write(&auth->nonce_key, &nonce, out);
}

unsigned auth_offer(const struct auth *auth, const struct auth_offer *offer, struct buffer *text,
                    struct span out_values[DIGEST_KIND_COUNT])
{
    char nonce[AUTH_NONCE_LEN];
    const struct auth_order *order = auth_challenge_order(&auth->challenge, offer->user_agent);
    auth_nonce_new(auth, offer->now_ms, offer->unique, nonce);
    for (unsigned i = 0; i < order->count; i++) {
        const struct auth_header_challenge header = {
            .kind = order->kinds[i],
            .realm = offer->realm,
            .nonce = span_make(nonce, sizeof(nonce)),
            .stale = offer->stale,
            .auth_int = auth->auth_int,
        };
        size_t from = text->len;
        auth_header_add_challenge(text, &header);
        out_values[i] = span_make(text->at + from, text->len - from);
    }
    return order->count;
}

/* One set of credentials under examination. */
struct credentials {
    struct auth_header header;
    struct auth_nonce nonce;
    bool is_ours; /* the nonce is */
    enum digest_kind kind;
    uint32_t count; /* nc; 1 where the client sends none */
    struct auth_response_input input;
};

/* Clients send what they have for several realms (RFC 3261 22.3): the set with a nonce of ours, else the first one. */
static bool choose(const struct auth *auth, const struct sip_message *message, struct credentials *out)
{
    const struct sip_header *field = sip_message_header(message, SIP_HEADER_AUTHORIZATION);
    bool found = false;
    for (unsigned i = 0; field && i < HEADERS_MAX; i++, field = sip_message_header_next(message, field)) {
        struct auth_header header;
        if (auth_header_parse(field->value, &header) != OK || !header.is_digest)
            continue;
        bool ours = auth_nonce_read(&auth->nonce_key, header.nonce, &out->nonce);
        if (!found || ours)
            out->header = header;
        out->is_ours = ours;
        found = true;
        if (ours)
            break;
    }
    return found;
}

/* The content of a quoted value; without escapes, as most are, it stays where it is. */
static struct span plain(struct buffer *text, struct span value)
{
    size_t from = text->len;
    sip_text_unquote(text, value);
    return span_make(text->at + from, text->len - from);
}

/* username*, RFC 7616 3.4 and RFC 8187: UTF-8 only. */
static bool take_extended(struct buffer *text, struct span value, struct span *out_user)
{
    const struct span charset = SPAN("UTF-8''");
    size_t len = 0;
    if (value.len <= charset.len || !span_equal_nocase(span_slice(value, 0, charset.len), charset) ||
        !sip_uri_unescape(span_slice(value, charset.len, value.len), text->at + text->len, text->cap - text->len, &len))
        return false;
    *out_user = span_make(text->at + text->len, len);
    text->len += len;
    return true;
}

static bool take_names(struct credentials *of, struct buffer *text, struct auth_result *result)
{
    const struct auth_header *header = &of->header;
    if (header->userhash || !header->realm.len || !header->response.len ||
        (header->username.at && header->username_ext.at))
        return false; /* userhash is never offered */
    if (header->username_ext.at) {
        if (!take_extended(text, header->username_ext, &result->user))
            return false;
    } else {
        result->user = plain(text, header->username);
    }
    result->realm = plain(text, header->realm);
    return !text->overflow && result->user.len > 0 && span_find(result->user, '\0') == result->user.len;
}

/* nc: eight hexadecimal digits. */
static bool take_count(struct span nc, uint32_t *out_count)
{
    uint32_t count = 0;
    if (nc.len != 8)
        return false;
    for (size_t i = 0; i < nc.len; i++) {
        char byte = nc.at[i];
        char lower = (char)(byte | 0x20);
        bool digit = byte >= '0' && byte <= '9';
        if (!digit && (lower < 'a' || lower > 'f'))
            return false;
        count = count << 4 | (uint32_t)(digit ? byte - '0' : lower - 'a' + 10);
    }
    *out_count = count;
    return true;
}

/* With qop, nc and cnonce are there (RFC 7616 3.4).  Without it the client is one of RFC 2069, which RFC 3261 22.4 has us
 * serve: it knows MD5 alone, and its nonce is good for one request, since nothing else would show a replay. */
static bool take_qop(struct credentials *of)
{
    const struct auth_header *header = &of->header;
    of->count = 1;
    if (!header->qop.len)
        return of->kind == DIGEST_MD5 && !header->nc.len;
    bool known = span_equal_nocase(header->qop, SPAN("auth")) || span_equal_nocase(header->qop, SPAN("auth-int"));
    return known && header->cnonce.len && take_count(header->nc, &of->count);
}

static bool take_algorithm(const struct auth *auth, struct credentials *of)
{
    bool session = false;
    return auth_header_algorithm(of->header.algorithm, &of->kind, &session) && !session &&
           (auth->algorithms >> of->kind & 1);
}

/* The digest-uri means the Request-URI, or at least one of ours. */
static bool uri_fits(const struct auth_question *question, struct span uri)
{
    struct sip_uri parsed;
    if (span_equal(uri, question->message->uri.text))
        return true;
    if (sip_uri_parse(uri, &parsed, NULL) != OK)
        return false;
    return sip_uri_equal(&parsed, &question->message->uri) ||
           (question->is_ours && question->is_ours(question->ctx, uri));
}

/* All that can be said without knowing the user. */
static bool read_credentials(const struct auth *auth, const struct auth_question *question, struct credentials *of,
                             struct auth_result *result)
{
    struct buffer text = buffer_over(result->text, sizeof(result->text));
    const struct auth_header *header = &of->header;
    if (!choose(auth, question->message, of) || !take_algorithm(auth, of) || !take_qop(of) ||
        !take_names(of, &text, result))
        return false;
    of->input = (struct auth_response_input){
        .kind = of->kind,
        .nonce = plain(&text, header->nonce),
        .nc = header->nc,
        .cnonce = plain(&text, header->cnonce),
        .qop = header->qop,
        .method = question->message->method_text,
        .uri = plain(&text, header->uri),
        .body = question->message->body,
    };
    return !text.overflow && uri_fits(question, of->input.uri);
}

/* In time that depends neither on the user nor on how much of the response is right. */
static bool response_fits(const struct credentials *of, const char *expected)
{
    char given[DIGEST_HEX_MAX] = {0};
    size_t len = 2 * digest_len(of->kind);
    struct span response = of->header.response;
    for (size_t i = 0; i < response.len && i < len; i++) {
        char byte = response.at[i];
        given[i] = byte >= 'A' && byte <= 'F' ? (char)(byte | 0x20) : byte;
    }
    return digest_equal(given, expected, len) && response.len == len;
}

static enum err judge_response(const struct auth *auth, const struct auth_question *question, struct credentials *of,
                               const struct auth_result *result, bool *out_right)
{
    struct auth_keys keys;
    char ha1[DIGEST_HEX_MAX], expected[DIGEST_HEX_MAX];
    struct buffer hex = buffer_over(ha1, sizeof(ha1));
    enum err err = question->keys(question->ctx, result->user, result->realm, &keys);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    bool known = err == OK && keys.known[of->kind];
    buffer_add_hex(&hex, known ? keys.ha1[of->kind] : auth->nobody, digest_len(of->kind));
    of->input.ha1 = buffer_span(&hex);
    err = auth_response(&of->input, expected);
    if (err != OK)
        return err;
    bool fits = response_fits(of, expected);
    *out_right = fits && known;
    return OK;
}

static enum auth_outcome judge_nonce(struct auth *auth, const struct credentials *of, int64_t now_ms)
{
    int64_t age_ms = now_ms - of->nonce.issued_ms;
    if (!of->is_ours || age_ms < -CLOCK_SKEW_MS || age_ms > auth->nonce_ms)
        return AUTH_STALE;
    static const enum auth_outcome outcomes[] = {[AUTH_USE_FIRST] = AUTH_GOOD,
                                                 [AUTH_USE_AGAIN] = AUTH_REPLAY,
                                                 [AUTH_USE_SPENT] = AUTH_STALE,
                                                 [AUTH_USE_NO_ROOM] = AUTH_CROWD};
    return outcomes[auth_window_use(auth->window, &of->nonce, of->count, now_ms)];
}

enum err auth_check(struct auth *auth, const struct auth_question *question, struct auth_result *out_result)
{
    struct credentials of;
    bool right = false;
    out_result->outcome = AUTH_NONE;
    out_result->user = out_result->realm = SPAN("");
    out_result->source_full = out_result->user_full = false;
    if (!read_credentials(auth, question, &of, out_result))
        return OK;
    uint64_t source = question->source ? auth_tries_source(&auth->tries_key, question->source) : 0;
    uint64_t user = auth_tries_user(&auth->tries_key, out_result->user, out_result->realm);
    if (!auth_tries_may(auth->users, user, question->now_ms) ||
        (question->source && !auth_tries_may(auth->sources, source, question->now_ms))) {
        out_result->outcome = AUTH_LIMITED;
        return OK;
    }
    enum err err = judge_response(auth, question, &of, out_result, &right);
    if (err != OK)
        return err;
    if (right) {
        out_result->outcome = judge_nonce(auth, &of, question->now_ms);
        return OK;
    }
    out_result->outcome = AUTH_WRONG;
    out_result->source_full = question->source && auth_tries_note(auth->sources, source, question->now_ms);
    out_result->user_full = auth_tries_note(auth->users, user, question->now_ms);
    return OK;
}
