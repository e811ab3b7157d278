/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys from files, all or none. */
#include "tls/tls_priv.h"

#include "util/digest.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AUTHORITIES_BYTES_MAX = 4 << 20, READ_BYTES = 16384 };

_Static_assert(DIGEST_MAX <= SSL_MAX_SSL_SESSION_ID_LENGTH, "a session context is a digest");

/* One run of tls_set_new. */
struct loading {
    struct tls_set *set;
    const struct tls_files *files;
    const struct tls_check *check;
    struct fault *fault;
    unsigned char session_context[DIGEST_MAX];
};

static void entry_done(struct tls_entry *entry)
{
    for (unsigned i = 0; i < TLS_CLIENTS_COUNT; i++)
        SSL_CTX_free(entry->contexts[i]);
    free((void *)(uintptr_t)entry->names.at);
}

void tls_set_unref(struct tls_set *set)
{
    if (!set || atomic_fetch_sub(&set->uses, 1) > 1)
        return;
    for (unsigned i = 0; i < set->count; i++)
        entry_done(&set->entries[i]);
    SSL_CTX_free(set->client);
    free(set);
}

static enum err out_of_memory(const struct loading *loading)
{
    ERR_clear_error();
    return fault_set(loading->fault, ERR_NOMEM, "", 0, "out of memory");
}

/* What OpenSSL says of a file that is not there is worth less than what the system says. */
static enum err refuse(const struct loading *loading, const char *file, const char *what)
{
    if (access(file, R_OK) != 0) {
        ERR_clear_error();
        return fault_set(loading->fault, ERR_IO, file, 0, "%s: %s", what, strerror(errno));
    }
    return fault_set(loading->fault, ERR_INVALID, file, 0, "%s (%s)", what, tls_error_text());
}

/* What is out of its time: a fault where there is something to fall back on, else a note, said once. */
static enum err complain(const struct loading *loading, const char *file, const char *what)
{
    if (loading->check->strict)
        return fault_set(loading->fault, ERR_INVALID, file, 0, "%s", what);
    struct buffer notes = buffer_over(loading->check->notes, TLS_NOTES_MAX - 1);
    notes.len = strlen(loading->check->notes);
    if (strstr(loading->check->notes, what) && strstr(loading->check->notes, file))
        return OK;
    buffer_addf(&notes, "%s%s: %s", notes.len ? "; " : "", file, what);
    loading->check->notes[notes.len] = '\0';
    return OK;
}

static enum err check_time(const struct loading *loading, const X509 *certificate, const char *file)
{
    const char *what = NULL;
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        what = "the certificate has expired";
    else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        what = "the certificate is not valid yet";
    return what ? complain(loading, file, what) : OK;
}

/* The end of a chain is no better than its worst part, but only our own certificate is looked at here. */
static enum err load_pair(const struct loading *loading, SSL_CTX *context, unsigned index)
{
    const char *certificate = loading->files->certificates[index], *key = loading->files->keys[index];
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return refuse(loading, certificate, "no certificate in PEM can be read here");
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        unsigned long error = ERR_peek_last_error();
        if (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH || ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH) {
            ERR_clear_error();
            return fault_set(loading->fault, ERR_INVALID, key, 0, "the key does not fit the certificate in %s",
                             certificate);
        }
        return refuse(loading, key, "no private key in PEM can be read here");
    }
    if (SSL_CTX_check_private_key(context) != 1)
        return refuse(loading, key, "the key does not fit its certificate");
    return OK;
}

/* A list that has run out would shut everybody out, one by one. */
static enum err check_lists(const struct loading *loading, X509_STORE *store)
{
    const char *file = loading->files->client_crl, *what = NULL;
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects) && !what; i++) {
        const X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (list && X509_CRL_get0_nextUpdate(list) && X509_cmp_current_time(X509_CRL_get0_nextUpdate(list)) < 0)
            what = "the list of revoked certificates has run out: its clients are refused";
    }
    return what ? complain(loading, file, what) : OK;
}

/* Each client's certificate is looked for in its issuer's list; without one it is refused. */
static enum err load_lists(const struct loading *loading, SSL_CTX *context)
{
    const char *file = loading->files->client_crl;
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    if (!file)
        return OK;
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup)
        return out_of_memory(loading);
    if (X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) < 1)
        return refuse(loading, file, "no lists of revoked certificates in PEM can be read here");
    if (X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) != 1)
        return out_of_memory(loading);
    return check_lists(loading, store);
}

/* Whoever has the name that he proves is judged by his certificate authority and by the policy; that a certificate is
 * marked for servers alone is no reason to refuse it: a SIP domain's is used both ways (RFC 5922, RFC 5924). */
static enum err ask_clients(const struct loading *loading, SSL_CTX *context, enum tls_clients clients)
{
    const char *file = loading->files->client_ca;
    int mode = SSL_VERIFY_PEER;
    if (SSL_CTX_load_verify_file(context, file) != 1)
        return refuse(loading, file, "no certificates in PEM can be read here");
    STACK_OF(X509_NAME) *authorities = SSL_load_client_CA_file(file);
    if (!authorities)
        return refuse(loading, file, "no certificates in PEM can be read here");
    SSL_CTX_set_client_CA_list(context, authorities);
    if (clients == TLS_CLIENTS_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, NULL);
    return SSL_CTX_set_purpose(context, X509_PURPOSE_ANY) == 1 ? load_lists(loading, context) : out_of_memory(loading);
}

static void read_all(const char *path, struct buffer *out)
{
    FILE *file = path ? fopen(path, "re") : NULL;
    while (file && buffer_reserve(out, READ_BYTES)) {
        size_t got = fread(out->at + out->len, 1, READ_BYTES, file);
        out->len += got;
        if (got == 0)
            break;
    }
    if (file)
        fclose(file);
}

/* A ticket is good only where as much was asked for: it stands for the certificate that was shown, which may be revoked. */
static enum err make_session_context(struct loading *loading)
{
    struct buffer bytes = buffer_heap(AUTHORITIES_BYTES_MAX);
    read_all(loading->files->client_ca, &bytes);
    read_all(loading->files->client_crl, &bytes);
    struct span all = buffer_span(&bytes);
    enum err err =
        bytes.overflow ? out_of_memory(loading) : digest_of(DIGEST_SHA256, &all, 1, loading->session_context);
    buffer_done(&bytes);
    return err;
}

static enum err load_names(const struct loading *loading, struct tls_entry *entry, const char *file)
{
    char bytes[TLS_NAMES_BYTES];
    struct buffer names = buffer_over(bytes, sizeof(bytes));
    X509 *certificate = SSL_CTX_get0_certificate(entry->contexts[TLS_CLIENTS_NONE]);
    tls_names_add(certificate, TLS_NAMES_OF_OURS, &names);
    if (names.len) {
        char *copy = malloc(names.len);
        if (!copy)
            return out_of_memory(loading);
        memcpy(copy, names.at, names.len);
        entry->names = span_make(copy, names.len);
    }
    return check_time(loading, certificate, file);
}

static enum err load_entry(struct loading *loading, unsigned index)
{
    struct tls_set *set = loading->set;
    struct tls_entry *entry = &set->entries[index];
    set->count = index + 1;
    for (unsigned clients = 0; clients < TLS_CLIENTS_COUNT; clients++) {
        if (clients != TLS_CLIENTS_NONE && !loading->files->client_ca)
            continue;
        loading->session_context[0] = (unsigned char)clients;
        struct span id = span_make((const char *)loading->session_context, sizeof(loading->session_context));
        entry->contexts[clients] = tls_context_server(set, id);
        if (!entry->contexts[clients])
            return out_of_memory(loading);
        enum err err = load_pair(loading, entry->contexts[clients], index);
        if (err == OK && clients != TLS_CLIENTS_NONE)
            err = ask_clients(loading, entry->contexts[clients], (enum tls_clients)clients);
        if (err != OK)
            return err;
    }
    return load_names(loading, entry, loading->files->certificates[index]);
}

/* Where we connect we show our default certificate to whoever asks: a trunk's other end wants to know us, too. */
static enum err load_client(struct loading *loading)
{
    SSL_CTX *context = loading->set->client = tls_context_client();
    const char *file = loading->files->server_ca;
    if (!context)
        return out_of_memory(loading);
    if (file && SSL_CTX_load_verify_file(context, file) != 1)
        return refuse(loading, file, "no certificates in PEM can be read here");
    if (!file && SSL_CTX_set_default_verify_paths(context) != 1)
        return out_of_memory(loading);
    return loading->files->count ? load_pair(loading, context, 0) : OK;
}

enum err tls_set_new(struct tls_tickets *tickets, const struct tls_files *files, const struct tls_check *check,
                     struct tls_set **out_set, struct fault *fault)
{
    struct loading loading = {.files = files, .check = check, .fault = fault};
    if (files->count > TLS_CERTIFICATES_MAX)
        return fault_set(fault, ERR_FULL, "", 0, "more than %d certificates", TLS_CERTIFICATES_MAX);
    loading.set = calloc(1, sizeof(*loading.set));
    if (!loading.set)
        return out_of_memory(&loading);
    atomic_init(&loading.set->uses, 1);
    loading.set->tickets = tickets;
    ERR_clear_error();
    enum err err = make_session_context(&loading);
    for (unsigned i = 0; i < files->count && err == OK; i++)
        err = load_entry(&loading, i);
    if (err == OK)
        err = load_client(&loading);
    if (err != OK) {
        tls_set_unref(loading.set);
        return err;
    }
    *out_set = loading.set;
    return OK;
}
