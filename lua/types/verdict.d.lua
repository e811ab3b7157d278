---@meta verdict
-- SPDX-License-Identifier: Apache-2.0
-- What Verdict gives to policies, for the Lua language server.  A test holds this file against what the engine registers.

---@class verdict.Verdict A value that only the engine acts upon.
---@class verdict.Matcher
---@class verdict.Data
---@class verdict.Shared

---@class verdict.Uri
---@field scheme string "sip", "sips", "tel", ... as it was written
---@field user string? with %HH resolved
---@field host string? IPv6 without brackets
---@field port integer? where it was given
---@field text string? the whole URI
local uri = {}
---A URI parameter: its value, true where it has none, nil where it is missing.
---@param name string
---@return string|true|nil
function uri:param(name) end

---@class verdict.Address
---@field display string? without quotes and escapes
---@field tag string?
---@field user string?
---@field host string?
---@field text string? the URI
---@field uri verdict.Uri

---@class verdict.Target Whom the request is for: the Request-URI's user (REGISTER: the To's), normalised.
---@field user string "" where there is none
---@field host string lower case, after the configuration's aliases
---@field number string? E.164 with its "+", nil where the user is no number
---@field aor string "sip:user@host"

---@class verdict.Source
---@field ip string?
---@field port integer
---@field transport string "udp", "tcp", "tls", "ws", "wss"
---@field trusted boolean in the configuration's `trusted` list
---@field identity string? the first of `identities`; without a certificate, whom a trusted source asserts
---@field identities string[] the domains in the peer's verified certificate (RFC 5922)

---@class verdict.Record The directory's entry for the target.
---@field state "active"|"suspended"|"moved"|"gone"
---@field kind "account"|"number"|"range"|"domain"
---@field key string? as it stands in the directory
---@field forward string? where it moved to, a URI
---@field since integer? Unix seconds of the last change of state
---@field cause integer? Q.850
---@field by string? who changed it
---@field reassign_after integer? Unix seconds from which a gone number may be given to somebody else

---@class verdict.Request One reused object: copy what you want to keep.
---@field method string
---@field uri verdict.Uri the Request-URI
---@field from verdict.Address
---@field to verdict.Address
---@field contact verdict.Address its fields are nil where there is no Contact
---@field target verdict.Target
---@field source verdict.Source
---@field record verdict.Record? nil where the directory has none
---@field state "none"|"active"|"suspended"|"moved"|"gone" the record's
---@field call_id string
---@field cseq integer
---@field user_agent string?
---@field body string? at most the first 16383 bytes
---@field body_length integer
---@field body_type string? Content-Type without parameters
---@field max_forwards integer?
---@field in_dialog boolean
---@field authenticated_as string? proven by digest credentials: "sip:user@realm" as target.aor; read it and they are judged
local request = {}
---The first value of a header, by full or compact name in any case.
---@param name string
---@return string?
function request:header(name) end
---All values of a header, one a field; empty where there is none.
---@param name string
---@return string[]
function request:headers(name) end

---@class verdict.Call What on_call_start, on_call_end, on_request, on_ack_missing and on_message are told.
---@field id string Call-ID
---@field method string
---@field from string URI
---@field to string URI
---@field target string
---@field code integer the final answer
---@field reason string? on_call_end: "peer", "hangup", "shutdown", "no_ack", "bad_answer", "cancelled", "expired", "no_prack", "session_expired", "time_up"
---@field body string? on_message: at most its first 16383 bytes
---@field body_type string? on_message: Content-Type without parameters
---@field age number seconds since the answer was first sent; on_call_end: since the call began
---@field source { ip: string, port: integer, transport: string }

---@class verdict.Set A `data` set.
local set = {}
---@param key string
---@return boolean
function set:has(key) end

---@class verdict.Counter
local shared_counter = {}
---Counts and gives the count in the present window.
---@param key string
---@param by integer?
---@return integer
function shared_counter:incr(key, by) end
---@param key string
---@return integer
function shared_counter:get(key) end
---@param key string
function shared_counter:forget(key) end

---@class verdict.Map
local shared_map = {}
---@param key string
---@param value string at most 255 bytes
---@return boolean kept false when `max` keys live
function shared_map:set(key, value) end
---@param key string
---@return string?
function shared_map:get(key) end
---@param key string
function shared_map:forget(key) end

---@class verdict.Bucket
local shared_bucket = {}
---Takes tokens: true while within the limit.
---@param key string
---@param tokens number?
---@return boolean
function shared_bucket:take(key, tokens) end
---@param key string
function shared_bucket:forget(key) end

---@alias verdict.Env table<string, verdict.Set|verdict.Counter|verdict.Map|verdict.Bucket>
---@alias verdict.Match string|boolean|verdict.Matcher|verdict.Match[]

---@class verdict.When
---@field method verdict.Match?
---@field user verdict.Match? the target's
---@field host verdict.Match? the target's
---@field number verdict.Match? the target's
---@field aor verdict.Match? the target's
---@field user_agent verdict.Match?
---@field from_user verdict.Match?
---@field from_host verdict.Match?
---@field to_user verdict.Match?
---@field to_host verdict.Match?
---@field call_id verdict.Match?
---@field identity verdict.Match?
---@field authenticated_as verdict.Match? "target": the request's own target
---@field authenticated boolean?
---@field transport verdict.Match?
---@field body_type verdict.Match?
---@field header table<string, verdict.Match>?
---@field source verdict.Match? addresses and networks
---@field trusted boolean?
---@field in_dialog boolean?
---@field hours verdict.Match?
---@field after string? a date, or date and time
---@field before string?
---@field state verdict.Match?

---@class verdict.Rule
---@field [1] string its name
---@field when verdict.When?
---@field check (fun(req: verdict.Request, env: verdict.Env): boolean?)?
---@field decide (fun(req: verdict.Request, env: verdict.Env): verdict.Verdict?)?
---@field verdict verdict.Verdict?
---@field note string?

---@class verdict.Policy
---@field name string?
---@field description string?
---@field on_error verdict.Verdict
---@field default verdict.Verdict
---@field data table<string, verdict.Data>?
---@field shared table<string, verdict.Shared>?
---@field rules verdict.Rule[]
---@field on_call_start (fun(call: verdict.Call, env: verdict.Env))? a 200 to an INVITE went out
---@field on_call_end (fun(call: verdict.Call, env: verdict.Env))? a call is over, also one that only rang
---@field on_request (fun(req: verdict.Request, call: verdict.Call, env: verdict.Env): verdict.Verdict?)? INFO, OPTIONS, MESSAGE or REFER in a call: nil, ok {} or reject(code) {}
---@field on_ack_missing (fun(call: verdict.Call, env: verdict.Env))? no ACK in 64*T1; after a 200, BYE follows
---@field on_message (fun(message: verdict.Call, env: verdict.Env))? a MESSAGE was answered 200

---@param fields verdict.Policy
function policy(fields) end

---@class verdict.Final
---@field reason string?
---@field q850 integer? 1 to 127
---@field error_info string? a URI
---@field headers table<string, string>?

---@class verdict.Ok
---@field reason string?
---@field headers table<string, string>?
---@field contact string|string[]|nil
---@field expires integer? seconds: at most so long a REGISTER, a SUBSCRIBE or a PUBLISH is granted
---@field sdp string? "inactive" (the default), "sendonly", "recvonly", "sendrecv", "reject", or a body "v=0..."
---@field ring boolean|number|nil true, or seconds of 180 before the 200
---@field progress boolean? 183 with the session description instead of 180: early media
---@field hangup_after integer? seconds from the 200 to our BYE
---@field session_expires integer? seconds, at least 90: the session is refreshed, by us where the caller cannot (RFC 4028)
---200
---@param fields verdict.Ok?
---@return verdict.Verdict
function ok(fields) end

---@class verdict.Gone: verdict.Final
---@field evidence string? a data set's name, or text
---410
---@param fields verdict.Gone?
---@return verdict.Verdict
function gone(fields) end

---@class verdict.Moved: verdict.Final
---@field contact string|string[]|nil
---@field expires integer?
---301
---@param fields verdict.Moved?
---@return verdict.Verdict
function moved(fields) end

---302
---@param fields verdict.Moved
---@return verdict.Verdict
function redirect(fields) end

---404
---@param fields verdict.Final?
---@return verdict.Verdict
function not_found(fields) end

---@class verdict.Unavailable: verdict.Final
---@field retry_after integer?
---480
---@param fields verdict.Unavailable?
---@return verdict.Verdict
function unavailable(fields) end

---@class verdict.Challenge
---@field realm string? the target's domain by default
---@field reason string?
---@field headers table<string, string>?
---401, with one challenge an algorithm; 403 to who has proven who he is, or was wrong too often
---@param fields verdict.Challenge?
---@return verdict.Verdict
function challenge(fields) end

---Another final answer.
---@param code integer
---@return fun(fields: verdict.Unavailable?): verdict.Verdict
function reject(code) end

---No answer at all.
---@type verdict.Verdict
drop = nil

---@param pattern string `*` any run, `?` any byte
---@return verdict.Matcher
function matches(pattern) end
---@param text string
---@return verdict.Matcher
function prefix(text) end
---@param name string of a data set
---@return verdict.Matcher
function in_set(name) end
---@param name string of a data set of ranges
---@return verdict.Matcher
function in_ranges(name) end
---@param list verdict.Match[]
---@return verdict.Matcher
function any_of(list) end
---@param list verdict.Match[]
---@return verdict.Matcher
function all_of(list) end
---@param match verdict.Match
---@return verdict.Matcher
function not_(match) end
---@param windows string|{ [integer]: string, zone: string?, except: string[]? }
---@return verdict.Matcher
function hours(windows) end

---@param source string|string[] a file of the policy's folder, or entries
---@return verdict.Data
function ranges(source) end
---@param source string|string[]
---@return verdict.Data
function strings(source) end
---@param source string|string[]
---@return verdict.Data
function cidrs(source) end
---@param source string|string[]
---@return verdict.Data
function domains(source) end
---@param source string|string[]
---@return verdict.Data
function prefixes(source) end

---@param options { ttl: number, max: integer? }
---@return verdict.Shared
function counter(options) end
---@param options { ttl: number, max: integer? }
---@return verdict.Shared
function map(options) end
---@param options { rate: number, burst: number?, max: integer? }
---@return verdict.Shared
function bucket(options) end

---The log; at most 16 lines a decision, 511 bytes each.
log = {}
---@param ... any
function log.debug(...) end
---@param ... any
function log.info(...) end
---@param ... any
function log.warn(...) end
---@param ... any
function log.error(...) end

---Unix seconds, the same throughout one decision.
---@return integer
function now() end
