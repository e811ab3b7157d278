/* SPDX-License-Identifier: Apache-2.0 */
/* How the phone behind a GRUU is reached (RFC 5626 7, RFC 5627 5.4): by the connection that one of its contacts came by, or by
 * its Path, flow token and all.  Offered by the worker that owns the user, looked up by whichever has a dialog with the phone. */
#pragma once

#include "net/net_flow.h"
#include "registrar/registrar_gruu.h"

struct registrar_way;

enum { REGISTRAR_WAYS_MAX = 4, REGISTRAR_WAY_TEXT_MAX = 1024 };

/* `flow`: that the contact came by; NULL: it came by a proxy.  NULL: out of memory. */
struct registrar_way *registrar_way_new(const struct net_flow *flow);
/* It must have been withdrawn.  NULL is fine. */
void registrar_way_free(struct registrar_way *way);

/* What is offered; borrowed. */
struct registrar_offer {
    struct registrar_phone phone;
    struct span uri, path; /* of the contact; `path` as it is kept, values with commas */
};
/* False: not offered, for want of memory or because its texts are too long. */
bool registrar_gruus_offer(struct registrar_gruus *gruus, struct registrar_way *way,
                           const struct registrar_offer *offer);
void registrar_gruus_withdraw(struct registrar_gruus *gruus, struct registrar_way *way);

/* A copy of one way. */
struct registrar_reach {
    struct net_flow flow;
    bool is_direct;             /* by `flow`; else by `path` */
    struct span aor, uri, path; /* in `text` */
    char text[REGISTRAR_WAY_TEXT_MAX];
};
/* The ways to the phone of a public GRUU (its instance, without brackets), or of a temporary one (`instance` empty: the user is
 * read), the newest registration first; returns how many, at most REGISTRAR_WAYS_MAX. */
unsigned registrar_gruus_reach(struct registrar_gruus *gruus, const struct registrar_phone *phone, struct span user,
                               struct registrar_reach out[static REGISTRAR_WAYS_MAX]);
