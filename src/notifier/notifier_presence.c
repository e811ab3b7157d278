/* SPDX-License-Identifier: Apache-2.0 */
/* The event package `presence` (RFC 3856).  What was published speaks for a user, the newest publication alone and as it
 * is; where nothing is, whether there is a registration does (RFC 3856 6.11.1 and 7.2 leave both to the server). */
#include "notifier/notifier_priv.h"

#include "sip/sip_uri.h"

/* What stands for `byte`; empty: itself. */
static struct span escaped(unsigned char byte)
{
    switch (byte) {
    case '&':
        return SPAN("&amp;");
    case '<':
        return SPAN("&lt;");
    case '>':
        return SPAN("&gt;");
    case '"':
        return SPAN("&quot;");
    case '\'':
        return SPAN("&apos;");
    default:
        return byte < 0x20 || byte == 0x7f ? SPAN("?") : SPAN(""); /* XML 1.0 knows no way to write those */
    }
}

void notifier_xml_escape(struct buffer *out, struct span text)
{
    size_t from = 0; /* not yet written */
    for (size_t i = 0; i < text.len; i++) {
        struct span instead = escaped((unsigned char)text.at[i]);
        if (!instead.len)
            continue;
        buffer_add_span(out, span_slice(text, from, i));
        buffer_add_span(out, instead);
        from = i + 1;
    }
    buffer_add_span(out, span_slice(text, from, text.len));
}

static size_t last_at(struct span aor)
{
    size_t at = aor.len;
    while (at && aor.at[at - 1] != '@')
        at--;
    return at;
}

void notifier_xml_aor(struct buffer *out, struct span aor)
{
    char memory[2048];
    struct buffer uri = buffer_over(memory, sizeof(memory));
    size_t host_at = last_at(aor);
    struct span host = span_slice(aor, host_at, aor.len);
    buffer_add_literal(&uri, "sip:");
    if (host_at) {
        sip_uri_escape_user(&uri, span_slice(aor, 0, host_at - 1));
        buffer_add_byte(&uri, '@');
    }
    sip_host_add(&uri, host, sip_host_kind_of(host));
    if (uri.overflow)
        out->overflow = true;
    notifier_xml_escape(out, buffer_span(&uri));
}

static void write_document(struct buffer *out, struct span aor, bool is_open)
{
    buffer_add_literal(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
                            "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"");
    notifier_xml_aor(out, aor);
    buffer_add_literal(out, "\">\r\n<tuple id=\"registration\"><status><basic>");
    buffer_add_text(out, is_open ? "open" : "closed");
    buffer_add_literal(out, "</basic></status></tuple>\r\n</presence>\r\n");
}

/* A user that is gone is closed, whatever was published. */
static enum err build(void *ctx, struct notifier_view *view, struct buffer *out)
{
    const struct notifier_table *table = ctx;
    const struct notifier_options *options = &table->options;
    bool is_gone = view->last && view->reason == NOTIFIER_NORESOURCE;
    const struct notifier_user *user = table->publications && !is_gone ? notifier_user_find(table, view->aor) : NULL;
    struct span published = {NULL, 0};
    if (user && user->publication_count)
        published = notifier_published(user, notifier_package_find(table, SPAN("presence")));
    if (published.len)
        buffer_add_span(out, published);
    else
        write_document(out, view->aor,
                       !is_gone && options->is_registered && options->is_registered(options->ctx, view->aor));
    return OK;
}

static bool check(void *ctx, struct span body, const char **out_why)
{
    (void)ctx;
    return notifier_pidf_check(body, out_why);
}

const struct notifier_package notifier_presence_package = {
    .name = "presence", .media_type = "application/pidf+xml", .is_published = true, .check = check, .build = build};
