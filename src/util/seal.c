/* SPDX-License-Identifier: Apache-2.0 */
#include "util/seal.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct seal {
    EVP_CIPHER *cipher; /* fetched once: that walks the providers under locks */
    unsigned char key[SEAL_KEY_LEN];
};

enum err seal_new(const unsigned char key[SEAL_KEY_LEN], struct seal **out_seal)
{
    struct seal *seal = calloc(1, sizeof(*seal));
    if (!seal)
        return ERR_NOMEM;
    memcpy(seal->key, key, SEAL_KEY_LEN);
    seal->cipher = EVP_CIPHER_fetch(NULL, "AES-128-SIV", NULL);
    if (!seal->cipher) {
        seal_free(seal);
        return ERR_UNSUPPORTED;
    }
    *out_seal = seal;
    return OK;
}

void seal_free(struct seal *seal)
{
    if (!seal)
        return;
    EVP_CIPHER_free(seal->cipher);
    free(seal);
}

static bool is_small(struct span text)
{
    return text.len > 0 && text.len < 1 << 16;
}

/* The tag stands in front. */
static bool encrypt(const struct seal *seal, EVP_CIPHER_CTX *context, struct span text, unsigned char *out)
{
    int len = 0;
    return EVP_EncryptInit_ex2(context, seal->cipher, seal->key, NULL, NULL) == 1 &&
           EVP_EncryptUpdate(context, out + SEAL_EXTRA, &len, (const unsigned char *)text.at, (int)text.len) == 1 &&
           EVP_EncryptFinal_ex(context, out + SEAL_EXTRA + len, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_EXTRA, out) == 1;
}

enum err seal_close(const struct seal *seal, struct span text, struct buffer *out)
{
    if (!is_small(text) || !buffer_reserve(out, text.len + SEAL_EXTRA))
        return ERR_TOO_LONG;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context && encrypt(seal, context, text, (unsigned char *)out->at + out->len);
    EVP_CIPHER_CTX_free(context);
    if (!done)
        return ERR_NOMEM;
    out->len += text.len + SEAL_EXTRA;
    return OK;
}

static enum err decrypt(const struct seal *seal, EVP_CIPHER_CTX *context, struct span sealed, unsigned char *out)
{
    unsigned char tag[SEAL_EXTRA];
    int len = 0, text_len = (int)(sealed.len - SEAL_EXTRA);
    memcpy(tag, sealed.at, sizeof(tag));
    if (EVP_DecryptInit_ex2(context, seal->cipher, seal->key, NULL, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_EXTRA, tag) != 1)
        return ERR_NOMEM;
    return EVP_DecryptUpdate(context, out, &len, (const unsigned char *)sealed.at + SEAL_EXTRA, text_len) == 1
               ? OK
               : ERR_INVALID;
}

enum err seal_open(const struct seal *seal, struct span sealed, struct buffer *out)
{
    if (sealed.len <= SEAL_EXTRA || !is_small(sealed))
        return ERR_INVALID;
    if (!buffer_reserve(out, sealed.len - SEAL_EXTRA))
        return ERR_TOO_LONG;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    enum err err = context ? decrypt(seal, context, sealed, (unsigned char *)out->at + out->len) : ERR_NOMEM;
    EVP_CIPHER_CTX_free(context);
    if (err == OK)
        out->len += sealed.len - SEAL_EXTRA;
    return err;
}
