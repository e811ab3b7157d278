/* SPDX-License-Identifier: Apache-2.0 */
/* An intrusive doubly linked list.  A list is a node that points at itself when empty; so is a node in no list. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The struct that embeds `node` as its member `member`. */
#define container_of(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The same for a node that is only read. */
#define container_of_const(node, type, member)                                                                         \
    ((const type *)(const void *)((const char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *node)
{
    node->next = node->prev = node;
}
static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}
/* A node that is linked nowhere; only true answers for nodes that were list_init()ed or removed. */
static inline bool list_is_unlinked(const struct list *node)
{
    return node->next == node;
}
static inline void list_push_back(struct list *list, struct list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}
static inline void list_push_front(struct list *list, struct list *node)
{
    list_push_back(list->next, node);
}
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}
/* First node, or NULL. */
static inline struct list *list_first(const struct list *list)
{
    return list->next == list ? NULL : list->next;
}
/* Moves all nodes of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}
