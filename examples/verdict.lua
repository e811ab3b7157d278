-- SPDX-License-Identifier: Apache-2.0
-- A configuration with every setting that most installations touch.  Start it with
--
--     verdict run --config examples/verdict.lua
--
-- Flags override what stands here.  src/engine/README.md lists all settings with their defaults.
return {
  listen  = { "udp:127.0.0.1:5060", "tcp:127.0.0.1:5060" },
  data    = "/var/lib/verdict",            -- the directory, the last good policy; the control socket lies in it
  policy  = "policies/lifecycle",
  metrics = "127.0.0.1:9464",              -- GET /metrics for Prometheus, nothing else

  domains = { "example.com" },             -- whose users are ours; the first is the default
  aliases = { ["sip.example.com"] = "example.com" },
  trusted = { "127.0.0.0/8", "::1" },      -- our own proxies: no cap on answers that wait for an ACK

  country_code         = "1",              -- national numbers become E.164 with these
  international_prefix = "011",

  guard = "strict",                        -- a 410 needs a tombstone, or a data set that names the target
  log   = "all",                           -- a line of JSON a decision; "sample 100", "errors", "off"
  log_file      = "/var/log/verdict/decisions.jsonl",
  log_max_bytes = 100000000,
  log_keep      = 10,
}
