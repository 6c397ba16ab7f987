/* SPDX-License-Identifier: ISC */
/* configfile: the files of the user's own in ~/.config/reqctl: their paths, and who may read them. */
#pragma once

#include <stdbool.h>

/* Returns the path of a file there, such as "servers/prod", or NULL without a home. New. */
char *configfile_path(const char *below);

/* Makes the directories above the file, for the user alone. */
void configfile_make_directories(char *path);

/* The reason why the open file cannot hold a secret of ours, or NULL. */
const char *configfile_complaint(int fd, bool *ret_is_file);
