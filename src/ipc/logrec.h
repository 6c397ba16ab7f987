/* SPDX-License-Identifier: ISC */
/*
 * logrec: one record on its way to the log process.
 *
 * A record is a level, a time and fields (key, bytes). Keys are known numbers,
 * so the log decides how each is shown. Values may hold anything; the log
 * escapes them. Sending never blocks: a record that does not fit is dropped and
 * counted, and the count goes out with the next record that fits.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "base/slice.h"

struct conf_errors;

#define LOGREC_MAX 8192		/* bytes of one record on the socket */
#define LOGREC_VALUE_MAX 4096	/* bytes of one value; more is cut */

enum log_key {
	LOG_KEY_MESSAGE = 1,	/* text of a record that is no request */
	LOG_KEY_REQUEST,	/* id of the request */
	LOG_KEY_CALLER,
	LOG_KEY_PEER,
	LOG_KEY_VIA,		/* the proxy that speaks for the peer */
	LOG_KEY_CREDENTIAL,	/* label or id of the one the caller has logged in with */
	LOG_KEY_SERVICE,
	LOG_KEY_ARGUMENTS,
	LOG_KEY_OUTCOME,	/* outcome_word() */
	LOG_KEY_STATUS,		/* exit status or signal */
	LOG_KEY_DETAIL,		/* the failure, of a request */
	LOG_KEY_HANDLER,	/* process id of the handler that answered */
	LOG_KEY_QUEUED_USEC,
	LOG_KEY_RAN_USEC,	/* of the duration: in the program or handler */
	LOG_KEY_DURATION_USEC,
	LOG_KEY_CPU_USEC,
	LOG_KEY_MAX_RSS_KB,
	LOG_KEY_BYTES_IN,
	LOG_KEY_BYTES_OUT,
	LOG_KEY_STDERR,		/* one line of a program's stderr */
	LOG_KEY_DROPPED,	/* records lost before this one */
	LOG_KEY_EVENT,		/* kind of a record that is no request: LOG_EVENT_... */
	LOG_KEY_N,
};

struct logrec {
	char data[LOGREC_MAX];
	size_t len;
};

/* Starts a record; level is a syslog priority. */
void logrec_start(struct logrec *r, int level);

/* Adds a field; a value too long for the record is cut. Never fails. */
void logrec_add(struct logrec *r, enum log_key key, struct slice value);
void logrec_add_str(struct logrec *r, enum log_key key, const char *value);
void logrec_add_u64(struct logrec *r, enum log_key key, uint64_t value);

/* The fields of a received record. */
struct logrec_view {
	int level;
	uint64_t wall_usec;
	struct slice fields[LOG_KEY_N];	/* data NULL: absent */
};

/* Takes a record apart. 0 or -EBADMSG. Reads nothing outside data. */
int logrec_parse(struct slice data, struct logrec_view *ret);

/* "request", "caller" ...: name in text and JSON. */
const char *log_key_name(enum log_key key);

/*
 * Connects this process to the log. Before log_open(), and in a process without
 * a log, the lines go to stderr.
 */
void log_open(int fd);
void log_set_level(int level);
int log_level(void);
void log_send(struct logrec *r);
/* The number of records lost since the last one that was sent. */
uint64_t log_dropped(void);
/* The number of all records ever lost. */
uint64_t log_dropped_total(void);

/* Events that the journal's catalogue explains; sink.c has the ids. */
#define LOG_EVENT_SERVING "serving"
#define LOG_EVENT_STOPPING "stopping"
#define LOG_EVENT_PROCESS_DIED "process-died"
#define LOG_EVENT_PROCESS_FORBIDDEN "process-forbidden"
#define LOG_EVENT_PROCESS_STUCK "process-stuck"
#define LOG_EVENT_RELOAD_DONE "reload-done"
#define LOG_EVENT_RELOAD_REFUSED "reload-refused"
#define LOG_EVENT_HANDLER_DIED "handler-died"
#define LOG_EVENT_HANDLER_BACK "handler-back"
#define LOG_EVENT_LOGIN_FAILED "login-failed"
#define LOG_EVENT_CERTIFICATE_REFUSED "certificate-refused"
#define LOG_EVENT_LOGIN_PENALTY "login-penalty"
#define LOG_EVENT_LOGIN_BUSY "login-busy"
#define LOG_EVENT_CLIENT_REFUSED "client-refused"
#define LOG_EVENT_SERVER_FULL "server-full"
#define LOG_EVENT_CALLER_LIMITED "caller-limited"
#define LOG_EVENT_SOURCE_LIMITED "source-limited"
#define LOG_EVENT_STRANGERS_LIMITED "strangers-limited"
#define LOG_EVENT_HANDSHAKES_LIMITED "handshakes-limited"
#define LOG_EVENT_HANDSHAKE_FAILED "handshake-failed"
#define LOG_EVENT_PROXY_REFUSED "proxy-refused"
#define LOG_EVENT_KEYS_SILENT "keys-silent"
#define LOG_EVENT_CERTIFICATE_EXPIRES "certificate-expires"

/* Writes a record of text: lower case, no full stop. event may be NULL. */
void log_event(const char *event, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define log_at(level, ...) log_event(NULL, level, __VA_ARGS__)
#define log_err(...) log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* Writes a line of this level for each error, behind this prefix. */
void log_conf_errors(int level, const char *prefix, const struct conf_errors *errors);

/* Prints, on standard error, the warnings in a log socket that no log process has read. */
void logrec_print_unread(int fd, const char *name);
