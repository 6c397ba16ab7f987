/* SPDX-License-Identifier: ISC */
/*
 * serverentry: a server that 'reqctl join' has made known, with the secret for it, in
 * ~/.config/reqctl/servers/NAME.
 */
#pragma once

#include <stdbool.h>

struct ctl;

struct server_entry {
	char *url;
	char *login, *token;	/* NULL: none */
	char *pin;		/* NULL: none */
	char *key;		/* file of the key to show; NULL: none */
};

void server_entry_done(struct server_entry *e);

/*
 * True if the word can be the name of an entry: letters, digits, '.', '_' and '-', not
 * '.' first.
 */
bool server_entry_is_name(const char *word);

/*
 * Reads an entry. 0; 1: there is no entry of that name; or an exit status, negated, with a
 * message: the entry belongs to somebody else, others may read it, or it has a mistake.
 */
int server_entry_read(const struct ctl *ctl, const char *name, struct server_entry *ret);

/* Writes an entry that only its owner can read. 0 or an exit status. */
int server_entry_write(const struct ctl *ctl, const char *name, const struct server_entry *e);

/* Returns the entry as one URL with login and secret, without the key. New; wipe and free it. */
char *server_entry_url(const struct server_entry *e);

/* Overwrites and frees a text that holds a secret. Accepts NULL. */
void secret_free(char *text);
static inline void
secret_freep(char **text)
{
	secret_free(*text);
}

/* Reads the one line of a file as a secret. New, or NULL with a message. */
char *secret_read_file(const struct ctl *ctl, const char *path);
