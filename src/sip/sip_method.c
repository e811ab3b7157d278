/* SPDX-License-Identifier: Apache-2.0 */
/* Request methods by name. */
#include "sip/sip_method.h"

static const struct span texts[SIP_METHOD_COUNT] = {[SIP_METHOD_OTHER] = {"", 0},
#define X(name) [SIP_METHOD_##name] = {#name, sizeof(#name) - 1},
                                                    SIP_METHOD_TABLE(X)
#undef X
};

enum sip_method sip_method_find(struct span text)
{
    for (unsigned method = SIP_METHOD_OTHER + 1; method < SIP_METHOD_COUNT; method++)
        if (text.len == texts[method].len && text.at[0] == texts[method].at[0] && span_equal(text, texts[method]))
            return (enum sip_method)method;
    return SIP_METHOD_OTHER;
}

struct span sip_method_text(enum sip_method method)
{
    return texts[method];
}
