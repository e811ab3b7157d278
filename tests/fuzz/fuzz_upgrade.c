/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP request of a WebSocket: nothing is said before its head is whole, and then the same whatever follows; what is
 * accepted has a key, and every answer is one. */
#include "fuzz.h"
#include "websocket/websocket_upgrade.h"

static char origin[] = "https://phone.example.com";

static void check_answer(const struct websocket_upgrade *upgrade)
{
    char text[512];
    struct buffer out = buffer_over(text, sizeof(text));
    enum err err = websocket_upgrade_answer(upgrade, &out);
    invariant(err == OK && !out.overflow);
    invariant(span_starts_with(buffer_span(&out), SPAN("HTTP/1.1 ")));
    invariant(upgrade->status != 101 || span_ends_with(buffer_span(&out), SPAN("=\r\n\r\n")));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *const items[] = {origin};
    struct websocket_origins origins = {items, len & 1};
    struct websocket_upgrade whole, part;
    struct span input = span_make((const char *)bytes, len);
    if (websocket_upgrade_read(input, &origins, &whole) != OK) {
        invariant(len < WEBSOCKET_UPGRADE_MAX);
        return 0;
    }
    invariant(whole.len <= len && fuzz_within(whole.key, input));
    invariant(whole.status == 101 ? whole.key.len == WEBSOCKET_KEY_LEN : whole.status >= 400 && whole.why != NULL);
    check_answer(&whole);
    for (size_t cut = 0; cut < whole.len; cut += whole.len / 16 + 1)
        invariant(websocket_upgrade_read(span_slice(input, 0, cut), &origins, &part) == ERR_AGAIN);
    if (whole.len) {
        invariant(websocket_upgrade_read(span_slice(input, 0, whole.len), &origins, &part) == OK);
        invariant(part.status == whole.status && part.len == whole.len);
    }
    return 0;
}
