/* SPDX-License-Identifier: ISC */
/*
 * conf: the configuration, read from text into one immutable struct.
 *
 * Two ways in, one parser: conf_load() reads reqd.conf and services.d from
 * disk and looks accounts up (the master, and reqd -t); conf_parse() reads
 * the canonical text that the master hands to its roles and looks nothing
 * up. conf_format() writes that text; conf_parse(conf_format(c)) equals c.
 *
 * Nothing here logs or exits. Errors are collected, all of them, with file
 * and line.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/fence.h"
#include "base/slice.h"
#include "base/units.h"
#include "proto/credential.h"

struct buf;
struct pattern;

/* Hard limits of the program; the configuration cannot raise them. */
#define CONF_MAX_WORKERS 128		/* of all protocols */
#define CONF_MAX_CLASS 64		/* workers of one protocol */
#define CONF_CONNECTIONS 20000	/* default of max-connections */
#define CONF_MAX_LISTENERS 32
#define CONF_MAX_SERVICES 10000
#define CONF_MAX_ROLES 64		/* a set of roles is one uint64_t */
#define CONF_MAX_CREDENTIALS 20000	/* lines of the file of logins */
#define CONF_MAX_ARGUMENTS 64		/* declared, per service */
#define CONF_MAX_VERBS 256		/* bound, in all services together */
#define CONF_MAX_PATHS 1024		/* of HTTP, likewise */
#define CONF_MAX_ENVIRONMENT 1024	/* variables, per service */
#define CONF_MAX_TEXT (32u << 20)	/* bytes of all files together */
#define CONF_MAX_CANONICAL (256u << 20)	/* bytes, with all defaults written out */
#define SERVICE_NAME_MAX 64

/* ------------------------------------------------------------- errors --- */

struct conf_error {
	char *file;	/* NULL: not about a file */
	unsigned line;	/* 0: about the file as a whole */
	char *text;	/* one line, no full stop */
	const char *kind;	/* the format of all errors like this one */
	size_t more;	/* not 0: the text says that there are so many more */
};

struct conf_errors {
	struct conf_error *list;
	size_t n;
};

void conf_errors_done(struct conf_errors *e);

/* "FILE:LINE: TEXT\n" for each, in the order found. */
void conf_errors_print(const struct conf_errors *e, FILE *f);

/* ---------------------------------------------------------- arguments --- */

enum argument_type {
	ARGUMENT_TEXT,
	ARGUMENT_INTEGER,
	ARGUMENT_DECIMAL,
	ARGUMENT_FLAG,
	ARGUMENT_CHOICE,
	ARGUMENT_PATH,
	ARGUMENT_NAME,
	ARGUMENT_HOST,
	ARGUMENT_PATTERN,
	ARGUMENT_SIZE,
	ARGUMENT_DURATION,
};

struct argument {
	char *name;
	enum argument_type type;
	char *help;		/* NULL: none */
	char *def;		/* default, already checked; NULL: none */
	bool optional;
	bool repeat;		/* only the last argument may */
	bool dash;		/* a leading '-' is allowed */
	bool guarded;		/* ... because "--" stands before it wherever it is used */
	bool binary;		/* any bytes: a text for a handler */
	bool secret;		/* never logged */
	uint32_t max_length;	/* bytes */
	unsigned line;

	bool has_min, has_max;	/* integer, decimal, size, duration */
	int64_t min_int, max_int;	/* size: bytes; duration: usec */
	double min_dec, max_dec;
	char **values;		/* choice; NULL-terminated */
	char *value;		/* flag: text that it inserts when set */
	char *below;		/* path: must lie below this directory */
	char *pattern;		/* pattern: text as written */
	struct pattern *matcher;	/* the expression; NULL: another type */
};

const char *argument_type_name(enum argument_type t);

/* ----------------------------------------------------------- services --- */

enum service_input {
	INPUT_NONE,
	INPUT_OPTIONAL,
	INPUT_REQUIRED,
	INPUT_PUSHED,	/* to a handler, in pieces behind its request; may be empty */
};
/* The effects that a call has on the world. */
enum service_effects { EFFECTS_NONE, EFFECTS_ADDS, EFFECTS_CHANGES };
/* The state that an administrator gives a service: new calls run, wait, or are refused. */
enum service_state { SERVICE_OPEN, SERVICE_PAUSED, SERVICE_DRAINED, SERVICE_STATES };
enum service_log { SERVICE_LOG_ALL, SERVICE_LOG_ERRORS, SERVICE_LOG_NONE };

/* One resource limit; soft and hard are set to the same value. */
struct service_limit {
	int resource;	/* RLIMIT_*; -1: entry not used */
	rlim_t value;
};

/* Not a priority: that of reqd stays. */
#define SERVICE_NICE_UNSET INT_MAX

#define SERVICE_MAX_LIMITS 5	/* memory cpu files processes file-size */

/*
 * The account that the program runs as, looked up at load. Started by root, is_set
 * is always true, and a service without a user runs as nobody; else is_set is
 * false and the ids are those of reqd itself.
 */
struct identity {
	bool is_set;
	char *user;		/* name as configured */
	char *group;		/* NULL: the user's own */
	uid_t uid;
	gid_t gid;
	gid_t *groups;		/* supplementary */
	size_t n_groups;
	char *home;
};

/* The processes of a handler: the section "processes" and its neighbours. */
struct service_pool {
	uint32_t min;			/* 1: number always kept ready; 0: start on demand */
	uint32_t max;			/* 4: limit of processes */
	uint64_t idle_usec;		/* 60s: beyond min, an unused one ends after this */
	uint32_t requests;		/* 0, no limit: replaced after so many */
	uint64_t age_usec;		/* 0, no limit: replaced after this time */
	uint64_t memory;		/* 0, no limit: replaced above so many resident bytes */
	uint64_t start_timeout_usec;	/* 10s: for the answer to the first PING */
	bool ping;			/* "ready = ping": it must answer PING before it counts */
	bool context;			/* "context = yes": a first element with key=value lines */
	bool own_channel;		/* "channel = fd3": replies come on descriptor 3 */
	uint32_t pipeline;		/* 1: requests in flight per process */
};

/* An exit status of a program, and the status of HTTP that stands for it. */
struct service_status {
	uint8_t exit;
	uint16_t status;
};

/* The section "http": what a call by HTTP is beside /call/NAME. */
struct service_web {
	char *path;		/* template: see conf/webpath.h; NULL: none */
	char *type;		/* Content-Type of the output; NULL: text */
	bool stream;		/* no: output comes as it is made */
	struct service_status *statuses;
	size_t n_statuses;
};

struct service {
	char *name;		/* lower case */
	uint16_t number;	/* index in conf->services */
	const char *file;	/* file of the declaration */
	unsigned line;
	char *summary;		/* "" when not given */
	char *description;	/* "" when not given */

	char **command;		/* template; NULL-terminated; [0] is the path, NULL: a handler */
	char **handler;		/* instead of command; NULL-terminated; literal; NULL: none */
	struct service_pool pool;	/* of the handler */
	struct argument *args;
	size_t n_args;
	char **allow_names;	/* as configured; NULL-terminated, never NULL */
	uint64_t allow;		/* set of role numbers */
	char **deny_names;	/* as configured; NULL-terminated, never NULL */
	uint64_t deny;		/* set of role numbers, judged before allow */
	char **listen_names;	/* as configured; NULL-terminated, never NULL; empty: everywhere */
	uint32_t listeners;	/* set of listener numbers; 0 where listen_names is empty */
	struct identity run_as;
	char *directory;	/* "/" when not given; see service_is_temporary() */
	mode_t umask;
	int nice;		/* -20 to 19, or SERVICE_NICE_UNSET */
	char **environment;	/* "NAME=TEMPLATE"; never NULL; of a handler without names */

	enum service_input input;
	uint64_t timeout_usec;
	uint64_t kill_grace_usec;
	int stop_signal;	/* SIGTERM: comes before SIGKILL */
	uint32_t concurrency;	/* limit of running requests */
	uint32_t queue;		/* limit of waiting requests */
	uint64_t queue_timeout_usec;
	char *lock;		/* template; NULL: none */
	uint64_t output_limit;	/* bytes of stdout, and of stderr kept */
	bool is_line_buffered;		/* output is to come line by line */
	bool finish_on_disconnect;	/* with a handler: unless it says kill */
	bool idempotent;	/* no: a call must carry --id */
	enum service_effects effects;
	unsigned doors;		/* protocols by which it may be called, as a set; 0: all */
	struct service_web web;
	struct service_limit limits[SERVICE_MAX_LIMITS];
	size_t n_limits;
	char **verbs;		/* bound RESP verbs, upper case; NULL-terminated */
	enum service_log log;
	enum fence_level sandbox;
	char **sandbox_read;	/* paths that it reads besides; NULL-terminated, never NULL */
	char **sandbox_write;	/* ... and writes */
	bool sandbox_fallback;	/* runs where the kernel cannot keep files from it, too */
	bool has_secret_files;	/* "{@name}" is used: its secret arguments come in files */
	struct hook *hooks;	/* sections webhook, in their order: conf/hook.h */
	size_t n_hooks;
	/*
	 * The reason why nobody can call the service: something that the service needs is
	 * not there. NULL: the service is in order. Without an account the ids are
	 * (uid_t)-1.
	 */
	char *unavailable;
	/* Set while reqd runs ('reqctl drain'), and not in a file. */
	enum service_state state;
	char *state_text;	/* the reason; NULL: none was given */
	char *state_by;		/* "uid:0"; NULL: it is open */
	char *state_since;	/* "2027-01-31T12:00:00Z"; NULL: it is open */
};

/* -------------------------------------------------------------- roles --- */

/* The places that callers come from. */
struct places {
	bool unix_peers;	/* "unix" */
	struct net *nets;
	size_t n_nets;
};

struct role {
	char *name;
	uint16_t number;	/* bit in a set of roles */
	struct places places;	/* "net" */
	char **logins;		/* NULL-terminated; NULL: not given */
	char **certs;		/* rules of proto/certname.h, likewise */
	char **all_names;	/* NULL-terminated; NULL: not given */
	uint64_t all;		/* set of the numbers of all_names, which are below our own */
	/* Names as configured, and the ids they were looked up to. */
	char **users;		/* NULL-terminated */
	uid_t *uids;
	size_t n_uids;
	char **groups;		/* NULL-terminated */
	gid_t *gids;
	size_t n_gids;
	uid_t *members;		/* uids the group database lists for groups */
	size_t n_members;
	/* For each caller who has the role, in all workers; 0: no limit. */
	struct rate rate;	/* calls begun */
	uint32_t max_calls, max_connections;	/* at a time */
};

/* Limits that a role may have. */
enum access_limit { ACCESS_RATE, ACCESS_CALLS, ACCESS_CONNECTIONS, ACCESS_LIMITS };

/* -------------------------------------------------------- credentials --- */

/* A line of the file of logins: one way to log in as somebody. */
struct credential {
	char *id;		/* 16 hex digits; of login and secret */
	char *login;
	uint64_t tag;		/* credential_tag() of login */
	enum credential_kind kind;
	char *hash;		/* base64url of the SHA-256 of the secret; NULL: a password */
	char *label;		/* NULL: none */
	char *expires;		/* "2027-01-31", the last day; NULL: never */
	int64_t expires_sec;	/* first second after that day, UTC; 0: never */
	char **services;	/* NULL-terminated; NULL: all that the roles allow */
	struct places from;	/* empty: anywhere */
	bool off;
	unsigned line;		/* 0: in canonical text */
};

/* ---------------------------------------------------------- listeners --- */

/* The protocol that is spoken at a listener. */
enum listener_protocol { PROTOCOL_RESP, PROTOCOL_HTTP };
#define PROTOCOL_N 2

/* The parts of HTTP that a listener offers. */
enum listener_offer { OFFER_CALL, OFFER_HEALTH, OFFER_METRICS, OFFER_CONSOLE, OFFER_HOOKS };

static inline bool
offer_has(unsigned set, enum listener_offer what)
{
	return set == 0 || (set >> what & 1) != 0;
}

enum listener_inline { INLINE_LOOPBACK, INLINE_YES, INLINE_NO };
enum tls_minimum { TLS_MINIMUM_1_2, TLS_MINIMUM_1_3 };
enum tls_clients { TLS_CLIENTS_NONE, TLS_CLIENTS_OPTIONAL, TLS_CLIENTS_REQUIRED };

/* The findings of the loader in the files of a certificate and its key. */
struct certificate {
	char **chain;		/* DER of each certificate as base64, the server's first */
	char *pin;		/* "sha256:..." of its public key */
	char *from, *until;	/* validity, "2027-01-31T12:00:00Z" */
};

struct listener {
	char *url;		/* canonical: addr_format() */
	struct addr addr;
	enum listener_protocol protocol;	/* resp, or as the address says */
	char **hosts;				/* http: names for Host; NULL: none */
	char **origins;				/* http: pages that may call; NULL: none */
	unsigned offer;				/* http: set of enum listener_offer; 0: all */
	char *name;				/* for 'listen' of services; NULL: none */
	char *file;				/* declared there; "-": not in a file */
	unsigned line;
	uint32_t backlog;
	uint32_t send_buffer, receive_buffer;	/* bytes; 0: the kernel's */
	uint32_t max_segment;			/* bytes; 0: the kernel's */
	bool nodelay;				/* yes */
	bool keepalive;				/* yes */
	uint64_t user_timeout_usec;		/* 0: the kernel's */
	uint64_t idle_timeout_usec;		/* 0: none */
	struct places proxy_from;		/* proxies, which say whose connection it is */
	struct places front_from;		/* http: proxies, which say whose request it is */
	char *front_user, *front_address;	/* ... in these fields; NULL: not said */
	bool ipv6_only;
	bool freebind;
	enum listener_inline inline_requests;
	uint32_t max_connections;		/* per listener, all workers */
	/* From one source on another machine, all workers; 0: no limit. */
	uint32_t source_connections;
	uint32_t source_handshakes;		/* begun in a second; tls */
	uint32_t source_strangers;		/* ... connections of callers without a role */
	uint64_t login_timeout_usec;		/* for strangers; 0: none */
	uint32_t max_arguments;			/* of one request */
	uint32_t argument_limit;		/* bytes of one argument */
	uint32_t request_limit;			/* bytes of one request */
	mode_t mode;				/* unix; 0666 */
	bool mode_set;				/* written in the file, not the default */
	char *owner, *group;			/* unix; NULL: ours */
	uid_t uid;				/* looked up; (uid_t)-1: ours */
	gid_t gid;
	bool tls;				/* tls://, or a fd:// that says so */
	char *certificate, *key;		/* files; tls */
	enum tls_minimum minimum;		/* 1.3 */
	char *client_ca, *client_crl;		/* files; NULL: none */
	enum tls_clients clients;		/* "client-certificate"; optional */
	char **authorities, **revocations;	/* in these files: DER as base64, each
						 * NULL-terminated; NULL: none */
	char *revocations_until;		/* the first of them is out of date then */
	struct certificate cert;
	int key_fd;				/* the open file of the key, where the loader has
						 * opened one; else -1 */
};

/* True if proxies say whose request it is. */
static inline bool
listener_has_front(const struct listener *l)
{
	return l->front_from.unix_peers || l->front_from.n_nets > 0;
}

/* ---------------------------------------------------------------- all --- */

enum log_to { LOG_TO_AUTO, LOG_TO_STDERR, LOG_TO_JOURNAL };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct conf {
	unsigned refs;
	uint32_t generation;

	struct listener *listeners;
	size_t n_listeners;
	struct role *roles;
	size_t n_roles;
	char **watch_names;	/* NULL-terminated; NULL: none */
	uint64_t watch;		/* set of roles that see the figures of all services */
	uint64_t limited[ACCESS_LIMITS];	/* sets of the roles that have this limit */
	struct service *services;	/* sorted by name */
	size_t n_services;
	uint16_t *paths;	/* numbers of the services that have a path of HTTP */
	size_t n_paths;
	struct credential *credentials;	/* sorted by id */
	size_t n_credentials;
	const struct credential **by_hash;	/* tokens and keys, sorted by hash */
	size_t n_hashes;
	const struct credential **passwords;	/* sorted by login */
	size_t n_passwords;
	int passwords_fd;		/* sealed hashes, where the loader has made them; -1 */
	struct rate password_checks;
	bool has_secret;		/* an argument of a service is secret */
	bool is_drained;		/* there are services, and all are drained */
	bool has_hooks;			/* a service has a webhook */
	int hooks_fd;			/* sealed secrets of webhooks, as passwords_fd; -1 */

	/* Of each protocol that some listener speaks; 0: auto, one per CPU. */
	uint32_t workers, web_workers;
	char *services_dir;		/* NULL: none */
	char *logins;			/* file of logins; NULL: none */
	struct identity run_as;		/* of workers and log */
	char *runtime_directory;
	char *temporary_directory;
	uint64_t drain_delay_usec;	/* 0: at a stop the listeners close at once */
	uint64_t drain_timeout_usec;
	uint64_t kill_grace_usec;
	uint64_t kept_limit;		/* bytes that a worker keeps for all its callers */
	bool insecure_open;

	enum log_to log_to;
	int log_level;			/* syslog priority, LOG_INFO ... */
	enum log_format log_format;
	uint64_t log_slow_usec;		/* 0: no call is slow */

	char *control_path;
	char *control_group;		/* NULL: none */
	gid_t control_gid;		/* (gid_t)-1: none */

	const char **files;		/* read, in order; NULL-terminated */
};

enum conf_flags {
	CONF_DEFAULT = 0,
	/* Programs, directories and certificates are not looked for on the disk. */
	CONF_NO_PROGRAMS = 1 << 0,
	/*
	 * For a start, when nobody may be there to read an error: what one service lacks
	 * (account, group, directory, program) makes that service unavailable, and an account
	 * or group that a role lacks is left out of the role. Each is in errors though the
	 * load succeeds.
	 */
	CONF_LENIENT = 1 << 1,
};

/*
 * Reads FILE and every *.conf of its services directory, in sorted order,
 * checks everything, looks accounts up. Blocks on the disk and on the
 * account database. Returns 0 and a new conf (conf_unref), or -EINVAL with
 * every error in *errors, or -ENOMEM. errors may hold nothing on -ENOMEM.
 * -EAGAIN is -EINVAL where every error can pass by itself: an account that is
 * not there yet.
 */
int conf_load(const char *file, enum conf_flags flags, struct conf **ret,
    struct conf_errors *errors);

/*
 * Reads the canonical text. Never blocks: looks nothing up and opens
 * nothing. 0, -EINVAL with errors, or -ENOMEM.
 */
int conf_parse(const char *text, size_t len, uint32_t generation,
    struct conf **ret, struct conf_errors *errors);

/*
 * Looks again at what is out of order in the canonical text of a lenient load, and at
 * nothing else: what is in order stays as the text says. Blocks as conf_load() does.
 * Returns 1 and a new conf where something has come in order; 0 where nothing has;
 * -EINVAL with errors, or -ENOMEM.
 */
int conf_look_again(const char *text, size_t len, uint32_t generation, struct conf **ret,
    struct conf_errors *errors);

/* The word for a level of the log, a syslog priority. */
const char *conf_level_word(int level);

/* The word for a state in canonical text, JSON and on the wire: "open", "pause", "drain". */
const char *service_state_word(enum service_state s);

/*
 * Gives a service of a configuration that nobody uses yet another state, with copies of the
 * texts; those of an open service are dropped. 0 or -ENOMEM.
 */
int conf_set_state(struct conf *c, struct service *s, enum service_state state,
    const char *text, const char *by, const char *since);

/* Sets is_drained, after states were set. */
void conf_judge_states(struct conf *c);

/*
 * Appends a line about a service that is not open, with the reason, to show to a user.
 * False, and nothing, where it is open.
 */
bool service_explain_state(const struct service *s, struct buf *out);

/* Services that are unavailable. */
size_t conf_count_unavailable(const struct conf *c);

/* True if a service or a role lacks something, so that conf_look_again() is worth its time. */
bool conf_is_lacking(const struct conf *c);

/*
 * conf_parse() of a sealed memory file, as the master hands it to its roles.
 * Borrows fd. Never blocks. 0, or -errno with the reason in why: one line,
 * cut to why_len, of the first error when there are several. *ret is written
 * on success only.
 */
int conf_read_sealed(int fd, uint32_t generation, struct conf **ret, char *why, size_t why_len);

/*
 * The canonical text: every setting with its value in force, one merged
 * file, accounts with the ids they stand for. Returns a new string (free),
 * or NULL without memory. This is what reqd -T prints and what roles get.
 */
char *conf_format(const struct conf *c);

/* True if two services are equal, wherever they are written. */
bool conf_service_equal(const struct service *a, const struct service *b);

struct conf *conf_ref(struct conf *c);
/* Drops a reference. Returns NULL. Accepts NULL. */
struct conf *conf_unref(struct conf *c);

/* The service of that name (ASCII letters in any case), or NULL. */
const struct service *conf_find_service(const struct conf *c, const char *name, size_t len);

/* The credential of that id, or NULL. */
const struct credential *conf_find_credential(const struct conf *c, const char *id);

/* The credential of this hash, in base64url, or NULL. */
const struct credential *conf_find_secret(const struct conf *c, const char *hash);

/*
 * The password of this login; of an empty login or "default", unless somebody is called
 * so, the only password that there is. Or NULL.
 */
const struct credential *conf_find_password(const struct conf *c, struct slice login);

/* The service that has bound this verb (in any case), or NULL. */
const struct service *conf_find_verb(const struct conf *c, const char *name, size_t len);

/* True if each program of the service has a directory of its own, which goes with it. */
static inline bool
service_is_temporary(const struct service *s)
{
	return s->directory[0] != '/';
}

/* True if the service may be called by this protocol. */
static inline bool
service_has_door(const struct service *s, enum listener_protocol p)
{
	return s->doors == 0 || (s->doors >> p & 1) != 0;
}

/* True if workers of this protocol start the service at all: for callers, or for webhooks. */
static inline bool
service_is_started_by(const struct service *s, enum listener_protocol p)
{
	return service_has_door(s, p) || (p == PROTOCOL_HTTP && s->n_hooks > 0);
}

/*
 * Secret arguments come to a program in files that are open as descriptors from this number on,
 * in their order, if "{@name}" is used for one of them.
 */
#define SERVICE_SECRET_FD 10

/* The key in the limits of a service that sets this resource, of those it can (RLIMIT_*). */
const char *conf_limit_name(int resource);

/* The value of the keys 'input', 'effects' and 'sandbox' of a service, as they are written. */
const char *service_input_word(const struct service *s);
const char *service_effects_word(const struct service *s);
const char *service_sandbox_word(const struct service *s);

/* True if a call may do without the argument. */
static inline bool
argument_may_be_left_out(const struct argument *a)
{
	return a->optional || a->def != NULL || a->type == ARGUMENT_FLAG;
}

/* The argument of that name, or NULL. */
const struct argument *service_find_argument(const struct service *s, const char *name, size_t len);

/* "; did you mean 'NAME'?" for a name that no argument has, or "". Good until the next call. */
const char *service_suggest_argument(const struct service *s, struct slice name);

/* Limits of a request whose caller matches no role. */
#define STRANGER_MAX_ARGUMENTS 10
#define STRANGER_ARGUMENT_LIMIT (16u << 10)
#define STRANGER_REQUEST_LIMIT (64u << 10)
#define STRANGER_REQUEST_LIMIT_TLS (16u << 10)	/* ... as TLS has 44 KiB more */
