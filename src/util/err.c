/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and names of the one error list, and the filling and printing of faults. */
#include "util/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_text(enum err err)
{
    static const char *const texts[] = {
#define X(name, text) text,
        ERR_TABLE(X)
#undef X
    };
    return (unsigned)err < ERR_COUNT ? texts[err] : "unknown error";
}

const char *err_name(enum err err)
{
    static const char *const names[] = {
#define X(name, text) #name,
        ERR_TABLE(X)
#undef X
    };
    return (unsigned)err < ERR_COUNT ? names[err] : "ERR_UNKNOWN";
}

/* Both quote what others wrote, and may be shown on a terminal. */
static void blank_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

enum err fault_set(struct fault *fault, enum err err, const char *file, int line, const char *format, ...)
{
    if (!fault)
        return err;
    fault->err = err;
    fault->line = line;
    /* A caller may hand over parts of the same fault (to put words before them), so both texts are made apart. */
    char text[FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    char name[FAULT_FILE_MAX];
    (void)snprintf(name, sizeof(name), "%s", file ? file : "");
    blank_controls(text);
    blank_controls(name);
    memcpy(fault->text, text, sizeof(text));
    memcpy(fault->file, name, sizeof(name));
    return err;
}

void fault_format(const struct fault *fault, char *out, size_t out_cap)
{
    const char *text = fault->text[0] ? fault->text : err_text(fault->err);
    if (!fault->file[0])
        (void)snprintf(out, out_cap, "%s", text);
    else if (fault->line > 0)
        (void)snprintf(out, out_cap, "%s:%d: %s", fault->file, fault->line, text);
    else
        (void)snprintf(out, out_cap, "%s: %s", fault->file, text);
}
