/* SPDX-License-Identifier: Apache-2.0 */
/* 1xx to 3xx in English. */
#include "reference/reference_priv.h"

const struct reference_text reference_en_success[] = {
    {100, "Trying", "The next hop has the request and works on it; nothing more is known.",
     "At once after an INVITE that will take longer than 200 ms to answer. It is told from hop to hop and never handed "
     "on.",
     "Stop resending the INVITE and wait; nothing may be concluded about whom was asked for.",
     "Send it for an INVITE only. For another method it must not be sent before the caller's timer has slowed down "
     "(RFC 4320).",
     NULL},
    {180, "Ringing", "The one who is called is being alerted.",
     "A phone rings. It creates an early dialog when it carries a To tag, and may be sent reliably (RFC 3262).",
     "Let the caller hear ringing, unless media already arrive.",
     "Send it only when somebody is truly being alerted; an announcement belongs to 183.", NULL},
    {181, "Call Is Being Forwarded", "The call is on its way to another destination.",
     "A server forwards the call and tells the caller so.", "Show it if you like; go on waiting.",
     "It is optional, and only ever one step before another answer.", NULL},
    {182, "Queued", "Whom was asked for is busy, but the call waits in a queue instead of being refused.",
     "A call centre. It may come again as the queue moves; the phrase may say how many wait before.",
     "Go on waiting; the caller may give up by CANCEL at any time.",
     "Send it again now and then: a proxy ends an INVITE that hears no provisional answer in three minutes (Timer C).",
     NULL},
    {183, "Session Progress", "Something is going on that no other provisional answer says.",
     "Mostly with SDP, so that tones or an announcement are heard before the call is answered.",
     "Play the media that come; do not take the call for answered.",
     "Say by media and headers what happens; the code itself says little. Billing must not begin.", NULL},
    {199, "Early Dialog Terminated", "One early dialog of a forked call has ended; others may still live.",
     "A forking proxy or a called side tells it to a caller that wrote Supported: 199.",
     "Free what the named early dialog holds; the call itself goes on.",
     "Never without the caller's Supported: 199, and never instead of the final answer.", NULL},
    {200, "OK", "The request succeeded.",
     "What it means depends on the method: the call is answered, the binding is stored, the message is taken.",
     "INVITE: send ACK for each 200 that comes, also for a copy; a 200 of a branch that is not wanted is acknowledged "
     "and then ended by BYE.",
     "INVITE: answer with SDP and Contact, and resend the same bytes on every transport until ACK comes; without ACK "
     "in "
     "64*T1 (32 s), send BYE.",
     "The 200 of an INVITE is the one final answer that the caller's core acknowledges, end to end, by an ACK that is "
     "a "
     "transaction of its own (RFC 3261 13.2.2.4, 17.1.1.3). Therefore the answering core resends it, also over TCP, "
     "and "
     "the server transaction only absorbs copies of the INVITE (RFC 6026).\n"
     "It opens a dialog, and so it may begin to cost money: an engine that decides who exists says 200 only where "
     "somebody is there to talk, or where an announcement is meant to be heard.\n"
     "To OPTIONS it says: an INVITE would succeed now. To REGISTER: these are all bindings now."},
    {202, "Accepted", "The request was taken; what becomes of it is told later.",
     "From older servers, to SUBSCRIBE or REFER, and to MESSAGE from a server that stores and forwards.",
     "Treat it as 200 in everything.",
     "RFC 6665 has deprecated it: answer SUBSCRIBE and REFER with 200. For MESSAGE it still says that the text was "
     "stored, not delivered.",
     NULL},
    {204, "No Notification", "The subscription stands, and no NOTIFY will follow, for nothing has changed.",
     "To a SUBSCRIBE whose Suppress-If-Match named the state that is still the present one.",
     "Keep the state you have; do not wait for a NOTIFY.",
     "Only when the entity-tag given is the current one; else answer 200 and notify.", NULL},
    {300, "Multiple Choices", "There are several places where whom was asked for can be reached: choose.",
     "A redirect server knows several addresses and will not decide among them.",
     "Try the addresses in Contact, by their q values or by the user's choice.",
     "List each choice in Contact; say in the body what the addresses do not.", NULL},
    {301, "Moved Permanently", "Whom was asked for has another address now, for good; it is in Contact.",
     "A number was changed and its owner wants to be found, a company took another domain.",
     "Call the address in Contact, and replace what is stored: address book, bookmark, routing table.",
     "Give exactly the new address in Contact. Do not send it for what will return.",
     "301 is the answer of one who left a forwarding address; 410 that of one who left none. Both are promises without "
     "an end: callers may never ask here again.\n"
     "A proxy may follow the redirection by itself, so that the caller never sees it; a caller that does see it should "
     "still end with the new address stored (RFC 3261 21.3.2).\n"
     "For a gateway it becomes cause 22 with the new number as diagnostic, and such a cause becomes 301 (RFC 3398 "
     "7.2.4.1). A redirection from somebody who is not trusted is to be shown to the user before it is followed: it "
     "can "
     "lead to a number that costs."},
    {302, "Moved Temporarily", "For now, whom was asked for is reached at another address; it is in Contact.",
     "Call forwarding, somebody at another phone, a redirect server that spreads load.",
     "Call the address in Contact, once. Ask here again next time, unless Expires allows to keep it for that long.",
     "Give Contact, and Expires or an expires parameter only where the caller may remember it for so long.",
     "Without Expires the redirection holds for this one call (RFC 3261 21.3.3). That is its whole difference from "
     "301: "
     "nothing is to be learned.\n"
     "Use it wherever the old address will count again: holidays, a closed evening, maintenance with a stand-in. When "
     "in doubt between 301 and 302, take 302: a wrong 302 costs one more question for each call, a wrong 301 cannot be "
     "taken back."},
    {305, "Use Proxy", "The one who is asked for is reached only through the proxy in Contact.",
     "Rare. Only an endpoint may answer so, never a proxy.", "Repeat this one request through the named proxy.",
     "Give the proxy's URI in Contact. A Route set by registration is usually the better means.", NULL},
    {380, "Alternative Service", "This did not work, but another service may.",
     "Mobile networks use it to send an emergency call back to the phone for another way.",
     "Read the body: it describes the alternative; call that, where you understand it.",
     "Describe the alternatives in the body; RFC 3261 leaves their form open.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
