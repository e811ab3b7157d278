/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_priv.h"

#include "util/clock.h"
#include <openssl/err.h>
#include <stdlib.h>

enum err tls_clients_parse(struct span text, enum tls_clients *out_clients)
{
    static const char *const names[TLS_CLIENTS_COUNT] = {"none", "request", "require"};
    for (unsigned i = 0; i < TLS_CLIENTS_COUNT; i++)
        if (span_equal(text, span_of(names[i]))) {
            *out_clients = (enum tls_clients)i;
            return OK;
        }
    return ERR_INVALID;
}

enum err tls_new(struct tls **out_tls)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return ERR_NOMEM;
    pthread_mutex_init(&tls->mutex, NULL);
    enum err err = tls_tickets_new(&tls->tickets);
    tls->identities = tls_identities_new();
    tls->bio = tls_bio_method();
    if (err == OK && (!tls->identities || !tls->bio))
        err = ERR_NOMEM;
    if (err != OK) {
        tls_free(tls);
        return err;
    }
    *out_tls = tls;
    return OK;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    tls_set_unref(tls->set);
    tls_tickets_free(tls->tickets);
    tls_identities_free(tls->identities);
    BIO_meth_free(tls->bio);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

enum err tls_load(struct tls *tls, const struct tls_files *files, char out_notes[static TLS_NOTES_MAX],
                  struct fault *fault)
{
    struct tls_check check = {.strict = tls_generation(tls) > 0, .notes = out_notes};
    struct tls_set *set;
    out_notes[0] = '\0';
    enum err err = tls_set_new(tls->tickets, files, &check, &set, fault);
    if (err != OK)
        return err;
    pthread_mutex_lock(&tls->mutex);
    struct tls_set *old = tls->set;
    tls->set = set;
    pthread_mutex_unlock(&tls->mutex);
    atomic_fetch_add(&tls->generation, 1);
    tls_set_unref(old);
    return OK;
}

enum err tls_rotate_tickets(struct tls *tls)
{
    return tls_tickets_rotate(tls->tickets, clock_mono_ns() / 1000000000u);
}

uint64_t tls_generation(const struct tls *tls)
{
    return atomic_load(&tls->generation);
}

struct tls_set *tls_set_take(struct tls *tls)
{
    pthread_mutex_lock(&tls->mutex);
    struct tls_set *set = tls->set;
    if (set)
        atomic_fetch_add(&set->uses, 1);
    pthread_mutex_unlock(&tls->mutex);
    return set;
}

struct span tls_peer_names(const struct tls *tls, uint16_t peer)
{
    return tls_identities_names(tls->identities, peer);
}

const char *tls_error_text(void)
{
    unsigned long error = ERR_peek_error();
    const char *text = error ? ERR_reason_error_string(error) : NULL;
    ERR_clear_error();
    return text ? text : "unknown";
}
