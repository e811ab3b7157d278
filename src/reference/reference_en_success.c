/* SPDX-License-Identifier: Apache-2.0 */
/* 1xx to 3xx in English. */
#include "reference/reference_priv.h"

const struct reference_text reference_en_success[] = {
    {100, "Trying", "The next hop has the request and works on it; nothing more is known.",
     "At once after an INVITE that will take longer than 200 ms to answer. It is told from hop to hop and never "
     "handed on.",
     "Stop resending the INVITE and wait; nothing may be concluded about whom was asked for.",
     "INVITE: send it, unless an answer follows within 200 ms. Other methods: over UDP not before the caller's timer "
     "E has reached T2 (3.5 s by default), and on every transport then, if nothing else has been said (RFC 4320 4.1).",
     NULL},
    {180, "Ringing", "The one who is called is being alerted.",
     "A phone rings. It creates an early dialog when it carries a To tag, and may be sent reliably where the caller "
     "supports 100rel (RFC 3262 3).",
     "Let the caller hear ringing, unless media already arrive.",
     "Send it only when somebody is truly being alerted; an announcement belongs to 183.", NULL},
    {181, "Call Is Being Forwarded", "The call is on its way to another destination.",
     "A server forwards the call and tells the caller so.", "Show it if you like; go on waiting.",
     "It is optional, and only ever one step before another answer.", NULL},
    {182, "Queued", "Whom was asked for is not available now, but the call waits in a queue instead of being refused.",
     "A call centre. It may come again as the queue moves; the phrase may say how many wait before.",
     "Go on waiting; the caller may give up by CANCEL at any time.",
     "Send it, or another 1xx, every minute, or every two and a half minutes where it is sent reliably: a proxy may "
     "cancel an INVITE that hears nothing for three minutes (RFC 3261 13.3.1.1, RFC 3262 3).",
     NULL},
    {183, "Session Progress", "Something is going on that no other provisional answer says.",
     "Mostly with SDP, so that tones or an announcement are heard before the call is answered. A 1xx that is not "
     "known is treated as 183 (RFC 3261 8.1.3.2).",
     "Play the media that come; do not take the call for answered.",
     "Say by the phrase, header fields and body what happens; the code itself says little. In telephone networks "
     "billing begins with the answer, not here (RFC 3398 7.2.6).",
     NULL},
    {199, "Early Dialog Terminated", "One early dialog of a forked call has ended; others may still live.",
     "A forking proxy tells it to a caller that wrote Supported: 199 when a branch has failed; a called side itself "
     "normally does not (RFC 6228 5).",
     "Free what that early dialog holds and send no more media in it; no BYE is needed, and the call itself goes on.",
     "Never without the caller's Supported: 199. The To tag says which dialog has ended, and Reason why; the final "
     "answer still follows.",
     NULL},
    {200, "OK", "The request succeeded.",
     "What it means depends on the method: the call is answered, the binding is stored, the message is taken.",
     "INVITE: send ACK for each 200 that comes, also for a copy; a 200 of a branch that is not wanted is "
     "acknowledged and then ended by BYE.",
     "INVITE: answer with SDP and Contact, and resend the same bytes on every transport until ACK comes; without ACK "
     "in 64*T1 (32 s), send BYE.",
     "The 200 of an INVITE is the one final answer that the caller's core acknowledges, end to end, by an ACK "
     "outside the INVITE's transaction (RFC 3261 13.2.2.4); answers from 300 to 699 are acknowledged by the "
     "transaction, hop by hop (RFC 3261 17.1.1.3). Therefore the answering core resends the 200, also over TCP, at "
     "intervals that grow from T1 to T2 (RFC 3261 13.3.1.4), and the server transaction only absorbs copies of the "
     "INVITE (RFC 6026).\n"
     "In a forked search a proxy hands on every 200 at once, also one that comes after another: each opens a dialog "
     "of its own, and the caller acknowledges and then ends by BYE those that it does not want. The first makes the "
     "proxy cancel the branches that are still open (RFC 3261 16.7).\n"
     "It opens a dialog, and so it may begin to cost money: a gateway makes of it the message with which telephone "
     "networks begin to bill (RFC 3398 8.2.4, 7.2.6). An engine that decides who exists says 200 only where somebody "
     "is there to talk, or where an announcement is meant to be heard.\n"
     "To OPTIONS it says: an INVITE would succeed now (RFC 3261 11.2). To REGISTER: these are all bindings now (RFC "
     "3261 10.3)."},
    {202, "Accepted", "The request was taken; what becomes of it is told later.",
     "From older servers, to SUBSCRIBE or REFER, and to MESSAGE from a server that stores and forwards.",
     "Treat it as 200 in everything.",
     "Never to SUBSCRIBE, NOTIFY or REFER: answer them with 200 (RFC 6665 8.3.1, RFC 7647 5). To MESSAGE it says "
     "that the text was taken on its way, not that it was delivered (RFC 3428).",
     NULL},
    {204, "No Notification", "The subscription stands, and no NOTIFY will follow, for nothing has changed.",
     "To a SUBSCRIBE whose Suppress-If-Match named the state that is still the present one.",
     "Keep the state you have; do not wait for a NOTIFY.",
     "Only within a subscription that stands already, and only when the entity-tag given is the current one; else "
     "answer 200 and notify.",
     NULL},
    {300, "Multiple Choices", "There are several places where whom was asked for can be reached: choose.",
     "A redirect server knows several addresses and will not decide among them.",
     "Try the addresses in Contact, by their q values or by the user's choice.",
     "List each choice in Contact; say in the body what the addresses do not.", NULL},
    {301, "Moved Permanently", "Whom was asked for has another address now, for good; it is in Contact.",
     "A number was changed and its owner wants to be found, a company took another domain.",
     "Call the address in Contact, and replace what is stored: address book, bookmark, routing table.",
     "Give the new address in Contact, or all of them where there are several. Do not send it for what will return.",
     "301 is the answer of one who left a forwarding address; 410 that of one who left none. Neither has an end: RFC "
     "3261 21.3.2 wants callers to replace the old address wherever they keep it and to send to the new one from "
     "then on, so that they may never ask here again.\n"
     "A proxy that is responsible for the address may follow the redirection by itself, so that the caller never "
     "sees it and learns nothing (RFC 3261 16.5); what it does not follow goes before any 4xx or 5xx of another "
     "branch (RFC 3261 16.7). A search tries each address once, so that two redirections to each other end (RFC 3261 "
     "8.1.3.4).\n"
     "A gateway from the telephone network calls the new address itself, or releases the call with cause 23 and the "
     "new number as diagnostic (RFC 3398 8.2.5). The other way, cause 22, number changed, becomes 301 where its "
     "diagnostic gives the new number, and 410 where not (RFC 3398 7.2.4.1). Look before you follow a redirection "
     "from outside: it changes who pays for the call."},
    {302, "Moved Temporarily", "For now, whom was asked for is reached at another address; it is in Contact.",
     "Call forwarding, somebody at another phone, a redirect server that spreads load.",
     "Call the address in Contact, once. Ask here again next time, unless Expires allows to keep it for that long.",
     "Give Contact, and Expires or an expires parameter only where the caller may remember it for so long.",
     "Without Expires the redirection holds for this one call and must not be kept; with it, or with an expires "
     "parameter in Contact, callers and proxies may keep the address for so long, and may ask here once more if it "
     "fails (RFC 3261 21.3.3). That is its whole difference from 301, which is to be kept for good.\n"
     "Use it wherever the old address will count again: holidays, a closed evening, maintenance with a stand-in. "
     "When in doubt between 301 and 302, take 302: a wrong 302 costs one more question for each call, a wrong 301 "
     "cannot be taken back.\n"
     "In a forked search it is as 301: a proxy that is responsible for the address may follow it, and what it does "
     "not follow goes before any 4xx or 5xx (RFC 3261 16.7). A gateway calls the address itself, or releases the "
     "call with cause 23 and the number as diagnostic (RFC 3398 8.2.5); no cause becomes 302."},
    {305, "Use Proxy", "The one who is asked for is reached only through the proxy in Contact.",
     "Rare. Only an endpoint may answer so, never a proxy.", "Repeat this one request through the named proxy.",
     "Give the proxy's URI in Contact; it holds for this one request.", NULL},
    {380, "Alternative Service", "This did not work, but another service may.",
     "Mobile networks send an emergency call back to the phone with it, to be made in another way (3GPP TS 24.229).",
     "Read the body: it describes the alternative; call that, where you understand it.",
     "Describe the alternatives in the body; RFC 3261 leaves their form open.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
