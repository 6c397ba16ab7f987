/* SPDX-License-Identifier: ISC */
/* reqctl pin: prints the pin of a server's certificate on this machine. */
#include "config.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/serverkey.h"

static int
pin_run(struct ctl *ctl, size_t n, char **words)
{
	const char *path = n > 0 ? words[0] : SERVERKEY_DIRECTORY "/server.crt";
	CLEANUP_FILE FILE *f = fopen(path, "re");
	char pin[PIN_TEXT];
	X509 *cert;
	bool ok;

	if (f == NULL) {
		ctl_message(ctl, "cannot open %s: %s%s", path, strerror(errno), errno == ENOENT ?
		    "; 'reqctl keygen --server' makes a certificate" : "");
		return STATUS_LOCAL;
	}
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	ok = cert != NULL && serverkey_pin(cert, pin);
	X509_free(cert);
	if (!ok) {
		ctl_message(ctl, "%s is no certificate in PEM", path);
		return STATUS_LOCAL;
	}
	(void)printf("%s\n", pin);
	return 0;
}

const struct ctl_cmd cmd_pin = {
	.name = "pin",
	.synopsis = "[CERTIFICATE]",
	.summary = "print the pin by which clients know a server",
	.details = "The certificate is " SERVERKEY_DIRECTORY "/server.crt unless named.\n",
	.max_words = 1,
	.run = pin_run,
};
