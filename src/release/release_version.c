/* SPDX-License-Identifier: Apache-2.0 */
/* One version and what it owns: its source, its program and a VM a worker.  Closing them happens here, on the control
 * thread, after each worker has let go. */
#include "release/release_priv.h"
#include "util/clock.h"
#include "util/invariant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err release_version_new(struct release *release, struct source *source, const char *path,
                             struct release_version **out_version)
{
    struct release_version *version = calloc(1, sizeof(*version));
    if (!version)
        return ERR_NOMEM;
    version->path = strdup(path);
    if (!version->path) {
        free(version);
        return ERR_NOMEM;
    }
    version->number = ++release->last_number;
    version->state = RELEASE_LOADED;
    version->source = source_ref(source);
    version->loaded_ms = clock_wall_ms();
    snprintf(version->name, sizeof(version->name), "%s", source_name(source));
    snprintf(version->hash, sizeof(version->hash), "%s", source_hash(source));
    list_push_front(&release->versions, &version->node);
    release->version_count++;
    *out_version = version;
    return OK;
}

static void withdraw(struct release *release, struct release_version *version)
{
    const struct release_workers *workers = &release->options.workers;
    for (unsigned index = 0; index < version->handed; index++)
        workers->withdraw(workers->ctx, index, version->number);
    version->handed = 0;
    for (unsigned index = 0; index < workers->count; index++) {
        policy_free(version->policies[index]);
        version->policies[index] = NULL;
    }
    policy_program_unref(version->program);
    version->program = NULL;
    source_unref(version->source);
    version->source = NULL;
}

void release_version_event(struct release *release, struct release_version *version, enum release_event event)
{
    const struct release_step *step = release_step(version->state, event);
    invariant(step->allowed);
    version->state = step->next;
    if (step->actions & RELEASE_DO_ACTIVATE)
        release->options.workers.activate_all(release->options.workers.ctx, version->number);
    if (step->actions & RELEASE_DO_WITHDRAW)
        withdraw(release, version);
}

void release_version_free(struct release *release, struct release_version *version)
{
    invariant(version->state == RELEASE_DISCARDED);
    list_remove(&version->node);
    release->version_count--;
    free(version->path);
    free(version);
}

struct release_version *release_version_find(const struct release *release, uint64_t number)
{
    for (struct list *node = release->versions.next; node != &release->versions; node = node->next) {
        struct release_version *version = container_of(node, struct release_version, node);
        if (version->number == number && version->state != RELEASE_DISCARDED)
            return version;
    }
    return NULL;
}
