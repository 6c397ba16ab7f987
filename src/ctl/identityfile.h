/* SPDX-License-Identifier: ISC */
/*
 * identityfile: the key of the user, by which servers at tls:// know who calls, with a
 * certificate that vouches for itself: ~/.config/reqctl/id.pem, or the file of --identity.
 */
#pragma once

struct ctl;
struct reqd;

/* Returns the path: that of --identity, or else that of the user. New, or NULL with a message. */
char *identityfile_path(const struct ctl *ctl);

/* Makes the connection show the key in this file. 0, or an exit status after a message. */
int identityfile_use(const struct ctl *ctl, struct reqd *c, const char *path);
