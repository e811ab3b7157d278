/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "sdp/sdp_answer.h"
#include "support/span_guard.h"

#define SESSION "v=0\r\no=alice 289 290 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=1 2\r\n"

static struct sdp sdp, other;

static void parse(const char *text, struct sdp *out)
{
    const char *reason = "";
    if (sdp_parse(span_of(text), out, &reason) != OK)
        fail_msg("%s: %s", text, reason);
}

static void descriptions_are_read(void **state)
{
    (void)state;
    parse("v=0\no=- 1 2 IN IP6 ::1\ns= \nt=0 0\nt=3 4\na=sendonly\nz=skipped\n"
          "m=audio 49170/2 RTP/AVP  0 97 \nc=IN IP4 224.2.1.1/127/3\nb=AS:64\na=rtpmap:97 "
          "iLBC/8000\na=recvonly\na=ptime:20\n"
          "a=mute\ny=0100000001\nm=video 0 RTP/AVP 31\nf=v/2/5\n\n",
          &sdp);
    assert_span(sdp.username, "-");
    assert_span(sdp.session_id, "1");
    assert_span(sdp.session_version, "2");
    assert_span(sdp.origin_address, "::1");
    assert_true(sdp.origin_is_ipv6);
    assert_span(sdp.timing, "0 0");
    assert_int_equal(sdp.media_count, 2);
    const struct sdp_media *audio = &sdp.media[0];
    assert_span(audio->type, "audio");
    assert_int_equal(audio->port, 49170);
    assert_int_equal(audio->port_count, 2);
    assert_span(audio->proto, "RTP/AVP");
    assert_span(audio->connection.address, "224.2.1.1");
    assert_int_equal(audio->direction, SDP_RECVONLY);
    assert_int_equal(sdp.media[1].direction, SDP_SENDONLY);
    assert_span(sdp_rtpmap(audio, SPAN("97")), "iLBC/8000");
    assert_null(sdp_rtpmap(audio, SPAN("0")).at);
    assert_span(sdp_attribute(audio->lines, SPAN("ptime")), "20");
    assert_span(sdp_attribute(audio->lines, SPAN("mute")), "");
    assert_null(sdp_attribute(audio->lines, SPAN("pti")).at);
    assert_null(sdp_attribute(audio->lines, SPAN("maxptime")).at);
    struct span rest = audio->formats, format;
    assert_true(sdp_format_next(&rest, &format));
    assert_span(format, "0");
    assert_true(sdp_format_next(&rest, &format));
    assert_span(format, "97");
    assert_false(sdp_format_next(&rest, &format));
    assert_null(sdp_rtpmap(&sdp.media[1], SPAN("31")).at);
}

static void check_bad(void *ctx, struct span input)
{
    const char *want = *(const char *const *)ctx, *reason = "";
    assert_int_equal(sdp_parse(input, &sdp, &reason), ERR_SYNTAX);
    assert_string_equal(reason, want);
    assert_int_equal(sdp_parse(input, &sdp, NULL), ERR_SYNTAX);
}

static void bad_ones_are_refused(void **state)
{
    const char *rows[][2] = {
        {"", "it is empty"},
        {"v=1\r\n", "it does not start with v=0"},
        {"o=- 1 2 IN IP4 h\r\n", "it does not start with v=0"},
        {"\r\nv=0\r\n", "it does not start with v=0"},
        {"v=0\r\n", "o= is missing"},
        {"v=0\r\no=- 1 2 IN IP4\r\n", "o= has not six words"},
        {"v=0\r\no=- 1 2 IN IP4 h x\r\n", "o= has not six words"},
        {"v=0\r\no=- 1 2 XX IP4 h\r\n", "an address is neither \"IN IP4\" nor \"IN IP6\""},
        {"v=0\r\no=- 1 2 IN IP5 h\r\n", "an address is neither \"IN IP4\" nor \"IN IP6\""},
        {"v=0\r\no=- 1 2 IN IP4 /h\r\n", "an address is empty"},
        {SESSION "o=- 1 2 IN IP4 h\r\n", "o= stands twice"},
        {SESSION "m=audio 1 RTP/AVP 0\r\no=- 1 2 IN IP4 h\r\n", "o= stands behind m="},
        {SESSION "c=IN IP4\r\n", "c= has not three words"},
        {SESSION "m=audio 1 RTP/AVP\r\n", "m= has not four words"},
        {SESSION "m=audio x RTP/AVP 0\r\n", "m= has no port up to 65535"},
        {SESSION "m=audio 65536 RTP/AVP 0\r\n", "m= has no port up to 65535"},
        {SESSION "m=audio 1/ RTP/AVP 0\r\n", "m= has no number of ports behind '/'"},
        {SESSION "m=audio 1/0 RTP/AVP 0\r\n", "m= has no number of ports behind '/'"},
        {SESSION "m=audio 1/65536 RTP/AVP 0\r\n", "m= has no number of ports behind '/'"},
        {SESSION "nonsense\r\n", "a line is not type=value"},
        {SESSION "a=x\ry\r\n", "a line holds CR or NUL"},
        {"v=0\r\no=- 1 2 IN IP4 h\r\nm=audio 1 RTP/AVP 0\r\n", "a stream has no c="},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
        guard_both(span_of(rows[row][0]), check_bad, &rows[row][1]);
    const char *nul = "a line holds CR or NUL";
    guard_both(SPAN(SESSION "a=x\0y\r\n"), check_bad, &nul);
}

static void caps_hold(void **state)
{
    static char text[32768];
    struct buffer out = buffer_over(text, sizeof(text));
    const char *reason = "";
    (void)state;
    buffer_add_text(&out, SESSION);
    for (int at = 0; at < SDP_MEDIA_MAX; at++)
        buffer_add_text(&out, "m=audio 1 RTP/AVP 0\r\n");
    assert_int_equal(sdp_parse(buffer_span(&out), &sdp, NULL), OK);
    buffer_add_text(&out, "m=audio 1 RTP/AVP 0\r\n");
    assert_int_equal(sdp_parse(buffer_span(&out), &sdp, &reason), ERR_UNSUPPORTED);
    assert_string_equal(reason, "more than 32 m= lines");
    buffer_clear(&out);
    buffer_add_text(&out, SESSION);
    for (int at = 0; at < SDP_LINES_MAX; at++)
        buffer_add_text(&out, "a=x\r\n");
    assert_int_equal(sdp_parse(buffer_span(&out), &sdp, &reason), ERR_UNSUPPORTED);
    assert_string_equal(reason, "more than 1024 lines");
    buffer_clear(&out);
    buffer_add_text(&out, SESSION "m=audio 1 RTP/AVP");
    for (int at = 0; at < SDP_FORMATS_MAX; at++)
        buffer_add_text(&out, " 0");
    assert_int_equal(sdp_parse(buffer_span(&out), &sdp, NULL), OK);
    buffer_add_text(&out, " 0");
    assert_int_equal(sdp_parse(buffer_span(&out), &sdp, &reason), ERR_UNSUPPORTED);
    assert_string_equal(reason, "more than 64 formats in m=");
}

static const char *answered(const char *offer, uint8_t direction, unsigned want_accepted)
{
    static char text[4096];
    const struct sdp_local local = {
        .address = SPAN("192.0.2.9"), .session_id = 7, .session_version = 8, .direction = direction};
    struct buffer out = buffer_over(text, sizeof(text) - 1);
    unsigned accepted = 99;
    parse(offer, &sdp);
    sdp_answer(&sdp, &local, &out, &accepted);
    assert_false(out.overflow);
    assert_int_equal(accepted, want_accepted);
    text[out.len] = '\0';
    parse(text, &other);
    assert_int_equal(sdp_answer_check(&sdp, &other, NULL), OK);
    return text;
}

static void answers_answer_every_line(void **state)
{
    (void)state;
    assert_string_equal(
        answered(SESSION "m=audio 49170 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
                         "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\n"
                         "m=audio 5 RTP/SAVP 0\r\nm=image 6 udptl t38\r\nm=video 7 RTP/AVPF 96\r\n",
                 SDP_INACTIVE, 2),
        "v=0\r\no=verdict 7 8 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=1 2\r\n"
        "m=audio 9 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=inactive\r\n"
        "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/SAVP 0\r\nm=image 0 udptl t38\r\n"
        "m=video 9 RTP/AVPF 96\r\na=inactive\r\n");
    assert_string_equal(answered("v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 h\r\n", SDP_INACTIVE, 0),
                        "v=0\r\no=verdict 7 8 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n");
}

/* What an answerer does not know it leaves out, and it is off then: groups (RFC 5888 9.2), ICE (RFC 8839 4.2.5), rtcp-mux (RFC
 * 5761 5.1.1).  A stream that needs keys is refused, with what bundles it. */
static void groups_ice_and_keys_are_passed_over(void **state)
{
    (void)state;
    assert_string_equal(
        answered("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic: WMS\r\n"
                 "a=ice-options:trickle\r\na=fingerprint:sha-256 AB:CD\r\n"
                 "m=audio 50000 RTP/AVP 0 111\r\nc=IN IP4 192.0.2.7\r\na=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:aaaa\r\n"
                 "a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb\r\na=candidate:1 1 UDP 1 192.0.2.7 50000 typ host\r\n"
                 "a=setup:actpass\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\na=rtpmap:111 opus/48000/2\r\n"
                 "a=rtcp-fb:111 transport-cc\r\na=ssrc:1 cname:x\r\na=sendrecv\r\n"
                 "m=audio 50002 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.0.2.7\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\n"
                 "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=bundle-only\r\na=sctp-port:5000\r\n"
                 "m=x-unheard-of 7 X/Y z\r\nc=IN IP4 192.0.2.7\r\n",
                 SDP_SENDRECV, 1),
        "v=0\r\no=verdict 7 8 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
        "m=audio 9 RTP/AVP 0 111\r\na=rtpmap:111 opus/48000/2\r\na=sendrecv\r\n"
        "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        "m=x-unheard-of 0 X/Y z\r\n");
    /* Nothing but streams that need keys: none is taken, which calls for 488. */
    (void)answered(SESSION "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n", SDP_SENDRECV, 0);
}

static void browsers_are_known_by_their_profile(void **state)
{
    (void)state;
    static const struct {
        const char *media;
        bool is_webrtc;
    } rows[] = {
        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", true},
        {"m=audio 9 RTP/AVP 0\r\nm=video 9 TCP/DTLS/RTP/SAVPF 96\r\n", true},
        {"m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n", false},
        {"m=audio 9 RTP/SAVPF 0\r\nm=audio 9 UDP/TLS/RTP/SAVP 0\r\n", false},
        {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", false},
        {"", false},
    };
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        char text[512];
        struct buffer out = buffer_over(text, sizeof(text) - 1);
        buffer_addf(&out, "%s%s", SESSION, rows[row].media);
        text[out.len] = '\0';
        parse(text, &sdp);
        if (sdp_is_webrtc(&sdp) != rows[row].is_webrtc)
            fail_msg("%s", rows[row].media);
        if (sdp_offers_nothing(&sdp) != (row == 2 || row == 5))
            fail_msg("%s", rows[row].media);
    }
}

/* Every offered direction with every one of ours (RFC 3264 6.1). */
static void directions_meet(void **state)
{
    const char *want[4][4] = {{"sendrecv", "sendonly", "recvonly", "inactive"},
                              {"recvonly", "inactive", "recvonly", "inactive"},
                              {"sendonly", "sendonly", "inactive", "inactive"},
                              {"inactive", "inactive", "inactive", "inactive"}};
    (void)state;
    for (int offered = 0; offered < 4; offered++)
        for (uint8_t ours = 0; ours < 4; ours++) {
            char offer[512];
            struct buffer out = buffer_over(offer, sizeof(offer) - 1);
            buffer_addf(&out, "%sm=audio 1 RTP/AVP 0\r\na=%.*s\r\n", SESSION,
                        SPAN_ARG(sdp_direction_text((enum sdp_direction)offered)));
            offer[out.len] = '\0';
            (void)answered(offer, ours, 1);
            assert_span(sdp_direction_text((enum sdp_direction)other.media[0].direction), want[offered][ours]);
        }
}

static void our_offer_is_one(void **state)
{
    char text[512];
    struct buffer out = buffer_over(text, sizeof(text));
    const struct sdp_local local = {.address = SPAN("2001:db8::9"),
                                    .is_ipv6 = true,
                                    .session_id = 1,
                                    .session_version = 1,
                                    .direction = SDP_INACTIVE,
                                    .port = 4000};
    (void)state;
    sdp_offer(&local, &out);
    assert_span(buffer_span(&out),
                "v=0\r\no=verdict 1 1 IN IP6 2001:db8::9\r\ns=-\r\nc=IN IP6 2001:db8::9\r\nt=0 0\r\n"
                "m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=inactive\r\n");
    assert_int_equal(sdp_parse(buffer_span(&out), &sdp, NULL), OK);
    buffer_clear(&out);
    struct sdp_local plain = local;
    plain.port = 0;
    sdp_offer(&plain, &out);
    assert_int_equal(sdp_parse(buffer_span(&out), &sdp, NULL), OK);
    assert_int_equal(sdp.media[0].port, 9);
}

static void wrong_answers_are_told(void **state)
{
    const char *rows[][3] = {
        {"m=audio 1 RTP/AVP 0\r\n", "", "not as many m= lines as the offer"},
        {"m=audio 1 RTP/AVP 0\r\n", "m=video 1 RTP/AVP 0\r\n", "a stream has another type than its offer"},
        {"m=audio 1 RTP/AVP 0\r\n", "m=audio 1 RTP/SAVP 0\r\n", "a stream has another protocol than its offer"},
        {"m=audio 0 RTP/AVP 0\r\n", "m=audio 1 RTP/AVP 0\r\n", "a stream that was offered with port 0 is taken"},
        {"m=audio 1 RTP/AVP 0\r\n", "m=audio 1 RTP/AVP 8\r\n", "a stream has no format of its offer"},
        {"m=audio 1 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\n", "m=audio 1 RTP/AVP 97\r\na=rtpmap:97 speex/8000\r\n",
         "a stream has no format of its offer"},
        {"m=audio 1 RTP/AVP 0\r\na=sendonly\r\n", "m=audio 1 RTP/AVP 0\r\na=sendrecv\r\n",
         "a stream's direction does not fit its offer"},
        {"m=audio 1 RTP/AVP 0\r\na=inactive\r\n", "m=audio 1 RTP/AVP 0\r\na=recvonly\r\n",
         "a stream's direction does not fit its offer"},
        {"m=audio 1 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\n", "m=audio 1 RTP/AVP 5 98\r\na=rtpmap:98 ILBC/8000\r\n",
         NULL},
        {"m=audio 1 RTP/AVP 0\r\n", "m=audio 0 RTP/AVP 8\r\n", NULL},
        {"m=audio 1 RTP/AVP 0\r\na=sendonly\r\n", "m=audio 1 RTP/AVP 0\r\na=inactive\r\n", NULL},
    };
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        char offer[512], answer[512];
        const char *reason = NULL;
        memcpy(offer, SESSION, sizeof(SESSION));
        memcpy(offer + sizeof(SESSION) - 1, rows[row][0], strlen(rows[row][0]) + 1);
        memcpy(answer, SESSION, sizeof(SESSION));
        memcpy(answer + sizeof(SESSION) - 1, rows[row][1], strlen(rows[row][1]) + 1);
        parse(offer, &sdp);
        parse(answer, &other);
        assert_int_equal(sdp_answer_check(&sdp, &other, &reason), rows[row][2] ? ERR_INVALID : OK);
        assert_int_equal(sdp_answer_check(&sdp, &other, NULL), rows[row][2] ? ERR_INVALID : OK);
        if (rows[row][2])
            assert_string_equal(reason, rows[row][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions_are_read),
        cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(caps_hold),
        cmocka_unit_test(answers_answer_every_line),
        cmocka_unit_test(groups_ice_and_keys_are_passed_over),
        cmocka_unit_test(browsers_are_known_by_their_profile),
        cmocka_unit_test(directions_meet),
        cmocka_unit_test(our_offer_is_one),
        cmocka_unit_test(wrong_answers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
