/* SPDX-License-Identifier: ISC */
/* Starts, tells, stops, kills and restarts role processes. */
#include "config.h"

#include "master/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/birth.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"

/* After the deadline of a stop, a process has this much more time to end. */
#define STOP_SLACK_USEC (500 * USEC_PER_MSEC)

/* Time for a process to end that the configuration does not ask for any more. */
#define SPARE_LAST_USEC (2 * USEC_PER_SEC)

/* Limit of frames read in one turn: one process must not keep the others waiting. */
#define FRAMES_AT_ONCE 64

void
processes_init(struct processes *all, struct loop *l, const struct process_ops *ops,
    const struct edition *e)
{
	*all = (struct processes){ .loop = l, .ops = ops, .edition = e, .log_read = -1 };
	if (getrandom(all->tally_secret, sizeof(all->tally_secret), GRND_NONBLOCK) < 0)
		all->tally_secret[0] = clock_usec();
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		for (unsigned slot = 0; slot < role_slots(kind); slot++) {
			struct process *p = process_at(all, kind, slot);

			*p = (struct process){
				.all = all,
				.kind = kind,
				.rules = &role_rules[kind],
				.slot = slot,
				.io.fd = -1,
				.log_read = -1,
				.stats_fd = -1,
			};
			role_format(kind, slot, p->name);
		}
	}
}

struct process *
processes_find(struct processes *all, pid_t pid)
{
	struct process *p;

	FOR_EACH_PROCESS(p, all) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

/* Opens the process's page of statistics, which stays over restarts. 0 or -errno. */
static int
process_open_page(struct process *p)
{
	if (!p->rules->has_page || p->stats != NULL)
		return 0;
	p->stats_fd = fd_lift(stats_create(), ROLE_N_FDS);
	if (p->stats_fd < 0)
		return p->stats_fd;
	p->stats = stats_map_own(p->stats_fd);
	if (p->stats == NULL) {
		int r = -errno;

		(void)close(TAKE_FD(p->stats_fd));
		return r;
	}
	return 0;
}

static void
process_close(struct process *p)
{
	loop_close_shared(p->all->loop, &p->io);
	if (p->log_read < 0)
		return;
	/*
	 * Nobody who has the other end can write in the name of this process any more. The
	 * log still reads what is in the socket.
	 */
	(void)shutdown(p->log_read, SHUT_RD);
	(void)close(TAKE_FD(p->log_read));
}

/*
 * True if the process may end: it was told to, or it is a surplus worker, which
 * ends with its last connection.
 */
static bool
is_free_to_end(const struct process *p)
{
	return p->state == PROCESS_STOPPING || !process_is_wanted(p);
}

static void
on_channel(struct loop_io *io, uint32_t events)
{
	struct process *p = CONTAINER_OF(io, struct process, io);
	uint64_t serial = p->serial;

	(void)events;
	/* A frame may lead to the end of the channel, so each turn looks again. */
	for (int i = 0; i < FRAMES_AT_ONCE && p->serial == serial && io->fd >= 0; i++) {
		struct frame f;
		int r;

		r = channel_receive_plain(io->fd, &f);
		if (r == -EAGAIN)
			return;
		if (r == CHANNEL_OK) {
			p->all->ops->frame(p, &f);
			continue;
		}
		/*
		 * The channel has closed, so the process is ending; after a bad frame it is
		 * killed.
		 */
		loop_remove(p->all->loop, io);
		if (!is_free_to_end(p) || r == CHANNEL_BAD)
			process_kill(p, r == CHANNEL_BAD ? "sent a bad message" : NULL);
		return;
	}
}

/* Makes a channel with both ends above the fixed numbers. 0 or -errno. */
static int
pair_lifted(int *ret_ours, int *ret_theirs)
{
	int fds[2], r = channel_pair(fds);

	if (r < 0)
		return r;
	*ret_ours = fd_lift(fds[0], ROLE_N_FDS);
	*ret_theirs = fd_lift(fds[1], ROLE_N_FDS);
	return *ret_ours < 0 ? *ret_ours : *ret_theirs < 0 ? *ret_theirs : 0;
}

static int
process_fork(struct process *p)
{
	CLEANUP_CLOSE int ours = -1;
	CLEANUP_CLOSE int theirs = -1;
	CLEANUP_CLOSE int log_read = -1;
	CLEANUP_CLOSE int log_write = -1;
	struct birth b = {
		.kind = p->kind, .slot = p->slot, .master = getpid(),
		.oomscore = p->rules->oomscore,
		.dies_with_master = p->rules->dies_with_master,
		.has_file_limits = p->rules->has_file_limits,
		.account = p->rules->account == ROLE_AS_USER ?
		    &p->all->edition->conf->run_as : NULL,
	};
	pid_t pid;
	sigset_t all, old;
	int r;

	r = process_open_page(p);
	/* Anew for each process, as its predecessor could write there. */
	if (p->stats != NULL)
		memcpy(p->stats->tally.secret, p->all->tally_secret, sizeof(p->all->tally_secret));
	if (r >= 0)
		r = pair_lifted(&ours, &theirs);
	if (r >= 0 && p->rules->has_records)
		r = pair_lifted(&log_read, &log_write);
	p->io = (struct loop_io){ .fn = on_channel, .fd = ours };
	/* Everything that can fail comes before the fork, so that no child is without an owner. */
	if (r >= 0)
		r = loop_add(p->all->loop, &p->io, EPOLLIN);
	if (r < 0) {
		p->io.fd = -1;
		return r;
	}
	channel_refuse_fds(ours);
	if (log_read >= 0) {
		channel_refuse_fds(log_read);
		(void)shutdown(log_read, SHUT_WR);
	}

	/* No signal may reach the child before it has reset its dispositions. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0) {
		b.channel = theirs;
		b.log = log_write;
		b.stats = p->stats_fd;
		birth(&b);
	}
	r = pid < 0 ? -errno : 0;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		loop_remove(p->all->loop, &p->io);
		p->io.fd = -1;
		return r;
	}
	p->pid = pid;
	p->serial = ++p->all->n_starts;
	(void)TAKE_FD(ours);
	p->log_read = TAKE_FD(log_read);
	return 0;
}

void
process_disarm(struct process *p)
{
	loop_disarm(p->all->loop, &p->timer);
}

static void
process_arm(struct process *p, loop_timer_fn *fn, uint64_t due_usec)
{
	p->timer.fn = fn;
	loop_arm(p->all->loop, &p->timer, due_usec);
}

static void
on_back_off_over(struct loop_timer *t)
{
	process_start(CONTAINER_OF(t, struct process, timer));
}

static void
process_retry(struct process *p, bool served)
{
	uint64_t now = clock_usec(), delay;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now;
	delay = backoff_after_death(&p->backoff, served, now, random);
	if (delay == 0) {
		process_start(p);
		return;
	}
	log_warn("%s keeps failing, starting it again in %llu ms", p->name,
	    (unsigned long long)(delay / USEC_PER_MSEC));
	process_arm(p, on_back_off_over, now + delay);
}

void
process_start(struct process *p)
{
	int r;

	process_disarm(p);
	p->state = PROCESS_STARTING;
	p->generation = p->offered = 0;
	p->in_reload = p->is_held = p->is_killed = false;
	p->owing_usec = clock_usec();
	r = process_fork(p);
	if (r >= 0) {
		p->all->ops->started(p);
		return;
	}
	log_err("cannot start %s: %s", p->name, strerror(-r));
	p->state = PROCESS_DOWN;
	if (r != -EAGAIN && r != -ENOMEM)
		p->all->ops->unable(p);
	if (!p->all->is_stopping)
		process_retry(p, false);
}

int
process_send(struct process *p, const struct frame *f, const int *fds, size_t n_fds)
{
	return p->io.fd < 0 ? -EPIPE : channel_send(p->io.fd, f, fds, n_fds);
}

void
process_tell(struct process *p, const struct frame *f, const int *fds, size_t n_fds)
{
	/* A surplus worker may just have ended; its end is handled when it is read. */
	if (process_send(p, f, fds, n_fds) < 0 && process_is_wanted(p))
		process_kill(p, "does not take its configuration");
}

static void
log_death(const struct process *p, int status)
{

	if (is_free_to_end(p) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_debug("%s (%d) has ended", p->name, (int)p->pid);
	else if (p->state == PROCESS_STOPPING && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL)
		log_notice("%s (%d) was cut short", p->name, (int)p->pid);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_event(LOG_EVENT_PROCESS_FORBIDDEN, LOG_CRIT,
		    "%s (%d) was killed for a forbidden system call: it may have been taken over",
		    p->name, (int)p->pid);
	else if (WIFSIGNALED(status))
		log_event(LOG_EVENT_PROCESS_DIED, LOG_ERR, "%s (%d) was killed by signal %d (%s)",
		    p->name, (int)p->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_event(LOG_EVENT_PROCESS_DIED, LOG_ERR, "%s (%d) ended with status %d", p->name,
		    (int)p->pid, WEXITSTATUS(status));
}

void
process_died(struct process *p, int wait_status)
{
	enum process_state was = p->state;

	log_death(p, wait_status);
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == ROLE_EXIT_SETUP)
		p->all->ops->unable(p);
	p->all->ops->lost(p);
	process_close(p);
	process_disarm(p);
	p->pid = 0;
	p->state = PROCESS_DOWN;
	if (p->stats != NULL)
		stats_reset_gauges(p->stats,
		    p->kind == ROLE_BROKER ? p->all->edition->conf->n_services : 0);
	if (p->stats != NULL && p->kind == ROLE_WORKER)
		tally_clear(&p->stats->tally);
	p->all->ops->died(p);
	/* The callback may have started the process again. */
	if (process_is_up(p) || !process_is_wanted(p))
		return;
	/* During a stop only the log is started again, unless it ended because it was told to. */
	if (p->all->is_stopping &&
	    (p->rules->stop != ROLE_STOP_BY_CLOSING || was == PROCESS_STOPPING))
		return;
	p->restarts++;
	process_retry(p, was == PROCESS_SERVING);
}

static void
on_stop_overdue(struct loop_timer *t)
{
	process_kill(CONTAINER_OF(t, struct process, timer), "did not end in time");
}

/* Expects the end of a process, at the deadline at the latest. False: it is not running. */
static bool
process_expect_end(struct process *p, uint64_t deadline_usec)
{
	process_disarm(p);
	p->state = process_is_up(p) ? PROCESS_STOPPING : PROCESS_DOWN;
	if (p->state == PROCESS_DOWN)
		return false;
	process_arm(p, on_stop_overdue, deadline_usec + STOP_SLACK_USEC);
	return true;
}

void
process_stop(struct process *p, uint64_t deadline_usec)
{
	struct frame f = {
		.type = FRAME_STOP, .id = deadline_usec, .sealed = p->all->sealed,
		.generation = p->all->edition->conf->generation,
	};

	if (process_expect_end(p, deadline_usec) && process_send(p, &f, NULL, 0) < 0)
		process_kill(p, "does not listen");
}

void
process_release(struct process *p)
{
	if (process_expect_end(p, clock_usec()) && p->io.fd >= 0)
		(void)shutdown(p->io.fd, SHUT_RDWR);
}

void
process_kill(struct process *p, const char *why)
{

	if (!process_is_up(p) || p->is_killed)
		return;
	p->is_killed = true;
	if (why != NULL)
		log_event(LOG_EVENT_PROCESS_STUCK, LOG_ERR, "%s (%d) %s, killing it", p->name,
		    (int)p->pid, why);
	p->all->ops->lost(p);
	/* The process is not reaped yet, so no other process can have its number. */
	if (kill(p->pid, SIGKILL) < 0)
		log_err("cannot kill %s (%d): %s", p->name, (int)p->pid, strerror(errno));
}

void
processes_start(struct processes *all)
{
	for (unsigned kind = 0; kind < ROLE_N; kind++) {
		for (unsigned slot = 0; slot < role_slots(kind); slot++) {
			struct process *p = process_at(all, kind, slot);

			if (process_is_wanted(p) && !all->is_stopping)
				process_start(p);
		}
	}
}

/* Private keys or hashes of passwords are needed now, or not any more. */
static void
scale_spare(struct processes *all, enum role_kind kind)
{
	struct process *p = process_at(all, kind, 0);

	if (process_is_wanted(p) && p->state == PROCESS_DOWN)
		process_start(p);
	else if (!process_is_wanted(p) && process_is_up(p))
		process_stop(p, clock_usec() + SPARE_LAST_USEC);
	else if (!process_is_wanted(p))
		process_disarm(p);
}

void
processes_scale(struct processes *all, const struct edition *before)
{
	scale_spare(all, ROLE_KEYS);
	scale_spare(all, ROLE_AUTH);
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		struct process *p = process_at(all, ROLE_WORKER, i);

		/* A surplus process that waits for its restart is not started any more. */
		if (!process_is_wanted(p))
			process_disarm(p);
		/* A surplus worker that still runs gets listeners again, so it needs no start. */
		else if (!edition_wants_worker(before, p->slot) && !process_is_up(p))
			process_start(p);
	}
}
