/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions: the answer to whatever can be read is a session description and a correct answer. */
#include "fuzz.h"
#include "sdp/sdp_answer.h"
#include "sdp/sdp_fit.h"

enum { OUT_CAP = 1 << 19 };

static char out_bytes[OUT_CAP];
static struct sdp offer, answer;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span input = span_make((const char *)bytes, len), format;
    const char *reason = NULL;
    if (sdp_parse(input, &offer, &reason) != OK) {
        invariant(reason);
        return 0;
    }
    for (unsigned at = 0; at < offer.media_count; at++) {
        invariant(fuzz_within(offer.media[at].lines, input) && fuzz_within(offer.media[at].formats, input));
        for (struct span rest = offer.media[at].formats; sdp_format_next(&rest, &format);)
            fuzz_touch(sdp_rtpmap(&offer.media[at], format));
        fuzz_touch(sdp_attribute(offer.media[at].lines, SPAN("mid")));
    }
    for (uint8_t direction = SDP_SENDRECV; direction <= SDP_INACTIVE; direction++) {
        const struct sdp_local local = {.address = SPAN("192.0.2.1"), .session_id = 1, .direction = direction};
        struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
        unsigned accepted = 0;
        sdp_answer(&offer, &local, &out, &accepted);
        if (out.overflow)
            continue;
        invariant(accepted <= offer.media_count);
        invariant(sdp_parse(buffer_span(&out), &answer, NULL) == OK);
        invariant(sdp_answer_check(&offer, &answer, NULL) == OK);
    }
    struct buffer fitted = buffer_over(out_bytes, sizeof(out_bytes));
    sdp_fit(&offer, &offer, 3, &fitted);
    invariant(fitted.overflow ||
              (sdp_parse(buffer_span(&fitted), &answer, NULL) == OK && sdp_answer_check(&offer, &answer, NULL) == OK));
    return 0;
}
