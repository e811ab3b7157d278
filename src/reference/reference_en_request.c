/* SPDX-License-Identifier: Apache-2.0 */
/* 400 to 440 in English. */
#include "reference/reference_priv.h"

const struct reference_text reference_en_request[] = {
    {400, "Bad Request", "The request is malformed: it could not be read.",
     "A missing or broken header field, a wrong Content-Length, a syntax error. An unknown 4xx is treated as 400.",
     "Do not repeat it as it is; something in what you sent has to be mended.",
     "Say in the phrase what is wrong: \"Missing Call-ID header field\".", NULL},
    {401, "Unauthorized", "Credentials are wanted by whom was asked for.",
     "A registrar or an endpoint asks who is asking, by WWW-Authenticate.",
     "Repeat it with Authorization, the CSeq one higher. If credentials were already sent and this comes with no new "
     "nonce, they are wrong.",
     "Send a fresh challenge; mark a nonce that is merely old as stale=true.", NULL},
    {402, "Payment Required", "Reserved: no RFC says what it would mean.",
     "Some prepaid services send it when the credit has run out, by private agreement.",
     "Treat it as 403, unless you know the server.", "Use 403 with a phrase instead; nobody is bound to know 402.",
     NULL},
    {403, "Forbidden", "The request was understood and is refused; credentials will not help.",
     "A caller without permission, a destination that is blocked for this account, a source that is not allowed.",
     "Do not repeat it. Ask whoever runs the service.",
     "Give a phrase that says which rule it is, as far as that may be told. Other branches of a fork go on.", NULL},
    {404, "Not Found", "The server knows for certain that there is nobody of this name in its domain.",
     "A number that was never given out, a mistyped name, a domain that this server does not answer for.",
     "Check the address. Nothing is said about whether it will exist one day.",
     "Send it for what never existed, and whenever you cannot tell whether it is gone for good.",
     "404 is about here and says nothing about time: the number may be given out tomorrow, and callers may ask again. "
     "That makes it the safe answer where permanence is in doubt. A 410 needs evidence: a tombstone, a list of closed "
     "blocks.\n"
     "It needs certainty of another kind, though: a directory that cannot be read knows nothing, and its answer is 503 "
     "or 500. A line that is merely switched off is 480.\n"
     "In a forked search it is one branch's answer; 604 would be the answer of somebody who speaks for all places.\n"
     "Gateways send it on as cause 1, unallocated number, and make it from the causes 1, 2, 3 and 26. Scanners learn "
     "from 404 against 401 which numbers exist: answer strangers for all numbers alike."},
    {405, "Method Not Allowed", "The method is known, but not allowed for this address.",
     "A REGISTER to an endpoint, a PUBLISH to a line without presence.", "Use one of the methods in Allow.",
     "Allow with the methods that would work is mandatory. A method that is not known at "
     "all is 501.",
     NULL},
    {406, "Not Acceptable",
     "It could only be answered in a form that Accept, Accept-Encoding or Accept-Language refuse.",
     "Rare. A caller whose Accept leaves no form of answer.", "Ask again with a wider Accept.",
     "This is about the form of the answer; media that do not fit are 488.", NULL},
    {407, "Proxy Authentication Required", "Credentials are wanted by a proxy on the way.",
     "The caller's outbound proxy wants to know its customers.",
     "Repeat it with Proxy-Authorization, the CSeq one higher.",
     "Only a proxy sends it, with Proxy-Authenticate; an endpoint and a registrar send 401.", NULL},
    {408, "Request Timeout", "No answer could be found in time.",
     "A proxy heard nothing from the next hop, or a lookup took too long. A caller makes one for itself when its own "
     "timer fires.",
     "You may repeat the request later, unchanged.",
     "To an INVITE only: for another method it would always come too late (RFC 4320).", NULL},
    {410, "Gone",
     "It was here once, it is here no more, there is no forwarding address, and that is expected to stay so.",
     "A number given up or ported away without a trace, an account deleted, an office closed, a domain given back.",
     "Do not ask here again: delete it from address book, dialler and routing. The same person may be found by another "
     "address.",
     "Send it only with evidence of permanence, and resend it until ACK comes like every final answer to an INVITE. "
     "Say "
     "the cause in Reason and give an announcement in Error-Info.",
     "The answer has four parts, and all must hold: it existed; it does not any more; no new address is known (else "
     "301); the condition is likely to be permanent. RFC 3261 21.4.10 asks for 404 where the last cannot be "
     "determined.\n"
     "It can hardly be taken back: a client that believed it never comes back to be told otherwise. So it must not "
     "come "
     "from an error, a timeout, overload, maintenance or a half-loaded directory; those are 500, 503 or 480. A number "
     "that will be given to somebody else is 410 only as long as its quarantine lasts.\n"
     "It is a 4xx: in a forked search the other branches go on, and a proxy may prefer another branch's answer.\n"
     "Not every network reads it alike. RFC 3398 and RFC 4497 send it on as cause 22, number changed; some products "
     "make 1, "
     "unallocated, of it or take it for either. A Reason: Q.850;cause=22 (or 1) in the answer says which is meant "
     "(RFC 6432)."},
    {412, "Conditional Request Failed", "The condition that the request set does not hold.",
     "A PUBLISH whose SIP-If-Match names a state that the server does not have (any more).",
     "Publish afresh, without SIP-If-Match.", "Never store what such a request brings.", NULL},
    {413, "Request Entity Too Large", "The body is larger than the server will take.",
     "A large picture or list in MESSAGE or PUBLISH.",
     "Send less, or wait for what Retry-After says where it is given.",
     "The connection may be closed. Give Retry-After where it is only for now.", NULL},
    {414, "Request-URI Too Long", "The Request-URI is longer than the server reads.",
     "A URI with headers or parameters that grew, or an attack.", "Shorten it: this is a mistake in what made the URI.",
     "Set the limit well above what honest URIs need.", NULL},
    {415, "Unsupported Media Type", "The body's type, encoding or language is not understood.",
     "An INVITE with a body that is not SDP, a MESSAGE in a format that the phone cannot show.",
     "Send another kind of body, from those in Accept, Accept-Encoding or Accept-Language.",
     "List what you would take in the one of these fields that fits.", NULL},
    {416, "Unsupported URI Scheme", "The scheme of the Request-URI is not known here.",
     "A tel: or an http: URI at a server that only routes sip:.", "Turn the address into a sip: URI and ask again.",
     "Only for the Request-URI; other URIs in the message do not matter.", NULL},
    {417, "Unknown Resource-Priority", "None of the priorities named is known here.",
     "A request with Require: resource-priority in a namespace that the server does not have.",
     "Ask again with a value from Accept-Resource-Priority, or without it.",
     "Only where Require demands it; else unknown values are simply left unread (RFC 4412).", NULL},
    {420, "Bad Extension", "Require or Proxy-Require names an extension that is not understood.",
     "A client insists on something new.", "Ask again without the option tags in Unsupported.",
     "List them all in Unsupported. It is never sent for an ACK or CANCEL.", NULL},
    {421, "Extension Required", "The server needs an extension that the client does not offer in Supported.",
     "A service that cannot work otherwise, such as one that needs reliable provisional answers.",
     "Ask again with the extension in Require or Supported, where you have it.",
     "Name it in Require; use it only where no basic service is possible at all.", NULL},
    {422, "Session Interval Too Small", "The session timer asked for is shorter than a server on the way allows.",
     "An INVITE or UPDATE with a small Session-Expires.", "Ask again with Session-Expires not below Min-SE.",
     "Give your smallest interval in Min-SE; RFC 4028 does not let it be under 90 s.", NULL},
    {423, "Interval Too Brief", "The expiry asked for is shorter than the server allows.",
     "A REGISTER, SUBSCRIBE or PUBLISH with a small Expires, against a server that keeps refreshes down.",
     "Ask again with an expiry not below Min-Expires.",
     "Give Min-Expires. A registrar does not so refuse an hour or more.", NULL},
    {424, "Bad Location Information", "The location that came with the request cannot be used.",
     "A Geolocation that is malformed, out of date or cannot be fetched, mostly in emergency calls.",
     "Mend or leave out the location, as Geolocation-Error says. An emergency call goes on without it.",
     "Say why in Geolocation-Error. Do not refuse an emergency call for it.", NULL},
    {425, "Bad Alert Message", "The alert in a call without a person (a sensor's, say) cannot be processed.",
     "A MESSAGE with a Common Alerting Protocol body at an emergency service (RFC 8876).",
     "Read AlertMsg-Error, mend the alert, send it again.", "Say by AlertMsg-Error what was wrong.", NULL},
    {428, "Use Identity Header", "Calls without a signed identity are not taken here.",
     "A verifier that wants an Identity header (STIR) from everybody.",
     "Ask again with Identity, or have your provider sign.",
     "Only where policy demands it: most networks take unsigned calls and mark them.", NULL},
    {429, "Provide Referrer Identity", "Whoever asked for the transfer has to prove it.",
     "A request that came from a REFER without a signed Referred-By.",
     "Get a Referred-By token from the referrer and repeat.", "Only where the policy for transfers needs it.", NULL},
    {430, "Flow Failed", "The connection to the endpoint is broken; another may be there.",
     "An edge proxy tells the registrar's side that one flow of a client is dead (RFC 5626).",
     "A proxy that sees it tries another flow of the same client; it should never reach the caller.",
     "Only from an edge proxy; drop the binding of that flow.", NULL},
    {433, "Anonymity Disallowed", "Anonymous calls are refused here.",
     "A called party that wants to know who calls, and a caller who hides it.",
     "Call again without privacy, if you wish.",
     "Only for missing identity; a known but unwanted caller is 603 or 607.", NULL},
    {436, "Bad Identity Info", "The certificate that Identity points to cannot be fetched.",
     "The URI in the info parameter is dead or answers nonsense.", "Mend where your certificates are published.",
     "Take care whom you ask: fetching any URI can be abused.", NULL},
    {437, "Unsupported Credential", "The certificate that signed the identity is not accepted.",
     "An unknown authority, an expired certificate, an unknown form.",
     "Sign with a certificate that the verifier trusts.", "Check the whole chain before you say so.", NULL},
    {438, "Invalid Identity Header", "The signature over the identity is wrong.",
     "The caller's number was changed on the way, the Date is too old, or somebody cheats.",
     "Sign again; if that fails, look for what rewrites From, To or Date on the way.",
     "Log it: of all identity failures this one smells most of fraud.", NULL},
    {439, "First Hop Lacks Outbound Support", "The client asked for outbound, and its first proxy does not know it.",
     "A REGISTER with reg-id through an edge proxy without RFC 5626.", "Register again without outbound.",
     "Only a registrar sends it, to a client that wrote Supported: outbound.", NULL},
    {440, "Max-Breadth Exceeded", "The request would have to be forked wider than Max-Breadth allows.",
     "A proxy with more targets than parallel branches left; mostly a loop that multiplies.",
     "Nothing: look for the loop.", "Try targets one after the other instead, where that is possible.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
