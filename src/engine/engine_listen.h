/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about listeners: whom they ask for certificates, and how peers reach them from outside. */
#pragma once

#include "engine/engine_config.h"
#include "net/net_listener.h"

/* "sip.example.com", "192.0.2.1:5062", "2001:db8::1", "[2001:db8::1]:5062": a host and a port, 0 where none is given.  A
 * wildcard is nothing that peers could reach.  ERR_INVALID. */
MUST_CHECK enum err engine_advertise_parse(struct span text, struct span *out_host, uint16_t *out_port);

/* "none", "request" or "require": what this listener asks for, its own word or the configuration's. */
struct span engine_listen_clients(const struct engine_config *config, const struct net_listen_spec *spec);

/* Whether each listener can be what it is to be. */
MUST_CHECK enum err engine_config_check_listen(const struct engine_config *config, struct fault *fault);
