/* SPDX-License-Identifier: Apache-2.0 */
/* 400 to 440 in English. */
#include "reference/reference_priv.h"

const struct reference_text reference_en_request[] = {
    {400, "Bad Request", "The request is malformed: it could not be understood.",
     "A missing or broken header field, a wrong Content-Length, a syntax error. A client that does not know some 4xx "
     "treats it as 400 (RFC 3261 8.1.3.2).",
     "Do not repeat it as it is; something in what you sent has to be mended.",
     "Say in the phrase what is wrong: \"Missing Call-ID header field\".", NULL},
    {401, "Unauthorized", "Credentials are wanted by whom was asked for.",
     "A registrar, a redirect server or an endpoint asks who is asking, by WWW-Authenticate.",
     "Repeat it with Authorization, the CSeq one higher. If credentials were already sent and this does not say "
     "stale=true, they were refused: do not send the same ones again.",
     "WWW-Authenticate is mandatory; mark a nonce that is merely old as stale=true. Never challenge an ACK or a CANCEL "
     "(RFC 3261 22.1).",
     NULL},
    {402, "Payment Required", "Reserved: RFC 3261 gives it no meaning yet.",
     "Only by private agreement, for want of money.",
     "Treat it as 400, like every 4xx that is not known, unless you know what the server means by it.",
     "Use 403 with a phrase instead; nobody is bound to know 402.", NULL},
    {403, "Forbidden", "The request was understood and is refused; credentials will not help.",
     "A caller without permission, a destination that is blocked for this account, a source that is not allowed.",
     "Do not repeat it. Ask whoever runs the service.",
     "Give a phrase that says which rule it is, as far as that may be told. Other branches of a fork go on.", NULL},
    {404, "Not Found", "The server knows for certain that there is nobody of this name in its domain.",
     "A number that was never given out, a mistyped name, a domain that this server does not answer for.",
     "Check the address before you ask again. Nothing is said about whether it will exist one day.",
     "Send it for what never existed, and whenever you cannot tell whether it is gone for good.",
     "404 is about here and says nothing about time: the number may be given out tomorrow, and callers may ask "
     "again. That makes it the safe answer where permanence is in doubt. A 410 needs evidence: a tombstone, a list "
     "of closed blocks.\n"
     "It needs certainty of another kind, though: RFC 3261 21.4.5 wants definitive information that the user does "
     "not exist. A directory that cannot be read has none, and its answer is 503 or 500. A line that is merely "
     "switched off is 480.\n"
     "It has no lifetime: nothing says that it may be kept. As with every 4xx, callers should not repeat the same "
     "request here, but another server may know better (RFC 3261 21.4). Retry-After may stand in it, as in 480 and "
     "486; for 410 it is not foreseen (RFC 3261 20.33).\n"
     "In a forked search it is one branch's answer, and another branch's 4xx may be handed on in its place; 604 "
     "would be the answer of somebody who speaks for all places. Inside a dialog it ends the whole dialog (RFC 5057 "
     "5.1).\n"
     "Gateways send it on as cause 1, unallocated number, and make it from the causes 1, 2, 3 and 26 (RFC 3398 "
     "7.2.4.1). The effectiveness ratio of RFC 6076 4.7 counts it as a failure, as it does 410, but not 480, 486, "
     "600 and 603. Scanners learn from 404 against 401 which numbers exist: answer strangers for all numbers alike."},
    {405, "Method Not Allowed", "The method is known, but not allowed for this address.",
     "A REGISTER to an endpoint, a MESSAGE to a line that takes none.", "Use one of the methods in Allow.",
     "Allow with the methods that would work is mandatory. A method that is not known at all is 501.", NULL},
    {406, "Not Acceptable", "It could only be answered with a body of a kind that Accept does not allow.",
     "Rare. A caller whose Accept leaves no form of answer.", "Ask again with a wider Accept.",
     "This is about the form of the answer; media that do not fit are 488.", NULL},
    {407, "Proxy Authentication Required", "Credentials are wanted by a proxy on the way.",
     "The caller's outbound proxy wants to know its customers.",
     "Repeat it with Proxy-Authorization, the CSeq one higher.",
     "Only a proxy sends it, and Proxy-Authenticate is mandatory; an endpoint, a registrar and a redirect server send "
     "401.",
     NULL},
    {408, "Request Timeout", "No answer could be found in time.",
     "A proxy heard nothing from the next hop, or a lookup took too long. A caller treats a timeout of its own as if "
     "it had received one.",
     "You may repeat the request later, unchanged.",
     "To an INVITE only: for another method it would always come too late (RFC 4320).", NULL},
    {410, "Gone",
     "It was here once, it is here no more, there is no forwarding address, and that is expected to stay so.",
     "A number given up or ported away without a trace, an account deleted, an office closed, a domain given back.",
     "Do not ask here again: delete it from address book, dialler and routing. The same person may be found by "
     "another address.",
     "Send it only with evidence of permanence; over UDP it is resent until ACK comes, like every refusal of an "
     "INVITE. Say the cause in Reason and give an announcement in Error-Info.",
     "The answer has four parts, and all must hold: it existed; it does not any more; no new address is known (else "
     "301); the condition is expected to be permanent. RFC 3261 21.4.10 asks for 404 where the last cannot be "
     "determined.\n"
     "It can hardly be taken back: a client that believed it never comes back to be told otherwise, and no field "
     "says until when it holds; Retry-After is not foreseen for it (RFC 3261 20.33). So it must not come from an "
     "error, a timeout, overload, maintenance or a half-loaded directory; those are 500, 503 or 480. A number that "
     "will be given to somebody else is 410 only as long as its quarantine lasts.\n"
     "It is a 4xx: in a forked search the other branches go on, and their 2xx, 3xx or 6xx go before it. Among "
     "several 4xx the proxy chooses, and should prefer those that tell how to ask again, such as 401, 407 or 484 "
     "(RFC 3261 16.7). Inside a dialog it ends the whole dialog (RFC 5057 5.1).\n"
     "RFC 3398 and RFC 4497 send it on as cause 22, number changed, without a new number, and make it from 22 "
     "without one and from 23. Gateways may be set otherwise (RFC 4497 11.3). A Reason: Q.850;cause=22 (or 1) in the "
     "answer says which is meant (RFC 6432 3); how the answer is treated does not depend on it (RFC 6432 4)."},
    {412, "Conditional Request Failed", "The condition that the request set does not hold.",
     "A PUBLISH whose SIP-If-Match names a state that the server does not have (any more).",
     "Forget that entity-tag and publish afresh, without SIP-If-Match.", "Never store what such a request brings.",
     NULL},
    {413, "Request Entity Too Large", "The body is larger than the server will take.",
     "A large picture or list in MESSAGE or PUBLISH.",
     "Send a smaller body or none, or wait for what Retry-After says where it is given.",
     "The connection may be closed. Give Retry-After where it is only for now.", NULL},
    {414, "Request-URI Too Long", "The Request-URI is longer than the server reads.",
     "A URI with headers or parameters that grew, or an attack.", "Shorten it: this is a mistake in what made the URI.",
     "Set the limit well above what honest URIs need.", NULL},
    {415, "Unsupported Media Type", "The body's type, encoding or language is not understood.",
     "An INVITE with a body that is not SDP, a MESSAGE in a format that the phone cannot show.",
     "Send another kind of body, from those in Accept, Accept-Encoding or Accept-Language.",
     "The one of these fields that fits is mandatory: list what you would take.", NULL},
    {416, "Unsupported URI Scheme", "The scheme of the Request-URI is not known here.",
     "A tel: or an http: URI at a server that only routes sip:.", "Turn the address into a sip: URI and ask again.",
     "Only for the Request-URI: a scheme in To that is not known is no reason to refuse (RFC 3261 8.2.2.1).", NULL},
    {417, "Unknown Resource-Priority", "No priority that the request names is known here.",
     "A Resource-Priority of which no value is known here, with resource-priority in Require (RFC 4412).",
     "Ask again with a value from Accept-Resource-Priority where it is given, or without resource-priority in Require.",
     "Only where Require names resource-priority; else serve the request as if it had no Resource-Priority. You may "
     "list what you know in Accept-Resource-Priority. Whoever does not know the extension answers 420.",
     NULL},
    {420, "Bad Extension", "Require or Proxy-Require names an extension that is not understood.",
     "A client insists on something new.", "Ask again without the option tags in Unsupported.",
     "Unsupported is mandatory: list them all. What a CANCEL requires is passed over, and an ACK is never answered.",
     NULL},
    {421, "Extension Required", "The server needs an extension that the client does not offer in Supported.",
     "A service that cannot work otherwise, such as a first hop that insists on a security agreement (RFC 3329).",
     "Ask again with the extension in Supported, where you have it.",
     "Require is mandatory: name it there. Use it only where no useful service is possible otherwise.", NULL},
    {422, "Session Interval Too Small", "The session timer asked for is shorter than the server allows.",
     "An INVITE or UPDATE with a small Session-Expires, at an endpoint or at a proxy on the way.",
     "Ask again with Session-Expires not below Min-SE, and repeat that Min-SE.",
     "Min-SE is mandatory, and not below 90 s. Only for a caller with timer in Supported: no other could make use of "
     "it (RFC 4028 8.1).",
     NULL},
    {423, "Interval Too Brief", "The expiry asked for is shorter than the server allows.",
     "A REGISTER, SUBSCRIBE or PUBLISH with a small Expires, against a server that keeps refreshes down.",
     "Ask again with an expiry not below Min-Expires.",
     "Min-Expires is mandatory. A registrar (RFC 3261 10.3) or a notifier does not so refuse an hour or more.", NULL},
    {424, "Bad Location Information", "The location that came with the request cannot be used.",
     "A Geolocation that is malformed, does not suffice for the purpose, or cannot be fetched.",
     "Mend the location as Geolocation-Error says, or use the one that came in the answer.",
     "Geolocation-Error is mandatory. Never send it for a request without Geolocation, or where one location of "
     "several is good; a call goes on (RFC 6442 4.3, 4.4).",
     NULL},
    {425, "Bad Alert Message", "The alert is so malformed that nobody could tell what to do about it.",
     "A MESSAGE with Common Alerting Protocol data, of a sensor say, at an emergency service (RFC 8876).",
     "Read AlertMsg-Error, mend the alert, send it again.",
     "AlertMsg-Error is mandatory: say there what was wrong. Only where nothing else in the request is of use either, "
     "and never where it bears no alert.",
     NULL},
    {428, "Use Identity Header", "Calls without a signed identity are not taken here.",
     "A verifier whose policy wants an Identity header (STIR), and a request without one of a kind that it "
     "understands.",
     "Ask again with Identity, or have your provider sign.",
     "Only where policy demands it. A signature that is there but wrong is 436, 437 or 438.", NULL},
    {429, "Provide Referrer Identity", "Whoever asked for the transfer has to prove it.",
     "A request that came from a REFER, or the REFER itself, whose signed Referred-By token is missing, stale or "
     "wrong.",
     "Tell the referrer in NOTIFY, who may send a new REFER with a token.",
     "Optional where the token is missing or stale, mandatory where it is invalid (RFC 3892 2.3).", NULL},
    {430, "Flow Failed", "The connection to the endpoint is broken; another may be there.",
     "An edge proxy tells the proxy that holds the bindings that one flow of a client is dead (RFC 5626).",
     "That proxy tries another flow of the same client; an endpoint should never see it, and treats it as 400.",
     "Only an edge proxy sends it; other flows of the client may still work.", NULL},
    {433, "Anonymity Disallowed", "Anonymous calls are refused here.",
     "A called party that wants to know who calls, and a caller who hides it.",
     "Call again without privacy, if you wish.",
     "Only where the caller hides on purpose, not where an asserted identity is merely missing; a known but unwanted "
     "caller is 603 or 607.",
     NULL},
    {436, "Bad Identity Info", "The certificate that Identity points to cannot be had.",
     "The URI in the info parameter is dead or answers nonsense.", "Mend where your certificates are published.",
     "Take care whom you ask: fetching any URI can be abused.", NULL},
    {437, "Unsupported Credential", "The certificate that signed the identity is of no use here.",
     "An authority that is not trusted, or an algorithm that is not known.",
     "Sign with a certificate that the verifier trusts and understands.",
     "For a certificate that you have and do not accept; one that you could not fetch is 436.", NULL},
    {438, "Invalid Identity Header", "No Identity header of the request has a valid signature.",
     "The caller's number or the Date was changed on the way, a claim is missing, or somebody cheats. A Date that is "
     "merely too old is 403, Stale Date.",
     "Sign again, by the full form of the PASSporT; if that fails, look for what rewrites From, To or Date on the way.",
     "Only where policy refuses calls for a broken signature. Log it: it may be fraud.", NULL},
    {439, "First Hop Lacks Outbound Support", "The client asked for outbound, and its first proxy does not know it.",
     "A REGISTER with reg-id through an edge proxy without RFC 5626, which left no ob in Path.",
     "Register again without outbound, if that will do, or through another outbound proxy.",
     "Only a registrar sends it, to a client that wrote both reg-id and Supported: outbound.", NULL},
    {440, "Max-Breadth Exceeded", "The request would have to be forked wider than Max-Breadth allows.",
     "A proxy with more targets than parallel branches left, which can neither try them in turn nor redirect (RFC "
     "5393).",
     "Know that not every destination was asked; look for a loop that multiplies requests.",
     "Try targets one after the other instead, or redirect, where that is possible.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
