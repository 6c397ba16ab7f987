/* SPDX-License-Identifier: ISC */
/* selftest: a private reqd and its client, in a directory of their own. */
#include "config.h"

#include "selftest/selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "ipc/confinement.h"
#include "proto/reply.h"
#include "proto/resp.h"

/* No answer takes that long, however busy the machine is. */
#define PATIENCE_SEC 30
#define MAX_WORDS 8

enum door { DOOR_TCP, DOOR_UNIX, DOOR_CONTROL, DOOR_N };

static const char *const door_names[DOOR_N] = { "tcp", "unix", "control" };

struct trial {
	const char *words;	/* of the request; "@" is the id of the open call */
	const char *expect;	/* in the reply, as bytes */
};

/* Requests over TCP and over a unix socket. */
static const struct trial client_trials[] = {
	{ "PING", "+PONG" },
	{ "HELLO 3", "proto" },
	{ "ECHO hello", "hello" },
	{ "WHOAMI", "caller" },
	{ "SERVICES", "echo" },
	{ "DESCRIBE echo", "echo" },
	{ "WHY echo", "outcome" },
	{ "AUTH alice nonsense", "-WRONGPASS" },
	{ "AUTH alice self-test", "+OK" },
	{ "ACL WHOAMI", "alice" },
	{ "CLIENT ID", ":" },
	{ "CLIENT SETNAME self-test", "+OK" },
	{ "CLIENT LIST", "self-test" },
	{ "SELECT 0", "+OK" },
	{ "INFO", "os:" },
	{ "COMMAND", "*" },
	{ "COMMAND DOCS", "summary" },
	{ "SLOWLOG LEN", ":0" },
	{ "LATENCY LATEST", "*0" },
	{ "MODULE LIST", "*0" },
	{ "ROLE", "master" },
	{ "CLUSTER INFO", "-ERR" },
	{ "READONLY", "-ERR" },
	{ "CONFIG GET save", "save" },
	{ "CANCEL 0000000000000000", ":0" },
	{ "CALL echo one", "one\n" },
	{ "CALL --full echo two", "outcome" },
	{ "CALL --stream echo three", "outcome" },
	{ "CALL --id=token echo four", "four\n" },
	{ "CALL --id=token echo four", "four\n" },
	{ "CALL --stdin cat input", "input" },
	{ "CALL --open cat", "+" },
	{ "INPUT @ chunk", ":5" },
	{ "INPUT @", "chunk" },
	{ "CALL fail", "-EXIT 3" },
	{ "CALL slow", "-TIMEOUT" },
	{ "CALL there-is-none", "-NOSERVICE" },
	{ "CALL talk five", "five" },
	{ "CALL talk six", "six" },
	{ "CALL die", "-HANDLER" },
	{ "RESET", "+RESET" },
	{ "QUIT", "+OK" },
};

static const struct trial control_trials[] = {
	{ "PING", "+PONG" },
	{ "STATUS", "workers" },
	{ "PS", "*" },
	{ "KILL 0000000000000000", ":0" },
	{ "WHY echo addr:127.0.0.1", "local" },
	{ "RESTART talk", ":1" },
};

struct selftest {
	char dir[64];
	char *log;		/* the standard error of the private reqd */
	pid_t reqd;		/* 0: it does not run */
	uint16_t port;
	unsigned n_tried, n_wrong;
	char open_id[17];
};

/* ------------------------------------------------------------- its files --- */

static void
path_of(const struct selftest *t, const char *name, char ret[static 108])
{
	(void)snprintf(ret, 108, "%s/%s", t->dir, name);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	(void)remove(path);
	return 0;
}

/* A port that nobody uses at the moment; 0: there is none. */
static uint16_t
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return ntohs(a.sin_port);
}

static void
put_service(FILE *f, const char *name, const char *text)
{
	(void)fprintf(f, "service \"%s\" {\n\tallow = {\"local\"}\n%s\t%s\n}\n", name,
	    geteuid() == 0 ? "\tuser = \"nobody\"\n" : "", text);
}

/* Root's workers need an account: that of the package, or one that every system has. */
static const char *
worker_account(void)
{
	return getpwnam(REQD_USER) != NULL ? REQD_USER : "daemon";
}

/* The handler is a shell script: it answers the last word of each request. */
#define TALK \
	"handler = {\"/bin/sh\", \"-c\", \"while read -r n; do n=${{n#?}}; i=0; " \
	"while [ $i -lt ${{n%?}} ]; do read -r l; read -r w; i=$((i+1)); done; w=${{w%?}}; " \
	"printf '+%s\\\\r\\\\n' $w; done\"}\n" \
	"\targument \"text\" {}\n\tprocesses { min = 1  max = 2 }"

/* The file of logins: the password of alice is "self-test". */
static int
write_logins(const struct selftest *t)
{
	static const char line[] =
	    "alice:$y$j9T$abcdefghijklmnop$9wMZ5sMAa3MZKAeYtX5W17sHFoZ.CbxGm5sn8AOud/C\n";
	CLEANUP_CLOSE int fd = -1;
	char path[108];

	path_of(t, "logins", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));
}

static int
write_conf(const struct selftest *t, bool has_another)
{
	CLEANUP_FILE FILE *f = NULL;
	char path[108];

	path_of(t, "reqd.conf", path);
	f = fopen(path, "we");
	if (f == NULL)
		return -errno;
	(void)fprintf(f,
	    "listen \"tcp://127.0.0.1:%u\" {}\n"
	    "listen \"unix://%s/reqd.sock\" { mode = 0600 }\n"
	    "control { path = \"%s/control.sock\" }\n"
	    "logins = \"logins\"\n"
	    "log { to = stderr  level = debug }\n"
	    "workers = %d\n"
	    "runtime-directory = \"%s\"\n"
	    "drain-timeout = 5s\n"
	    "role \"local\" { net = {\"127.0.0.0/8\", \"unix\"} }\n",
	    t->port, t->dir, t->dir, has_another ? 3 : 2, t->dir);
	if (geteuid() == 0)
		(void)fprintf(f, "user = \"%s\"\n", worker_account());
	put_service(f, "echo", "command = {\"/bin/echo\", \"{text}\"}\n\targument \"text\" {}");
	put_service(f, "cat", "command = {\"/bin/cat\"}\n\tinput = required");
	put_service(f, "fail", "command = {\"/bin/sh\", \"-c\", \"echo broken >&2; exit 3\"}");
	put_service(f, "slow", "command = {\"/bin/sleep\", \"60\"}\n\ttimeout = 100ms");
	put_service(f, "talk", TALK);
	put_service(f, "die", "handler = {\"/bin/sh\", \"-c\", \"read -r w; echo last words >&2\"}\n"
	    "\tprocesses { min = 0  max = 1 }");
	if (has_another)
		put_service(f, "another", "command = {\"/bin/echo\", \"another\"}");
	return fflush(f) == 0 && !ferror(f) ? 0 : -EIO;
}

/* --------------------------------------------------------- the private reqd --- */

static void
reqd_run(const struct selftest *t, int log)
{
	char path[108];
	char *argv[] = { (char *)"reqd", (char *)"-c", path, NULL };
	char *envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)CONFINEMENT_TELL "=1", NULL };

	path_of(t, "reqd.conf", path);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0)
		_exit(EX_OSERR);
	(void)execve("/proc/self/exe", argv, envp);
	_exit(EX_OSERR);
}

static int
reqd_start(struct selftest *t)
{
	CLEANUP_CLOSE int log = -1;
	char path[108];

	path_of(t, "log", path);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return -errno;
	t->reqd = fork();
	if (t->reqd < 0) {
		t->reqd = 0;
		return -errno;
	}
	if (t->reqd == 0)
		reqd_run(t, log);
	return 0;
}

/* Reads the log anew. 0 or -errno. */
static int
log_read(struct selftest *t)
{
	CLEANUP_CLOSE int fd = -1;
	char path[108];
	struct stat st;
	ssize_t n;

	path_of(t, "log", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	free(t->log);
	t->log = malloc((size_t)st.st_size + 1);
	if (t->log == NULL)
		return -ENOMEM;
	n = read(fd, t->log, (size_t)st.st_size);
	t->log[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : 0;
}

static bool
reqd_has_ended(struct selftest *t, int *ret_status)
{
	if (t->reqd != 0 && waitpid(t->reqd, ret_status, WNOHANG) != t->reqd)
		return false;
	t->reqd = 0;
	return true;
}

/* Waits until every process of it serves. */
static int
reqd_await(struct selftest *t)
{
	uint64_t due = clock_usec() + PATIENCE_SEC * USEC_PER_SEC;
	int status;

	while (clock_usec() < due) {
		int r = log_read(t);

		if (r < 0)
			return r;
		if (strstr(t->log, " serves ") != NULL)
			return 0;
		if (reqd_has_ended(t, &status))
			return -ECHILD;
		(void)poll(NULL, 0, 10);
	}
	return -ETIMEDOUT;
}

/* Asks it to stop. Returns its status, or -1. */
static int
reqd_stop(struct selftest *t)
{
	uint64_t due = clock_usec() + PATIENCE_SEC * USEC_PER_SEC;
	int status = 0;

	if (t->reqd == 0)
		return -1;
	(void)kill(t->reqd, SIGTERM);
	while (!reqd_has_ended(t, &status)) {
		if (clock_usec() > due) {
			(void)kill(t->reqd, SIGKILL);
			(void)waitpid(t->reqd, &status, 0);
			t->reqd = 0;
			return -1;
		}
		(void)poll(NULL, 0, 10);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ------------------------------------------------------------------ trials --- */

static int
door_connect(const struct selftest *t, enum door door)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(t->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_SEC };
	bool is_tcp = door == DOOR_TCP;
	CLEANUP_CLOSE int fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	path_of(t, door == DOOR_CONTROL ? "control.sock" : "reqd.sock", un.sun_path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (connect(fd, is_tcp ? (struct sockaddr *)&in : (struct sockaddr *)&un,
	    is_tcp ? sizeof(in) : sizeof(un)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Reads one reply into b, and what was pushed before it. 0 or -errno. */
static int
reply_read(int fd, struct buf *b)
{
	static const struct reply_limits limits = { .max_bytes = 1 << 20, .max_items = 1 << 14 };
	struct reply_cursor cursor = { 0 };
	size_t begin = 0;
	char bytes[4096];

	for (;;) {
		struct slice rest = { buf_data(b) + begin, buf_len(b) - begin };
		struct value *v = NULL;
		const char *why;
		bool is_push;
		size_t used;
		ssize_t n;
		int r = rest.len == 0 ? REPLY_AGAIN :
		    reply_decode(rest, &limits, &cursor, &v, &used, &why);

		if (r == REPLY_OK) {
			is_push = v->kind == VALUE_PUSH;
			(void)value_free(v);
			if (!is_push)
				return 0;
			begin += used;
			continue;
		}
		if (r != REPLY_AGAIN)
			return -EPROTO;
		n = read(fd, bytes, sizeof(bytes));
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		if (buf_append(b, bytes, (size_t)n) < 0)
			return -ENOMEM;
	}
}

/* Makes the request of a trial. Returns the number of its words. */
static size_t
words_of(const struct selftest *t, char *text, struct slice argv[static MAX_WORDS])
{
	size_t n = 0;
	char *word;

	while (n < MAX_WORDS && (word = strsep(&text, " ")) != NULL)
		argv[n++] = slice_of(strcmp(word, "@") == 0 ? t->open_id : word);
	return n;
}

/* "+" and 16 digits: the id of a call that takes input. */
static void
note_open_id(struct selftest *t, const struct buf *reply)
{
	if (buf_len(reply) == 19 && buf_data(reply)[0] == '+') {
		memcpy(t->open_id, buf_data(reply) + 1, 16);
		t->open_id[16] = '\0';
	}
}

/* The reply in one line, for people. */
static const char *
on_one_line(struct buf *reply)
{
	(void)buf_append_char(reply, '\0');
	for (char *p = (char *)(uintptr_t)buf_data(reply); *p != '\0'; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	return buf_data(reply);
}

static void
verdict(struct selftest *t, const char *where, const char *what, const char *wrong)
{
	t->n_tried++;
	t->n_wrong += wrong != NULL;
	(void)printf("%-8s %-28s %s\n", where, what, wrong == NULL ? "ok" : wrong);
	(void)fflush(stdout);
}

static void
try(struct selftest *t, int fd, enum door door, const struct trial *trial)
{
	CLEANUP(buf_done) struct buf request = BUF_INIT(0);
	CLEANUP(buf_done) struct buf reply = BUF_INIT(0);
	char text[128], wrong[256];
	struct slice argv[MAX_WORDS], got;
	size_t n;
	int r;

	(void)strlcpy(text, trial->words, sizeof(text));
	n = words_of(t, text, argv);
	resp_request(&request, argv, n);
	r = fd_write_all(fd, buf_data(&request), buf_len(&request));
	if (r == 0)
		r = reply_read(fd, &reply);
	note_open_id(t, &reply);
	got = buf_slice(&reply);
	if (r == 0 && memmem(got.data, got.len, trial->expect, strlen(trial->expect)) != NULL) {
		verdict(t, door_names[door], trial->words, NULL);
		return;
	}
	if (r < 0)
		(void)snprintf(wrong, sizeof(wrong), "WRONG: %s", strerror(-r));
	else
		(void)snprintf(wrong, sizeof(wrong), "WRONG: %.200s", on_one_line(&reply));
	verdict(t, door_names[door], trial->words, wrong);
}

static void
try_all(struct selftest *t, enum door door, const struct trial *trials, size_t n)
{
	CLEANUP_CLOSE int fd = door_connect(t, door);

	if (fd < 0) {
		verdict(t, door_names[door], "connect", strerror(-fd));
		return;
	}
	for (size_t i = 0; i < n; i++)
		try(t, fd, door, &trials[i]);
}

/* A new service and another worker, by a reload; then a wrong file, which changes nothing. */
static void
try_reloads(struct selftest *t)
{
	static const struct trial reload = { "RELOAD", "\"ok\":true" }, refused = { "RELOAD", "\"ok\":false" };
	static const struct trial another[] = { { "CALL another", "another\n" }, { "QUIT", "+OK" } };
	char path[108];
	CLEANUP_FILE FILE *f = NULL;

	if (write_conf(t, true) < 0) {
		verdict(t, "control", "RELOAD", "WRONG: no new configuration");
		return;
	}
	try_all(t, DOOR_CONTROL, &reload, 1);
	try_all(t, DOOR_TCP, another, ARRAY_LEN(another));
	try_all(t, DOOR_UNIX, another, ARRAY_LEN(another));
	path_of(t, "reqd.conf", path);
	f = fopen(path, "ae");
	if (f == NULL || fputs("broken", f) < 0 || fflush(f) != 0)
		return;
	try_all(t, DOOR_CONTROL, &refused, 1);
	try_all(t, DOOR_TCP, another, ARRAY_LEN(another));
}

/* ----------------------------------------------------------------- results --- */

/* Prints each call of the kernel that a process made and did not get. */
static void
print_refused(const struct selftest *t)
{
	unsigned n = 0;

	for (const char *at = t->log; (at = strstr(at, CONFINE_TOLD)) != NULL; at++) {
		char who[32], call[64];
		int number;

		if (sscanf(at, CONFINE_TOLD " %31[^:]: %d", who, &number) != 2)
			continue;
		confine_name(number, call, sizeof(call));
		(void)printf("refused  %-28s %s\n", who, call);
		n++;
	}
	if (n == 0)
		(void)printf("No process made a call of the kernel that it may not make.\n");
	else
		(void)printf("%u calls of the kernel were refused; the processes did without.\n", n);
}

/* Lines that say what went wrong in the private reqd. */
static void
print_alarms(struct selftest *t)
{
	char *rest = t->log, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strstr(line, "forbidden") == NULL && strstr(line, "] crit:") == NULL &&
		    strstr(line, "] alert:") == NULL && strstr(line, "cannot confine") == NULL)
			continue;
		t->n_wrong++;
		(void)printf("%s\n", line);
	}
}

static int
run(struct selftest *t)
{
	int r = write_logins(t);

	if (r >= 0)
		r = write_conf(t, false);

	if (r == 0)
		r = reqd_start(t);
	if (r == 0)
		r = reqd_await(t);
	if (r < 0) {
		(void)fprintf(stderr, "reqd: the private reqd does not serve: %s\n%s",
		    strerror(-r), t->log != NULL ? t->log : "");
		return EX_OSERR;
	}
	try_all(t, DOOR_TCP, client_trials, ARRAY_LEN(client_trials));
	try_all(t, DOOR_UNIX, client_trials, ARRAY_LEN(client_trials));
	try_all(t, DOOR_CONTROL, control_trials, ARRAY_LEN(control_trials));
	try_reloads(t);
	verdict(t, "master", "stop", reqd_stop(t) == 0 ? NULL : "WRONG: its status is not 0");
	(void)log_read(t);
	print_refused(t);
	print_alarms(t);
	(void)printf("%u tried, %u wrong\n", t->n_tried, t->n_wrong);
	return t->n_wrong == 0 ? 0 : 1;
}

int
selftest_main(void)
{
	struct selftest t = { .port = free_port() };
	int status;

	if (!confine_is_built_in()) {
		(void)fputs("reqd: this reqd was built without its sandbox\n", stderr);
		return EX_UNAVAILABLE;
	}
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	(void)strlcpy(t.dir, "/tmp/reqd-self-test.XXXXXX", sizeof(t.dir));
	if (mkdtemp(t.dir) == NULL || t.port == 0) {
		(void)fprintf(stderr, "reqd: %s: %s\n", t.dir, strerror(errno));
		return EX_OSERR;
	}
	(void)printf("Landlock: %s\n", confine_landlock() > 0 ? "yes" :
	    "not in this kernel; filters of system calls do without");
	status = run(&t);
	(void)reqd_stop(&t);
	free(t.log);
	(void)nftw(t.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}
