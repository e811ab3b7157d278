/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the Contacts and Paths of a REGISTER into what is kept of them: parameters without folds and without expires. */
#include "registrar/registrar_priv.h"
#include "sip/sip_address.h"
#include "sip/sip_text.h"
#include "sip/sip_value.h"

/* What is no number counts as if it were not given.  RFC 3261 10.2 would have 3600; Expires, or the default, is nearer to
 * what the client asks for. */
static uint32_t seconds_of(struct span value, uint32_t otherwise)
{
    uint32_t seconds;
    return value.at && sip_value_seconds(value, &seconds) == OK ? seconds : otherwise;
}

static struct span add_param(struct buffer *out, const struct sip_param *param)
{
    buffer_add_byte(out, ';');
    buffer_add_span(out, param->name);
    if (!param->has_value)
        return span_make(NULL, 0);
    buffer_add_byte(out, '=');
    if (param->quoted)
        buffer_add_byte(out, '"');
    size_t start = out->len;
    sip_text_unfold(out, param->value);
    struct span value = span_make(out->at + start, out->len - start);
    if (param->quoted)
        buffer_add_byte(out, '"');
    return value;
}

static bool is_bad_q(const struct sip_param *param)
{
    unsigned thousandths;
    return span_equal_nocase(param->name, SPAN("q")) && sip_value_q(param->value, &thousandths) != OK;
}

/* reg-id counts with an instance only, and 0 is none (RFC 5626 6, 10). */
static void read_params(struct span rest, uint32_t default_s, struct registrar_contact *contact, struct buffer *space)
{
    struct sip_param param;
    size_t start = space->len;
    contact->expires_s = default_s;
    contact->instance = span_make(NULL, 0);
    contact->reg_id = 0;
    while (sip_param_next(&rest, &param) == OK) {
        if (span_equal_nocase(param.name, SPAN("expires"))) {
            contact->expires_s = seconds_of(param.value, default_s);
            continue;
        }
        if (span_equal_nocase(param.name, SPAN("pub-gruu")) || span_equal_nocase(param.name, SPAN("temp-gruu")))
            continue; /* they are ours to say (RFC 5627 4.2) */
        if (is_bad_q(&param))
            continue; /* refusing the phone for it helps nobody; repeating it would be no better */
        struct span value = add_param(space, &param);
        if (span_equal_nocase(param.name, SPAN("+sip.instance")))
            contact->instance = value;
        else if (span_equal_nocase(param.name, SPAN("reg-id")) && sip_value_u32(value, &contact->reg_id) != OK)
            contact->reg_id = 0;
    }
    if (!contact->instance.len)
        contact->reg_id = 0;
    contact->params = span_make(space->at + start, space->len - start);
}

static const char *read_paths(const struct sip_message *request, struct registrar_contacts *contacts)
{
    struct sip_address_walk walk = sip_address_walk_begin(request, SIP_HEADER_PATH);
    struct buffer *space = &contacts->space;
    struct sip_address address;
    size_t start = space->len;
    enum err err;
    contacts->edge_knows_flows = false;
    while ((err = sip_address_walk_next(&walk, &address)) == OK) {
        if (address.star)
            return "Bad Path";
        /* Each hop writes its own on top, so the last is the first hop's, which the phone's flow leads to. */
        contacts->edge_knows_flows = sip_uri_has_param(&address.uri, SPAN("ob"));
        if (space->len > start)
            buffer_add_literal(space, ", ");
        sip_text_unfold(space, address.text);
    }
    contacts->path = span_make(space->at + start, space->len - start);
    return err == ERR_NOT_FOUND ? NULL : "Bad Path";
}

/* NULL, or what is wrong. */
static const char *add_contact(struct registrar_contacts *contacts, const struct sip_address *address,
                               uint32_t default_s)
{
    if (contacts->star || (address->star && contacts->count))
        return "Contact * Beside Others";
    contacts->star = address->star;
    if (address->star)
        return NULL;
    if (contacts->count == REGISTRAR_USER_MAX)
        return "Too Many Contacts";
    if (!sip_text_is_clean(address->uri.text))
        return "Bad Contact";
    struct registrar_contact *contact = &contacts->items[contacts->count++];
    contact->uri = address->uri;
    read_params(address->params, default_s, contact, &contacts->space);
    return NULL;
}

/* Nearly every REGISTER has one Contact and no more, which the parser has read already. */
static bool has_one_contact(const struct sip_message *request)
{
    const struct sip_header *header = sip_message_header(request, SIP_HEADER_CONTACT);
    return header && !sip_message_header_next(request, header) && request->contact.text.at == header->value.at &&
           request->contact.text.len == header->value.len;
}

static const char *read_contacts(const struct sip_message *request, uint32_t default_s,
                                 struct registrar_contacts *contacts)
{
    struct sip_address_walk walk = sip_address_walk_begin(request, SIP_HEADER_CONTACT);
    struct sip_address address;
    const char *wrong = NULL;
    enum err err = OK;
    if (has_one_contact(request))
        return add_contact(contacts, &request->contact, default_s);
    while (!wrong && (err = sip_address_walk_next(&walk, &address)) == OK)
        wrong = add_contact(contacts, &address, default_s);
    return wrong || err == ERR_NOT_FOUND ? wrong : "Bad Contact";
}

const char *registrar_contacts_read(const struct sip_message *request, uint32_t default_s,
                                    struct registrar_contacts *contacts)
{
    uint32_t otherwise = seconds_of(sip_message_value(request, SIP_HEADER_EXPIRES), default_s);
    contacts->count = 0;
    contacts->star = false;
    const char *wrong = read_contacts(request, otherwise, contacts);
    if (!wrong)
        wrong = read_paths(request, contacts);
    return wrong ? wrong : contacts->space.overflow ? "Contact Too Long" : NULL;
}

bool registrar_contact_is(const struct registrar_contact *contact, const struct registrar_binding *binding)
{
    struct sip_uri uri;
    struct span text = registrar_binding_uri(binding);
    if (contact->reg_id && binding->reg_id)
        return contact->reg_id == binding->reg_id &&
               span_equal_nocase(contact->instance, registrar_binding_instance(binding));
    if (span_equal(text, contact->uri.text))
        return true;
    return sip_uri_parse(text, &uri, NULL) == OK && sip_uri_equal(&uri, &contact->uri);
}
