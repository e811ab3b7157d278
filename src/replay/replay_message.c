/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay_message.h"

enum { METHOD_MAX = 32, LINE_MAX_BYTES = 8192 };

static const struct span version = {"SIP/", 4};

static bool is_token(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-.!%*_+`'~", c) != NULL);
}

static enum replay_is_sip is_request(struct span bytes)
{
    size_t len = 0;
    while (len < bytes.len && len <= METHOD_MAX && is_token(bytes.at[len]))
        len++;
    if (len == bytes.len && len > 0 && len <= METHOD_MAX)
        return REPLAY_MAY_BE_SIP;
    if (len == 0 || len > METHOD_MAX || bytes.at[len] != ' ')
        return REPLAY_IS_NO_SIP;
    size_t end = span_find(bytes, '\n');
    if (end == bytes.len)
        return bytes.len < LINE_MAX_BYTES ? REPLAY_MAY_BE_SIP : REPLAY_IS_NO_SIP;
    struct span line = span_trim(span_slice(bytes, 0, end));
    /* Something stands between the two, or it is the end of a longer line. */
    return line.len > len + 1 + 8 && span_equal_nocase(span_slice(line, line.len - 8, line.len - 3), SPAN(" SIP/"))
               ? REPLAY_IS_SIP
               : REPLAY_IS_NO_SIP;
}

enum replay_is_sip replay_is_sip(struct span bytes)
{
    while (bytes.len && (bytes.at[0] == '\r' || bytes.at[0] == '\n'))
        bytes = span_slice(bytes, 1, bytes.len);
    if (!bytes.len)
        return REPLAY_MAY_BE_SIP;
    size_t len = bytes.len < version.len ? bytes.len : version.len;
    if (span_equal_nocase(span_slice(bytes, 0, len), span_slice(version, 0, len)))
        return len == version.len ? REPLAY_IS_SIP : REPLAY_MAY_BE_SIP;
    return is_request(bytes);
}
