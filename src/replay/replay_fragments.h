/* SPDX-License-Identifier: Apache-2.0 */
/* Packets put together from their fragments (RFC 791 3.2, RFC 8200 4.5), in any order, each piece possibly twice.  Pieces
 * that overlap otherwise end their packet (RFC 5722).  So many packets at a time; the oldest makes room. */
#pragma once

#include "replay/replay_packet.h"

enum { REPLAY_FRAGMENTS_MAX = 128, REPLAY_FRAGMENTS_MS = 30000 };

struct replay_fragments;

MUST_CHECK enum err replay_fragments_new(struct replay_fragments **out_fragments);
void replay_fragments_free(struct replay_fragments *fragments); /* NULL is fine */
/* Takes a fragment that was captured at `wall_ms`.  True: it was the last one missing, and `packet` is now whole; its
 * payload is valid until the next call. */
bool replay_fragments_add(struct replay_fragments *fragments, int64_t wall_ms, struct replay_packet *packet);
/* Packets of which pieces were missing when they were given up, and those that are still waited for. */
uint64_t replay_fragments_incomplete(const struct replay_fragments *fragments);
