/* SPDX-License-Identifier: Apache-2.0 */
/* GNU oSIP: the whole parse of one message. */
#include <osipparser2/osip_parser.h>

#include "peer.h"

static void parse(char *bytes, size_t len)
{
    osip_message_t *message;
    if (osip_message_init(&message) || osip_message_parse(message, bytes, len))
        abort();
    osip_message_free(message);
}

int main(int argc, char **argv)
{
    parser_init();
    return peer_main(argc, argv, "osip", parse);
}
