/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_methods.h"
#include "util/invariant.h"

static const enum engine_treatment treatments[SIP_METHOD_COUNT] = {
    [SIP_METHOD_OTHER] = ENGINE_TREAT_UNKNOWN,     [SIP_METHOD_INVITE] = ENGINE_TREAT_POLICY,
    [SIP_METHOD_ACK] = ENGINE_TREAT_NEVER,         [SIP_METHOD_BYE] = ENGINE_TREAT_NO_DIALOG,
    [SIP_METHOD_CANCEL] = ENGINE_TREAT_NEVER,      [SIP_METHOD_OPTIONS] = ENGINE_TREAT_POLICY,
    [SIP_METHOD_REGISTER] = ENGINE_TREAT_POLICY,   [SIP_METHOD_SUBSCRIBE] = ENGINE_TREAT_POLICY,
    [SIP_METHOD_NOTIFY] = ENGINE_TREAT_NO_DIALOG,  [SIP_METHOD_PUBLISH] = ENGINE_TREAT_POLICY,
    [SIP_METHOD_MESSAGE] = ENGINE_TREAT_POLICY,    [SIP_METHOD_INFO] = ENGINE_TREAT_NO_DIALOG,
    [SIP_METHOD_UPDATE] = ENGINE_TREAT_NO_DIALOG,  [SIP_METHOD_PRACK] = ENGINE_TREAT_NO_DIALOG,
    [SIP_METHOD_REFER] = ENGINE_TREAT_NOT_ALLOWED,
};

enum engine_treatment engine_treatment(enum sip_method method)
{
    invariant(method < SIP_METHOD_COUNT);
    return treatments[method];
}

struct span engine_allow(void)
{
    return SPAN("INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, PUBLISH, INFO, PRACK, UPDATE");
}

/* Columns of the second table: methods that a verdict treats alike. */
enum column { COLUMN_SESSION, COLUMN_REGISTER, COLUMN_SUBSCRIBE, COLUMN_PUBLISH, COLUMN_COUNT };

static enum column column_of(enum sip_method method)
{
    switch (method) {
    case SIP_METHOD_REGISTER:
        return COLUMN_REGISTER;
    case SIP_METHOD_SUBSCRIBE:
        return COLUMN_SUBSCRIBE;
    case SIP_METHOD_PUBLISH:
        return COLUMN_PUBLISH;
    default:
        return COLUMN_SESSION;
    }
}

/* A moved or suspended user's own REGISTER and PUBLISH are refused (403, RFC 3261 10.3 step 4): a 301 would ask the
 * phone to register somewhere else, and a 480 makes some phones give up for good. */
static const int statuses[POLICY_VERDICT_COUNT][COLUMN_COUNT] = {
    [POLICY_OK] = {200, 200, 200, 200},
    [POLICY_GONE] = {410, 410, 410, 410},
    [POLICY_MOVED] = {301, 403, 301, 403},
    [POLICY_REDIRECT] = {302, 302, 302, 302},
    [POLICY_NOT_FOUND] = {404, 404, 404, 404},
    [POLICY_UNAVAILABLE] = {480, 403, 480, 403},
    [POLICY_CHALLENGE] = {401, 401, 401, 401},
    [POLICY_REJECT] = {ENGINE_STATUS_OWN, ENGINE_STATUS_OWN, ENGINE_STATUS_OWN, ENGINE_STATUS_OWN},
    [POLICY_DROP] = {ENGINE_STATUS_NONE, ENGINE_STATUS_NONE, ENGINE_STATUS_NONE, ENGINE_STATUS_NONE},
};

int engine_status_of(enum policy_verdict verdict, enum sip_method method)
{
    invariant(verdict < POLICY_VERDICT_COUNT && method < SIP_METHOD_COUNT);
    return statuses[verdict][column_of(method)];
}
