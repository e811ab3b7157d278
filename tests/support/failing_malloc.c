/* SPDX-License-Identifier: Apache-2.0 */
/* The wrapped allocators (ld --wrap): they count down, then refuse once. */
#include "support/failing_malloc.h"

#include <errno.h>
#include <stddef.h>

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);

static unsigned until_failure; /* 0: none is planned */
static bool failed;
static bool stays; /* the failure is for good */

void failing_malloc_at(unsigned nth)
{
    until_failure = nth;
    failed = false;
    stays = false;
}

void failing_malloc_from(unsigned nth)
{
    failing_malloc_at(nth);
    stays = true;
}

bool failing_malloc_off(void)
{
    until_failure = 0;
    return failed;
}

static bool is_refused(void)
{
    if (!until_failure || --until_failure)
        return false;
    failed = true;
    until_failure = stays;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t len)
{
    return is_refused() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t count, size_t len)
{
    return is_refused() ? NULL : __real_calloc(count, len);
}

void *__wrap_realloc(void *old, size_t len)
{
    return is_refused() ? NULL : __real_realloc(old, len);
}

void *__wrap_aligned_alloc(size_t align, size_t len)
{
    return is_refused() ? NULL : __real_aligned_alloc(align, len);
}
