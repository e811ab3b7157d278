/* SPDX-License-Identifier: Apache-2.0 */
/* What may be asked for, before anybody looks at what is there. */
#include "entry/entry_record.h"

enum { SKEW_MS = 60000 }; /* clocks of two machines that both mean now */

static bool text_is_fine(struct span text, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return false;
    }
    return text.len <= max;
}

bool entry_forward_is_fine(struct span forward)
{
    struct span rest = {0};
    static const struct span schemes[] = {{"sip:", 4}, {"sips:", 5}, {"tel:", 4}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        if (forward.len > schemes[i].len && span_equal_nocase(span_slice(forward, 0, schemes[i].len), schemes[i]))
            rest = span_slice(forward, schemes[i].len, forward.len);
    }
    for (size_t i = 0; i < rest.len; i++) {
        unsigned char byte = (unsigned char)rest.at[i];
        if (byte <= 0x20 || byte >= 0x7f || strchr("<>\"", byte)) /* it is written between < and > of a Contact */
            return false;
    }
    size_t at = span_find(rest, '@');
    bool is_number = rest.len > 0 && (rest.at[0] == '+' || (rest.at[0] >= '0' && rest.at[0] <= '9'));
    bool is_tel = forward.len > 4 && span_equal_nocase(span_slice(forward, 0, 4), SPAN("tel:"));
    return (is_tel ? is_number : at > 0 && at + 1 != rest.len) && rest.len > 0 && forward.len <= ENTRY_FORWARD_MAX;
}

enum err entry_check(const struct entry_record *record, int64_t now_ms, struct fault *fault)
{
    bool gone = record->state == ENTRY_GONE;
    bool moved = record->state == ENTRY_MOVED;
    if (moved && !entry_forward_is_fine(record->forward))
        return fault_set(fault, ERR_INVALID, NULL, 0, "forward: expected a sip:, sips: or tel: URI of at most %d bytes",
                         ENTRY_FORWARD_MAX);
    if (!moved && record->forward.len)
        return fault_set(fault, ERR_INVALID, NULL, 0, "a forwarding address belongs to a moved entry only");
    if (record->cause > 127 || (record->cause && !gone))
        return fault_set(fault, ERR_INVALID, NULL, 0, "cause: expected a Q.850 cause from 1 to 127, for a gone entry");
    if (record->reassign_after_ms && !gone)
        return fault_set(fault, ERR_INVALID, NULL, 0, "a time of reassignment belongs to a gone entry only");
    if (record->since_ms > now_ms + SKEW_MS)
        return fault_set(fault, ERR_INVALID, NULL, 0, "since: lies in the future");
    if (!text_is_fine(record->by, ENTRY_BY_MAX))
        return fault_set(fault, ERR_INVALID, NULL, 0, "by: expected at most %d bytes without control characters",
                         ENTRY_BY_MAX);
    if (!text_is_fine(record->note, ENTRY_NOTE_MAX))
        return fault_set(fault, ERR_INVALID, NULL, 0, "note: expected at most %d bytes without control characters",
                         ENTRY_NOTE_MAX);
    return OK;
}
