/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings, shared by the reader of files and the reader of flags. */
#pragma once

#include "engine/engine_config.h"

enum engine_setting_kind {
    ENGINE_SETTING_TEXT,
    ENGINE_SETTING_LIST,
    ENGINE_SETTING_PAIRS, /* a table of name = text, kept as "name=text" */
    ENGINE_SETTING_NUMBER,
    ENGINE_SETTING_NUMBER64,
    ENGINE_SETTING_FLAG,
    ENGINE_SETTING_BAND,
    ENGINE_SETTING_GUARD,
    ENGINE_SETTING_LEVEL,
    ENGINE_SETTING_DECISIONS
};

struct engine_setting {
    const char *key;
    enum engine_setting_kind kind;
    size_t offset; /* in struct engine_config */
    uint64_t min, max;
    const char *expected; /* for errors: "expected ..." */
};

extern const struct engine_setting engine_settings[]; /* ended by a NULL key */

const struct engine_setting *engine_setting_find(const char *key);
/* One value from its text: ERR_INVALID when it is none that is allowed, ERR_FULL for a list that is full. */
MUST_CHECK enum err engine_setting_put(struct engine_config *config, const struct engine_setting *setting,
                                       struct span value);
/* A copy of `value` behind the others: ERR_FULL, ERR_INVALID (empty), ERR_NOMEM. */
MUST_CHECK enum err engine_list_add(struct engine_list *list, struct span value);
