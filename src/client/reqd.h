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
 *   its comment says otherwise. reqd_error_text() has the error in words.
 * - An error other than REQD_E_INVALID closes the connection and stays with
 *   it: every later use returns the same code, until reqd_connect succeeds.
 * - No request is ever sent twice: libreqd does not reconnect and does not
 *   retry, except for the greeting of reqd_connect.
 * - No function raises SIGPIPE, changes signal handlers, or exits. - A server
 * can make the library return an error. It cannot make the library
 *   crash, or hold more memory than the reply limit and a few hundred kilobytes.
 * - Functions that can block say so; all others do not.
 *
 * For a program that is itself a service see "handler side" at the end.
 */
#ifndef REQD_H
#define REQD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the version of the library, such as "0.1.0". */
const char *reqd_version(void);

/* ------------------------------------------------------------ errors --- */

enum reqd_error {
	REQD_OK = 0,
	REQD_E_NOMEM = -1,	/* out of memory */
	REQD_E_INVALID = -2,	/* wrong use, wrong URL; nothing was sent */
	REQD_E_CONNECT = -3,	/* no server could be reached */
	REQD_E_TIMEOUT = -4,	/* the deadline passed */
	REQD_E_CLOSED = -5,	/* not connected, or the connection broke */
	REQD_E_PROTOCOL = -6,	/* the bytes of the server were no valid reply */
	REQD_E_LIMIT = -7,	/* a reply is larger than the reply limit */
	REQD_E_REFUSED = -8,	/* the server refused the connection */
	REQD_E_INPUT = -9,	/* the input of a call could not be read */
	REQD_E_STOPPED = -10,	/* a callback asked to stop */
	REQD_E_TRUST = -11	/* the server is not the one that was meant; nothing was sent */
};

/* ------------------------------------------------------- connections --- */

/* A connection to one server; at first not connected. */
struct reqd;

/*
 * Makes a new connection object; NULL when memory is out. Free it with
 * reqd_free.
 */
struct reqd *reqd_new(void);

/*
 * Closes the connection and frees the object, which cancels a call in progress.
 * Accepts NULL. Always returns NULL.
 */
struct reqd *reqd_free(struct reqd *c);

/*
 * Sets how long reqd_connect may take for one URL, in milliseconds (1 to
 * 86400000; default 10000). The look-up of a host name is not counted: it takes
 * as long as the system's resolver needs.
 */
int reqd_set_connect_timeout(struct reqd *c, unsigned ms);

/*
 * Sets a deadline, this many milliseconds from now (up to 86400000 times 365).
 * A function that would block for longer returns REQD_E_TIMEOUT. 0: no
 * deadline, which is the default. The server does not learn of this deadline:
 * see reqd_call_set_timeout for one that it does.
 */
int reqd_set_deadline(struct reqd *c, uint64_t ms);

/*
 * Sets the largest reply in bytes, 1024 to 1 GiB (default 64 MiB). A larger
 * reply is REQD_E_LIMIT. Output that goes to a callback is not limited.
 */
int reqd_set_reply_limit(struct reqd *c, size_t bytes);

/* Says whether to go on after a signal: 0, or any other value to stop. */
typedef int reqd_interrupt_fn(void *arg);

/*
 * Sets a function that is called when a signal has been caught while a function waits for
 * the server, after it has connected. If that says stop, the function returns
 * REQD_E_STOPPED. NULL (the default): the function goes on.
 */
void reqd_set_interrupt(struct reqd *c, reqd_interrupt_fn *fn, void *arg);

/*
 * Sets the file of the certificate authorities, in PEM, that may vouch for servers at
 * tls://; NULL (the default): those of the system. The certificate must also have the
 * name or the address of the URL. Nothing turns these checks off.
 */
int reqd_set_tls(struct reqd *c, const char *ca_file);

/*
 * Sets the pin of the server at tls://: "sha256:" and the hash of its public key, which
 * "reqctl pin" prints on its machine. The pin decides alone: authorities, name and dates
 * are not looked at. A pin behind the URL, tls://HOST#sha256:..., comes before this one.
 * NULL (the default): none.
 */
int reqd_pin(struct reqd *c, const char *pin);

/*
 * Sets the file of a private key with its certificate, in PEM, that is shown to servers at
 * tls:// which ask for one: they know the caller by that key or by names in the certificate.
 * "reqctl keygen" makes such a file. Copies the path; the file is read by reqd_connect and
 * must not be encrypted. NULL (the default): none. Servers by other addresses never see it.
 */
int reqd_set_identity(struct reqd *c, const char *file);

/*
 * Sets who is to be logged in at the next reqd_connect or reqd_attach, together with the
 * greeting: a login (NULL: the one that the secret belongs to) and its token or password.
 * Copies both. secret NULL: nobody, which is the default. A refused login is REQD_E_REFUSED.
 * A secret is never sent over plain TCP to another machine: that is REQD_E_REFUSED, too.
 * With REQD_NO_HELLO nobody is logged in.
 */
int reqd_set_login(struct reqd *c, const char *login, const char *secret);

/* Flags of reqd_connect and reqd_attach. */
#define REQD_NO_HELLO 1u	/* stay in RESP2; reqd_call will not work */

/*
 * Connects to the first of n URLs that answers, and greets it with HELLO 3. A
 * URL is tls://HOST[:PORT][#PIN] (default port 7374), tcp://HOST[:PORT] (default port
 * 7373) or unix:///PATH; HOST[:PORT] and /PATH alone mean the last two. LOGIN:SECRET@
 * before the host or path takes the place of reqd_set_login, LOGIN@ that of its login
 * alone. With n == 0 the URL is $REQD_SERVER if that is set, else the unix socket of the local reqd,
 * else tcp://127.0.0.1:7373. A connection that was open is closed first, and a
 * former error is forgotten. Blocks, for each URL at most as long as the
 * connect timeout.
 *
 * If the server closes the connection before the first byte of its answer to
 * HELLO, as a server that restarts may do, the function connects once more
 * within the same time: the server has not been asked anything yet.
 *
 * REQD_E_INVALID: a text is no URL (nothing was tried). REQD_E_CONNECT,
 * _TIMEOUT, _CLOSED, _PROTOCOL, _REFUSED, _TRUST: the failure of the last URL; the text
 * names all.
 */
int reqd_connect(struct reqd *c, const char *const *urls, size_t n, unsigned flags);

/*
 * Does the same with a connected stream socket. Takes fd in every case, and
 * makes it non-blocking. name stands for the URL in messages.
 */
int reqd_attach(struct reqd *c, int fd, const char *name, unsigned flags);

/* Closes the connection. Allowed at any time; cancels a call in progress. */
void reqd_close(struct reqd *c);

/*
 * Returns the URL that was connected to or tried last; "" before that. Valid
 * until the next reqd_connect.
 */
const char *reqd_url(const struct reqd *c);

/*
 * Returns the name and version that the server gave, such as "reqd 0.1.0"; ""
 * when unknown. Only printable ASCII. Valid until the next reqd_connect.
 */
const char *reqd_server(const struct reqd *c);

/* Returns the descriptor of the connection, or -1. Poll it, do not read it. */
int reqd_fd(const struct reqd *c);

/* Returns the last error of this connection: 0 or one of enum reqd_error. */
int reqd_error(const struct reqd *c);

/*
 * Returns the last error in one line for people; "" without an error. May
 * contain bytes of the server, made printable. Valid until the next call with
 * c.
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
	REQD_PUSH,	/* answers no request; may come between two replies */
	REQD_BIG	/* text: an integer of any size */
};

/*
 * Sends one request of argc words. lens: their lengths, or NULL when all are
 * strings. Several requests may be sent before their replies are received;
 * replies come in the same order. Blocks while the server takes no more; bytes
 * that the server sends meanwhile are kept, up to the reply limit.
 */
int reqd_send(struct reqd *c, size_t argc, const char *const *argv, const size_t *lens);

/*
 * Waits for the next value. *ret is new, free it with reqd_value_free. The
 * value may be an error reply (REQD_ERROR), which is no error of this function,
 * or a REQD_PUSH. Blocks.
 */
int reqd_receive(struct reqd *c, struct reqd_value **ret);

/*
 * Does reqd_send of n words given as strings, then reqd_receive; pushes before
 * the reply are dropped. Blocks.
 */
int reqd_request(struct reqd *c, struct reqd_value **ret, size_t argc,
    const char *const *argv);

/* Frees a value of reqd_receive, but not a part of one. Returns NULL. */
struct reqd_value *reqd_value_free(struct reqd_value *v);

/*
 * Accessors. All accept NULL (and any kind) and then return the neutral value:
 * REQD_NULL, "", 0, false, NULL. A returned pointer lives as long as the value
 * that was received.
 */
enum reqd_kind reqd_value_kind(const struct reqd_value *v);
/* For SIMPLE, ERROR, BULK, VERBATIM and BIG. Not NUL-terminated. */
const char *reqd_value_data(const struct reqd_value *v, size_t *ret_len);
/* For INTEGER and BOOL (0 or 1). */
int64_t reqd_value_integer(const struct reqd_value *v);
/* For DOUBLE and INTEGER. */
double reqd_value_double(const struct reqd_value *v);
/* For ARRAY, SET and PUSH: their elements. For a MAP: keys plus values. */
size_t reqd_value_count(const struct reqd_value *v);
/* Returns element i. In a MAP: key 0, value 0, key 1, value 1 ... */
const struct reqd_value *reqd_value_at(const struct reqd_value *v, size_t i);
/* Returns the value of a key of a MAP, or of an ARRAY of keys and values. */
const struct reqd_value *reqd_value_get(const struct reqd_value *v, const char *key);

/* ------------------------------------------------------ calling services */

/* The ways in which a call can end. */
enum reqd_outcome {
	REQD_EXIT,	/* the program ended by itself: see status */
	REQD_SIGNAL,	/* a signal killed the program: see signal */
	REQD_TIMEOUT,	/* the deadline passed; killed */
	REQD_CANCELLED,	/* the call was cancelled; killed */
	REQD_TOOBIG,	/* more output than allowed; killed */
	REQD_BUSY,	/* not started: too many other requests */
	REQD_NOSTART,	/* not started: the program cannot be run */
	REQD_LOST,	/* a part of the server died; the program may have run */
	REQD_BADARG,	/* not started: an argument was refused */
	REQD_DENIED,	/* not started: no such service, or not allowed */
	REQD_DRAINING,	/* not started: the server is stopping, or the service drained */
	REQD_UNAVAIL,	/* not started: the service cannot serve now */
	REQD_HANDLER,	/* the handler process died or broke the protocol; it may have run */
	REQD_NOAUTH,	/* not started: no login, or one that is gone */
	REQD_FAILED	/* any other error of the server */
};

/* Returns "exit", "signal", "timeout" ...: the word in logs and JSON. */
const char *reqd_outcome_word(enum reqd_outcome o);

/*
 * Returns "SEGV" for 11. Never NULL. Valid until the next call of this function
 * in the same thread.
 */
const char *reqd_signal_name(int sig);

/*
 * Returns the outcome that an error reply stands for; REQD_FAILED when it
 * stands for no other (or v is no error).
 */
enum reqd_outcome reqd_value_outcome(const struct reqd_value *v);

/*
 * The result of a call. Made by the library only; fields may be added at the
 * end.
 */
struct reqd_result {
	enum reqd_outcome outcome;
	int status;		/* exit status 0-255; -1: none */
	int signal;		/* number; 0: none */
	bool may_have_run;	/* false: it is safe to call again */
	bool truncated;		/* true: out or err is not complete */
	const char *out;	/* standard output; empty when a callback took it */
	size_t out_len;
	const char *err;	/* standard error; empty when a callback took it */
	size_t err_len;
	uint64_t usec;		/* duration at the server in microseconds */
	const char *id;		/* request id; "" when the request got none */
	const char *error;	/* error line of the server, "CODE words"; or "" */
	/*
	 * The answer of a handler; NULL when the service has no handler. A
	 * reply REQD_NULL is not NULL here. REQD_ERROR: the handler's error;
	 * status is the n of "EXIT n words", and 1 for any other error. Read it
	 * with the accessors above; it lives as long as the result.
	 */
	const struct reqd_value *value;
};

/* Frees a result. Accepts NULL. Returns NULL. */
struct reqd_result *reqd_result_free(struct reqd_result *r);

/*
 * Writes the outcome in words, such as "killed by signal 11 (SEGV)", cut at
 * len. Printable. Returns text.
 */
const char *reqd_result_text(const struct reqd_result *r, char *text, size_t len);

/*
 * Returns one number for a script, the exit status of reqctl: status 0-125 as
 * it is, 239 for 126-255, 128 + signal, 240-250 for the other outcomes, 251 for
 * REQD_FAILED.
 */
int reqd_result_exit_status(const struct reqd_result *r);

/*
 * Takes a piece of output. stream: 1 standard output, 2 standard error. data is
 * valid during the callback. Return 0 to go on; any other value closes the
 * connection, which cancels the call, with REQD_E_STOPPED. The callback may
 * block, which slows the program down; it must not use the connection.
 */
typedef int reqd_output_fn(void *arg, int stream, const void *data, size_t len);

/*
 * Fills buf with up to size bytes of input. Returns their number, 0 at the end,
 * or a negative number to give up (REQD_E_STOPPED).
 */
typedef long reqd_input_fn(void *arg, void *buf, size_t size);

/*
 * A call: the service, its arguments and options. One object can be used for
 * many calls, one after the other.
 */
struct reqd_call;

/*
 * Makes a new call of a service without arguments. Copies service. NULL when
 * memory is out. Free it with reqd_call_free, which accepts NULL and returns
 * NULL.
 */
struct reqd_call *reqd_call_new(const char *service);
struct reqd_call *reqd_call_free(struct reqd_call *call);

/*
 * The functions below copy their arguments. They return 0, REQD_E_NOMEM or
 * REQD_E_INVALID. The call remembers a failure and reqd_call returns it, so it
 * is enough to check reqd_call.
 */

/* Adds a positional argument. Cannot be used together with named ones. */
int reqd_call_add(struct reqd_call *call, const void *data, size_t len);
/*
 * Adds an argument by its declared name. Call again for each value of an
 * argument that can repeat.
 */
int reqd_call_add_named(struct reqd_call *call, const char *name, const void *data, size_t len);
/*
 * Sets the deadline that the server keeps, in milliseconds, 1 or more. It can
 * make the timeout of the service shorter, never longer. A call that takes too
 * long ends with REQD_TIMEOUT.
 */
int reqd_call_set_timeout(struct reqd_call *call, uint64_t ms);
/*
 * Sets an id of your choice, 1 to 128 of A-Z a-z 0-9 . _ : - . The same id
 * again from the same caller never runs the program a second time.
 */
int reqd_call_set_id(struct reqd_call *call, const char *id);
/*
 * Asks how the call would run, in place of running it: the arguments are checked, and the
 * value of the result is a map with the program, its account, its limits and more, as
 * PROTOCOL.md says. Input is not read.
 */
int reqd_call_set_explain(struct reqd_call *call);
/* Passes a value to the program as REQD_META_key. At most 16. */
int reqd_call_add_meta(struct reqd_call *call, const char *key, const char *value);
/*
 * Sends output to fn as it comes, and not into the result. Without fn the
 * result holds the output.
 */
int reqd_call_set_output(struct reqd_call *call, reqd_output_fn *fn, void *arg);
/*
 * Reads input from fd until its end, a piece at a time as the program takes it.
 * fd is borrowed, is polled together with the connection, and need not be
 * non-blocking. REQD_E_INPUT when reading fails.
 */
int reqd_call_set_input_fd(struct reqd_call *call, int fd);
/* Takes input from fn in the same way. fn may block; output waits meanwhile. */
int reqd_call_set_input(struct reqd_call *call, reqd_input_fn *fn, void *arg);

/*
 * Calls the service and waits for its end. 0 with a new *ret when the server
 * told how the call ended, also when it refused the call. Negative: the server
 * did not tell; see reqd_was_sent. Memory does not grow with input, nor with
 * output that goes to a callback. Blocks.
 */
int reqd_call(struct reqd *c, const struct reqd_call *call, struct reqd_result **ret);

/*
 * True if the last reqd_call or reqd_open may have had an effect. False when
 * not a byte of it was sent, or the server refused to start it.
 */
bool reqd_was_sent(const struct reqd *c);

/*
 * A call in steps, for a program that makes the input itself: reqd_open,
 * reqd_write as often as needed, reqd_finish. Input set in the call is ignored.
 * Between the steps no other function may use the connection.
 *
 * reqd_open starts the program. 0: the program runs. 1: the call has ended and
 * *ret is the result: the call was refused, or a call with the same id ran
 * before. Blocks.
 */
int reqd_open(struct reqd *c, const struct reqd_call *call, struct reqd_result **ret);
/*
 * Sends len bytes of input. 0: sent. 1: the program wants no more input (still
 * call reqd_finish). Blocks while the program is slower than the caller; the
 * output callback is called meanwhile.
 */
int reqd_write(struct reqd *c, const void *data, size_t len);
/* Ends the input and waits for the result, as reqd_call does. Blocks. */
int reqd_finish(struct reqd *c, struct reqd_result **ret);

/* ----------------------------------------------------- handler side --- */

/*
 * A service in C: a program that reqd keeps running, and that gets one request
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
 * One request. Made by the library only; fields may be added at the end. The
 * request and all that it points to are valid until the function that got it
 * returns.
 */
struct reqd_request {
	size_t argc;			/* 1 or more */
	/*
	 * argv[0] is the name of the service, or the verb bound to it; its
	 * arguments follow; argv[argc] is NULL. Each may hold any bytes, and
	 * has a NUL behind them.
	 */
	const char *const *argv;
	const size_t *lens;		/* lengths of argv, without that NUL */
};

/*
 * Answers one request with exactly one reply. May block; must not call
 * reqd_serve.
 */
typedef void reqd_serve_fn(void *arg, struct reqd_request *req);

/*
 * Reads requests from standard input until its end, and calls fn for each of
 * them. A reply is sent in one write when fn has returned. The request PING,
 * with which reqd checks that a handler works, is answered here. Replies go to
 * standard output, or to descriptor 3 when the environment says REQD_CHANNEL=3.
 * While reqd_serve runs, descriptor 0 is at its end and descriptor 1 is a copy
 * of descriptor 2: printf in fn, or in a program that fn starts, writes to the
 * log, and nothing else can read a request.
 *
 * Returns the value that main should return: 0 when the input ended between two
 * requests. Otherwise 1, after one line on standard error: the input ended
 * inside a request, was no request (at most 1000000 words, 1 GiB), could not be
 * read, the reply could not be written, or memory was out. There is no reply
 * then, and reqd answers the caller. Memory grows with the request and the
 * reply; what is beyond 1 MiB is given back after each. Blocks.
 */
int reqd_serve(reqd_serve_fn *fn, void *arg);

/*
 * Does the same for a service with "pipeline" above 1 whose fn takes
 * microseconds and waits for nothing. The replies to requests that came
 * together are sent with one write, when no whole request is left. Until then a
 * reply is lost if fn ends the program, and is late if fn waits: by the time of one fn,
 * and a millisecond at most.
 */
int reqd_serve_batch(reqd_serve_fn *fn, void *arg);

/*
 * Reads up to size bytes from fd in place of read(2), and may wait for them in any way.
 * Returns their number, 0 at the end of the input, or a negative number to give up.
 */
typedef long reqd_read_fn(void *arg, int fd, void *buf, size_t size);

/* Flags of reqd_serve_with. */
#define REQD_BATCH 1u		/* as reqd_serve_batch */

/*
 * Does the same for a program with an event loop or threads of its own, which has other
 * things to do while no request is there: read is called wherever reqd_serve would block
 * in read(2). NULL: read(2). When read gives up, 1 is returned without a message.
 */
int reqd_serve_with(reqd_serve_fn *fn, reqd_read_fn *read, void *arg, unsigned flags);

/*
 * Keeps a request that is answered later, in a service with "pipeline" above 1: the
 * function returns without a reply and gets the next request meanwhile. The result takes
 * the place of req for replies and context, has no arguments (argc is 0) and no pushed
 * input, and lives until reqd_request_release or the end of reqd_serve. Replies are sent in
 * the order of the requests. NULL: no memory, or there is a reply already; req is to
 * be answered as usual.
 */
struct reqd_request *reqd_request_hold(struct reqd_request *req);
/*
 * Ends a request that is held. Sends its reply, when all requests before it have theirs,
 * and the replies that waited for it. Blocks while reqd takes no more. 0; REQD_E_CLOSED:
 * nobody reads any more; REQD_E_INVALID: the request is not held.
 */
int reqd_request_release(struct reqd_request *held);

/*
 * A reply is one value. An array or a map consists of more values, which are
 * given next. Nothing is sent before fn returns. A wrong reply is not sent at
 * all: the caller gets an error that says what was wrong, such as "-ERR handler
 * made no reply", when there is no value, a second one, an array that is not
 * full, an array or map within 8 others, or no memory. Data is copied. None of
 * these functions blocks or fails.
 */
void reqd_reply_bulk(struct reqd_request *req, const void *data, size_t len);
/* Replies a bulk of a NUL-terminated string. */
void reqd_reply_text(struct reqd_request *req, const char *text);
void reqd_reply_integer(struct reqd_request *req, int64_t value);
/*
 * Replies an integer of any size, as decimal digits with or without "-". A client that
 * speaks RESP2 gets them as text.
 */
void reqd_reply_big(struct reqd_request *req, const char *digits);
/* Replies a double; inf and nan are allowed. */
void reqd_reply_double(struct reqd_request *req, double value);
void reqd_reply_bool(struct reqd_request *req, bool value);
void reqd_reply_null(struct reqd_request *req);
/* Begins an array: the next n values are its items, up to 2^31 - 1. */
void reqd_reply_array(struct reqd_request *req, size_t n);
/* Begins a set: the next n values are its members, which should differ. */
void reqd_reply_set(struct reqd_request *req, size_t n);
/*
 * Begins a map: the next 2 * n values are key, value, key, value ...; n up to
 * 2^30 - 1.
 */
void reqd_reply_map(struct reqd_request *req, size_t n);

#ifdef __GNUC__
#define REQD_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define REQD_PRINTF(f, a)
#endif

/*
 * Replies an error, which is the whole reply: it takes the place of all values
 * given before it, and values given after it are ignored. One line, cut at 1
 * KiB; control characters become blanks.
 *
 * code: A-Z, then A-Z 0-9 _ -, at most 32; anything else becomes ERR. reqd also
 * replaces a code that has a meaning of its own in PROTOCOL.md. The caller sees
 * exit status 1.
 */
void reqd_reply_error(struct reqd_request *req, const char *code, const char *format, ...)
    REQD_PRINTF(3, 4);
/*
 * Replies as if a program had exited with this status, 1 to 255; others become
 * 255.
 */
void reqd_reply_exit(struct reqd_request *req, int status, const char *format, ...)
    REQD_PRINTF(3, 4);

/*
 * Sends output before the reply, for a caller that wants it while it is made
 * (CALL --stream); reqd drops it for other callers. stream: 1 standard output,
 * 2 standard error. The output is written at once. 0; REQD_E_INVALID: another
 * stream, the reply has begun, or a request before this one is held; REQD_E_NOMEM; REQD_E_CLOSED: nobody reads any
 * more, and reqd_serve will return 1 after fn. Blocks while reqd takes no more.
 */
int reqd_output(struct reqd_request *req, int stream, const void *data, size_t len);

/*
 * Returns the next piece of the input of the request, where the service has
 * "input = pushed". The piece is valid until the next one is asked for or the
 * request ends. 1: *ret_len bytes, at least one; 0: the input has ended;
 * REQD_E_CLOSED: the input has broken off, and reqd_serve will return 1 after
 * fn. Input that fn does not ask for is skipped when fn has returned. Memory
 * does not grow with the input. Blocks; in a service with another "input", for
 * ever. REQD_E_INVALID: the request is held.
 */
int reqd_request_input(struct reqd_request *req, const void **ret_data, size_t *ret_len);

/*
 * Returns a word about the request when the service has "context = yes": "id",
 * "caller", "peer", and the others of reqd-handler(7). NULL when reqd does not
 * tell it. Valid as long as the request.
 */
const char *reqd_request_context(const struct reqd_request *req, const char *key);
/*
 * Returns the value that the client gave with --meta=KEY:VALUE, or NULL. The
 * letters of key may have any case. Valid as long as the request.
 */
const char *reqd_request_meta(const struct reqd_request *req, const char *key);
/*
 * Returns the milliseconds until the request times out and reqd kills this
 * process; never below 0, and -1 without a context. Counted from the moment the
 * request was read; the time before, when it waited for a free process, is not
 * known.
 */
int64_t reqd_request_time_left(const struct reqd_request *req);

#ifdef __cplusplus
}
#endif

#endif
