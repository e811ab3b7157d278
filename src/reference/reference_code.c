/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of response codes, RFC 3261 21 and the RFCs after it, as a table in order of codes. */
#include "reference/reference_code.h"

#include <strings.h>

#define ROW(code, phrase, source, about, lasting, next, carries)                                                       \
    {                                                                                                                  \
        code, phrase, "RFC " source, carries, REFERENCE_ABOUT_##about, REFERENCE_LASTING_##lasting,                    \
            REFERENCE_NEXT_##next,                                                                                     \
    }

static const struct reference_code codes[] = {
    ROW(100, "Trying", "3261 21.1.1", ATTEMPT, UNSAID, NOTHING, ""),
    ROW(180, "Ringing", "3261 21.1.2", ATTEMPT, UNSAID, NOTHING, "Contact, Alert-Info"),
    ROW(181, "Call Is Being Forwarded", "3261 21.1.3", ATTEMPT, UNSAID, NOTHING, "Contact"),
    ROW(182, "Queued", "3261 21.1.4", ATTEMPT, UNSAID, NOTHING, "Contact"),
    ROW(183, "Session Progress", "3261 21.1.5", ATTEMPT, UNSAID, NOTHING, "Contact"),
    ROW(199, "Early Dialog Terminated", "6228 11.1", ATTEMPT, UNSAID, NOTHING, "Reason"),
    ROW(200, "OK", "3261 21.2.1", TARGET, UNSAID, NOTHING, "Contact"),
    ROW(202, "Accepted", "6665 8.3.1", TARGET, UNSAID, NOTHING, ""),
    ROW(204, "No Notification", "5839 7.1", TARGET, UNSAID, NOTHING, ""),
    ROW(300, "Multiple Choices", "3261 21.3.1", TARGET, UNSAID, CONTACT, "Contact"),
    ROW(301, "Moved Permanently", "3261 21.3.2", TARGET, GOOD, CONTACT, "Contact"),
    ROW(302, "Moved Temporarily", "3261 21.3.3", TARGET, NOW, CONTACT, "Contact, Expires"),
    ROW(305, "Use Proxy", "3261 21.3.4", TARGET, UNSAID, CONTACT, "Contact"),
    ROW(380, "Alternative Service", "3261 21.3.5", TARGET, UNSAID, CHANGED, "Contact"),
    ROW(400, "Bad Request", "3261 21.4.1", REQUEST, UNSAID, CHANGED, ""),
    ROW(401, "Unauthorized", "3261 21.4.2", REQUEST, UNSAID, CHANGED, "WWW-Authenticate"),
    ROW(402, "Payment Required", "3261 21.4.3", REQUEST, UNSAID, CHANGED, ""),
    ROW(403, "Forbidden", "3261 21.4.4", REQUEST, UNSAID, ELSEWHERE, ""),
    ROW(404, "Not Found", "3261 21.4.5", TARGET, UNSAID, ELSEWHERE, "Retry-After, Reason, Error-Info"),
    ROW(405, "Method Not Allowed", "3261 21.4.6", TARGET, UNSAID, CHANGED, "Allow"),
    ROW(406, "Not Acceptable", "3261 21.4.7", REQUEST, UNSAID, CHANGED, ""),
    ROW(407, "Proxy Authentication Required", "3261 21.4.8", REQUEST, UNSAID, CHANGED, "Proxy-Authenticate"),
    ROW(408, "Request Timeout", "3261 21.4.9", TARGET, NOW, LATER, ""),
    ROW(410, "Gone", "3261 21.4.10", TARGET, GOOD, ELSEWHERE, "Reason, Error-Info"),
    ROW(412, "Conditional Request Failed", "3903 11.2.1", REQUEST, UNSAID, CHANGED, ""),
    ROW(413, "Request Entity Too Large", "3261 21.4.11", REQUEST, UNSAID, CHANGED, "Retry-After"),
    ROW(414, "Request-URI Too Long", "3261 21.4.12", REQUEST, UNSAID, CHANGED, ""),
    ROW(415, "Unsupported Media Type", "3261 21.4.13", REQUEST, UNSAID, CHANGED,
        "Accept, Accept-Encoding, Accept-Language"),
    ROW(416, "Unsupported URI Scheme", "3261 21.4.14", REQUEST, UNSAID, CHANGED, ""),
    ROW(417, "Unknown Resource-Priority", "4412 4.6.2", REQUEST, UNSAID, CHANGED, "Accept-Resource-Priority"),
    ROW(420, "Bad Extension", "3261 21.4.15", REQUEST, UNSAID, CHANGED, "Unsupported"),
    ROW(421, "Extension Required", "3261 21.4.16", REQUEST, UNSAID, CHANGED, "Require"),
    ROW(422, "Session Interval Too Small", "4028 6", REQUEST, UNSAID, CHANGED, "Min-SE"),
    ROW(423, "Interval Too Brief", "3261 21.4.17", REQUEST, UNSAID, CHANGED, "Min-Expires"),
    ROW(424, "Bad Location Information", "6442 4.3", REQUEST, UNSAID, CHANGED, "Geolocation-Error"),
    ROW(425, "Bad Alert Message", "8876 5.1", REQUEST, UNSAID, CHANGED, "AlertMsg-Error"),
    ROW(428, "Use Identity Header", "8224 6.2.2", REQUEST, UNSAID, CHANGED, ""),
    ROW(429, "Provide Referrer Identity", "3892 5", REQUEST, UNSAID, CHANGED, ""),
    ROW(430, "Flow Failed", "5626 11.5", TARGET, NOW, OTHER, ""),
    ROW(433, "Anonymity Disallowed", "5079 5", REQUEST, UNSAID, CHANGED, ""),
    ROW(436, "Bad Identity Info", "8224 6.2.2", REQUEST, UNSAID, CHANGED, ""),
    ROW(437, "Unsupported Credential", "8224 6.2.2", REQUEST, UNSAID, CHANGED, ""),
    ROW(438, "Invalid Identity Header", "8224 6.2.2", REQUEST, UNSAID, CHANGED, ""),
    ROW(439, "First Hop Lacks Outbound Support", "5626 11.6", REQUEST, UNSAID, CHANGED, ""),
    ROW(440, "Max-Breadth Exceeded", "5393 5.3.3", REQUEST, UNSAID, ELSEWHERE, ""),
    ROW(469, "Bad Info Package", "6086 4.2.2", DIALOG, UNSAID, CHANGED, "Recv-Info"),
    ROW(470, "Consent Needed", "5360 5.9.2", REQUEST, UNSAID, CHANGED, "Permission-Missing"),
    ROW(480, "Temporarily Unavailable", "3261 21.4.18", TARGET, NOW, LATER, "Retry-After, Reason"),
    ROW(481, "Call/Transaction Does Not Exist", "3261 21.4.19", DIALOG, GOOD, CHANGED, ""),
    ROW(482, "Loop Detected", "3261 21.4.20", REQUEST, UNSAID, ELSEWHERE, ""),
    ROW(483, "Too Many Hops", "3261 21.4.21", REQUEST, UNSAID, ELSEWHERE, ""),
    ROW(484, "Address Incomplete", "3261 21.4.22", REQUEST, UNSAID, CHANGED, ""),
    ROW(485, "Ambiguous", "3261 21.4.23", TARGET, UNSAID, CHANGED, "Contact"),
    ROW(486, "Busy Here", "3261 21.4.24", TARGET, NOW, LATER, "Retry-After, Reason"),
    ROW(487, "Request Terminated", "3261 21.4.25", ATTEMPT, UNSAID, NOTHING, ""),
    ROW(488, "Not Acceptable Here", "3261 21.4.26", REQUEST, UNSAID, CHANGED, "Warning"),
    ROW(489, "Bad Event", "6665 8.3.2", REQUEST, UNSAID, CHANGED, "Allow-Events"),
    ROW(491, "Request Pending", "3261 21.4.27", DIALOG, NOW, LATER, ""),
    ROW(493, "Undecipherable", "3261 21.4.28", REQUEST, UNSAID, CHANGED, ""),
    ROW(494, "Security Agreement Required", "3329 2.3.1", REQUEST, UNSAID, CHANGED, "Security-Server"),
    ROW(500, "Server Internal Error", "3261 21.5.1", SERVER, UNSAID, LATER, "Retry-After"),
    ROW(501, "Not Implemented", "3261 21.5.2", SERVER, UNSAID, CHANGED, ""),
    ROW(502, "Bad Gateway", "3261 21.5.3", SERVER, UNSAID, OTHER, ""),
    ROW(503, "Service Unavailable", "3261 21.5.4", SERVER, NOW, OTHER, "Retry-After"),
    ROW(504, "Server Time-out", "3261 21.5.5", SERVER, UNSAID, LATER, ""),
    ROW(505, "Version Not Supported", "3261 21.5.6", SERVER, UNSAID, CHANGED, ""),
    ROW(513, "Message Too Large", "3261 21.5.7", SERVER, UNSAID, CHANGED, ""),
    ROW(555, "Push Notification Service Not Supported", "8599 8.1", SERVER, UNSAID, CHANGED, ""),
    ROW(580, "Precondition Failure", "3312 8", REQUEST, UNSAID, CHANGED, ""),
    ROW(600, "Busy Everywhere", "3261 21.6.1", EVERYWHERE, NOW, LATER, "Retry-After"),
    ROW(603, "Decline", "3261 21.6.2", EVERYWHERE, UNSAID, LATER, "Retry-After"),
    ROW(604, "Does Not Exist Anywhere", "3261 21.6.3", EVERYWHERE, UNSAID, NEVER, ""),
    ROW(606, "Not Acceptable", "3261 21.6.4", EVERYWHERE, UNSAID, CHANGED, "Warning"),
    ROW(607, "Unwanted", "8197 5.1", EVERYWHERE, UNSAID, NEVER, ""),
    ROW(608, "Rejected", "8688 5.1", EVERYWHERE, UNSAID, NEVER, "Call-Info"),
};

enum { CODE_COUNT = sizeof(codes) / sizeof(codes[0]) };

/* The first row whose code is not below `code`. */
static size_t lower_bound(unsigned code)
{
    size_t from = 0, to = CODE_COUNT;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (codes[middle].code < code)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct reference_code *reference_code_find(unsigned code)
{
    const struct reference_code *row = reference_code_at(lower_bound(code));
    return row && row->code == code ? row : NULL;
}

const struct reference_code *reference_code_named(const char *phrase)
{
    for (size_t i = 0; i < CODE_COUNT; i++) {
        if (strcasecmp(codes[i].phrase, phrase) == 0)
            return &codes[i];
    }
    return NULL;
}

const struct reference_code *reference_code_at(size_t index)
{
    return index < CODE_COUNT ? &codes[index] : NULL;
}

void reference_code_nearest(unsigned code, const struct reference_code **out_below,
                            const struct reference_code **out_above)
{
    size_t at = lower_bound(code);
    const struct reference_code *above = reference_code_at(at);
    const struct reference_code *below = at > 0 ? &codes[at - 1] : NULL;
    if (above && above->code == code)
        above = reference_code_at(at + 1);
    *out_below = below && below->code / 100 == code / 100 ? below : NULL;
    *out_above = above && above->code / 100 == code / 100 ? above : NULL;
}
