/* SPDX-License-Identifier: ISC */
/* master: starts the processes, hears their frames and the signals, and ends. */
#include "config.h"

#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "conf/certificate.h"
#include "conf/remarks.h"
#include "ipc/channel.h"
#include "ipc/limits.h"
#include "ipc/logrec.h"
#include "master/controlanswer.h"
#include "master/bringup.h"
#include "master/links.h"
#include "master/notify.h"
#include "master/stop.h"

#define EXIT_CONFIG 1	/* the status of reqd -t, too: nothing but a change of the files helps */
/* Time between two looks at the end of certificates. */
#define CERTIFICATES_USEC (86400 * USEC_PER_SEC)

#define EXIT_SYSTEM 71	/* may pass by itself, so systemd tries again */

static struct master *
master_of(const struct process *p)
{
	return CONTAINER_OF(p->all, struct master, processes);
}

/* -------------------------------------------------------------- events --- */

static void
check_all_serving(struct master *m)
{
	const struct process *p;

	if (m->ready || m->processes.is_stopping)
		return;
	FOR_EACH_PROCESS(p, &m->processes) {
		if (process_is_wanted(p) && p->state != PROCESS_SERVING)
			return;
	}
	m->ready = true;
	notify_ready(&m->processes);
	log_event(LOG_EVENT_SERVING, LOG_NOTICE,
	    "reqd %s serves %zu services on %zu listeners with %zu workers", PACKAGE_VERSION,
	    m->now.conf->n_services, m->now.conf->n_listeners, role_workers_wanted(m->now.conf));
	recovery_plan(m);
}

static void
on_refused(struct process *p, const struct frame *f)
{
	if (p->state == PROCESS_SERVING)
		reload_on_refused(p, f->generation, f->text);
	else if (p->state == PROCESS_PREPARING) {
		log_err("%s (%d) refuses its configuration, killing it: %s", p->name, (int)p->pid,
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
	struct process *other = &p->all->list[f->slot];
	char why[160];

	if ((other->rules->channels & ROLE_BIT(p->kind)) == 0) {
		process_kill(p, "sent a message that is not its to send");
		return;
	}
	/* The next one under this number is another process. */
	if (!process_is_up(other) || other->serial != f->fault.serial)
		return;
	(void)snprintf(why, sizeof(why), "%s (says the %s)", f->fault.text, p->name);
	process_kill(other, why);
}

static void
on_frame(struct process *p, const struct frame *f)
{
	struct master *m = master_of(p);
	bool is_serving = p->state == PROCESS_SERVING;

	switch (f->type) {
	case FRAME_READY:
		bringup_on_ready(p);
		stop_advance(m);
		return;
	case FRAME_PREPARED:
		if (is_serving)
			reload_on_prepared(p, f->generation);
		else
			bringup_on_prepared(p, f->generation);
		return;
	case FRAME_COMMITTED:
		if (is_serving)
			reload_on_committed(p, f->generation);
		else
			bringup_on_committed(p, f->generation);
		check_all_serving(m);
		return;
	case FRAME_REFUSED:
		on_refused(p, f);
		return;
	case FRAME_PONG:
		if (is_serving)
			p->owing_usec = 0;
		return;
	case FRAME_DRAINED:
		/* The runner: everything it ran has ended. Closing lets it go. */
		if (p->state == PROCESS_STOPPING)
			process_release(p);
		return;
	case FRAME_FAULT:
		on_fault(p, f);
		return;
	case FRAME_ASK:
		if (p->kind == ROLE_CONTROL) {
			answer_ask(m, f);
			return;
		}
		process_kill(p, "sent a message that is not its to send");
		return;
	case FRAME_OVERLAY:
		if (p->kind == ROLE_CONTROL) {
			answer_overlay(m, f);
			return;
		}
		process_kill(p, "sent a message that is not its to send");
		return;
	case FRAME_RESTART:
	case FRAME_RESTARTED:
		if (answer_restart(m, p, f))
			return;
		/* fall through */
	default:
		process_kill(p, "sent a message that is not its to send");
		return;
	}
}

/* A certificate may end while reqd runs: once a day is enough to tell. */
static void
look_at_certificates(struct master *m)
{
	CLEANUP(conf_errors_done) struct conf_errors warnings = { 0 };
	uint64_t now = clock_usec();

	if (!m->ready || now - m->certificates_usec < CERTIFICATES_USEC)
		return;
	m->certificates_usec = now;
	certificate_warn(m->now.conf, &warnings);
	log_conf_errors(LOG_WARNING, "", &warnings);
}

/* Signs of life have been asked for, or their debtors are being replaced. */
static void
on_each_beat(struct beat *b)
{
	struct master *m = CONTAINER_OF(b, struct master, beat);

	bringup_release_held(&m->processes);
	notify_watchdog();
	recovery_plan(m);
	look_at_certificates(m);
	if (m->ready && !m->processes.is_stopping && m->reload.phase == RELOAD_IDLE)
		notify_status(&m->processes);
}

/* ---------------------------------------------------------------- death --- */

static void
on_died(struct process *p)
{
	struct master *m = master_of(p);

	if (m->reload.phase != RELOAD_IDLE)
		reload_on_died(p);
	answer_restart_died(m, p);
	if (p->kind == ROLE_CONTROL)
		overlay_forget_partial(&m->overlay);
	if (p->rules->leaves_children)
		orphans_begin(&m->orphans);
	else
		stop_advance(m);
}

static void
on_orphans_looked_for(struct orphans *s)
{
	stop_advance(CONTAINER_OF(s, struct master, orphans));
}

/* Before reqd has ever served that is its end, with the reason where the log may not be. */
static void
on_unable(struct process *p)
{
	struct master *m = master_of(p);

	if (m->ready || m->processes.is_stopping)
		return;
	log_err("%s cannot start, giving up", p->name);
	if (process_at(p->all, ROLE_LOG, 0)->state != PROCESS_SERVING) {
		logrec_print_unread(p->all->log_read, "master");
		if (p->log_read >= 0)
			logrec_print_unread(p->log_read, p->name);
	}
	m->failed = true;
	stop_begin(m);
}

/* -------------------------------------------------------------- signals --- */

static void
reap(struct master *m)
{
	struct process *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (recovery_reaped(m, pid, status))
			continue;
		p = processes_find(&m->processes, pid);
		if (p != NULL)
			process_died(p, status);
	}
}

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

/* The time of a level of the log is over. */
static void
on_overlay_due(struct overlay *o)
{
	reload_overlay(CONTAINER_OF(o, struct master, overlay));
}

void
master_init(struct master *m, const struct master_options *options)
{
	static const struct process_ops ops = {
		.started = links_to_log,
		.frame = on_frame,
		.died = on_died,
		.unable = on_unable,
		.lost = links_close,
	};

	*m = (struct master){ .options = *options, .now = EDITION_NONE };
	m->started_usec = m->certificates_usec = clock_usec();
	processes_init(&m->processes, &m->loop, &ops, &m->now);
	reload_init(&m->reload, answer_reloaded);
	overlay_init(&m->overlay, &m->loop, answer_overlaid, on_overlay_due);
	m->options.overlay = &m->overlay.next;
	m->orphans = (struct orphans){ .all = &m->processes, .on_looked = on_orphans_looked_for };
}

/* The first start is a reload with nothing before it. 0 or -errno, with errors. */
static int
open_sockets(struct master *m, struct conf_errors *notes, struct conf_errors *errors)
{
	const struct conf *c = m->now.conf;
	int r;

	passed_drop_unused(&m->passed, c);
	r = reload_open(m, &m->now, LISTEN_OPEN, errors);
	if (r < 0)
		return r;
	passed_done(&m->passed);
	listen_keep(&m->now.listeners);
	r = listen_apply(&m->now.listeners, c, notes, errors);
	listen_notes(&m->now.listeners, &m->passed, c, notes);
	return r;
}

/* The master logs like everybody else: through a socket to the log. */
static int
open_log(struct master *m)
{
	int fds[2], r = channel_pair(fds);

	if (r < 0)
		return r;
	/* The two ends have other numbers than the fixed ones, which are in use. */
	m->processes.log_read = fds[0];
	r = dup3(fds[1], ROLE_LOG_FD, O_CLOEXEC) < 0 ? -errno : 0;
	(void)close(fds[1]);
	if (r < 0)
		return r;
	(void)shutdown(fds[0], SHUT_WR);
	log_open(ROLE_LOG_FD);
	log_set_level(m->now.conf->log_level);
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
	/* The parent may have ignored it, and then there is nothing to wait for. */
	(void)sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);

	m->signals = (struct loop_io){ .fn = on_signal };
	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals.fd < 0)
		return -errno;
	r = loop_init(&m->loop);
	if (r >= 0)
		r = loop_add(&m->loop, &m->signals, EPOLLIN);
	if (r >= 0)
		beat_start(&m->beat, &m->processes, on_each_beat);
	return r;
}

static int
fail(const char *what, int error)
{
	(void)fprintf(stderr, "reqd: %s: %s\n", what, strerror(-error));
	return EXIT_SYSTEM;
}

/* At the start, before there is a log. */
static int
fail_with_errors(const struct conf_errors *errors, int status)
{
	for (size_t i = 0; i < errors->n; i++) {
		if (errors->list[i].file == NULL)
			(void)fputs("reqd: ", stderr);
		conf_errors_print(&(struct conf_errors){ &errors->list[i], 1 }, stderr);
	}
	return status;
}

/* Logs what is probably not meant so. */
static void
log_notes(const struct conf *c)
{
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 };

	remarks_note(c, &notes);
	log_conf_errors(LOG_NOTICE, "note: ", &notes);
}

int
master_main(const struct master_options *options)
{
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 }, errors = { 0 };
	CLEANUP(conf_errors_done) struct conf_errors lacks = { 0 };
	static struct master master;
	struct master *m = &master;
	struct reason why;
	int r;

	master_init(m, options);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)umask(022);

	/* Before anything else is opened. */
	r = passed_take(&m->passed);
	if (r < 0)
		return fail("sockets from systemd", r);
	/* The reason, perhaps, why what follows fails. */
	if (passed_lost(&m->passed, why.text, sizeof(why.text)))
		(void)fprintf(stderr, "reqd: %s\n", why.text);
	/* 3 to 5 are the roles' numbers: nothing of the master's may lie there. */
	r = fd_fill(ROLE_N_FDS);
	if (r < 0)
		return fail("/dev/null", r);
	if (stat("/proc/self/exe", &(struct stat){ 0 }) < 0)
		return fail("/proc is needed and not there", -errno);
	/* A service that lacks something must not keep the others from being served. */
	r = edition_load(&m->now, options, CONF_LENIENT, 1, &lacks);
	if (r < 0)
		return fail_with_errors(&lacks, r == -EINVAL ? EXIT_CONFIG : EXIT_SYSTEM);
	/* With too few open files what follows would fail, for a reason harder to see. */
	if (limits_check(m->now.conf, &why) < 0) {
		(void)fprintf(stderr, "reqd: %s\n", why.text);
		return EXIT_SYSTEM;
	}
	r = confine_check();
	if (r < 0) {
		(void)fprintf(stderr, "reqd: this system lets no process filter its system calls "
		    "(seccomp: %s), and workers must not run without: see Confinement in "
		    "reqd(8)\n", strerror(-r));
		return EXIT_SYSTEM;
	}
	r = set_up_events(m);
	if (r < 0)
		return fail("event loop", r);
	m->failed = open_sockets(m, &notes, &errors) < 0;
	if (m->failed)
		(void)fail_with_errors(&errors, EXIT_SYSTEM);
	r = m->failed ? 0 : open_log(m);
	if (r >= 0 && !m->failed) {
		limits_warn(m->now.conf, &notes);
		if (confine_is_built_in() && confine_landlock() == 0)
			log_notice("this kernel has no Landlock: processes without privileges are "
			    "kept from files by their filters of system calls alone");
		certificate_warn(m->now.conf, &notes);
		remarks_warn(m->now.conf, STDBUF_LIBRARY, &notes);
		log_conf_errors(LOG_WARNING, "", &notes);
		log_conf_errors(LOG_WARNING, "out of order: ", &lacks);
		log_notes(m->now.conf);
		processes_start(&m->processes);
		while (r >= 0 && !m->done)
			r = loop_turn(&m->loop);
	}
	overlay_release(&m->overlay);
	edition_done(&m->now);
	return r < 0 ? fail("event loop", r) : m->failed ? EXIT_SYSTEM : 0;
}
