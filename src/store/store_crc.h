/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli; RFC 3720 B.4 has vectors): a record's checksum against bytes that a disk or memory changed. */
#pragma once

#include "util/span.h"

/* Continues from `crc`; start with 0.  crc(a then b) == crc over the two in a row. */
uint32_t store_crc(uint32_t crc, struct span bytes);
/* The same without the processor's instruction: what machines without it run, and tests compare. */
uint32_t store_crc_portable(uint32_t crc, struct span bytes);
