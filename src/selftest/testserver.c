/* SPDX-License-Identifier: ISC */
/* testserver: a reqd with a listener of each kind, in a directory of its own. */
#include "config.h"

#include "selftest/testserver.h"

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

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/confinement.h"

/* No answer takes that long, however busy the machine is. */
#define PATIENCE_SEC 30
/* On a busy machine a worker may wait in vain for the signature of a handshake. */
#define HANDSHAKES 5
/* The hash of TESTSERVER_TOKEN, as "reqctl grant" makes it. */
#define TOKEN_HASH "token$pNdxApXI3TFEo1pYpPFYxq9jekW7Vui-YOftY9oYNdA"

static const struct {
	const char *name, *scheme;	/* scheme NULL: no port of its own */
	enum testkey key;
	enum door at;			/* the door whose port and key it uses */
} doors[DOOR_N] = {
	[DOOR_TCP] = { "tcp", "tcp", 0, DOOR_TCP },
	[DOOR_UNIX] = { "unix", NULL, 0, DOOR_UNIX },
	[DOOR_CONTROL] = { "control", NULL, 0, DOOR_CONTROL },
	[DOOR_TLS] = { "tls", "tls", TESTKEY_EC, DOOR_TLS },
	[DOOR_RSA] = { "tls-rsa", "tls", TESTKEY_RSA, DOOR_RSA },
	[DOOR_ED25519] = { "tls-ed", "tls", TESTKEY_ED25519, DOOR_ED25519 },
	/* The client shows a key. */
	[DOOR_KEY] = { "tls-key", NULL, TESTKEY_EC, DOOR_TLS },
	[DOOR_HTTP] = { "http", "http", 0, DOOR_HTTP },
	[DOOR_HTTPS] = { "https", "https", TESTKEY_EC, DOOR_HTTPS },
};

/* ------------------------------------------------------------- its files --- */

void
testserver_path(const struct testserver *t, const char *name, char ret[static 108])
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

/* A port for each door that has one. False: there is none. */
static bool
choose_ports(struct testserver *t)
{
	for (enum door d = 0; d < DOOR_N; d++) {
		bool is_taken = true;

		for (int i = 0; i < 100 && is_taken && doors[d].scheme != NULL; i++) {
			t->ports[d] = free_port();
			is_taken = t->ports[d] == 0;
			for (enum door other = 0; other < d; other++)
				is_taken = is_taken || t->ports[other] == t->ports[d];
		}
		if (is_taken && doors[d].scheme != NULL)
			return false;
	}
	return true;
}

static bool
is_sealed(enum door door)
{
	return door == DOOR_HTTPS || (door >= DOOR_TLS && door <= DOOR_KEY);
}

/* The file of a door: its key, its certificate, or both. */
static void
key_path(const struct testserver *t, enum door door, const char *ending, char ret[static 108])
{
	(void)snprintf(ret, 108, "%s/%s.%s", t->dir, doors[door].name, ending);
}

static int
write_keys(struct testserver *t)
{
	char key[108], cert[108], both[108], pin[PIN_TEXT];
	int r = 0;

	for (enum door d = 0; d < DOOR_N && r == 0; d++) {
		if (!is_sealed(d) || doors[d].at != d)
			continue;
		key_path(t, d, "key", key);
		key_path(t, d, "crt", cert);
		key_path(t, d, "pem", both);
		r = testkey_make(doors[d].key, key, cert, both, d == DOOR_TLS ? t->pin : pin);
	}
	return r;
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

/* The file of logins: a password, which is "self-test", a token, and a key. */
static int
write_logins(const struct testserver *t)
{
	CLEANUP_CLOSE int fd = -1;
	char path[108], lines[512];

	testserver_path(t, "logins", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	(void)snprintf(lines, sizeof(lines),
	    "alice:$y$j9T$abcdefghijklmnop$9wMZ5sMAa3MZKAeYtX5W17sHFoZ.CbxGm5sn8AOud/C\n"
	    "bob:" TOKEN_HASH "\n"
	    "carol:key$%s\n", t->pin + PIN_PREFIX_LEN);
	return fd < 0 ? -errno : fd_write_all(fd, lines, strlen(lines));
}

/* Every listener that has a port, each with TLS has a key of its own. */
static void
put_listeners(const struct testserver *t, FILE *f)
{
	char key[108], cert[108];

	for (enum door d = 0; d < DOOR_N; d++) {
		if (doors[d].scheme == NULL)
			continue;
		(void)fprintf(f, "listen \"%s://127.0.0.1:%u\" {", doors[d].scheme, t->ports[d]);
		if (is_sealed(d)) {
			key_path(t, d, "key", key);
			key_path(t, d, "crt", cert);
			(void)fprintf(f, " certificate = \"%s\"  key = \"%s\"", cert, key);
		}
		(void)fprintf(f, " }\n");
	}
}

static int
write_conf(const struct testserver *t, bool has_another)
{
	CLEANUP_FILE FILE *f = NULL;
	char path[108];

	testserver_path(t, "reqd.conf", path);
	f = fopen(path, "we");
	if (f == NULL)
		return -errno;
	put_listeners(t, f);
	(void)fprintf(f,
	    "listen \"unix://%s/reqd.sock\" { mode = 0600 }\n"
	    "control { path = \"%s/control.sock\" }\n"
	    "logins = \"logins\"\n"
	    "log { to = stderr  level = debug }\n"
	    "workers = %d\n"
	    "web-workers = 1\n"
	    "runtime-directory = \"%s\"\n"
	    "drain-timeout = 5s\n"
	    "role \"local\" { net = {\"127.0.0.0/8\", \"unix\"} }\n",
	    t->dir, t->dir, has_another ? 3 : 2, t->dir);
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
reqd_run(const struct testserver *t, int log)
{
	char path[108];
	char *argv[] = { (char *)"reqd", (char *)"-c", path, NULL };
	char *envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)CONFINEMENT_TELL "=1", NULL };

	testserver_path(t, "reqd.conf", path);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0)
		_exit(EX_OSERR);
	(void)execve("/proc/self/exe", argv, envp);
	_exit(EX_OSERR);
}

static int
reqd_start(struct testserver *t)
{
	CLEANUP_CLOSE int log = -1;
	char path[108];

	testserver_path(t, "log", path);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return -errno;
	t->pid = fork();
	if (t->pid < 0) {
		t->pid = 0;
		return -errno;
	}
	if (t->pid == 0)
		reqd_run(t, log);
	return 0;
}

int
testserver_read_log(struct testserver *t)
{
	CLEANUP_CLOSE int fd = -1;
	char path[108];
	struct stat st;
	ssize_t n;

	testserver_path(t, "log", path);
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
reqd_has_ended(struct testserver *t, int *ret_status)
{
	if (t->pid != 0 && waitpid(t->pid, ret_status, WNOHANG) != t->pid)
		return false;
	t->pid = 0;
	return true;
}

/* Waits until every process of it serves. */
static int
reqd_await(struct testserver *t)
{
	uint64_t due = clock_usec() + PATIENCE_SEC * USEC_PER_SEC;
	int status;

	while (clock_usec() < due) {
		int r = testserver_read_log(t);

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

int
testserver_stop(struct testserver *t)
{
	uint64_t due = clock_usec() + PATIENCE_SEC * USEC_PER_SEC;
	int status = 0;

	if (t->pid == 0)
		return -1;
	(void)kill(t->pid, SIGTERM);
	while (!reqd_has_ended(t, &status)) {
		if (clock_usec() > due) {
			(void)kill(t->pid, SIGKILL);
			(void)waitpid(t->pid, &status, 0);
			t->pid = 0;
			return -1;
		}
		(void)poll(NULL, 0, 10);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ----------------------------------------------------------------- doors --- */

/* Opens the line of a door once. NULL, or what went wrong. */
static const char *
door_try(const struct testserver *t, enum door door, struct testline *ret)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(t->ports[doors[door].at]),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_SEC };
	bool is_inet = door != DOOR_UNIX && door != DOOR_CONTROL;
	int fd = socket(is_inet ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char cert[108], both[108];

	testserver_path(t, door == DOOR_CONTROL ? "control.sock" : "reqd.sock", un.sun_path);
	ret->fd = fd;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return strerror(errno);
	if (connect(fd, is_inet ? (struct sockaddr *)&in : (struct sockaddr *)&un,
	    is_inet ? sizeof(in) : sizeof(un)) < 0)
		return strerror(errno);
	if (!is_sealed(door))
		return NULL;
	key_path(t, doors[door].at, "crt", cert);
	key_path(t, doors[door].at, "pem", both);
	return testline_seal(ret, cert, door == DOOR_KEY ? both : NULL);
}

const char *
testserver_open(const struct testserver *t, enum door door, struct testline *ret)
{
	const char *wrong = door_try(t, door, ret);

	for (int i = 1; i < HANDSHAKES && wrong != NULL && is_sealed(door); i++) {
		testline_close(ret);
		(void)poll(NULL, 0, 100);
		wrong = door_try(t, door, ret);
	}
	return wrong;
}

int
testserver_init(struct testserver *t)
{
	(void)strlcpy(t->dir, "/tmp/reqd-self-test.XXXXXX", sizeof(t->dir));
	return mkdtemp(t->dir) == NULL ? -errno : choose_ports(t) ? 0 : -EADDRNOTAVAIL;
}

void
testserver_done(struct testserver *t)
{
	(void)testserver_stop(t);
	free(TAKE_PTR(t->log));
	(void)nftw(t->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
testserver_door(enum door door)
{
	return doors[door].name;
}

int
testserver_start(struct testserver *t)
{
	int r = write_keys(t);

	if (r == 0)
		r = write_logins(t);
	if (r >= 0)
		r = write_conf(t, false);
	if (r == 0)
		r = reqd_start(t);
	return r == 0 ? reqd_await(t) : r;
}

int
testserver_change(struct testserver *t)
{
	return write_conf(t, true);
}
