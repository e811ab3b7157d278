/* SPDX-License-Identifier: Apache-2.0 */
/* Offer and answer (RFC 3264) for a server that takes calls but handles no media. */
#pragma once

#include "sdp/sdp.h"
#include "util/buffer.h"

/* Who we are in o= and c=.  `address` is an IP address in text. */
struct sdp_local {
    struct span address;
    bool is_ipv6;
    uint64_t session_id;
    uint64_t session_version;
    uint8_t direction; /* the most that we agree to; SDP_INACTIVE: no media flows */
    uint16_t port;     /* of accepted streams; 0: 9, the discard port */
};

/* Appends the answer: as many m-lines, in the offer's order, with the offer's t=.  An audio or video stream over
 * RTP/AVP(F) is taken with the offer's formats and our direction; every other one is refused by port 0.  *out_accepted
 * is the number of streams taken: 0 of at least one offered calls for 488. */
void sdp_answer(const struct sdp *offer, const struct sdp_local *local, struct buffer *out, unsigned *out_accepted);
/* Whether there is no stream to take: none at all, or each has port 0 because it was refused or removed before (RFC 3264 8.2;
 * RFC 8829 5.2.2).  Such an offer leaves nothing to refuse. */
bool sdp_offers_nothing(const struct sdp *offer);
/* Whether a browser made this offer: a stream over the profile that WebRTC demands (RFC 8829 5.1.2), keyed by DTLS. */
bool sdp_is_webrtc(const struct sdp *offer);
/* Appends `media`'s m= line, with another port; 0: refused, or ended (RFC 3264 6, 8.2). */
void sdp_add_media_line(struct buffer *out, const struct sdp_media *media, unsigned port);
/* Appends our own offer: one audio stream, PCMU and PCMA. */
void sdp_offer(const struct sdp_local *local, struct buffer *out);
/* What may be said to an offered direction: we send where they receive, within what we agree to (RFC 3264 6.1). */
enum sdp_direction sdp_answer_direction(unsigned offered, unsigned local);
/* Whether `answer` answers `offer` as RFC 3264 6 asks: m-lines, types, protocols, at least one of the formats,
 * a direction that fits.  *out_reason is static text; may be NULL. */
MUST_CHECK enum err sdp_answer_check(const struct sdp *offer, const struct sdp *answer, const char **out_reason);
/* The same but for directions, and for streams that are taken although they were offered with port 0. */
MUST_CHECK enum err sdp_answer_check_streams(const struct sdp *offer, const struct sdp *answer,
                                             const char **out_reason);
