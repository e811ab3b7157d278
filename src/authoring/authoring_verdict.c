/* SPDX-License-Identifier: Apache-2.0 */
#include "authoring/authoring_verdict.h"

/* The last tokens, the latest first. */
struct recent {
    struct authoring_token list[4];
};

static void push(struct recent *recent, struct authoring_token token)
{
    memmove(recent->list + 1, recent->list, 3 * sizeof(recent->list[0]));
    recent->list[0] = token;
}

/* "NAME" or "reject(N)" in front of a brace; *out_before is the token before it. */
static bool is_verdict(const struct recent *recent, struct authoring_verdict *out, struct authoring_token *out_before)
{
    const struct authoring_token *at = recent->list;
    uint32_t code = 0;
    *out = (struct authoring_verdict){0};
    if (authoring_token_is(&at[0], ")") && at[1].kind == AUTHORING_TOKEN_NUMBER && authoring_token_is(&at[2], "(") &&
        authoring_token_is(&at[3], "reject")) {
        *out = (struct authoring_verdict){.verdict = POLICY_REJECT, .name = at[3]};
        out->code = span_to_u32(at[1].text, &code) ? (int)code : 0;
        *out_before = (struct authoring_token){0};
        return true;
    }
    if (at[0].kind != AUTHORING_TOKEN_NAME || !policy_verdict_parse(at[0].text, &out->verdict) ||
        out->verdict == POLICY_REJECT || out->verdict == POLICY_DROP || authoring_token_is(&at[1], ".") ||
        authoring_token_is(&at[1], ":"))
        return false;
    out->name = at[0];
    out->code = policy_verdict_code(out->verdict);
    *out_before = at[1];
    return true;
}

static void take_number(struct authoring_scan ahead, struct authoring_verdict *verdict)
{
    struct authoring_token token;
    uint32_t number;
    if (authoring_scan_next(&ahead, &token) && token.kind == AUTHORING_TOKEN_NUMBER &&
        span_to_u32(token.text, &number)) {
        verdict->q850 = (int)number;
        verdict->q850_at = token;
    }
}

/* The table behind the brace, without moving the caller's scan: verdicts inside it have their own turn. */
static void read_fields(struct authoring_scan scan, struct authoring_verdict *verdict, authoring_verdict_field_fn field,
                        void *ctx)
{
    struct authoring_token token, before = {.kind = AUTHORING_TOKEN_SIGN, .text = SPAN("{")};
    for (int depth = 1; depth > 0 && authoring_scan_next(&scan, &token); before = token) {
        bool opens = authoring_token_is(&token, "{") || authoring_token_is(&token, "(") ||
                     authoring_token_is(&token, "function") || authoring_token_is(&token, "if") ||
                     authoring_token_is(&token, "do") || authoring_token_is(&token, "[");
        bool closes = authoring_token_is(&token, "}") || authoring_token_is(&token, ")") ||
                      authoring_token_is(&token, "end") || authoring_token_is(&token, "]");
        struct authoring_scan ahead = scan;
        struct authoring_token next;
        depth += opens - closes;
        bool begins =
            authoring_token_is(&before, "{") || authoring_token_is(&before, ",") || authoring_token_is(&before, ";");
        if (depth != 1 || token.kind != AUTHORING_TOKEN_NAME || !begins || !authoring_scan_next(&ahead, &next) ||
            !authoring_token_is(&next, "="))
            continue;
        field(ctx, verdict->verdict, &token);
        verdict->has_evidence = verdict->has_evidence || authoring_token_is(&token, "evidence");
        if (authoring_token_is(&token, "q850"))
            take_number(ahead, verdict);
    }
}

void authoring_verdict_walk(struct span source, authoring_verdict_fn found, authoring_verdict_field_fn field, void *ctx)
{
    struct authoring_scan scan = authoring_scan_begin(source);
    struct authoring_token token, before, outer = {0};
    struct recent recent = {0};
    struct authoring_verdict verdict;
    for (; authoring_scan_next(&scan, &token); push(&recent, token)) {
        if (authoring_token_is(&token, "reject"))
            outer = recent.list[0]; /* further back than `recent` reaches once its brace comes */
        if (!authoring_token_is(&token, "{") || !is_verdict(&recent, &verdict, &before))
            continue;
        if (verdict.verdict == POLICY_REJECT)
            before = outer;
        verdict.in_code = authoring_token_is(&before, "return") || authoring_token_is(&before, "and") ||
                          authoring_token_is(&before, "or");
        read_fields(scan, &verdict, field, ctx);
        found(ctx, &verdict);
    }
}
