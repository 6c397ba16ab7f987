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
#include <sys/signalfd.h>
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
	const struct process *p;

	if (m->ready || m->stopping)
		return;
	FOR_EACH_PROCESS(p, m) {
		if (master_wants(p) && p->state != PROCESS_SERVING)
			return;
	}
	m->ready = true;
	notify_ready(m);
	log_event(LOG_EVENT_SERVING, LOG_NOTICE,
	    "reqd %s serves %zu services on %zu listeners with %zu workers",
	    PACKAGE_VERSION, m->conf->n_services, m->conf->n_listeners, m->n_workers);
}

/* True if those that it awaits will soon know the configuration that it speaks of. */
static bool
must_wait(const struct process *p)
{
	const struct process *other;

	FOR_EACH_PROCESS(other, p->master) {
		if ((p->rules->awaits & ROLE_BIT(other->kind)) != 0 &&
		    other->state >= PROCESS_STARTING && other->state <= PROCESS_SERVING &&
		    other->generation < p->offered)
			return true;
	}
	return false;
}

static void
commit(struct process *p)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = p->offered };

	if (process_send(p, &f, NULL, 0) < 0)
		process_kill(p, "does not take its configuration");
}

/* Meanwhile connections wait in the sockets. */
void
master_release_held(struct master *m)
{
	struct process *p;

	FOR_EACH_PROCESS(p, m) {
		if (p->state != PROCESS_PREPARING || !p->is_held || must_wait(p))
			continue;
		p->is_held = false;
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
	if (must_wait(p)) {
		p->is_held = true;
		p->owing_usec = 0;
		return;
	}
	commit(p);
}

static void
on_committed(struct process *p, const struct frame *f)
{
	struct master *m = p->master;
	bool is_first;

	if (p->state == PROCESS_SERVING) {
		reload_on_committed(p, f->generation);
		return;
	}
	if (p->state != PROCESS_PREPARING || f->generation != p->offered)
		return;
	is_first = p->generation == 0;
	p->generation = f->generation;
	if (is_first)
		links_serve(p);
	if (p->generation != m->conf->generation) {
		/* A reload went past while it was starting. */
		master_prepare(p);
		return;
	}
	p->state = PROCESS_SERVING;
	p->owing_usec = 0;
	master_release_held(m);
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

/*
 * A process that another one has found out is not asked to leave: it is killed and
 * replaced. Only those to whom it has a channel can have found something out.
 */
static void
on_fault(struct process *p, const struct frame *f)
{
	struct process *other = &p->master->processes[f->slot];
	char name[32], why[160];

	if ((other->rules->channels & ROLE_BIT(p->kind)) == 0) {
		process_kill(p, "sent a message that is not its to send");
		return;
	}
	/* The next one under this number is another process. */
	if (!process_is_up(other) || other->serial != f->fault.serial)
		return;
	process_name(p, name, sizeof(name));
	(void)snprintf(why, sizeof(why), "sent %s to the %s", f->fault.text, name);
	process_kill(other, why);
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
		if (p->rules->lists_calls)
			control_on_listed(&m->control, p, f->id);
		return;
	case FRAME_KILLED:
		if (p->rules->lists_calls)
			control_on_killed(&m->control, p, f->id, f->cancel.found != 0);
		return;
	case FRAME_DRAINED:
		/* The runner: everything it ran has ended. Closing lets it go. */
		if (p->state == PROCESS_STOPPING)
			process_release(p);
		return;
	case FRAME_FAULT:
		on_fault(p, f);
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
	if (p->rules->leaves_children) {
		strays_begin(m);
		return;
	}
	stop_advance(m);
}

/* Records that no log has read. */
static void
print_records(int fd, const char *name)
{
	char record[LOGREC_MAX];
	struct logrec_view v;
	ssize_t n;

	while ((n = recv(fd, record, sizeof(record), MSG_DONTWAIT)) > 0) {
		if (logrec_parse((struct slice){ record, (size_t)n }, &v) == 0 &&
		    v.level <= LOG_WARNING)
			(void)dprintf(STDERR_FILENO, "reqd: %s: %.*s\n", name,
			    (int)v.fields[LOG_KEY_MESSAGE].len, v.fields[LOG_KEY_MESSAGE].data);
	}
}

void
master_on_unable(struct process *p)
{
	struct master *m = p->master;
	char name[32];

	if (m->ready || m->stopping)
		return;
	process_name(p, name, sizeof(name));
	log_err("%s cannot start, giving up", name);
	if (master_process(m, ROLE_LOG, 0)->state != PROCESS_SERVING) {
		print_records(m->log_read, "master");
		if (p->log_read >= 0)
			print_records(p->log_read, name);
	}
	m->failed = true;
	stop_begin(m);
}

static void
reap(struct master *m)
{
	struct process *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		FOR_EACH_PROCESS(p, m) {
			if (p->pid == pid) {
				process_died(p, status);
				break;
			}
		}
	}
}

/* -------------------------------------------------------------- signals --- */

static void
on_signal(struct loop_io *io, uint32_t events)
{
	struct master *m = CONTAINER_OF(io, struct master, signals);
	struct signalfd_siginfo si;

	(void)events;
	while (read(io->fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap(m);
		else if (si.ssi_signo == SIGHUP)
			reload_start(m);
		else
			stop_begin(m);
	}
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
	return p->slot == 0 || p->slot < p->master->n_workers;
}

void
master_scale_workers(struct master *m, size_t wanted)
{
	size_t have = m->n_workers;

	m->n_workers = wanted;
	/* A process that waits to be started again waits no more. */
	for (size_t i = wanted; i < have; i++) {
		struct process *p = master_process(m, ROLE_WORKER, i);

		process_disarm(p);
	}
	for (size_t i = have; i < wanted; i++) {
		struct process *p = master_process(m, ROLE_WORKER, i);

		/* One that has not ended yet has been given listeners again. */
		if (!process_is_up(p))
			process_start(p);
	}
}

void
master_init_processes(struct master *m)
{
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		for (unsigned slot = 0; slot < role_slots(kind); slot++)
			process_init(master_process(m, kind, slot), m, kind, slot);
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

	m->signals = (struct loop_io){ .fn = on_signal };
	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals.fd < 0)
		return -errno;
	r = loop_init(&m->loop);
	if (r >= 0)
		r = loop_add(&m->loop, &m->signals, EPOLLIN);
	if (r >= 0)
		beat_start(m);
	return r;
}

static void
start_all(struct master *m)
{
	m->n_workers = master_workers_wanted(m->conf);
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		for (unsigned slot = 0; slot < role_slots(kind); slot++) {
			struct process *p = master_process(m, kind, slot);

			if (master_wants(p) && !m->stopping)
				process_start(p);
		}
	}
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
	master_init_processes(m);
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
		start_all(m);
		while (r >= 0 && !m->done)
			r = loop_turn(&m->loop);
	}
	control_close(&m->control);
	listen_close(&m->listeners, NULL);
	return r < 0 ? fail("event loop", r) : m->failed ? EXIT_SYSTEM : 0;
}
