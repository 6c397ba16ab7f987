/* SPDX-License-Identifier: ISC */
/*
 * The runner in a cgroup that was delegated to it, as systemd does.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <linux/magic.h>

#include "command-peer.h"

static const char *
cgroup_mount(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	}
	return NULL;
}

static bool
write_text(const char *dir, const char *file, const char *text)
{
	CLEANUP_CLOSE int fd = -1;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* In a group of our own, delegated as systemd does it: one write takes all. */
START_TEST(test_cgroup)
{
	const char *mount = cgroup_mount();
	char dir[128], leaf[32];
	struct call c;

	if (mount == NULL)
		return;
	(void)snprintf(dir, sizeof(dir), "%s/reqd-test-%d", mount, getpid());
	if (mkdir(dir, 0755) < 0)
		return;
	if (setxattr(dir, "trusted.delegate", "1", 1, 0) < 0 ||
	    !write_text(dir, "cgroup.procs", "0")) {
		(void)rmdir(dir);
		return;
	}

	setup();
	c = CALL(.service = S_WIDE,
	    .script = "(env -i setsid sh -c 'trap \"\" TERM; echo escaped\n"
		      "while :; do sleep 1000; done' &)\n"
		      "read x; grep -o 'req-.*' /proc/self/cgroup; exit 3");
	expect_line(c.out, "escaped");
	/* The program has an hour's grace, which the group does not need. */
	nudge(&c);
	expect_exit(&c, 3);
	(void)snprintf(leaf, sizeof(leaf), "req-%d-0", runner.pid);
	expect_line(c.out, leaf);
	expect_gone(&c);

	c = CALL(.service = S_STUBBORN,
	    .script = "trap '' TERM; (env -i setsid sleep 1000 &)\n"
		      "while :; do sleep 1000; done");
	finishes(&c, OUTCOME_TIMEOUT);
	/* And once more: the group can be used again. */
	runs(1);

	teardown();
	/* Nor does it leave a group behind: the directory can go. */
	ck_assert(write_text(mount, "cgroup.procs", "0"));
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, test_cgroup);
}

UNIT_MAIN("cgroup", add(tc))
