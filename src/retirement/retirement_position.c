/* SPDX-License-Identifier: Apache-2.0 */
#include "retirement/retirement_position.h"
#include "store/store_file.h"
#include <stdio.h>

static const char head[] = "verdict retirement 1\nnext ";

enum err retirement_position_read(const char *data_dir, uint64_t *out_next)
{
    char path[STORE_PATH_MAX], text[128];
    size_t len;
    enum err err = store_path(path, data_dir, "retirement");
    if (err == OK)
        err = store_file_read(path, text, sizeof(text), &len);
    if (err != OK)
        return err == ERR_TOO_LONG ? ERR_CORRUPT : err;
    struct span rest = span_make(text, len);
    if (!span_starts_with(rest, span_of(head)) || rest.at[rest.len - 1] != '\n')
        return ERR_CORRUPT;
    rest = span_slice(rest, sizeof(head) - 1, rest.len - 1);
    return span_to_u64(rest, out_next) ? OK : ERR_CORRUPT;
}

enum err retirement_position_write(const char *data_dir, uint64_t next)
{
    char path[STORE_PATH_MAX], text[128];
    int len = snprintf(text, sizeof(text), "%s%llu\n", head, (unsigned long long)next);
    enum err err = store_path(path, data_dir, "retirement");
    return err == OK ? store_file_replace(path, span_make(text, (size_t)len)) : err;
}
