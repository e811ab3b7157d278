/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_names.h"

#include <openssl/x509v3.h>

static bool is_host(struct span text, bool wildcards)
{
    if (wildcards && span_starts_with(text, SPAN("*.")))
        text = span_slice(text, 2, text.len);
    if (text.len == 0 || text.len > TLS_NAME_MAX || text.at[0] == '.' || text.at[0] == '-')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!fine)
            return false;
    }
    return true;
}

static void add_name(struct buffer *out, struct span name, bool wildcards)
{
    if (name.len > 1 && name.at[name.len - 1] == '.')
        name.len--;
    if (!is_host(name, wildcards) || tls_names_have(buffer_span(out), name) || out->cap - out->len < name.len + 1)
        return;
    buffer_add_byte(out, (char)name.len);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        buffer_add_byte(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
}

static struct span text_of(const ASN1_STRING *string)
{
    return span_make((const char *)ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

/* A sip: URI without a user says a domain; one with a user says a person, who is nobody here. */
static void add_uri(struct buffer *out, struct span uri)
{
    if (uri.len < 5 || !span_equal_nocase(span_slice(uri, 0, 4), SPAN("sip:")))
        return;
    struct span host = span_slice(uri, 4, uri.len);
    if (span_find(host, '@') < host.len)
        return;
    host = span_slice(host, 0, span_find(host, ';'));
    host = span_slice(host, 0, span_find(host, '?'));
    host = span_slice(host, 0, span_find(host, ':'));
    add_name(out, host, false);
}

static void add_kind(const GENERAL_NAMES *alternatives, int type, bool wildcards, struct buffer *out)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives) && i < TLS_NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(alternatives, i);
        if (name->type != type)
            continue;
        if (type == GEN_URI)
            add_uri(out, text_of(name->d.uniformResourceIdentifier));
        else
            add_name(out, text_of(name->d.dNSName), wildcards);
    }
}

static void add_common_name(const X509 *certificate, bool wildcards, struct buffer *out)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1, last = -1;
    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
        last = at;
    if (last >= 0)
        add_name(out, text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last))), wildcards);
}

void tls_names_add(X509 *certificate, enum tls_names_of kind, struct buffer *out)
{
    bool ours = kind == TLS_NAMES_OF_OURS;
    size_t start = out->len;
    GENERAL_NAMES *alternatives = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (!alternatives) {
        /* One that is there but cannot be read is not the same as none. */
        if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0)
            add_common_name(certificate, ours, out);
        return;
    }
    add_kind(alternatives, GEN_URI, ours, out);
    if (ours || out->len == start)
        add_kind(alternatives, GEN_DNS, ours, out);
    GENERAL_NAMES_free(alternatives);
}

bool tls_names_next(struct span *rest, struct span *out_name)
{
    size_t len = rest->len ? (unsigned char)rest->at[0] : 0;
    if (len == 0 || len >= rest->len)
        return false;
    *out_name = span_slice(*rest, 1, 1 + len);
    *rest = span_slice(*rest, 1 + len, rest->len);
    return true;
}

bool tls_names_have(struct span names, struct span host)
{
    struct span name;
    while (tls_names_next(&names, &name))
        if (span_equal_nocase(name, host))
            return true;
    return false;
}

bool tls_names_cover(struct span names, struct span host)
{
    struct span name;
    size_t dot = span_find(host, '.');
    if (dot == 0 || dot == host.len)
        return false;
    while (tls_names_next(&names, &name))
        if (span_starts_with(name, SPAN("*.")) &&
            span_equal_nocase(span_slice(name, 1, name.len), span_slice(host, dot, host.len)))
            return true;
    return false;
}
