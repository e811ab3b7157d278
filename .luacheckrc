-- SPDX-License-Identifier: Apache-2.0
-- What a policy can reach, and nothing more: tests/unit/authoring holds this list against the engine's own.
stds.verdict = {
  read_globals = {
    "assert", "error", "getmetatable", "ipairs", "math", "pairs", "pcall", "require", "select", "setmetatable",
    "string", "table", "tonumber", "tostring", "type", "utf8",
    "policy", "ok", "gone", "moved", "redirect", "not_found", "unavailable", "challenge", "reject", "drop",
    "matches", "prefix", "in_set", "in_ranges", "any_of", "all_of", "not_", "hours",
    "ranges", "strings", "cidrs", "domains", "prefixes", "counter", "map", "bucket",
    "log", "now",
  },
}
std = "verdict"
max_line_length = 120
