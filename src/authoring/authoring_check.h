/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said about a policy without a request: syntax, schema, unknown globals and fields, verdicts without ground.
 * `verdict check` prints it, a reload refuses a version with an error among the findings. */
#pragma once

#include "source/source.h"

enum authoring_severity { AUTHORING_WARNING, AUTHORING_ERROR };

struct authoring_finding {
    enum authoring_severity severity;
    const char *file; /* borrowed from the source; "" when unknown */
    int line;         /* 0 when unknown */
    int column;       /* from 1, for a caret; 0 when unknown */
    char text[256];
};

enum { AUTHORING_FINDINGS_MAX = 100 };

struct authoring_findings {
    size_t count;
    size_t errors;
    size_t left_out; /* over AUTHORING_FINDINGS_MAX */
    struct authoring_finding list[AUTHORING_FINDINGS_MAX];
};

/* Checks `source` whole: never fails, it finds.  Sorted by file and line. */
void authoring_check(struct source *source, struct authoring_findings *out_findings);

/* Writes "FILE:LINE:COLUMN: error: TEXT" and the line with a caret below where they are known. */
struct buffer;
void authoring_finding_format(const struct authoring_finding *finding, const struct source *source, struct buffer *out);
