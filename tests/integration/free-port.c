/* SPDX-License-Identifier: ISC */
/*
 * free-port: prints a TCP port that nobody uses on 127.0.0.1.
 *
 * The port is below the range that the kernel gives to outgoing connections, so
 * that none of these can take it before the server binds it. Tests that run at
 * the same time begin to look at different places.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST 15000
#define COUNT 15000

int
main(void)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	unsigned start = (unsigned)getpid() * 7919u;
	uint16_t port;
	int fd;

	for (unsigned i = 0; i < COUNT; i++) {
		port = (uint16_t)(FIRST + (start + i) % COUNT);
		sin.sin_port = htons(port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			break;
		if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0) {
			printf("%d\n", port);
			return 0;
		}
		close(fd);
	}
	fputs("free-port: none found\n", stderr);
	return 1;
}
