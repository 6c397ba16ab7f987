/* SPDX-License-Identifier: ISC */
/*
 * show-self: prints what a program inherits (arguments, environment, ids,
 * limits, signals, descriptors), one key=value line each, with control bytes as
 * \xHH and a backslash as \\. Tests compare whole lines.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zoo.h"

extern char **environ;

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "files", RLIMIT_NOFILE },
	{ "file-size", RLIMIT_FSIZE },
	{ "processes", RLIMIT_NPROC },
};

static void
put(const char *key, const char *value)
{
	printf("%s=", key);
	for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
		if (*p == '\\')
			fputs("\\\\", stdout);
		else if (*p < 0x20 || *p == 0x7f)
			printf("\\x%02x", *p);
		else
			putchar(*p);
	}
	putchar('\n');
}

static void
show_identity(void)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid, groups[256];
	int n;

	getresuid(&ruid, &euid, &suid);
	getresgid(&rgid, &egid, &sgid);
	printf("uid=%u %u %u\n", ruid, euid, suid);
	printf("gid=%u %u %u\n", rgid, egid, sgid);
	n = getgroups(256, groups);
	fputs("groups=", stdout);
	for (int i = 0; i < n; i++)
		printf("%s%u", i > 0 ? " " : "", groups[i]);
	putchar('\n');
}

static void
show_process(void)
{
	char cwd[4096];
	mode_t mask;
	int tty;

	mask = umask(0);
	umask(mask);
	printf("umask=%04o\n", mask);
	put("cwd", getcwd(cwd, sizeof(cwd)) != NULL ? cwd : strerror(errno));
	printf("pid=%d\n", (int)getpid());
	printf("session-leader=%s\n", getsid(0) == getpid() ? "yes" : "no");
	printf("group-leader=%s\n", getpgrp() == getpid() ? "yes" : "no");
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	printf("terminal=%s\n", tty >= 0 ? "yes" : "no");
	if (tty >= 0)
		close(tty);
	printf("no-new-privs=%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("nice=%d\n", getpriority(PRIO_PROCESS, 0));
}

static void
show_signals(void)
{
	struct sigaction sa;
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	fputs("signals-blocked=", stdout);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&mask, sig) == 1)
			printf("%d ", sig);
	fputs("\nsignals-ignored=", stdout);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			printf("%d ", sig);
	putchar('\n');
}

static void
show_limits(void)
{
	struct rlimit rl;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (getrlimit((__rlimit_resource_t)limits[i].resource, &rl) < 0)
			zoo_die(limits[i].name);
		printf("limit-%s=%lld %lld\n", limits[i].name,
		    (long long)rl.rlim_cur, (long long)rl.rlim_max);
	}
}

/*
 * Prints "0 pipe r blocking": kind, access mode and O_NONBLOCK of a descriptor.
 */
static void
show_descriptor(int fd)
{
	static const char *const access_modes[] = { "r", "w", "rw", "none" };
	struct stat st;
	const char *kind;
	int flags;

	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &st) < 0)
		return;
	kind = S_ISFIFO(st.st_mode) ? "pipe" : S_ISSOCK(st.st_mode) ? "socket" :
	    S_ISCHR(st.st_mode) ? "device" : S_ISREG(st.st_mode) ? "file" :
	    S_ISDIR(st.st_mode) ? "directory" : "other";
	printf("fd=%d %s %s %s\n", fd, kind, access_modes[flags & O_ACCMODE],
	    flags & O_NONBLOCK ? "non-blocking" : "blocking");
}

static void
show_descriptors(void)
{
	struct dirent *e;
	DIR *d;
	int fd;

	d = opendir("/proc/self/fd");
	if (d == NULL)
		zoo_die("/proc/self/fd");
	while ((e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		fd = (int)strtol(e->d_name, NULL, 10);
		if (fd != dirfd(d))
			show_descriptor(fd);
	}
	closedir(d);
}

int
main(int argc, char **argv)
{
	char key[32];

	while (zoo_getopt(argc, argv, "") != -1)
		;
	zoo_record();
	for (int i = 0; i < argc; i++) {
		snprintf(key, sizeof(key), "argv[%d]", i);
		put(key, argv[i]);
	}
	for (char **p = environ; *p != NULL; p++)
		put("env", *p);
	show_identity();
	show_process();
	show_signals();
	show_limits();
	show_descriptors();
	return 0;
}
