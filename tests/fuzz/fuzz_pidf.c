/* SPDX-License-Identifier: Apache-2.0 */
/* Which published bodies pass for presence documents, and that what we write ourselves always does. */
#include "fuzz.h"
#include "notifier/notifier_priv.h"
#include "sip/sip_text.h"

enum { OUT_CAP = 1 << 20 };

static char out_bytes[OUT_CAP];

/* As character data and as an attribute, any text of UTF-8 makes a document; so does any name. */
static void run_escape(struct span text)
{
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    const char *why = NULL;
    buffer_add_literal(&out, "<presence entity=\"");
    notifier_xml_escape(&out, text);
    buffer_add_literal(&out, "\">");
    notifier_xml_escape(&out, text);
    buffer_add_literal(&out, "</presence>");
    invariant(out.overflow || notifier_pidf_check(buffer_span(&out), &why) == sip_text_is_utf8(text));
    buffer_clear(&out);
    buffer_add_literal(&out, "<presence entity='");
    struct span aor = span_slice(text, 0, 256);
    notifier_xml_aor(&out, aor);
    buffer_add_literal(&out, "'/>");
    invariant(out.overflow || notifier_pidf_check(buffer_span(&out), &why) || !sip_text_is_utf8(aor));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span body = span_make((const char *)bytes, len);
    const char *why = NULL;
    bool good = notifier_pidf_check(body, &why);
    invariant(good || (why && *why));
    if (good) { /* one root that is closed: a second one, or a text behind it, is too much */
        invariant(sip_text_is_utf8(body) && memmem(body.at, body.len, "presence", 8));
        struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
        buffer_add_span(&out, body);
        buffer_add_literal(&out, "<presence/>");
        invariant(out.overflow || !notifier_pidf_check(buffer_span(&out), &why));
    }
    run_escape(body);
    return 0;
}
