/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two descriptions by name: what a reload adds, removes, changes, keeps and resets. */
#include "release/release_report.h"
#include <stdlib.h>
#include <string.h>

static void names_done(struct release_names *names)
{
    for (size_t index = 0; index < names->count; index++)
        free(names->list[index]);
    free(names->list);
    *names = (struct release_names){NULL, 0};
}

/* `most` is how many there can be at all: the list is made at once. */
static enum err names_add(struct release_names *names, size_t most, const char *name)
{
    if (!names->list)
        names->list = calloc(most, sizeof(*names->list));
    char *copy = names->list ? strdup(name) : NULL;
    if (!copy)
        return ERR_NOMEM;
    names->list[names->count++] = copy;
    return OK;
}

void release_report_done(struct release_report *report)
{
    struct release_names *const all[] = {&report->added, &report->removed, &report->changed, &report->kept,
                                         &report->reset};
    for (size_t index = 0; index < sizeof(all) / sizeof(all[0]); index++)
        names_done(all[index]);
}

static const struct policy_rule_info *find_rule(const struct policy_description *in, const char *name)
{
    for (size_t index = 0; in && index < in->rule_count; index++)
        if (strcmp(in->rules[index].name, name) == 0)
            return &in->rules[index];
    return NULL;
}

static enum err compare_rules(struct release_report *report, const struct policy_description *before,
                              const struct policy_description *after)
{
    enum err err = OK;
    for (size_t index = 0; err == OK && index < after->rule_count; index++) {
        const struct policy_rule_info *rule = &after->rules[index];
        const struct policy_rule_info *old = find_rule(before, rule->name);
        if (!old)
            err = names_add(&report->added, after->rule_count, rule->name);
        else if (old->hash != rule->hash)
            err = names_add(&report->changed, after->rule_count, rule->name);
    }
    for (size_t index = 0; before && err == OK && index < before->rule_count; index++)
        if (!find_rule(after, before->rules[index].name))
            err = names_add(&report->removed, before->rule_count, before->rules[index].name);
    return err;
}

static bool has_shared(const struct policy_description *in, const struct policy_shared_info *wanted)
{
    for (size_t index = 0; in && index < in->shared_count; index++)
        if (strcmp(in->shared[index].name, wanted->name) == 0 && strcmp(in->shared[index].type, wanted->type) == 0 &&
            in->shared[index].options == wanted->options)
            return true;
    return false;
}

enum err release_report_compare(struct release_report *report, const struct policy_description *before,
                                const struct policy_description *after)
{
    enum err err = compare_rules(report, before, after);
    for (size_t index = 0; err == OK && index < after->shared_count; index++) {
        const struct policy_shared_info *shared = &after->shared[index];
        struct release_names *names = has_shared(before, shared) ? &report->kept : &report->reset;
        err = names_add(names, after->shared_count, shared->name);
    }
    return err;
}
