/* SPDX-License-Identifier: ISC */
/* httpdoor: HTTP/1.1 and 1.0 on connections. HTTP.md describes what is spoken. */
#pragma once

#include "door/http/httpsession.h"

/* The caller fills in conf, pages, net and desk. seed: any number but 0, not to be guessed. */
void http_door_init(struct http_door *d, size_t seed);
void http_door_done(struct http_door *d);

/* Takes note of the secrets of webhooks, in a sealed file, which is borrowed; -1: none. 0 or -errno. */
int http_door_set_secrets(struct http_door *d, int fd);
