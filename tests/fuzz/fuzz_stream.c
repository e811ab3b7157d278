/* SPDX-License-Identifier: Apache-2.0 */
/* Framing: the bytes come in pieces whose sizes the input chooses, and are cut up as they are when they come at once; a
 * message that is framed and read has no bytes left over. */
#include "fuzz.h"
#include "sip/sip_stream.h"

enum { LIMIT = 8192, FRAMES_MAX = 4096 };

static struct sip_message message;

/* What the frames were: kinds and lengths mixed into one number. */
static uint64_t cut(struct span input, const uint8_t *steps, size_t step_count)
{
    struct sip_stream_state state = {0};
    uint64_t digest = 0;
    size_t from = 0, to = 0, step = 0;
    for (unsigned frames = 0; frames < FRAMES_MAX;) {
        struct sip_stream_frame frame = sip_stream_frame(&state, span_slice(input, from, to), LIMIT);
        if (frame.kind == SIP_STREAM_MORE) {
            if (to == input.len)
                break;
            size_t more = step_count ? (size_t)steps[step++ % step_count] % 64 + 1 : input.len;
            to = input.len - to < more ? input.len : to + more;
            continue;
        }
        frames++;
        if (frame.kind == SIP_STREAM_ERROR) {
            invariant(frame.problem.reason);
            return digest * 31 + 1;
        }
        invariant(frame.len && frame.len <= to - from);
        if (frame.kind == SIP_STREAM_MESSAGE) {
            struct sip_problem problem;
            invariant(frame.len <= LIMIT);
            if (sip_message_parse(&message, span_slice(input, from, from + frame.len), SIP_STREAM, &problem) == OK)
                invariant(message.trailing == 0 && message.bytes.len == frame.len);
        }
        digest = digest * 31 + (uint64_t)frame.kind * 100003 + frame.len;
        from += frame.len;
        state = (struct sip_stream_state){0};
    }
    return digest * 31 + from;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 4)
        return 0;
    struct span input = span_make((const char *)bytes + 4, len - 4);
    uint64_t whole = cut(input, NULL, 0);
    uint64_t pieces = cut(input, bytes, 4);
    invariant(whole == pieces || input.len > LIMIT); /* over the limit, the error comes when the limit is met */
    return 0;
}
