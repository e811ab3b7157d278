/* SPDX-License-Identifier: Apache-2.0 */
/* Sofia-SIP: extraction of one message with all its headers. */
#include <sofia-sip/su.h>

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/msg_parser.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_parser.h>

#include "peer.h"

static void parse(char *bytes, size_t len)
{
    msg_t *message = msg_make(sip_default_mclass(), 0, bytes, (ssize_t)len);
    if (!message || !sip_object(message) || !sip_object(message)->sip_call_id)
        abort();
    msg_destroy(message);
}

int main(int argc, char **argv)
{
    return peer_main(argc, argv, "sofia-sip", parse);
}
