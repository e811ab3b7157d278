/* SPDX-License-Identifier: Apache-2.0 */
#include "websocket/websocket_text.h"

#include <stdint.h>

/* Bytes of the character at `at`, 0 where there is none. */
static size_t character_len(const unsigned char *at, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = *at < 0x80 ? 1 : (*at & 0xe0) == 0xc0 ? 2 : (*at & 0xf0) == 0xe0 ? 3 : (*at & 0xf8) == 0xf0 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    uint32_t code = len == 1 ? *at : *at & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    return code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : len;
}

bool websocket_is_utf8(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    for (size_t i = 0; i < text.len;) {
        size_t len = character_len(at + i, text.len - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
