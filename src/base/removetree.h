/* SPDX-License-Identifier: ISC */
/*
 * removetree: removes a directory with all that a program has left in it.
 *
 * Runs as the account that owns the tree, never as a stronger one. Even so it follows
 * no symlink, leaves no file system, and needs the same memory, stack and number of
 * descriptors for a tree of any depth. Uses nothing but system calls, so it is
 * safe between fork and exec. Time is the caller's affair.
 */
#pragma once

/*
 * Removes the directory, or what else has that name in the directory parent. 0, also when it is not
 * there; or -errno when something in it cannot be removed.
 */
int removetree(int parent, const char *name);

typedef void removetree_entry_fn(int dir, const char *name, void *arg);

/* Calls fn for each entry of an open directory; fn may remove the entry. 0 or -errno. */
int removetree_each(int dir, removetree_entry_fn *fn, void *arg);
