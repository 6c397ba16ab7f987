/* SPDX-License-Identifier: ISC */
/*
 * hostile: bytes that no honest client would send, sent to a real reqd, and the
 * expected answers according to a model of PROTOCOL.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define MAX_WORKERS 16

/* The address of the server, and those of its processes that are workers. */
struct place {
	const char *unix_path;
	unsigned port;
	int workers[MAX_WORKERS];
	size_t n_workers;
	bool measures_memory;	/* not under a sanitizer */
	double patience;	/* seconds to wait for an event that must happen */
};
extern struct place place;

__attribute__((format(printf, 1, 2), noreturn)) void die(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void note(const char *fmt, ...);
double seconds(void);
/* Returns a number that is the same in every run. */
uint32_t random_below(uint32_t n);

/* --------------------------------------------------------------- model --- */

enum answer_kind {
	ANSWER_EXACT,		/* these bytes */
	ANSWER_BARE,	/* exactly these bytes, which are no RESP, and nothing behind them */
	ANSWER_BEGINS,		/* one line that begins with these bytes */
	ANSWER_VALUE,		/* one value of any kind */
	ANSWER_CALL,		/* one value, and perhaps a program has run */
};

struct answer {
	enum answer_kind kind;
	char text[192];
	size_t len;
};

/* The answer that must come for an input. */
struct expected {
	struct answer *list;
	size_t n;
	bool is_error;		/* a protocol error: closed by the server */
	bool is_foreign;	/* closed; what was sent may be lost to a reset */
	bool is_over;		/* QUIT: closed by the server */
	unsigned n_calls;	/* programs that may run */
};

void expected_find(struct expected *e, struct slice input);
void expected_done(struct expected *e);

/* Returns the length of the value at the start; 0: not whole; -1: none. */
ssize_t value_length(struct slice s);

/*
 * Compares the bytes that came with the expected answer. Returns the difference
 * in words, or NULL; counts in *ran the calls whose reply says that a program
 * has run. cut: the answer may end early.
 */
const char *expected_check(const struct expected *e, struct slice got, bool cut, unsigned *ran);

/* ---------------------------------------------------------------- peer --- */

enum peer_end {
	PEER_HALF_CLOSES,	/* after the last byte, and reads to the end */
	PEER_WAITS,		/* for the server to close */
	PEER_CLOSES,		/* after the last byte, reading nothing */
};

struct peer_case {
	const char *name;
	struct buf bytes;
	size_t step;		/* bytes of one send(); 0: all */
	enum peer_end end;
};

/* Connects, alternately over TCP and a unix socket; -1 with errno. */
int peer_connect(bool unix_socket);

/*
 * Runs a case on a connection of its own, with many others at the same time;
 * takes the bytes of the case. peer_finish() waits for the cases that are left.
 */
void peer_run(struct peer_case *c);
void peer_finish(void);

/*
 * Sums over all cases so far: their number, and the numbers of programs that
 * must and may have run.
 */
struct peer_totals {
	unsigned long n, n_over, must_run, may_run;
	double longest;		/* seconds from the last byte to the end */
};
extern struct peer_totals peer_totals;

/* Sends and receives with patience; for phases that do one step at a time. */
void peer_say(int fd, const char *text);
void peer_send(int fd, const void *data, size_t n);
/*
 * Reads one value into memory that the next call uses again; NULL at the end.
 */
const char *peer_hear(int fd, size_t *ret_len);
void peer_hears(int fd, const char *begins);

/* --------------------------------------------------------------- server --- */

/* Returns the value of an INFO line ("connected_clients:"), -1 without it. */
long server_number(const char *section, const char *key);
/* Returns the number of programs of all services that have been run. */
unsigned long server_runs(void);
/* Waits until INFO shows this value. */
void server_settles(const char *section, const char *key, long value);
/* Asserts that the server answers PING and runs a command in time. */
void server_lives(void);
/* Sums over all workers, in KiB; in clock ticks; in context switches. */
long server_memory(void);
long server_ticks(void);
long server_switches(void);

/* --------------------------------------------------------------- phases --- */

typedef void phase_fn(void);
phase_fn phase_valid, phase_truncated, phase_changed, phase_numbers, phase_pieces;
phase_fn phase_foreign, phase_echoes;
phase_fn phase_held, phase_pipelines, phase_greedy;
phase_fn phase_states, phase_quiet;
