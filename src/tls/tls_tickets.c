/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_tickets.h"

#include "util/clock.h"
#include "util/invariant.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LEN = 16, KEY_LEN = 32, KEYS = 2, IV_LEN = 16 };

struct ticket_key {
    unsigned char name[NAME_LEN];
    unsigned char seal[KEY_LEN]; /* AES-256-CBC */
    unsigned char sign[KEY_LEN]; /* HMAC-SHA256 */
};

struct tls_tickets {
    pthread_mutex_t mutex;
    struct ticket_key keys[KEYS]; /* the first seals; the others only open */
    uint64_t rotated_s;
};

static uint64_t now_s(void)
{
    return clock_mono_ns() / 1000000000u;
}

static enum err rotate(struct tls_tickets *tickets, uint64_t at_s)
{
    struct ticket_key fresh;
    if (RAND_bytes((unsigned char *)&fresh, sizeof(fresh)) != 1)
        return ERR_IO;
    tickets->keys[1] = tickets->keys[0];
    tickets->keys[0] = fresh;
    tickets->rotated_s = at_s;
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return OK;
}

enum err tls_tickets_new(struct tls_tickets **out_tickets)
{
    struct tls_tickets *tickets = calloc(1, sizeof(*tickets));
    if (!tickets)
        return ERR_NOMEM;
    /* Twice: no slot holds a key that everybody knows. */
    if (rotate(tickets, now_s()) != OK || rotate(tickets, now_s()) != OK) {
        free(tickets);
        return ERR_IO;
    }
    pthread_mutex_init(&tickets->mutex, NULL);
    *out_tickets = tickets;
    return OK;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
    if (!tickets)
        return;
    pthread_mutex_destroy(&tickets->mutex);
    OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
    free(tickets);
}

enum err tls_tickets_rotate(struct tls_tickets *tickets, uint64_t at_s)
{
    pthread_mutex_lock(&tickets->mutex);
    enum err err = rotate(tickets, at_s);
    pthread_mutex_unlock(&tickets->mutex);
    return err;
}

/* The key to seal with; a new one when it has got old.  Without randomness the old one goes on. */
static struct ticket_key present_key(struct tls_tickets *tickets)
{
    pthread_mutex_lock(&tickets->mutex);
    if (now_s() - tickets->rotated_s >= TLS_TICKET_ROTATE_S)
        (void)!rotate(tickets, now_s());
    struct ticket_key key = tickets->keys[0];
    pthread_mutex_unlock(&tickets->mutex);
    return key;
}

/* The place of the key that `name` names, copied out; -1: none. */
static int find_key(struct tls_tickets *tickets, const unsigned char *name, struct ticket_key *out_key)
{
    int found = -1;
    pthread_mutex_lock(&tickets->mutex);
    for (int i = 0; i < KEYS && found < 0; i++) {
        if (memcmp(tickets->keys[i].name, name, NAME_LEN) != 0)
            continue;
        *out_key = tickets->keys[i];
        found = i;
    }
    pthread_mutex_unlock(&tickets->mutex);
    return found;
}

static bool set_up(const struct ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->sign, sizeof(key->sign)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->seal, iv, seals) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) has it: 1 goes on, 2 also asks for a new ticket, 0 shakes hands in full. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int seals)
{
    struct tls_tickets *tickets = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);
    struct ticket_key key;
    int place = 0;
    if (seals) {
        key = present_key(tickets);
        if (RAND_bytes(iv, IV_LEN) != 1)
            return -1;
        memcpy(name, key.name, NAME_LEN);
    } else if ((place = find_key(tickets, name, &key)) < 0) {
        return 0;
    }
    bool done = set_up(&key, iv, cipher, mac, seals);
    OPENSSL_cleanse(&key, sizeof(key));
    if (!done)
        return -1;
    return !seals && place > 0 ? 2 : 1;
}

void tls_tickets_serve(struct tls_tickets *tickets, SSL_CTX *context)
{
    int set = SSL_CTX_set_ex_data(context, 0, tickets);
    invariant(set == 1);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
    SSL_CTX_set_timeout(context, TLS_TICKET_LIFETIME_S);
    SSL_CTX_set_num_tickets(context, 1);
}
