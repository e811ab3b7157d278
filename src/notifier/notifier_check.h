/* SPDX-License-Identifier: Apache-2.0 */
/* Private to notifier: what is read of a SUBSCRIBE and a PUBLISH alike. */
#pragma once

#include "notifier/notifier_priv.h"

/* Fills a refusal without a header; true, so that a check can end with it. */
bool notifier_refuse(struct notifier_refusal *out_refusal, unsigned code, const char *reason);
/* The index of the package that Event names (compared byte by byte, RFC 6665 8.2.1); package_count: none, or no Event. */
unsigned notifier_check_event(const struct notifier_table *table, const struct sip_message *request);
/* Expires and body of a PUBLISH (RFC 3903 6, steps 5 and 6); true: it is refused as *out_refusal says. */
bool notifier_check_publication(const struct notifier_table *table, const struct notifier_entry *entry,
                                const struct sip_message *request, struct notifier_refusal *out_refusal);
/* 423 and 400 for Expires. */
bool notifier_check_expires(const struct notifier_lifetime *lifetime, const struct sip_message *request,
                            struct notifier_refusal *out_refusal);
/* What is granted of an Expires that passed; `bound_s` is a further upper bound, -1: none. */
uint32_t notifier_check_lifetime(const struct notifier_lifetime *lifetime, const struct sip_message *request,
                                 int64_t bound_s);
