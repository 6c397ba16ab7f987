/* SPDX-License-Identifier: ISC */
/*
 * logins: the file of logins, which the key "logins" names, and the credentials of
 * a configuration. proto/credential.h has the form of a line.
 */
#pragma once

#include <stddef.h>

#include "conf/reader.h"

#define LOGINS_MAX (1u << 20)	/* bytes of the file */

/*
 * Reads the text of a file of logins into the credentials of the configuration.
 * Mistakes are errors with file and line. 0 or -ENOMEM.
 */
int logins_parse(struct reader *r, const char *file, const char *text, size_t len);

/*
 * Reads the file that the configuration names; without the key there is nothing to
 * do. Nobody but root and reqd's own account may have written the file, and nobody
 * else may read it. 0 or -ENOMEM.
 */
int logins_load(struct reader *r);

/*
 * Checks all credentials together, whether they come from a file or from canonical
 * text: services must be there, and no secret may stand twice. 0 or -ENOMEM.
 */
int logins_check(struct reader *r);
