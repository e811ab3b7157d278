/* SPDX-License-Identifier: Apache-2.0 */
/* The intrusive list. */
#include "support/cmocka_all.h"
#include "util/list.h"

struct item {
    int value;
    struct list node;
};

static int value_of(struct list *node)
{
    return container_of(node, struct item, node)->value;
}

static void order_is_kept(void **state)
{
    (void)state;
    struct item a = {.value = 1};
    struct item b = {.value = 2};
    struct item c = {.value = 3};
    struct list list;
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));
    list_push_back(&list, &b.node);
    list_push_back(&list, &c.node);
    list_push_front(&list, &a.node);
    int expected = 1;
    for (struct list *node = list.next; node != &list; node = node->next)
        assert_int_equal(value_of(node), expected++);
    assert_int_equal(expected, 4);
    list_remove(&b.node);
    assert_true(list_is_unlinked(&b.node));
    assert_false(list_is_unlinked(&a.node));
    assert_ptr_equal(a.node.next, &c.node);
}

static void splicing_moves_all(void **state)
{
    (void)state;
    struct item a = {.value = 1};
    struct item b = {.value = 2};
    struct list from;
    struct list to;
    list_init(&from);
    list_init(&to);
    list_splice(&to, &from);
    assert_true(list_is_empty(&to));
    list_push_back(&to, &a.node);
    list_push_back(&from, &b.node);
    list_splice(&to, &from);
    assert_true(list_is_empty(&from));
    assert_int_equal(value_of(list_first(&to)), 1);
    assert_int_equal(value_of(to.prev), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(splicing_moves_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
