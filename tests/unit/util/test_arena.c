/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: alignment on any ground, the cap, copies. */
#include "support/cmocka_all.h"
#include "util/arena.h"

#include <stdalign.h>

static void pieces_are_aligned_whatever_the_block(void **state)
{
    (void)state;
    char memory[256];
    struct arena arena = arena_over(memory + 1, sizeof(memory) - 1);
    for (size_t len = 1; len < 5; len++) {
        void *piece = arena_alloc(&arena, len);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % alignof(max_align_t), 0);
    }
}

static void the_cap_holds_and_sticks(void **state)
{
    (void)state;
    alignas(max_align_t) char memory[32];
    struct arena arena = arena_over(memory, sizeof(memory));
    assert_non_null(arena_alloc(&arena, 32));
    assert_null(arena_alloc(&arena, 1));
    assert_true(arena.overflow);
    arena_reset(&arena);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, 1));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, 17)); /* padding counts too */
}

static void copies_are_terminated(void **state)
{
    (void)state;
    alignas(max_align_t) char memory[32];
    struct arena arena = arena_over(memory, sizeof(memory));
    struct span copy = arena_copy(&arena, SPAN("abc"));
    assert_string_equal(copy.at, "abc");
    assert_int_equal(copy.len, 3);
    copy = arena_copy(&arena, span_make(NULL, 0));
    assert_string_equal(copy.at, "");
    assert_null(arena_copy(&arena, SPAN("abc")).at);
    assert_true(arena.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_whatever_the_block),
        cmocka_unit_test(the_cap_holds_and_sticks),
        cmocka_unit_test(copies_are_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
