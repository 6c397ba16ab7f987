/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "master/controlverbs.h"
#include "master/keep.h"
#include "master/limits.h"
#include "master/links.h"
#include "master/notify.h"
#include "master/report.h"
#include "master/rundir.h"
#include "master/stop.h"
#include "master/strays.h"

#define EXIT_CONFIG 1	/* what reqd -t says, too */
#define EXIT_SYSTEM 71

/* -------------------------------------------------------------- events --- */

void
master_on_started(struct process *p)
{
	links_to_log(p);
}

static void
on_ready(struct process *p)
{
	struct master *m = p->master;

	p->state = PROCESS_PREPARING;
	links_open(p);
	master_prepare(p);
	stop_advance(m);
}

static void
check_all_serving(struct master *m)
{
	if (m->ready || m->stopping)
		return;
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].state != PROCESS_SERVING)
			return;
	}
	m->ready = true;
	notify_ready(m);
	log_event(LOG_EVENT_SERVING, LOG_NOTICE,
	    "reqd %s serves %zu services on %zu listeners with %zu workers",
	    PACKAGE_VERSION, m->conf->n_services, m->conf->n_listeners, master_n_workers(m));
}

/* Is there no runner that serves, but will be soon? */
static bool
runner_is_coming(struct master *m)
{
	const struct process *p = master_runner(m);

	/* One that only catches up with a reload serves meanwhile. */
	return p->state == PROCESS_STARTING ||
	    (p->state == PROCESS_PREPARING && p->generation == 0);
}

static void
commit(struct process *p)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = p->offered };

	if (process_send(p, &f, NULL, 0) < 0)
		process_kill(p, "does not take its configuration");
}

/*
 * A runner that is still bringing up handlers would refuse what workers let
 * in. Connections wait in the sockets.
 */
void
master_commit_waiting(struct master *m)
{
	if (runner_is_coming(m))
		return;
	for (size_t i = MASTER_WORKERS; i < MASTER_MAX_PROCESSES; i++) {
		struct process *p = &m->processes[i];

		if (p->state != PROCESS_PREPARING || !p->awaits_runner)
			continue;
		p->awaits_runner = false;
		p->owing_usec = clock_usec();
		commit(p);
	}
}

static void
on_prepared(struct process *p, const struct frame *f)
{
	if (p->state == PROCESS_SERVING) {
		reload_on_prepared(p, f->generation);
		return;
	}
	if (p->state != PROCESS_PREPARING || f->generation != p->offered)
		return;
	if (p->kind == ROLE_WORKER && runner_is_coming(p->master)) {
		p->awaits_runner = true;
		p->owing_usec = 0;
		return;
	}
	commit(p);
}

static void
on_committed(struct process *p, const struct frame *f)
{
	struct master *m = p->master;

	if (p->state == PROCESS_SERVING) {
		reload_on_committed(p, f->generation);
		return;
	}
	if (p->state != PROCESS_PREPARING || f->generation != p->offered)
		return;
	p->generation = f->generation;
	if (p->generation != m->conf->generation) {
		/* A reload went past while it was starting. */
		master_prepare(p);
		return;
	}
	p->state = PROCESS_SERVING;
	p->owing_usec = 0;
	if (p->kind == ROLE_RUNNER)
		master_commit_waiting(m);
	check_all_serving(m);
}

static void
on_refused(struct process *p, const struct frame *f)
{
	if (p->state == PROCESS_SERVING)
		reload_on_refused(p, f->generation, f->text);
	else if (p->state == PROCESS_PREPARING) {
		char name[32];

		process_name(p, name, sizeof(name));
		log_err("%s (%d) refuses its configuration, killing it: %s", name, (int)p->pid,
		    f->text);
		process_kill(p, NULL);
	}
}

void
master_on_frame(struct process *p, const struct frame *f)
{
	struct master *m = p->master;

	switch (f->type) {
	case FRAME_READY:
		if (p->state == PROCESS_STARTING)
			on_ready(p);
		return;
	case FRAME_PREPARED:
		on_prepared(p, f);
		return;
	case FRAME_COMMITTED:
		on_committed(p, f);
		return;
	case FRAME_REFUSED:
		on_refused(p, f);
		return;
	case FRAME_PONG:
		if (p->state == PROCESS_SERVING)
			p->owing_usec = 0;
		return;
	case FRAME_LISTED:
		if (p->kind == ROLE_WORKER)
			control_on_listed(&m->control, p, f->id);
		return;
	case FRAME_KILLED:
		if (p->kind == ROLE_WORKER)
			control_on_killed(&m->control, p, f->id, f->cancel.found != 0);
		return;
	case FRAME_DRAINED:
		/* The runner: everything it ran has ended. Closing lets it go. */
		if (p->state == PROCESS_STOPPING)
			process_release(p);
		return;
	default:
		process_kill(p, "sent a message that is not its to send");
		return;
	}
}

/* ---------------------------------------------------------------- death --- */

void
master_on_died(struct process *p)
{
	struct master *m = p->master;

	control_on_died(&m->control, p);
	if (m->reload.phase != RELOAD_IDLE)
		reload_on_died(p);
	if (p->kind == ROLE_RUNNER) {
		strays_begin(m);
		return;
	}
	stop_advance(m);
}

static int
on_child(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	struct master *m = userdata;
	int status;
	pid_t pid;

	(void)s;
	(void)si;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
			if (m->processes[i].pid == pid) {
				process_died(&m->processes[i], status);
				break;
			}
		}
	}
	return 0;
}

/* -------------------------------------------------------------- signals --- */

static int
on_stop_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	(void)s;
	(void)si;
	stop_begin(userdata);
	return 0;
}

static int
on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	(void)s;
	(void)si;
	reload_start(userdata);
	return 0;
}

/* --------------------------------------------------------------- set up --- */

size_t
master_workers_wanted(const struct conf *c)
{
	cpu_set_t cpus;
	int n = 1;

	if (c->workers != 0)
		return c->workers;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = CPU_COUNT(&cpus);
	return n < 1 ? 1 : n > CONF_MAX_WORKERS ? CONF_MAX_WORKERS : (size_t)n;
}

bool
master_wants(const struct process *p)
{
	return (size_t)(p - p->master->processes) < p->master->n_processes;
}

void
master_scale_workers(struct master *m, size_t wanted)
{
	size_t have = master_n_workers(m);

	m->n_processes = MASTER_WORKERS + wanted;
	/* Who waits to be started again waits no more. */
	for (size_t i = wanted; i < have; i++) {
		struct process *p = &m->processes[MASTER_WORKERS + i];

		p->timer = sd_event_source_disable_unref(p->timer);
	}
	for (size_t i = have; i < wanted; i++) {
		struct process *p = &m->processes[MASTER_WORKERS + i];
		int r = 0;

		if (p->master == NULL)
			r = process_init(p, m, ROLE_WORKER, (unsigned)i);
		if (r < 0) {
			log_err("cannot set up worker %zu: %s", i, strerror(-r));
			p->master = NULL;
			m->n_processes = MASTER_WORKERS + i;
			return;
		}
		/* One that has not ended yet has been given listeners again. */
		if (!process_is_up(p))
			process_start(p);
	}
}

void
master_override(const struct master *m, struct conf *c)
{
	if (m->options.json_log) {
		c->log_format = LOG_FORMAT_JSON;
		c->log_to = LOG_TO_STDERR;
	}
}

int
master_seal(const struct conf *c)
{
	CLEANUP_FREE char *text = conf_format(c);

	return text == NULL ? -ENOMEM : fd_sealed("reqd-conf", text, strlen(text));
}

static int
load(struct master *m)
{
	struct conf_errors errors = { 0 };
	int r;

	r = conf_load(m->options.conf_file, CONF_DEFAULT, &m->conf, &errors);
	if (r < 0) {
		if (errors.n > 0)
			conf_errors_print(&errors, stderr);
		else
			(void)fprintf(stderr, "reqd: %s: %s\n", m->options.conf_file, strerror(-r));
		conf_errors_done(&errors);
		return r;
	}
	conf_errors_done(&errors);
	master_override(m, m->conf);
	m->conf->generation = 1;
	m->conf_text = master_seal(m->conf);
	return m->conf_text < 0 ? m->conf_text : 0;
}

static int
open_sockets(struct master *m, struct conf_errors *notes)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	char why[512] = "";
	int r;

	r = rundir_make(m->conf, why, sizeof(why));
	keep_drop_unused(&m->passed, m->conf);
	if (r >= 0)
		r = listen_open(m->conf, LISTEN_OPEN, NULL, &m->passed, &m->listeners, &errors);
	if (r >= 0) {
		keep_done(&m->passed);
		keep_store(&m->listeners, m->conf);
		r = listen_apply(&m->listeners, m->conf, notes, &errors);
		listen_notes(&m->listeners, &m->passed, m->conf, notes);
		if (r >= 0)
			r = control_open(&m->control, m, why, sizeof(why));
		if (r < 0)
			listen_close(&m->listeners, NULL);
	}
	conf_errors_print(&errors, stderr);
	if (r < 0 && errors.n == 0)
		(void)fprintf(stderr, "reqd: %s\n", why[0] != '\0' ? why : strerror(-r));
	return r;
}

/* The master logs like everybody else: through a socket to the log. */
static int
open_log(struct master *m)
{
	int fds[2], r = channel_pair(fds);

	if (r < 0)
		return r;
	/* Neither is one of the fixed numbers: those are taken. */
	m->log_read = fds[0];
	r = dup3(fds[1], ROLE_LOG_FD, O_CLOEXEC) < 0 ? -errno : 0;
	(void)close(fds[1]);
	if (r < 0)
		return r;
	(void)shutdown(m->log_read, SHUT_WR);
	log_open(ROLE_LOG_FD);
	log_set_level(m->conf->log_level);
	return 0;
}

/* 3 to 5 are the roles' numbers: nothing of the master's may lie there. */
static int
reserve_numbers(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	} while (fd < ROLE_N_FDS);
	(void)close(fd);
	return 0;
}

static int
set_up_events(struct master *m)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	/* Whoever started us may have ignored it, and then there is nothing to wait for. */
	(void)sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);

	r = sd_event_default(&m->event);
	if (r >= 0)
		r = sd_event_add_signal(m->event, NULL, SIGTERM, on_stop_signal, m);
	if (r >= 0)
		r = sd_event_add_signal(m->event, NULL, SIGINT, on_stop_signal, m);
	if (r >= 0)
		r = sd_event_add_signal(m->event, NULL, SIGHUP, on_hangup, m);
	if (r >= 0)
		r = sd_event_add_signal(m->event, NULL, SIGCHLD, on_child, m);
	if (r >= 0)
		r = beat_start(m);
	return r;
}

static int
start_all(struct master *m)
{
	int r;

	m->n_processes = MASTER_WORKERS;
	r = process_init(master_log(m), m, ROLE_LOG, 0);
	if (r >= 0)
		r = process_init(master_runner(m), m, ROLE_RUNNER, 0);
	if (r < 0)
		return r;
	process_start(master_log(m));
	process_start(master_runner(m));
	master_scale_workers(m, master_workers_wanted(m->conf));
	return 0;
}

static int
fail(const char *what, int error)
{
	(void)fprintf(stderr, "reqd: %s: %s\n", what, strerror(-error));
	return EXIT_SYSTEM;
}

int
master_main(const struct master_options *options)
{
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 };
	static struct master master;
	struct master *m = &master;
	char why[512];
	int r;

	m->options = *options;
	m->started_usec = clock_usec();
	m->log_read = m->reload.text = -1;
	m->control.socket.fd = m->reload.control.fd = -1;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)umask(022);

	/* Before anything else is opened. */
	r = passed_take(&m->passed);
	if (r < 0)
		return fail("sockets from systemd", r);
	/* The reason, perhaps, why what follows fails. */
	if (passed_lost(&m->passed, why, sizeof(why)))
		(void)fprintf(stderr, "reqd: %s\n", why);
	r = reserve_numbers();
	if (r < 0)
		return fail("/dev/null", r);
	if (stat("/proc/self/exe", &(struct stat){ 0 }) < 0)
		return fail("/proc is needed and not there", -errno);
	if (load(m) < 0)
		return EXIT_CONFIG;
	r = limits_check(m->conf, why, sizeof(why));
	if (r < 0) {
		(void)fprintf(stderr, "reqd: %s\n", why);
		return EXIT_SYSTEM;
	}
	r = set_up_events(m);
	if (r < 0)
		return fail("event loop", r);
	if (open_sockets(m, &notes) < 0)
		return EXIT_SYSTEM;
	r = open_log(m);
	if (r >= 0) {
		report_notes(&notes);
		limits_log(m->conf);
		r = start_all(m);
	}
	if (r >= 0)
		r = sd_event_loop(m->event);
	control_close(&m->control);
	listen_close(&m->listeners, NULL);
	return r < 0 ? fail("event loop", r) : r;
}
