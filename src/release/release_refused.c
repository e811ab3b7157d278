/* SPDX-License-Identifier: Apache-2.0 */
/* The list of refused bytes, in memory and on disk. */
#include "release/release_refused.h"
#include "store/store_file.h"
#include "util/buffer.h"
#include <stdio.h>
#include <string.h>

enum { LINE_MAX = DIGEST_HEX_MAX + 16 + RELEASE_REFUSED_TEXT_MAX };

static int find(const struct release_refused *refused, const char *hash)
{
    for (unsigned i = 0; i < refused->count; i++)
        if (strcmp(refused->list[i].hash, hash) == 0)
            return (int)i;
    return -1;
}

const struct release_refusal *release_refused_find(const struct release_refused *refused, const char *hash)
{
    int at = find(refused, hash);
    return at < 0 ? NULL : &refused->list[at];
}

bool release_refused_remove(struct release_refused *refused, const char *hash)
{
    int at = find(refused, hash);
    if (at < 0)
        return false;
    memmove(&refused->list[at], &refused->list[at + 1], (refused->count - (unsigned)at - 1) * sizeof(refused->list[0]));
    refused->count--;
    return true;
}

void release_refused_add(struct release_refused *refused, const char *hash, bool by_probation, const char *why)
{
    (void)release_refused_remove(refused, hash);
    if (refused->count == RELEASE_REFUSED_MAX)
        (void)release_refused_remove(refused, refused->list[0].hash);
    struct release_refusal *refusal = &refused->list[refused->count++];
    *refusal = (struct release_refusal){.by_probation = by_probation};
    snprintf(refusal->hash, sizeof(refusal->hash), "%s", hash);
    snprintf(refusal->why, sizeof(refusal->why), "%s", why);
    for (char *at = refusal->why; *at; at++)
        if ((unsigned char)*at < 0x20)
            *at = ' ';
}

static enum err path_of(const char *data_dir, const char *name, char out[STORE_PATH_MAX])
{
    char base[STORE_PATH_MAX];
    enum err err = store_path(base, data_dir, "last_good");
    return err == OK ? store_path(out, base, name) : err;
}

static void take_line(struct release_refused *refused, struct span line)
{
    char hash[DIGEST_HEX_MAX], why[RELEASE_REFUSED_TEXT_MAX];
    size_t first = span_find(line, ' ');
    struct span rest = span_slice(line, first < line.len ? first + 1 : first, line.len);
    size_t second = span_find(rest, ' ');
    struct span by = span_slice(rest, 0, second);
    bool by_probation = span_equal(by, SPAN("probation"));
    if (first != DIGEST_HEX_MAX - 1 || second == rest.len || (!by_probation && !span_equal(by, SPAN("operator"))) ||
        !span_copy(span_slice(line, 0, first), hash, sizeof(hash)) ||
        !span_copy(span_slice(rest, second + 1, rest.len), why, sizeof(why)))
        return;
    release_refused_add(refused, hash, by_probation, why);
}

void release_refused_load(struct release_refused *refused, const char *data_dir)
{
    char path[STORE_PATH_MAX], text[RELEASE_REFUSED_MAX * LINE_MAX];
    size_t len;
    refused->count = 0;
    if (path_of(data_dir, "refused", path) != OK || store_file_read(path, text, sizeof(text), &len) != OK)
        return;
    for (struct span rest = span_make(text, len); rest.len > 0;) {
        size_t end = span_find(rest, '\n');
        take_line(refused, span_slice(rest, 0, end));
        rest = span_slice(rest, end < rest.len ? end + 1 : end, rest.len);
    }
}

enum err release_refused_save(const struct release_refused *refused, const char *data_dir)
{
    char path[STORE_PATH_MAX], base[STORE_PATH_MAX], text[RELEASE_REFUSED_MAX * LINE_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    for (unsigned i = 0; i < refused->count; i++)
        buffer_addf(&out, "%s %s %s\n", refused->list[i].hash, refused->list[i].by_probation ? "probation" : "operator",
                    refused->list[i].why);
    enum err err = store_path(base, data_dir, "last_good");
    if (err == OK)
        err = store_make_folder(base);
    if (err == OK)
        err = path_of(data_dir, "refused", path);
    return err == OK ? store_file_replace(path, buffer_span(&out)) : err;
}
