/* SPDX-License-Identifier: Apache-2.0 */
/* The hash map: what was added is found, while it grows, shrinks, is walked, and runs out of memory. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "util/map.h"
#include "util/random.h"

#include <stdlib.h>

enum { MANY = 20000 };

struct entry {
    struct map_node node;
    uint64_t key;
    bool in_map;
    unsigned seen;
};

static bool has_key(const struct map_node *node, const void *key)
{
    return ((const struct entry *)(const void *)node)->key == *(const uint64_t *)key;
}

static uint64_t hash_of(uint64_t key)
{
    return key * 0x9e3779b97f4a7c15ULL;
}

static struct entry *find(const struct map *map, uint64_t key)
{
    return (struct entry *)(void *)map_find(map, hash_of(key), has_key, &key);
}

static struct entry *make_entries(void)
{
    struct entry *entries = calloc(MANY, sizeof(*entries));
    assert_non_null(entries);
    for (uint64_t i = 0; i < MANY; i++)
        entries[i].key = i;
    return entries;
}

static void what_was_added_is_found_until_removed(void **state)
{
    (void)state;
    struct entry *entries = make_entries();
    struct map map;
    struct random random;
    random_seed(&random, 1);
    assert_int_equal(map_init(&map), OK);
    size_t count = 0;
    for (int step = 0; step < 10 * MANY; step++) {
        struct entry *entry = &entries[random_below(&random, MANY)];
        assert_ptr_equal(find(&map, entry->key), entry->in_map ? entry : NULL);
        if (entry->in_map)
            map_remove(&map, &entry->node);
        else
            map_add(&map, &entry->node, hash_of(entry->key));
        entry->in_map = !entry->in_map;
        count += entry->in_map ? 1 : (size_t)-1;
        assert_int_equal(map.count, count);
    }
    map_done(&map);
    free(entries);
}

static void equal_hashes_are_told_apart(void **state)
{
    (void)state;
    struct map map;
    struct entry entries[50];
    assert_int_equal(map_init(&map), OK);
    for (uint64_t i = 0; i < 50; i++) {
        entries[i].key = i;
        map_add(&map, &entries[i].node, 42);
    }
    for (uint64_t i = 0; i < 50; i++)
        assert_ptr_equal(map_find(&map, 42, has_key, &i), &entries[i].node);
    map_done(&map);
    uint64_t key = 1;
    assert_null(map_find(&map, 42, has_key, &key)); /* done is empty */
}

static void a_walk_meets_each_node_once_and_may_remove(void **state)
{
    (void)state;
    struct entry *entries = make_entries();
    struct map map;
    assert_int_equal(map_init(&map), OK);
    assert_null(map_next(&map, NULL));
    for (size_t i = 0; i < MANY; i++)
        map_add(&map, &entries[i].node, hash_of(entries[i].key));
    for (struct map_node *node = map_next(&map, NULL); node; node = map_next(&map, node))
        ((struct entry *)(void *)node)->seen++;
    struct map_node *next;
    for (struct map_node *node = map_next(&map, NULL); node; node = next) {
        next = map_next(&map, node);
        struct entry *entry = (struct entry *)(void *)node;
        entry->seen++;
        if (entry->key % 3)
            map_remove(&map, node);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(entries[i].seen, 2);
        assert_ptr_equal(find(&map, i), i % 3 ? NULL : &entries[i]);
    }
    map_done(&map);
    free(entries);
}

static void an_emptied_map_gets_small_again(void **state)
{
    (void)state;
    struct entry *entries = make_entries();
    struct map map;
    assert_int_equal(map_init(&map), OK);
    for (size_t i = 0; i < MANY; i++)
        map_add(&map, &entries[i].node, hash_of(i));
    assert_true(map.bucket_count >= MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        map_remove(&map, &entries[i].node);
    for (size_t i = 0; i < MANY; i++) {
        map_add(&map, &entries[0].node, hash_of(0));
        assert_non_null(find(&map, 0));
        map_remove(&map, &entries[0].node);
    }
    assert_true(map.bucket_count < 64);
    map_done(&map);
    free(entries);
}

static void without_memory_chains_get_longer(void **state)
{
    (void)state;
    struct map map;
    for (unsigned nth = 1; nth <= 2; nth++) {
        failing_malloc_at(nth);
        assert_int_equal(map_init(&map), ERR_NOMEM);
        assert_true(failing_malloc_off());
    }
    struct entry *entries = make_entries();
    assert_int_equal(map_init(&map), OK);
    for (size_t i = 0; i < MANY; i++) {
        failing_malloc_from(1);
        map_add(&map, &entries[i].node, hash_of(i));
        (void)failing_malloc_off();
    }
    assert_true(map.bucket_count <= 256); /* all that the first segment holds */
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(find(&map, i), &entries[i]);
    map_done(&map);
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_until_removed),      cmocka_unit_test(equal_hashes_are_told_apart),
        cmocka_unit_test(a_walk_meets_each_node_once_and_may_remove), cmocka_unit_test(an_emptied_map_gets_small_again),
        cmocka_unit_test(without_memory_chains_get_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
