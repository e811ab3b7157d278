/* SPDX-License-Identifier: Apache-2.0 */
/* Globally routable URIs of one phone (RFC 5627).  A public one is the address-of-record with the phone's instance in `gr`.
 * The user of a temporary one is sealed: whoever has the key reads the address-of-record in it, and a hash of the instance
 * and the Call-ID that it was given under.  It is valid while a contact of theirs is registered, so a new Call-ID ends the
 * old ones (3.1), and nothing has to be kept.  One a process; any thread. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"

enum { REGISTRAR_SECRET_LEN = 48, REGISTRAR_GRUU_MAX = 1024 };

struct registrar_gruus;

/* The same secret knows the same GRUUs.  ERR_NOMEM, ERR_UNSUPPORTED. */
MUST_CHECK enum err registrar_gruus_new(const unsigned char secret[REGISTRAR_SECRET_LEN],
                                        struct registrar_gruus **out_gruus);
void registrar_gruus_free(struct registrar_gruus *gruus); /* NULL is fine */

/* What a contact is known by, from any worker.  An instance with or without its "<" and ">". */
struct registrar_phone {
    struct span aor, instance, call_id;
};
/* It is registered; it is not any more (once for each true).  False: no memory; its GRUUs lead nowhere meanwhile. */
bool registrar_gruus_hold(struct registrar_gruus *gruus, const struct registrar_phone *phone);
void registrar_gruus_let_go(struct registrar_gruus *gruus, const struct registrar_phone *phone);

/* Appends an instance as the value of `gr`: without its brackets, and escaped (RFC 3261 25.1, pvalue). */
void registrar_gruu_value(struct buffer *out, struct span instance);

/* Appends the public GRUU, without its scheme: the address-of-record, escaped, with `gr`.  Nothing where there is no instance. */
void registrar_gruu_public(struct buffer *out, struct span aor, struct span instance);
/* Where the host of an address-of-record begins, behind its last '@'; its length where there is none. */
size_t registrar_gruu_host(struct span aor);

/* Appends the user of a new temporary GRUU.  ERR_NOMEM, ERR_TOO_LONG, ERR_IO. */
MUST_CHECK enum err registrar_gruus_add(const struct registrar_gruus *gruus, const struct registrar_phone *phone,
                                        struct buffer *out);
/* Appends the address-of-record in a temporary GRUU's user.  ERR_INVALID: it is none of ours. */
MUST_CHECK enum err registrar_gruus_read(const struct registrar_gruus *gruus, struct span user, struct buffer *out_aor,
                                         uint64_t *out_key);
/* Whether the key of a temporary GRUU is that of a registered contact. */
bool registrar_gruus_is_held(struct registrar_gruus *gruus, uint64_t key);
/* Whether the phone of a public GRUU has a contact (phone->call_id does not count). */
bool registrar_gruus_is_registered(struct registrar_gruus *gruus, const struct registrar_phone *phone);
