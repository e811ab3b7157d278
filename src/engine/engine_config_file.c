/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: Lua that returns a table, each key of which is a setting. */
#include "engine/engine_config_priv.h"
#include "vm/vm_value.h"
#include <stdio.h>
#include <stdlib.h>

/* Edit distance is more than a misspelt key needs: the first setting that shares most letters in order is offered. */
static const char *suggest(struct span key)
{
    const char *best = NULL;
    size_t best_score = 0;
    for (const struct engine_setting *setting = engine_settings; setting->key; setting++) {
        size_t at = 0, score = 0, len = strlen(setting->key);
        for (size_t i = 0; i < key.len && at < len; i++)
            for (size_t ahead = at; ahead < len && ahead < at + 3; ahead++)
                if (key.at[i] == setting->key[ahead]) {
                    at = ahead + 1;
                    score++;
                    break;
                }
        if (score > best_score && score * 3 >= len * 2) {
            best = setting->key;
            best_score = score;
        }
    }
    return best;
}

static enum err put_scalar(struct engine_config *config, const struct engine_setting *setting,
                           const struct vm_value *value, struct fault *fault)
{
    char number[32];
    struct span text = value->text;
    bool wants_number = setting->kind == ENGINE_SETTING_NUMBER || setting->kind == ENGINE_SETTING_NUMBER64;
    if (wants_number && value->kind == VM_VALUE_INTEGER && value->integer >= 0) {
        snprintf(number, sizeof(number), "%lld", (long long)value->integer);
        text = span_of(number);
    } else if (setting->kind == ENGINE_SETTING_FLAG && value->kind == VM_VALUE_BOOLEAN) {
        text = value->boolean ? SPAN("true") : SPAN("false");
    } else if (wants_number || setting->kind == ENGINE_SETTING_FLAG || value->kind != VM_VALUE_TEXT) {
        return vm_value_expected(value, fault, setting->expected);
    }
    enum err err = engine_setting_put(config, setting, text);
    if (err == ERR_FULL)
        return vm_value_fault(value, fault, "more than %d values", ENGINE_LIST_MAX);
    return err == OK ? OK : vm_value_expected(value, fault, setting->expected);
}

/* A list takes a single value as well. */
static enum err put_list(struct engine_config *config, const struct engine_setting *setting,
                         const struct vm_value *value, struct fault *fault)
{
    if (value->kind != VM_VALUE_TABLE)
        return put_scalar(config, setting, value, fault);
    if (value->child_count != value->position_count)
        return vm_value_expected(value, fault, setting->expected);
    enum err err = OK;
    for (size_t i = 0; i < value->child_count && err == OK; i++)
        err = put_scalar(config, setting, &value->children[i], fault);
    return err;
}

static enum err put_pairs(struct engine_config *config, const struct engine_setting *setting,
                          const struct vm_value *value, struct fault *fault)
{
    if (value->kind != VM_VALUE_TABLE || value->position_count > 0)
        return vm_value_expected(value, fault, setting->expected);
    for (size_t i = 0; i < value->child_count; i++) {
        const struct vm_value *child = &value->children[i];
        char text[512];
        struct buffer pair = buffer_over(text, sizeof(text));
        if (child->kind != VM_VALUE_TEXT || child->key.len == 0)
            return vm_value_expected(child, fault, "text behind a name");
        buffer_add_span(&pair, child->key);
        buffer_add_byte(&pair, '=');
        buffer_add_span(&pair, child->text);
        enum err err = pair.overflow ? ERR_FULL : engine_setting_put(config, setting, buffer_span(&pair));
        if (err == ERR_INVALID)
            return vm_value_expected(child, fault, setting->expected);
        if (err != OK)
            return vm_value_fault(child, fault, "too long, or more than %d values", ENGINE_LIST_MAX);
    }
    return OK;
}

static enum err put_value(struct engine_config *config, const struct vm_value *value, struct fault *fault)
{
    char key[64] = "";
    (void)span_copy(value->key, key, sizeof(key));
    const struct engine_setting *setting = engine_setting_find(key);
    if (!setting) {
        const char *near = suggest(value->key);
        return near ? vm_value_fault(value, fault, "no such setting; did you mean \"%s\"?", near)
                    : vm_value_fault(value, fault, "no such setting (src/engine/README.md lists them)");
    }
    config->lines[setting - engine_settings] = value->line;
    if (setting->kind == ENGINE_SETTING_LIST)
        return put_list(config, setting, value, fault);
    if (setting->kind == ENGINE_SETTING_PAIRS)
        return put_pairs(config, setting, value, fault);
    return put_scalar(config, setting, value, fault);
}

enum err engine_config_load(struct engine_config *config, const char *path, struct fault *fault)
{
    struct vm_value_file *file;
    enum err err = vm_value_load_path(path, &file, fault);
    if (err != OK)
        return err;
    const struct vm_value *root = vm_value_root(file);
    free(config->file);
    config->file = span_dup(span_of(path)); /* without memory, later errors name no file */
    for (size_t i = 0; i < root->child_count && err == OK; i++)
        err = put_value(config, &root->children[i], fault);
    vm_value_file_free(file);
    return err;
}
