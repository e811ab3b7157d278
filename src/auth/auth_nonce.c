/* SPDX-License-Identifier: Apache-2.0 */
/* 6 bytes of time, 7 of salt, 8 of hash, as hexadecimal.  64 bits are enough: a forger cannot try them at home, and each
 * try costs him a request. */
#include "auth/auth_nonce.h"
#include "util/buffer.h"
#include "util/digest.h"

enum { TIME_BYTES = 6, SALT_BYTES = 7, BODY_BYTES = TIME_BYTES + SALT_BYTES, MAC_BYTES = 8 };

static void put_bytes(unsigned char *at, uint64_t value, int count)
{
    for (int i = 0; i < count; i++)
        at[i] = (unsigned char)(value >> (8 * (count - 1 - i)));
}

static uint64_t get_bytes(const unsigned char *at, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 8 | at[i];
    return value;
}

void auth_nonce_write(const struct siphash_key *key, const struct auth_nonce *nonce, char out[AUTH_NONCE_LEN])
{
    unsigned char bytes[AUTH_NONCE_BYTES];
    struct buffer text = buffer_over(out, AUTH_NONCE_LEN);
    put_bytes(bytes, (uint64_t)nonce->issued_ms, TIME_BYTES);
    put_bytes(bytes + TIME_BYTES, nonce->salt, SALT_BYTES);
    put_bytes(bytes + BODY_BYTES, siphash(key, bytes, BODY_BYTES), MAC_BYTES);
    buffer_add_hex(&text, bytes, sizeof(bytes));
}

static int hex_of(char byte)
{
    return byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool auth_nonce_read(const struct siphash_key *key, struct span text, struct auth_nonce *out_nonce)
{
    unsigned char bytes[AUTH_NONCE_BYTES], mac[MAC_BYTES];
    if (text.len != AUTH_NONCE_LEN)
        return false;
    for (size_t i = 0; i < AUTH_NONCE_BYTES; i++) {
        int high = hex_of(text.at[2 * i]), low = hex_of(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high * 16 + low);
    }
    put_bytes(mac, siphash(key, bytes, BODY_BYTES), MAC_BYTES);
    if (!digest_equal(mac, bytes + BODY_BYTES, MAC_BYTES))
        return false;
    out_nonce->issued_ms = (int64_t)get_bytes(bytes, TIME_BYTES);
    out_nonce->salt = get_bytes(bytes + TIME_BYTES, SALT_BYTES);
    return true;
}
