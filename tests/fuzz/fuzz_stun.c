/* SPDX-License-Identifier: Apache-2.0 */
/* A Binding request: whatever comes in, the answer is well formed, is no request itself, and is hardly longer than what it
 * answers. */
#include "fuzz.h"
#include "net/net_stun.h"

static void check_answer(const struct net_stun_request *request, uint8_t family, size_t request_len)
{
    char text[NET_STUN_ANSWER_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    struct net_address from = {.family = family, .port = 5060};
    struct net_stun_request again;
    net_stun_answer(request, &from, &out);
    invariant(!out.overflow && out.len % 4 == 0 && out.len <= request_len + 24);
    invariant((text[0] & 0xc0) == 0 && text[0] == 1);
    invariant((size_t)(unsigned char)text[3] == out.len - 20);
    invariant(net_stun_read(buffer_span(&out), &again) == ERR_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct net_stun_request request;
    if (net_stun_read(span_make((const char *)bytes, len), &request) != OK)
        return 0;
    invariant(len >= 20 && len <= NET_STUN_MAX && request.unknown_count <= NET_STUN_UNKNOWN_MAX);
    check_answer(&request, NET_FAMILY_IP4, len);
    check_answer(&request, NET_FAMILY_IP6, len);
    return 0;
}
