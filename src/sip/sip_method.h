/* SPDX-License-Identifier: Apache-2.0 */
/* Request methods.  The set is open (RFC 3261 7.1): what the table does not know is SIP_METHOD_OTHER, and its own
 * text stays in the message.  Methods are case-sensitive. */
#pragma once

#include "util/span.h"

#define SIP_METHOD_TABLE(X)                                                                                            \
    X(INVITE)                                                                                                          \
    X(ACK)                                                                                                             \
    X(BYE)                                                                                                             \
    X(CANCEL)                                                                                                          \
    X(OPTIONS)                                                                                                         \
    X(REGISTER)                                                                                                        \
    X(SUBSCRIBE)                                                                                                       \
    X(NOTIFY)                                                                                                          \
    X(PUBLISH)                                                                                                         \
    X(MESSAGE)                                                                                                         \
    X(INFO)                                                                                                            \
    X(UPDATE)                                                                                                          \
    X(PRACK)                                                                                                           \
    X(REFER)

enum sip_method {
    SIP_METHOD_OTHER,
#define X(name) SIP_METHOD_##name,
    SIP_METHOD_TABLE(X)
#undef X
        SIP_METHOD_COUNT
};

/* SIP_METHOD_OTHER for what is not in the table. */
enum sip_method sip_method_find(struct span text);
/* "INVITE"; "" for SIP_METHOD_OTHER. */
struct span sip_method_text(enum sip_method method);
