/* SPDX-License-Identifier: ISC */
/*
 * entropy: measures the information that each byte of some data carries.
 *
 *	cc -O2 entropy.c -o entropy $(pkg-config --cflags --libs libreqd) -lm
 *	service "entropy" {
 *		handler = {"/usr/local/libexec/entropy"}
 *		ready = ping
 *		argument "data" {}
 *		allow = {"local"}
 *	}
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <reqd.h>

static void
measure(struct reqd_request *req, const unsigned char *data, size_t len)
{
	size_t count[256] = { 0 };
	int distinct = 0;
	double bits = 0;

	for (size_t i = 0; i < len; i++)
		count[data[i]]++;
	for (int i = 0; i < 256; i++) {
		double p = len > 0 ? (double)count[i] / (double)len : 0;

		distinct += count[i] > 0;
		bits -= p > 0 ? p * log2(p) : 0;
	}
	reqd_reply_map(req, 3);
	reqd_reply_text(req, "bytes");
	reqd_reply_integer(req, (int64_t)len);
	reqd_reply_text(req, "distinct");
	reqd_reply_integer(req, distinct);
	reqd_reply_text(req, "bits-per-byte");
	reqd_reply_double(req, bits);
}

static void
handle(void *arg, struct reqd_request *req)
{
	(void)arg;
	if (strcmp(req->argv[0], "entropy") != 0)
		reqd_reply_error(req, "ERR", "unknown command '%s'", req->argv[0]);
	else if (req->argc != 2)
		reqd_reply_exit(req, 64, "usage: entropy DATA");
	else
		measure(req, (const unsigned char *)req->argv[1], req->lens[1]);
}

int
main(void)
{
	return reqd_serve(handle, NULL);
}
