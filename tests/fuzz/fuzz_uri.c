/* SPDX-License-Identifier: Apache-2.0 */
/* URIs: an input is one, or two with a line feed between them.  Equality is reflexive and symmetric, equal ones have
 * one canonical form, and the canonical form is a URI that is its own canonical form. */
#include "fuzz.h"
#include "sip/sip_number.h"
#include "sip/sip_uri.h"

enum { OUT_CAP = 1 << 18 };

static char first_bytes[OUT_CAP], second_bytes[OUT_CAP];

static void touch_uri(const struct sip_uri *uri, struct span input)
{
    const struct span parts[] = {uri->scheme_text, uri->user, uri->password, uri->host, uri->params, uri->headers};
    struct sip_param param;
    for (size_t at = 0; at < sizeof(parts) / sizeof(parts[0]); at++) {
        invariant(fuzz_within(parts[at], input));
        fuzz_touch(parts[at]);
    }
    for (struct span rest = uri->params; sip_uri_param_next(&rest, &param);)
        invariant(param.name.len && fuzz_within(param.value, input));
    for (struct span rest = uri->headers; sip_uri_header_next(&rest, &param);)
        invariant(param.name.len && fuzz_within(param.value, input));
    fuzz_touch(sip_uri_param(uri, SPAN("transport")));
}

static void check_canonical(const struct sip_uri *uri)
{
    struct buffer first = buffer_over(first_bytes, sizeof(first_bytes));
    struct buffer second = buffer_over(second_bytes, sizeof(second_bytes));
    struct sip_uri again;
    sip_uri_canonical(uri, &first);
    invariant(!first.overflow);
    invariant(sip_uri_parse(buffer_span(&first), &again, NULL) == OK);
    sip_uri_canonical(&again, &second);
    invariant(span_equal(buffer_span(&first), buffer_span(&second)));
}

static void check_number(const struct sip_uri *uri)
{
    static const struct sip_number_rule rules[] = {{{"00", 2}, 2, {"+", 1}, 0, 0}, {{"0", 1}, 1, {"+49", 3}, 5, 15}};
    char number[SIP_NUMBER_MAX];
    size_t len;
    if (sip_number_of_uri(uri, rules, 2, number, &len) == OK)
        invariant(len < SIP_NUMBER_MAX && strlen(number) == len && sip_number_is(span_make(number, len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span input = span_make((const char *)bytes, len);
    size_t cut = span_find(input, '\n');
    struct span left = span_slice(input, 0, cut), right = span_slice(input, cut + 1, len);
    struct sip_uri a, b;
    const char *reason = NULL;
    if (sip_uri_parse(left, &a, &reason) != OK) {
        invariant(reason);
        return 0;
    }
    touch_uri(&a, input);
    invariant(sip_uri_equal(&a, &a));
    check_canonical(&a);
    check_number(&a);
    if (sip_uri_parse(right, &b, NULL) == OK)
        invariant(sip_uri_equal(&a, &b) == sip_uri_equal(&b, &a));
    return 0;
}
