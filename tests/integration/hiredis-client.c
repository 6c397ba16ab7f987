/* SPDX-License-Identifier: ISC */
/*
 * hiredis-client: a C program that uses reqd through hiredis. Compiled by
 * the test that runs it, so that reqd itself does not need hiredis.
 *
 *	hiredis-client HOST PORT | PATH
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#define N_PIPELINED 500

static void
check(int ok, const char *what, const redisContext *c)
{
	if (ok)
		return;
	fprintf(stderr, "hiredis-client: %s%s%s\n", what, c->err ? ": " : "", c->errstr);
	exit(1);
}

static void
expect(redisContext *c, redisReply *r, int type, const char *bytes, size_t len, const char *what)
{
	check(r != NULL && r->type == type && (size_t)r->len == len &&
	    memcmp(r->str, bytes, len) == 0, what, c);
	freeReplyObject(r);
}

static void
check_bytes(redisContext *c)
{
	static char bytes[256 * 400];
	const char *argv[] = { "CALL", "--stdin", "cat", bytes };
	const size_t lens[] = { 4, 7, 3, sizeof(bytes) };

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	expect(c, redisCommandArgv(c, 4, argv, lens), REDIS_REPLY_STRING, bytes, sizeof(bytes),
	    "bytes");
}

static void
check_full(redisContext *c)
{
	redisReply *r = redisCommand(c, "CALL --full fail");

	check(r != NULL && r->type == REDIS_REPLY_ARRAY && r->elements == 16, "--full", c);
	check(strcmp(r->element[0]->str, "status") == 0 && r->element[1]->integer == 3,
	    "--full: status", c);
	check(strcmp(r->element[2]->str, "signal") == 0 &&
	    r->element[3]->type == REDIS_REPLY_NIL, "--full: signal", c);
	freeReplyObject(r);
}

static void
check_pipeline(redisContext *c)
{
	redisReply *r;
	char text[32];

	for (int i = 0; i < N_PIPELINED; i++)
		check(redisAppendCommand(c, "CALL echo %d", i) == REDIS_OK, "append", c);
	for (int i = 0; i < N_PIPELINED; i++) {
		check(redisGetReply(c, (void **)&r) == REDIS_OK, "reply", c);
		snprintf(text, sizeof(text), "%d\n", i);
		expect(c, r, REDIS_REPLY_STRING, text, strlen(text), "pipeline");
	}
}

int
main(int argc, char **argv)
{
	redisContext *c;

	if (argc < 2)
		return 2;
	c = argc > 2 ? redisConnect(argv[1], atoi(argv[2])) : redisConnectUnix(argv[1]);
	if (c == NULL)
		return 1;
	check(c->err == 0, "connect", c);

	expect(c, redisCommand(c, "PING"), REDIS_REPLY_STATUS, "PONG", 4, "PING");
	expect(c, redisCommand(c, "CALL echo %s", "a b"), REDIS_REPLY_STRING, "a b\n", 4, "echo");
	expect(c, redisCommand(c, "CALL fail"), REDIS_REPLY_ERROR, "EXIT 3 broken", 13, "fail");
	check_bytes(c);
	check_full(c);
	check_pipeline(c);
	redisFree(c);
	return 0;
}
