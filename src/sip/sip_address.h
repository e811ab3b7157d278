/* SPDX-License-Identifier: Apache-2.0 */
/* name-addr and addr-spec with header parameters (RFC 3261 20.10, 25.1): From, To, Contact, Route, Record-Route,
 * P-Asserted-Identity, Refer-To, ...  Spans borrow the input. */
#pragma once

#include "sip/sip_message.h"
#include "sip/sip_param.h"
#include "sip/sip_uri.h"

/* struct sip_address stands in sip_message.h, which embeds two of them. */

/* One address that fills `text` whole (From, To, Refer-To).  ERR_SYNTAX with *out_reason set as sip_uri_parse;
 * *out_address then holds nothing of use (RFC 3261 20.20, 20.39). */
MUST_CHECK enum err sip_address_parse(struct span text, struct sip_address *out_address, const char **out_reason);

/* Takes the next address off a comma-separated list; `rest` starts as a header's value.  ERR_NOT_FOUND at the end.
 * "*" (Contact in REGISTER) sets `star` and nothing else. */
MUST_CHECK enum err sip_address_next(struct span *rest, struct sip_address *out_address, const char **out_reason);

/* Walks all values of all header fields of one id in order: Route, Record-Route, Contact, ... */
struct sip_address_walk {
    const struct sip_message *message;
    struct span rest;
    uint8_t header;
};
struct sip_address_walk sip_address_walk_begin(const struct sip_message *message, enum sip_header_id id);
MUST_CHECK enum err sip_address_walk_next(struct sip_address_walk *walk, struct sip_address *out_address);
