-- SPDX-License-Identifier: Apache-2.0
-- Verdict behind a Kamailio on the same machine.
return {
  listen  = { "udp:127.0.0.1:5070" },
  domains = { "example.com" },
  trusted = { "127.0.0.1" }, -- Kamailio: everything comes from there, so no cap a source
  policy  = "policy",
}
