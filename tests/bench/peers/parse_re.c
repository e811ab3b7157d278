/* SPDX-License-Identifier: Apache-2.0 */
/* libre: sip_msg_decode, which reads Via, From, To, CSeq and Call-ID by itself. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <stdarg.h>
#include <string.h>

#include <re.h>

#include "peer.h"

static void parse(char *bytes, size_t len)
{
    struct sip_msg *message;
    struct mbuf *buffer = mbuf_alloc(len);
    if (mbuf_write_mem(buffer, (uint8_t *)bytes, len))
        abort();
    buffer->pos = 0;
    if (sip_msg_decode(&message, buffer))
        abort();
    mem_deref(message);
    mem_deref(buffer);
}

int main(int argc, char **argv)
{
    if (libre_init())
        return 1;
    return peer_main(argc, argv, "libre", parse);
}
