/* SPDX-License-Identifier: Apache-2.0 */
/* See support_directory.h. */
#include "support_directory.h"
#include "store/store_file.h"
#include "support/cmocka_all.h"
#include "util/buffer.h"

#include <stdio.h>
#include <stdlib.h>

int place_setup_bare(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    const char *base = getenv("TMPDIR");
    snprintf(place->path, sizeof(place->path), "%.40s/dir-XXXXXX", base ? base : "/tmp");
    *state = place;
    return mkdtemp(place->path) ? 0 : -1;
}

int place_setup(void **state)
{
    if (place_setup_bare(state) != 0)
        return -1;
    struct place *place = *state;
    if (directory_create(place->path, NULL) != OK)
        return -1;
    place_reopen(place);
    return 0;
}

void place_close(struct place *place)
{
    directory_reader_close(place->reader);
    directory_close(place->directory);
    place->reader = NULL;
    place->directory = NULL;
}

void place_reopen(struct place *place)
{
    struct fault fault = {.err = OK};
    place_close(place);
    if (directory_open(place->path, NULL, &place->directory, &fault) != OK)
        fail_msg("directory_open: %s: %s", fault.file, fault.text);
    assert_int_equal(directory_reader_open(place->directory, &place->reader), OK);
}

int place_teardown(void **state)
{
    struct place *place = *state;
    place_close(place);
    enum err err = store_remove_folder(place->path);
    free(place);
    return err == OK ? 0 : -1;
}

void place_data_file(const struct place *place, char out_path[256])
{
    char current[256];
    char text[64];
    size_t len;
    unsigned long number = 0;
    snprintf(current, sizeof(current), "%s/directory/current", place->path);
    assert_int_equal(store_file_read(current, text, sizeof(text), &len), OK);
    assert_int_equal(sscanf(text, "verdict directory 1\ngeneration %lu", &number), 1);
    snprintf(out_path, 256, "%s/directory/gen-%lu/data.mdb", place->path, number);
}

enum err edit(struct place *place, enum directory_op op, const char *key, const char *forward)
{
    struct directory_change change = {
        .op = op, .key = span_of(key), .kind = ENTRY_KIND_COUNT, .forward = span_of(forward), .by = SPAN("tester")};
    return directory_edit(place->directory, &change, NULL, NULL);
}

void add(struct place *place, const char *key)
{
    assert_int_equal(edit(place, DIRECTORY_OP_ADD, key, NULL), OK);
}

enum err look(struct place *place, const char *what, struct entry_record *out_record)
{
    struct span text = span_of(what);
    struct directory_key key = {.domain = {0}};
    size_t at = span_find(text, '@');
    if (at < text.len) {
        key.aor_user = span_slice(text, 0, at);
        key.aor_host = key.domain = span_slice(text, at + 1, text.len);
    } else if (what[0] == '+') {
        key.number = text;
    } else {
        key.domain = text;
    }
    directory_reader_turn_end(place->reader);
    return directory_lookup(place->reader, &key, out_record);
}

enum entry_state state_of(struct place *place, const char *what)
{
    struct entry_record record;
    enum err err = look(place, what, &record);
    if (err == OK)
        return record.state;
    assert_int_equal(err, ERR_NOT_FOUND);
    return ENTRY_STATE_COUNT;
}

struct text_source {
    const char *at;
    size_t len;
};

/* In pieces of an odd size, so that lines are cut everywhere. */
static enum err read_text(void *ctx, char *buffer, size_t cap, size_t *out_len)
{
    struct text_source *source = ctx;
    size_t len = source->len < cap ? source->len : cap;
    len = len > 997 ? 997 : len;
    memcpy(buffer, source->at, len);
    source->at += len;
    source->len -= len;
    *out_len = len;
    return OK;
}

enum err import_text(struct place *place, const char *text, const struct directory_import_options *options,
                     struct directory_import_result *out_result, struct fault *fault)
{
    static const struct directory_import_options defaults = {.format = ENTRY_CSV};
    struct directory_import_result unused;
    struct text_source source = {.at = text, .len = strlen(text)};
    return directory_import(place->directory, options ? options : &defaults, read_text, &source,
                            out_result ? out_result : &unused, fault);
}

static enum err collect(void *ctx, struct span bytes)
{
    struct buffer *out = ctx;
    buffer_add_span(out, bytes);
    return out->overflow ? ERR_FULL : OK;
}

char *export_text(struct place *place, enum entry_format format)
{
    struct buffer out = buffer_heap(64 << 20);
    const struct directory_export_options options = {.format = format, .passwords = true};
    uint64_t rows;
    assert_int_equal(directory_export(place->directory, &options, collect, &out, &rows), OK);
    buffer_add_byte(&out, '\0');
    assert_false(out.overflow);
    return out.at;
}
