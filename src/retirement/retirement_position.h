/* SPDX-License-Identifier: Apache-2.0 */
/* How far the directory's journal has been followed: a small file DATA/retirement, replaced whole. */
#pragma once

#include "util/err.h"
#include <stdint.h>

/* The next row to look at.  ERR_NOT_FOUND: nothing has ever been followed here; ERR_CORRUPT, ERR_IO: it cannot be told. */
MUST_CHECK enum err retirement_position_read(const char *data_dir, uint64_t *out_next);
/* On disk when this returns. */
MUST_CHECK enum err retirement_position_write(const char *data_dir, uint64_t next);
