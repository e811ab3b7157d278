/* SPDX-License-Identifier: Apache-2.0 */
/* Digests by OpenSSL 3.  Fetching an algorithm walks its providers under locks, so each thread keeps what it fetched;
 * the library leaves no other place for it than a thread-specific value. */
#include "util/digest.h"
#include "util/buffer.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct digest_cache {
    EVP_MD *algorithms[DIGEST_KIND_COUNT];
    EVP_MD_CTX *context;
};

static const struct {
    const char *name;
    size_t len;
} kinds[DIGEST_KIND_COUNT] = {
    [DIGEST_MD5] = {"MD5", 16},
    [DIGEST_SHA256] = {"SHA256", 32},
    [DIGEST_SHA512_256] = {"SHA512-256", 32},
};

/* The thread-specific value's key plus one; 0: not made yet. */
static _Atomic uint64_t cache_key;

static void cache_free(void *value)
{
    struct digest_cache *cache = value;
    for (unsigned i = 0; i < DIGEST_KIND_COUNT; i++)
        EVP_MD_free(cache->algorithms[i]);
    EVP_MD_CTX_free(cache->context);
    free(cache);
}

static bool make_key(pthread_key_t *out_key)
{
    uint64_t known = atomic_load(&cache_key);
    pthread_key_t made;
    if (!known && pthread_key_create(&made, cache_free) != 0)
        return false;
    if (!known && !atomic_compare_exchange_strong(&cache_key, &known, (uint64_t)made + 1))
        (void)pthread_key_delete(made); /* another thread was first, and `known` is its key now */
    *out_key = (pthread_key_t)(known ? known - 1 : made);
    return true;
}

static struct digest_cache *cache_get(void)
{
    pthread_key_t key;
    if (!make_key(&key))
        return NULL;
    struct digest_cache *cache = pthread_getspecific(key);
    if (cache)
        return cache;
    cache = calloc(1, sizeof(*cache));
    if (!cache)
        return NULL;
    cache->context = EVP_MD_CTX_new();
    if (!cache->context || pthread_setspecific(key, cache) != 0) {
        cache_free(cache);
        return NULL;
    }
    return cache;
}

size_t digest_len(enum digest_kind kind)
{
    return kinds[kind].len;
}

enum err digest_of(enum digest_kind kind, const struct span *parts, size_t part_count, unsigned char out[DIGEST_MAX])
{
    struct digest_cache *cache = cache_get();
    if (!cache)
        return ERR_NOMEM;
    if (!cache->algorithms[kind])
        cache->algorithms[kind] = EVP_MD_fetch(NULL, kinds[kind].name, NULL);
    if (!cache->algorithms[kind])
        return ERR_UNSUPPORTED; /* MD5 where only FIPS algorithms are allowed */
    if (EVP_DigestInit_ex2(cache->context, cache->algorithms[kind], NULL) != 1)
        return ERR_NOMEM;
    for (size_t i = 0; i < part_count; i++) {
        if (EVP_DigestUpdate(cache->context, parts[i].at, parts[i].len) != 1)
            return ERR_NOMEM;
    }
    unsigned char result[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(cache->context, result, NULL) != 1)
        return ERR_NOMEM;
    memcpy(out, result, kinds[kind].len);
    return OK;
}

enum err digest_hex(enum digest_kind kind, const struct span *parts, size_t part_count, char out[DIGEST_HEX_MAX])
{
    unsigned char bytes[DIGEST_MAX];
    enum err err = digest_of(kind, parts, part_count, bytes);
    if (err != OK)
        return err;
    struct buffer text = buffer_over(out, DIGEST_HEX_MAX - 1);
    buffer_add_hex(&text, bytes, kinds[kind].len);
    out[text.len] = '\0';
    return OK;
}

bool digest_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
