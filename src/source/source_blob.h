/* SPDX-License-Identifier: Apache-2.0 */
/* Private to source: a file's bytes, counted, with what was made of them. */
#pragma once

#include "source/source.h"

struct source_blob;

/* Takes `bytes` (heap); NULL when there is no memory, and then they are freed. */
struct source_blob *source_blob_new(char *bytes, size_t len);
struct source_blob *source_blob_ref(struct source_blob *blob);
void source_blob_unref(struct source_blob *blob);
struct span source_blob_bytes(const struct source_blob *blob);
void *source_blob_made(struct source_blob *blob, int kind);
bool source_blob_keep(struct source_blob *blob, const struct source_made *made);
