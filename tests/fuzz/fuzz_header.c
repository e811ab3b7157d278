/* SPDX-License-Identifier: Apache-2.0 */
/* Every typed header value: the first byte chooses the reader, the rest is the value. */
#include "fuzz.h"
#include "sip/sip_address.h"
#include "sip/sip_date.h"
#include "sip/sip_number.h"
#include "sip/sip_text.h"
#include "sip/sip_value.h"
#include "sip/sip_via.h"

enum { OUT_CAP = 1 << 18 };

static char out_bytes[OUT_CAP];

static void run_via(struct span value)
{
    struct sip_via via;
    const char *reason = NULL;
    struct span whole = value;
    enum err err;
    while ((err = sip_via_next(&value, &via, &reason)) == OK) {
        invariant(via.usable && via.host.len && fuzz_within(via.text, whole) && fuzz_within(via.branch, whole));
        fuzz_touch(via.params);
        fuzz_touch(via.received);
    }
    invariant(err == ERR_NOT_FOUND || (reason && fuzz_within(via.text, whole)));
}

static void run_address(struct span value)
{
    struct sip_address address;
    const char *reason = NULL;
    struct span whole = value;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    enum err err;
    while ((err = sip_address_next(&value, &address, &reason)) == OK) {
        invariant(fuzz_within(address.text, whole) && fuzz_within(address.params, whole));
        invariant(address.star || address.uri.text.len);
        sip_text_display(&out, address.display);
    }
    invariant(err == ERR_NOT_FOUND || reason);
}

static void run_params(struct span value)
{
    struct sip_param param;
    struct span whole = value;
    bool good = sip_param_check(value, NULL) == OK;
    unsigned count = 0;
    while (sip_param_next(&value, &param) == OK) {
        struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
        invariant(param.name.len && fuzz_within(param.value, whole));
        sip_text_unquote(&out, param.value);
        count++;
    }
    invariant(!good || count <= SIP_PARAMS_MAX);
}

static void run_small(struct span value)
{
    uint32_t number = 0, more = 0;
    struct span text, word;
    struct sip_value token;
    struct sip_replaces replaces;
    struct sip_media_type media;
    unsigned q = 0;
    if (sip_value_seconds(value, &number) == OK)
        invariant(value.len);
    if (sip_value_cseq(value, &number, &text) == OK)
        invariant(text.len && fuzz_within(text, value));
    if (sip_value_token(value, &token) == OK)
        invariant(token.token.len && fuzz_within(token.params, value));
    if (sip_value_session_expires(value, &number, &word) == OK)
        fuzz_touch(word);
    if (sip_value_media_type(value, &media) == OK)
        invariant(media.type.len && media.subtype.len);
    if (sip_value_rack(value, &number, &more, &text) == OK)
        invariant(text.len);
    if (sip_value_replaces(value, &replaces) == OK)
        invariant(replaces.call_id.len && replaces.to_tag.len);
    if (sip_value_q(value, &q) == OK)
        invariant(q <= 1000);
}

static void run_text(struct span value)
{
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    struct span rest = value, item;
    while (sip_text_list_next(&rest, &item))
        invariant(item.len && fuzz_within(item, value));
    sip_text_unfold(&out, value);
    invariant(out.len <= value.len);
    buffer_clear(&out);
    sip_text_quote(&out, value);
    bool clean = sip_text_is_clean(value);
    invariant(out.overflow == !clean);
    if (clean) { /* what was quoted reads back as it was */
        invariant(sip_text_quoted_end(out.at, out.at + out.len) == out.at + out.len);
        size_t quoted = out.len;
        sip_text_unquote(&out, span_make(out.at + 1, quoted - 2));
        invariant(span_equal(span_make(out.at + quoted, out.len - quoted), value));
    }
    (void)sip_text_is_utf8(value);
}

static void run_date(struct span value)
{
    int64_t seconds;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    char number[SIP_NUMBER_MAX];
    size_t len;
    if (sip_date_parse(value, &seconds) == OK && seconds >= 0 &&
        value.at[23] != '6') { /* a leap second comes back as :00 */
        sip_date_add(&out, seconds);
        invariant(!out.overflow && span_equal(buffer_span(&out), value));
    }
    if (sip_number_normalise(value, NULL, 0, number, &len) == OK)
        invariant(strlen(number) == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static void (*const runs[])(struct span) = {run_via, run_address, run_params, run_small, run_text, run_date};
    const size_t count = sizeof(runs) / sizeof(runs[0]);
    if (len > 0)
        runs[bytes[0] % count](span_make((const char *)bytes + 1, len - 1));
    return 0;
}
