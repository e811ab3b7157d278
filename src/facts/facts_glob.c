/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards in linear time: the first and last runs are compared in place, those between two stars are searched with the
 * shift-and automaton, whose state is the bits of one word. */
#include "facts/facts_glob.h"

#include <stdlib.h>

enum { ANY_BYTE = 1 };

static unsigned char fold(char byte, bool nocase)
{
    unsigned char c = (unsigned char)byte;
    return nocase && c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* One bit a position: masks[byte] has bit i where position i takes the byte. */
static enum err build_masks(struct facts_glob_part *part, bool nocase)
{
    part->masks = calloc(256, sizeof(uint64_t));
    if (!part->masks)
        return ERR_NOMEM;
    for (unsigned i = 0; i < part->len; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            if (part->text[i] == ANY_BYTE || fold((char)byte, nocase) == (unsigned char)part->text[i])
                part->masks[byte] |= UINT64_C(1) << i;
        }
    }
    return OK;
}

static enum err split(struct facts_glob *glob, struct span pattern)
{
    struct facts_glob_part *part = NULL;
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.at[i] == '*') {
            part = NULL;
            continue;
        }
        if ((unsigned char)pattern.at[i] < 0x20)
            return ERR_INVALID;
        if (!part) {
            if (glob->count == GLOB_PARTS_MAX)
                return ERR_FULL;
            part = &glob->parts[glob->count++];
        }
        if (part->len == GLOB_PART_LEN_MAX)
            return ERR_TOO_LONG;
        part->text[part->len++] = pattern.at[i] == '?' ? (char)ANY_BYTE : (char)fold(pattern.at[i], glob->nocase);
    }
    return OK;
}

enum err facts_glob_compile(struct facts_glob *out_glob, struct span pattern, bool nocase)
{
    struct facts_glob glob = {.nocase = nocase};
    glob.open_head = pattern.len > 0 && pattern.at[0] == '*';
    glob.open_tail = pattern.len > 0 && pattern.at[pattern.len - 1] == '*';
    enum err err = split(&glob, pattern);
    for (unsigned i = 0; err == OK && i < glob.count; i++) {
        bool anchored = (i == 0 && !glob.open_head) || (i == glob.count - 1 && !glob.open_tail);
        if (!anchored)
            err = build_masks(&glob.parts[i], nocase);
    }
    if (err == OK)
        *out_glob = glob;
    else
        facts_glob_done(&glob);
    return err;
}

void facts_glob_done(struct facts_glob *glob)
{
    for (unsigned i = 0; i < glob->count; i++) {
        free(glob->parts[i].masks);
        glob->parts[i].masks = NULL;
    }
}

static bool equal_at(const struct facts_glob *glob, const struct facts_glob_part *part, const char *at)
{
    for (unsigned i = 0; i < part->len; i++) {
        if (part->text[i] != ANY_BYTE && fold(at[i], glob->nocase) != (unsigned char)part->text[i])
            return false;
    }
    return true;
}

/* Where the first occurrence of `part` in `subject` ends; 0 when there is none. */
static size_t find_end(const struct facts_glob_part *part, struct span subject)
{
    uint64_t state = 0;
    uint64_t accept = UINT64_C(1) << (part->len - 1);
    for (size_t i = 0; i < subject.len; i++) {
        state = ((state << 1) | 1) & part->masks[(unsigned char)subject.at[i]];
        if (state & accept)
            return i + 1;
    }
    return 0;
}

bool facts_glob_matches(const struct facts_glob *glob, struct span subject)
{
    if (glob->count == 0)
        return glob->open_head || subject.len == 0;
    unsigned first = 0;
    unsigned end = glob->count;
    const struct facts_glob_part *head = &glob->parts[0];
    if (!glob->open_head) {
        if (subject.len < head->len || !equal_at(glob, head, subject.at))
            return false;
        subject = span_slice(subject, head->len, subject.len);
        first = 1;
    }
    if (!glob->open_tail && end > first) {
        const struct facts_glob_part *tail = &glob->parts[--end];
        if (subject.len < tail->len || !equal_at(glob, tail, subject.at + subject.len - tail->len))
            return false;
        subject.len -= tail->len;
    } else if (!glob->open_tail && subject.len > 0) {
        return false; /* one run without a star: it must be the whole */
    }
    for (unsigned i = first; i < end; i++) {
        size_t skip = find_end(&glob->parts[i], subject);
        if (skip == 0)
            return false;
        subject = span_slice(subject, skip, subject.len);
    }
    return true;
}
