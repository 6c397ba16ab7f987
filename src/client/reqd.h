/* SPDX-License-Identifier: ISC */
/*
 * libreqd: calls services of a reqd server.
 *
 *	struct reqd *c = reqd_new();
 *	struct reqd_call *call = reqd_call_new("disk-usage");
 *	struct reqd_result *res = NULL;
 *
 *	if (reqd_connect(c, NULL, 0, 0) < 0 || reqd_call(c, call, &res) < 0)
 *		errx(1, "%s", reqd_error_text(c));
 *	fwrite(res->out, 1, res->out_len, stdout);
 *
 * Rules for everything below:
 *
 * - A connection, a call and a result belong to one thread at a time. There
 *   are no globals; different threads may use different objects.
 * - Strings are NUL-terminated; data with a length may hold any bytes.
 * - A function that returns int returns 0 or one of enum reqd_error, unless
 *   it says otherwise. What failed, in words: reqd_error_text().
 * - An error other than REQD_E_INVALID closes the connection and sticks to it:
 *   every later use returns the same code, until reqd_connect succeeds.
 * - No request is ever sent twice: libreqd does not reconnect and does not
 *   retry, but for the greeting of reqd_connect.
 * - No function raises SIGPIPE, changes signal handlers, or exits.
 * - A server can make the library return an error; it cannot make it crash,
 *   nor hold more memory than the reply limit and a few hundred kilobytes.
 * - Functions that can block say so; all others do not.
 *
 * A program that is itself a service: see "handler side" at the end.
 */
#ifndef REQD_H
#define REQD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library, such as "0.1.0". */
const char *reqd_version(void);

/* ------------------------------------------------------------ errors --- */

enum reqd_error {
	REQD_OK = 0,
	REQD_E_NOMEM = -1,	/* out of memory */
	REQD_E_INVALID = -2,	/* wrong use, wrong URL; nothing was sent */
	REQD_E_CONNECT = -3,	/* no server could be reached */
	REQD_E_TIMEOUT = -4,	/* the deadline passed */
	REQD_E_CLOSED = -5,	/* not connected, or the connection broke */
	REQD_E_PROTOCOL = -6,	/* the server's bytes made no sense */
	REQD_E_LIMIT = -7,	/* a reply is larger than the reply limit */
	REQD_E_REFUSED = -8,	/* the server did not want the connection */
	REQD_E_INPUT = -9,	/* the input of a call could not be read */
	REQD_E_STOPPED = -10	/* a callback asked to stop */
};

/* ------------------------------------------------------- connections --- */

/* A connection to one server; at first not connected. */
struct reqd;

/* A new connection object, or NULL without memory. Free with reqd_free. */
struct reqd *reqd_new(void);

/*
 * Closes and frees. A call that is in progress is thereby cancelled. NULL is
 * accepted. Always returns NULL.
 */
struct reqd *reqd_free(struct reqd *c);

/*
 * How long reqd_connect may take for one URL, in milliseconds (1 to
 * 86400000; default 10000). The look-up of a host name is not counted: it
 * takes as long as the system's resolver wants.
 */
int reqd_set_connect_timeout(struct reqd *c, unsigned ms);

/*
 * From now on nothing that blocks goes on for longer than this many
 * milliseconds from now (up to 86400000 times 365); then REQD_E_TIMEOUT. 0:
 * no deadline, which is the default. The server does not learn of it: see
 * reqd_call_set_timeout for that.
 */
int reqd_set_deadline(struct reqd *c, uint64_t ms);

/*
 * The largest reply in bytes, 1024 to 1 GiB (default 64 MiB). A larger one
 * is REQD_E_LIMIT. Output that goes to a callback is not limited by it.
 */
int reqd_set_reply_limit(struct reqd *c, size_t bytes);

/* Flags of reqd_connect and reqd_attach. */
#define REQD_NO_HELLO 1u	/* stay in RESP2; reqd_call will not work */

/*
 * Connects to the first of n URLs that answers: tcp://HOST[:PORT] or
 * unix:///PATH (default port 7373), and greets with HELLO 3. With n == 0: to
 * $REQD_SERVER if that is set, else the unix socket of the local reqd, else
 * tcp://127.0.0.1:7373. A connection that was open is closed first, and a
 * former error is forgotten. Blocks, for the connect timeout and URL at most.
 *
 * A connection that is closed before the first byte of an answer to HELLO, as
 * by a server that restarts, is made once more within the same time: nothing
 * has been asked yet.
 *
 * REQD_E_INVALID: not a URL (nothing was tried). REQD_E_CONNECT, _TIMEOUT,
 * _CLOSED, _PROTOCOL, _REFUSED: what the last URL did; the text names all.
 */
int reqd_connect(struct reqd *c, const char *const *urls, size_t n, unsigned flags);

/*
 * The same with a connected stream socket. Takes fd in every case, and makes
 * it non-blocking. name stands for the URL in messages.
 */
int reqd_attach(struct reqd *c, int fd, const char *name, unsigned flags);

/* Closes. Allowed at any time; a call in progress is cancelled by it. */
void reqd_close(struct reqd *c);

/*
 * The URL connected to, or tried last; "" before that. Valid until the next
 * reqd_connect.
 */
const char *reqd_url(const struct reqd *c);

/*
 * What the server calls itself, such as "reqd 0.1.0"; "" when unknown. Only
 * printable ASCII. Valid until the next reqd_connect.
 */
const char *reqd_server(const struct reqd *c);

/* The descriptor of the connection, or -1. To be polled, not to be read. */
int reqd_fd(const struct reqd *c);

/* The last error of this connection: 0 or one of enum reqd_error. */
int reqd_error(const struct reqd *c);

/*
 * What went wrong, in one line for people; "" when nothing did. May contain
 * bytes of the server, made printable. Valid until the next call with c.
 */
const char *reqd_error_text(const struct reqd *c);

/* ------------------------------------------------ requests and replies --- */

/* One reply, or a part of one. */
struct reqd_value;

enum reqd_kind {
	REQD_SIMPLE,	/* text */
	REQD_ERROR,	/* text: "CODE words" */
	REQD_INTEGER,
	REQD_BULK,	/* bytes */
	REQD_NULL,
	REQD_BOOL,
	REQD_DOUBLE,
	REQD_VERBATIM,	/* bytes */
	REQD_ARRAY,
	REQD_MAP,
	REQD_SET,
	REQD_PUSH	/* answers no request; may come between two replies */
};

/*
 * Sends one request of argc words. lens: their lengths, or NULL when all are
 * strings. Several may be sent before their replies are received; replies
 * come in the same order. Blocks while the server takes no more; what it
 * sends meanwhile is kept, up to the reply limit.
 */
int reqd_send(struct reqd *c, size_t argc, const char *const *argv, const size_t *lens);

/*
 * Waits for the next value. *ret is new, free it with reqd_value_free. It
 * may be an error reply (REQD_ERROR), which is no error of this function,
 * or a REQD_PUSH. Blocks.
 */
int reqd_receive(struct reqd *c, struct reqd_value **ret);

/*
 * reqd_send of n words given as strings, then reqd_receive; pushes before
 * the reply are dropped. Blocks.
 */
int reqd_request(struct reqd *c, struct reqd_value **ret, size_t argc,
    const char *const *argv);

/* Frees what reqd_receive returned, not a part of it. Returns NULL. */
struct reqd_value *reqd_value_free(struct reqd_value *v);

/*
 * Accessors. All accept NULL (and any kind) and then return the neutral
 * value: REQD_NULL, "", 0, false, NULL. What they return lives as long as the
 * value that was received.
 */
enum reqd_kind reqd_value_kind(const struct reqd_value *v);
/* Of SIMPLE, ERROR, BULK and VERBATIM. Not NUL-terminated. */
const char *reqd_value_data(const struct reqd_value *v, size_t *ret_len);
/* Of INTEGER and BOOL (0 or 1). */
int64_t reqd_value_integer(const struct reqd_value *v);
/* Of DOUBLE and INTEGER. */
double reqd_value_double(const struct reqd_value *v);
/* Elements of ARRAY, SET and PUSH; of a MAP: keys plus values. */
size_t reqd_value_count(const struct reqd_value *v);
/* Element i. Of a MAP: key 0, value 0, key 1, value 1 ... */
const struct reqd_value *reqd_value_at(const struct reqd_value *v, size_t i);
/* The value behind a key of a MAP, or of an ARRAY of keys and values. */
const struct reqd_value *reqd_value_get(const struct reqd_value *v, const char *key);

/* ------------------------------------------------------ calling services */

/* How a call ended. */
enum reqd_outcome {
	REQD_EXIT,	/* the program ended by itself: status */
	REQD_SIGNAL,	/* a signal killed it: signal */
	REQD_TIMEOUT,	/* the deadline passed; killed */
	REQD_CANCELLED,	/* somebody cancelled it; killed */
	REQD_TOOBIG,	/* more output than allowed; killed */
	REQD_BUSY,	/* not started: too many others */
	REQD_NOSTART,	/* not started: the program cannot be run */
	REQD_LOST,	/* a part of the server died; it may have run */
	REQD_BADARG,	/* not started: an argument was refused */
	REQD_DENIED,	/* not started: no such service, or not allowed */
	REQD_DRAINING,	/* not started: the server is stopping */
	REQD_UNAVAIL,	/* not started: the service cannot serve now */
	REQD_HANDLER,	/* its handler died or broke the protocol; it may have run */
	REQD_FAILED	/* another error of the server */
};

/* "exit", "signal", "timeout" ...: the word in logs and JSON. */
const char *reqd_outcome_word(enum reqd_outcome o);

/* "SEGV" for 11. Never NULL. Valid until this thread's next call of it. */
const char *reqd_signal_name(int sig);

/*
 * The outcome an error reply stands for, REQD_FAILED when it is none of the
 * others (or v is no error).
 */
enum reqd_outcome reqd_value_outcome(const struct reqd_value *v);

/* What a call gave. Made by the library only; fields may be added at the end. */
struct reqd_result {
	enum reqd_outcome outcome;
	int status;		/* exit status 0-255; -1: none */
	int signal;		/* number; 0: none */
	bool may_have_run;	/* false: it is safe to call again */
	bool truncated;		/* out or err are not all of it */
	const char *out;	/* standard output; empty when a callback took it */
	size_t out_len;
	const char *err;	/* standard error, likewise */
	size_t err_len;
	uint64_t usec;		/* how long it took at the server, microseconds */
	const char *id;		/* id of the request; "" when it got none */
	const char *error;	/* error line of the server, "CODE words"; or "" */
	/*
	 * What a handler answered; NULL when the service has none. A reply
	 * REQD_NULL is no NULL. REQD_ERROR: the handler's error; status is the
	 * n of "EXIT n words", and 1 with any other. To be read with the
	 * accessors above; lives as long as the result.
	 */
	const struct reqd_value *value;
};

/* Frees. Accepts NULL. Returns NULL. */
struct reqd_result *reqd_result_free(struct reqd_result *r);

/*
 * The outcome in words, such as "killed by signal 11 (SEGV)", cut at len.
 * Printable. Returns text.
 */
const char *reqd_result_text(const struct reqd_result *r, char *text, size_t len);

/*
 * One number for a script, as reqctl exits: status 0-125 as it is, 239 for
 * 126-255, 128 + signal, 240-250 for the other outcomes, 251 for REQD_FAILED.
 */
int reqd_result_exit_status(const struct reqd_result *r);

/*
 * A piece of output. stream: 1 standard output, 2 standard error. data is
 * valid during the callback. Return 0 to go on; anything else closes the
 * connection, which cancels the call, with REQD_E_STOPPED. The callback may
 * block, which slows the program down; it must not use the connection.
 */
typedef int reqd_output_fn(void *arg, int stream, const void *data, size_t len);

/*
 * Fills buf with up to size bytes of input. Returns how many, 0 at the end,
 * or a negative number to give up (REQD_E_STOPPED).
 */
typedef long reqd_input_fn(void *arg, void *buf, size_t size);

/* What to call, and how. Can be used for many calls, one after the other. */
struct reqd_call;

/*
 * A new call of a service without arguments. service is copied. NULL without
 * memory. Free with reqd_call_free, which accepts NULL and returns NULL.
 */
struct reqd_call *reqd_call_new(const char *service);
struct reqd_call *reqd_call_free(struct reqd_call *call);

/*
 * The functions below copy what they get. They return 0, REQD_E_NOMEM or
 * REQD_E_INVALID; a failure is also remembered, and reqd_call reports it, so
 * it is enough to look there.
 */

/* The next positional argument. Not together with named ones. */
int reqd_call_add(struct reqd_call *call, const void *data, size_t len);
/* An argument by its declared name; again for one that can repeat. */
int reqd_call_add_named(struct reqd_call *call, const char *name, const void *data, size_t len);
/*
 * The deadline the server sets, in milliseconds, 1 or more. It can make the
 * one of the service shorter, never longer. The result is REQD_TIMEOUT.
 */
int reqd_call_set_timeout(struct reqd_call *call, uint64_t ms);
/*
 * An id of your choice, 1 to 128 of A-Z a-z 0-9 . _ : - . The same id again
 * from the same caller never runs the program a second time.
 */
int reqd_call_set_id(struct reqd_call *call, const char *id);
/* Passed on to the program as REQD_META_key. At most 16. */
int reqd_call_add_meta(struct reqd_call *call, const char *key, const char *value);
/*
 * Output goes to fn as it comes, and not into the result. Without one, the
 * result holds the output.
 */
int reqd_call_set_output(struct reqd_call *call, reqd_output_fn *fn, void *arg);
/*
 * Input is read from fd until its end, a piece at a time as the program takes
 * it. fd is borrowed, is polled together with the connection, and need not
 * be non-blocking. REQD_E_INPUT when reading fails.
 */
int reqd_call_set_input_fd(struct reqd_call *call, int fd);
/* Input comes from fn, likewise. It may block; output waits meanwhile. */
int reqd_call_set_input(struct reqd_call *call, reqd_input_fn *fn, void *arg);

/*
 * Calls the service and waits for its end. 0 with a new *ret whenever the
 * server told how it ended, also when it refused. Negative: it did not; see
 * reqd_was_sent. Memory does not grow with input, nor with output that goes
 * to a callback. Blocks.
 */
int reqd_call(struct reqd *c, const struct reqd_call *call, struct reqd_result **ret);

/*
 * May the last reqd_call or reqd_open have had an effect? False when not a
 * byte of it was sent, or the server refused to start it.
 */
bool reqd_was_sent(const struct reqd *c);

/*
 * The same in steps, for a program whose input is made by the caller:
 * reqd_open, reqd_write as often as wanted, reqd_finish. Input set in the
 * call is ignored. Between them no other function may use the connection.
 *
 * reqd_open: starts the program. 0: it runs. 1: there is nothing to write to,
 * and *ret is the result: it was refused, or a call with the same id ran
 * already. Blocks.
 */
int reqd_open(struct reqd *c, const struct reqd_call *call, struct reqd_result **ret);
/*
 * Sends len bytes of input. 0: taken. 1: the program wants no more input (do
 * call reqd_finish). Blocks while the program is slower than the caller; the
 * output callback is called meanwhile.
 */
int reqd_write(struct reqd *c, const void *data, size_t len);
/* Ends the input and waits for the result, as reqd_call. Blocks. */
int reqd_finish(struct reqd *c, struct reqd_result **ret);

/* ----------------------------------------------------- handler side --- */

/*
 * A service in C: a program that reqd keeps running and hands one request
 * after the other, see reqd-handler(7).
 *
 *	static void
 *	handle(void *arg, struct reqd_request *req)
 *	{
 *		reqd_reply_bulk(req, req->argv[1], req->lens[1]);
 *	}
 *
 *	int
 *	main(void)
 *	{
 *		return reqd_serve(handle, NULL);
 *	}
 */

/*
 * One request. Made by the library only; fields may be added at the end.
 * Valid, with all it points to, until the function it was given to returns.
 */
struct reqd_request {
	size_t argc;			/* 1 or more */
	/*
	 * argv[0]: the name of the service, or the verb bound to it; then its
	 * arguments; argv[argc] is NULL. Any bytes, and a NUL behind them.
	 */
	const char *const *argv;
	const size_t *lens;		/* of argv, without that NUL */
};

/*
 * Answers one request with exactly one reply. May block; may not call
 * reqd_serve.
 */
typedef void reqd_serve_fn(void *arg, struct reqd_request *req);

/*
 * Reads requests from standard input until its end, and calls fn for each of
 * them. A reply goes out in one write when fn has returned; the request PING,
 * with which reqd looks whether a handler works, is answered here. Replies go
 * to standard output, or to descriptor 3 when the environment says
 * REQD_CHANNEL=3. Until it returns, descriptor 0 is at its end and descriptor
 * 1 is what descriptor 2 is: printf in fn, or in a program it starts, writes
 * to the log, and nothing else can read a request.
 *
 * Returns what main should: 0 when the input ended between two requests.
 * Otherwise 1, after one line on standard error: the input ended inside a
 * request, was none (at most 1000000 words, 1 GiB), could not be read, or the
 * reply could not be written; memory was not to be had. There is no reply
 * then, and reqd answers the caller. Memory grows with the bytes of the
 * request and the reply that are there; beyond 1 MiB it is given back after
 * each. Blocks.
 */
int reqd_serve(reqd_serve_fn *fn, void *arg);

/*
 * The same for a service with "pipeline" above 1 whose fn takes microseconds
 * and waits for nothing: the replies to requests that came together leave
 * with one write, when no whole request is left. Until then a reply is lost
 * if fn ends the program, and waits if fn does.
 */
int reqd_serve_batch(reqd_serve_fn *fn, void *arg);

/*
 * The reply: one value. Only an array or a map consists of more, the values
 * given next. Nothing is sent before fn returns, and what it built wrongly is
 * not sent at all: the caller gets an error that says what, such as "-ERR
 * handler made no reply", when there is no value, a second one, an array that
 * is not full, an array or map within 8 others, or no memory for it. Data is
 * copied. None of these blocks or fails.
 */
void reqd_reply_bulk(struct reqd_request *req, const void *data, size_t len);
/* A bulk of a NUL-terminated string. */
void reqd_reply_text(struct reqd_request *req, const char *text);
void reqd_reply_integer(struct reqd_request *req, int64_t value);
/* inf and nan are allowed. */
void reqd_reply_double(struct reqd_request *req, double value);
void reqd_reply_bool(struct reqd_request *req, bool value);
void reqd_reply_null(struct reqd_request *req);
/* The next n values are its items, up to 2^31 - 1. */
void reqd_reply_array(struct reqd_request *req, size_t n);
/* The next 2 * n values are key, value, key, value ...; n up to 2^30 - 1. */
void reqd_reply_map(struct reqd_request *req, size_t n);

#ifdef __GNUC__
#define REQD_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define REQD_PRINTF(f, a)
#endif

/*
 * An error is the whole reply: it takes the place of all that was given
 * before, and what is given after it is ignored. One line, cut at 1 KiB;
 * control characters become blanks.
 *
 * code: A-Z, then A-Z 0-9 _ -, at most 32; anything else becomes ERR, and so
 * does, at reqd, a code with a meaning of its own there (PROTOCOL.md). The
 * caller sees exit status 1.
 */
void reqd_reply_error(struct reqd_request *req, const char *code, const char *format, ...)
    REQD_PRINTF(3, 4);
/* As if a program had exited with this status, 1 to 255; others become 255. */
void reqd_reply_exit(struct reqd_request *req, int status, const char *format, ...)
    REQD_PRINTF(3, 4);

/*
 * Output before the reply, for a caller who wants it while it is made (CALL
 * --stream); reqd drops it for others. stream: 1 standard output, 2 standard
 * error. Is written at once. 0; REQD_E_INVALID: another stream, or the reply
 * has begun; REQD_E_NOMEM; REQD_E_CLOSED: nobody reads any more, and
 * reqd_serve will return 1 after fn. Blocks while reqd takes no more.
 */
int reqd_output(struct reqd_request *req, int stream, const void *data, size_t len);

/*
 * The input of the request, where the service has "input = pushed": the next
 * piece of it, as long valid as no other is asked for, and the request. 1:
 * *ret_len bytes, at least one; 0: that was all; REQD_E_CLOSED: it has broken
 * off, and reqd_serve will return 1 after fn. What fn does not ask for is
 * skipped when it has returned. Memory does not grow with the input. Blocks;
 * in a service with another "input", for ever.
 */
int reqd_request_input(struct reqd_request *req, const void **ret_data, size_t *ret_len);

/*
 * What reqd tells of the request when the service has "context = yes":
 * "id", "caller", "peer", and the others of reqd-handler(7). NULL when it does
 * not. As long valid as the request.
 */
const char *reqd_request_context(const struct reqd_request *req, const char *key);
/*
 * What the client gave with --meta=KEY:VALUE, or NULL. The letters of key
 * in any case. As long valid as the request.
 */
const char *reqd_request_meta(const struct reqd_request *req, const char *key);
/*
 * Milliseconds until the request times out, when reqd kills this process;
 * never below 0, and -1 without a context. Counted from the moment the request
 * was read: what it waited before, for a process to be free, is not known.
 */
int64_t reqd_request_time_left(const struct reqd_request *req);

#ifdef __cplusplus
}
#endif

#endif
