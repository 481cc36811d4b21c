/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_LIST_H
#define SEALPOOL_MEMORY_LIST_H

#include <stdbool.h>
#include <stddef.h>

/** A list, and a member of one. */
struct sp_list {
	struct sp_list *prev, *next;
};

static inline void sp_list_init(struct sp_list *list) {
	list->prev = list->next = list;
}

static inline bool sp_list_is_empty(const struct sp_list *list) {
	return list->next == list;
}

/** Adds a member at the end. */
static inline void sp_list_append(struct sp_list *list,
		struct sp_list *member) {
	member->prev = list->prev;
	member->next = list;
	list->prev->next = member;
	list->prev = member;
}

/** Removes a member, which is then an empty list, so it may be removed again. */
static inline void sp_list_remove(struct sp_list *member) {
	member->prev->next = member->next;
	member->next->prev = member->prev;
	sp_list_init(member);
}

#define sp_list_entry(member, type, name) \
	((type *)(void *)((char *)(member) - offsetof(type, name)))

/** "name" is the member of "type" that is the struct sp_list. */
#define sp_list_for_each(entry, list, type, name) \
	for (entry = sp_list_entry((list)->next, type, name); \
		&entry->name != (list); \
		entry = sp_list_entry(entry->name.next, type, name))

/** The entry may be removed, and freed, in the loop. */
#define sp_list_for_each_safe(entry, after, list, type, name) \
	for (entry = sp_list_entry((list)->next, type, name), \
		after = sp_list_entry(entry->name.next, type, name); \
		&entry->name != (list); \
		entry = after, \
		after = sp_list_entry(after->name.next, type, name))

#endif
