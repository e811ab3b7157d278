/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions cost in proportion to their length, whatever they repeat. */
#include "support/linear.h"

#include "sdp/sdp_answer.h"

static volatile size_t sink; /* so that no work is left out */
static char out_bytes[LINEAR_TEXT_CAP];

static void answer_text(struct span text)
{
    static struct sdp offer, answer;
    const struct sdp_local local = {.address = SPAN("192.0.2.1")};
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    unsigned accepted = 0;
    if (sdp_parse(text, &offer, NULL) != OK)
        return;
    sdp_answer(&offer, &local, &out, &accepted);
    if (sdp_parse(buffer_span(&out), &answer, NULL) == OK)
        sink += (size_t)sdp_answer_check(&offer, &answer, NULL);
}

static const struct linear_construct constructs[] = {
    {"SDP attributes", answer_text, "v=0\no=- 1 1 IN IP4 h\nc=IN IP4 h\nm=audio 1 RTP/AVP 0\n", "a=rtpmap:0 x\n", ""},
    {"SDP formats", answer_text, "v=0\no=- 1 1 IN IP4 h\nc=IN IP4 h\nm=audio 1 RTP/AVP 0", " 0", "\n"},
    {"SDP streams", answer_text, "v=0\no=- 1 1 IN IP4 h\nc=IN IP4 h\n", "m=audio 1 RTP/AVP 0\n", ""},
};

int main(int argc, char **argv)
{
    return linear_main(argc, argv, constructs, sizeof(constructs) / sizeof(constructs[0]));
}
