/* SPDX-License-Identifier: Apache-2.0 */
/* name-addr, addr-spec and "*", with their header parameters. */
#include "sip/sip_address.h"

#include "sip/sip_priv.h"

/* Quoted, or a run of words; *at stops at '<' or at the start of an addr-spec. */
static const char *take_display(const char **at, const char *end, struct sip_address *address)
{
    const char *from = *at;
    if (from == end)
        return "it is empty";
    if (*from == '<')
        return NULL;
    if (*from == '"') {
        const char *behind = sip_text_quoted_end(from, end);
        if (!behind)
            return "a quoted string is not closed";
        address->display = span_make(from, (size_t)(behind - from));
        *at = sip_text_skip(behind, end);
        return *at < end && **at == '<' ? NULL : "no '<' follows the display name";
    }
    const char *stop = from;
    const char *word_end = from;
    while (stop < end && sip_text_is(*stop, SIP_TEXT_DISPLAY)) {
        word_end = stop + sip_text_run(stop, end, SIP_TEXT_DISPLAY);
        stop = sip_text_skip(word_end, end);
    }
    if (stop < end && *stop == '<') {
        address->display = span_make(from, (size_t)(word_end - from));
        *at = stop;
    } else if (*from == '*' && word_end == from + 1) {
        address->star = true;
        *at = word_end;
    }
    return NULL;
}

/* "<" addr-spec ">" or addr-spec, which ends before anything that could be read as the URI's or the header's own
 * (RFC 3261 20.10). */
static const char *take_uri(const char **at, const char *end, struct sip_address *address)
{
    const char *from = *at;
    const char *stop;
    address->bracketed = *from == '<';
    if (address->bracketed) {
        from++;
        stop = memchr(from, '>', (size_t)(end - from));
        if (!stop)
            return "'<' is not closed";
        *at = stop + 1;
    } else {
        for (stop = from; stop < end && sip_text_is(*stop, SIP_TEXT_VISIBLE) && !memchr(";,?<>", *stop, 5);)
            stop++;
        if (stop < end && *stop == '?')
            return "a URI with '?' must stand in '<' and '>'";
        *at = stop;
    }
    return sip_uri_read(span_make(from, (size_t)(stop - from)), &address->uri);
}

/* The parameters, with the tag among them. */
static const char *take_params(const char **at, const char *end, struct sip_address *address)
{
    struct sip_param param;
    const char *from = sip_text_skip(*at, end);
    for (unsigned count = 0; count <= SIP_PARAMS_MAX; count++) {
        enum err err = sip_param_take(at, end, &param);
        if (err == ERR_NOT_FOUND) {
            if (count)
                address->params = span_make(from, (size_t)(*at - from));
            return NULL;
        }
        if (err != OK)
            return "a parameter is malformed";
        if (!SIP_IS(param.name, "tag"))
            continue;
        if (address->tag.at)
            return "tag stands twice";
        if (!param.has_value || param.quoted)
            return "tag has no token as its value";
        address->tag = param.value;
    }
    return "more than 64 parameters";
}

static const char *take_address(const char **at, const char *end, struct sip_address *address)
{
    const char *wrong = take_display(at, end, address);
    if (!wrong && !address->star) {
        wrong = take_uri(at, end, address);
        if (!wrong)
            wrong = take_params(at, end, address);
    }
    return wrong;
}

enum err sip_address_next(struct span *rest, struct sip_address *out_address, const char **out_reason)
{
    const char *at = rest->at;
    const char *end = sip_text_end(*rest);
    at = sip_text_skip(at, end);
    if (at == end)
        return ERR_NOT_FOUND;
    sip_clear(out_address, sizeof(*out_address));
    const char *from = at;
    const char *wrong = take_address(&at, end, out_address);
    out_address->text = span_make(from, (size_t)(at - from));
    at = sip_text_skip(at, end);
    if (!wrong && at < end) {
        if (*at != ',')
            wrong = "neither a parameter nor a comma follows the address";
        else if ((at = sip_text_skip(at + 1, end)) == end)
            wrong = "nothing follows a comma";
    }
    if (wrong) {
        if (out_reason)
            *out_reason = wrong;
        return ERR_SYNTAX;
    }
    *rest = span_make(at, (size_t)(end - at));
    return OK;
}

enum err sip_address_parse(struct span text, struct sip_address *out_address, const char **out_reason)
{
    const char *wrong = "it is empty";
    enum err err = sip_address_next(&text, out_address, &wrong);
    if (err == OK && text.len == 0)
        return OK;
    if (out_reason)
        *out_reason = err == OK ? "more than one address" : wrong;
    return ERR_SYNTAX;
}

struct sip_address_walk sip_address_walk_begin(const struct sip_message *message, enum sip_header_id id)
{
    struct sip_address_walk walk = {.message = message, .header = message->first[id]};
    if (walk.header != SIP_HEADER_NONE)
        walk.rest = message->headers[walk.header].value;
    return walk;
}

enum err sip_address_walk_next(struct sip_address_walk *walk, struct sip_address *out_address)
{
    while (walk->header != SIP_HEADER_NONE) {
        enum err err = sip_address_next(&walk->rest, out_address, NULL);
        if (err != ERR_NOT_FOUND)
            return err;
        walk->header = walk->message->headers[walk->header].next;
        if (walk->header != SIP_HEADER_NONE)
            walk->rest = walk->message->headers[walk->header].value;
    }
    return ERR_NOT_FOUND;
}
