/* SPDX-License-Identifier: Apache-2.0 */
#include "reference/reference_refusal.h"

/* Why a code cannot be had by reject(): it is another verdict's, or means something that only C can make true. */
static const struct {
    int code;
    const char *instead;
} not_by_reject[] = {
    {401, "challenge {} sends it"},
    {404, "not_found {} sends it"},
    {405, "the engine sends it with Allow, for methods that it knows and does not serve"},
    {407, "challenge {} sends 401; a server that is the endpoint never sends 407"},
    {408, "it means that a transaction timed out"},
    {410, "gone {} sends it, past the guard"},
    {415, "the engine sends it with Accept"},
    {416, "the engine sends it for schemes that it does not know"},
    {420, "the engine sends it with Unsupported"},
    {421, "the engine sends it with Require"},
    {422, "the engine sends it with Min-SE"},
    {423, "the engine sends it with Min-Expires"},
    {481, "the engine sends it where there is no call"},
    {482, "the engine sends it for merged requests"},
    {483, "it means that Max-Forwards ran out"},
    {487, "the engine sends it after CANCEL"},
    {491, "the engine sends it inside a dialog"},
    {503, "it would make an upstream stop sending anything; use reject(480) or reject(500)"},
};

const char *reference_refusal_instead(long long code)
{
    if (code >= 300 && code < 400)
        return code == 301   ? "moved {} sends it"
               : code == 302 ? "redirect {} sends it"
                             : "3xx answers are moved {} and redirect {}";
    if (code < 400 || code > 699)
        return "reject() takes 400 to 699";
    for (size_t i = 0; i < sizeof(not_by_reject) / sizeof(not_by_reject[0]); i++) {
        if (not_by_reject[i].code == code)
            return not_by_reject[i].instead;
    }
    return NULL;
}

bool reference_refusal_ends_dialog(int code)
{
    static const int codes[] = {404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}
