/* SPDX-License-Identifier: ISC */
/* The programs that run: their start, signals and end. No allocation: this runs in the runner. */
#include "config.h"

#include "runner/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "runner/runner.h"

/* ----------------------------------------------------------------- table --- */

static int
pid_compare(const struct program *a, const struct program *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_PROTOTYPE_INTERNAL(program_pids, program, by_pid, pid_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(program_pids, program, by_pid, pid_compare,
    __attribute__((unused)) static)

void
programs_init(struct programs *all, struct program *slots, struct program **by_ref)
{
	*all = (struct programs){ .slots = slots, .by_ref = by_ref };
	TAILQ_INIT(&all->free);
	TAILQ_INIT(&all->lingering);
	RB_INIT(&all->pids);
}

struct program *
programs_find_pid(struct programs *all, pid_t pid)
{
	struct program key;

	key.pid = pid;
	return RB_FIND(program_pids, &all->pids, &key);
}

struct program *
programs_next(struct programs *all, struct program *p)
{
	size_t i = p == NULL ? 0 : program_slot(all, p) + 1;

	while (i < all->n_touched && all->slots[i].state == PROGRAM_FREE)
		i++;
	return i < all->n_touched ? &all->slots[i] : NULL;
}

static void on_program_due(struct loop_timer *t);
static void on_program_begun(struct loop_io *io, uint32_t events);

/* The slot freed last is used first, because memory costs only once it is touched. */
static struct program *
program_new(struct runner *r, uint16_t ref)
{
	struct programs *all = &r->programs;
	struct program *p = TAILQ_FIRST(&all->free);

	if (p != NULL)
		TAILQ_REMOVE(&all->free, p, next);
	else if (all->n_touched < PROGRAMS_MAX)
		p = &all->slots[all->n_touched++];
	else
		return NULL;
	*p = (struct program){
		.runner = r, .ref = ref, .out = -1, .err = -1, .timer.fn = on_program_due,
		.begun = { .fn = on_program_begun, .fd = -1 },
		.mark = ++all->last_mark, .exited.ref = ref,
	};
	all->by_ref[ref] = p;
	all->n_used++;
	return p;
}

static void
program_free(struct program *p)
{
	struct programs *all = &p->runner->programs;

	if (p->ref != PROGRAM_NO_REF)
		all->by_ref[p->ref] = NULL;
	loop_disarm(&p->runner->loop, &p->timer);
	loop_close_shared(&p->runner->loop, &p->begun);
	channel_close_fds((int[]){ p->out, p->err }, 2);
	p->conf = conf_unref(p->conf);
	p->service = NULL;
	p->state = PROGRAM_FREE;
	TAILQ_INSERT_HEAD(&all->free, p, next);
	all->n_used--;
}

/* --------------------------------------------------------------- telling --- */

static void
program_post(struct program *p, const struct frame *f)
{
	/* There is always room: the outbox is as large as all reports of the whole table. */
	if (p->ref != PROGRAM_NO_REF)
		(void)mail_post(&p->runner->broker, f, NULL, 0);
}

/* Reports EXITED, once; and later GONE, if EXITED has not said that too. */
static void
program_tell(struct program *p, bool is_gone)
{
	struct frame f = { .type = FRAME_GONE, .ref = p->ref };

	if (!p->is_told) {
		f.type = FRAME_EXITED;
		f.exited = p->exited;
		f.exited.is_gone = is_gone;
	} else if (!is_gone) {
		return;
	}
	p->is_told = true;
	program_post(p, &f);
}

/*
 * Sends BEGUN once the program runs, which fork() alone does not prove. Sends
 * nothing when the child has failed before; EXITED follows then.
 */
static void
program_tell_begun(struct program *p)
{
	struct runner *r = p->runner;
	struct frame f = { .type = FRAME_BEGUN };

	/* A child that was forked meanwhile may have this descriptor, too. */
	loop_close_shared(&r->loop, &p->begun);
	if (spawn_report_of(r->spawner, program_slot(&r->programs, p)).stage != STAGE_NONE)
		return;
	f.begun = (struct frame_begun){
		.ref = p->ref, .pid = (uint32_t)p->session,
		.started_usec = p->exited.started_usec,
	};
	program_post(p, &f);
}

static void
on_program_begun(struct loop_io *io, uint32_t events)
{
	(void)events;
	program_tell_begun(CONTAINER_OF(io, struct program, begun));
}

/* Keeps how the program ended, for the report. */
static void
program_note_exit(struct program *p, int status, const struct rusage *ru)
{
	struct spawn_report failed =
	    spawn_report_of(p->runner->spawner, program_slot(&p->runner->programs, p));
	struct frame_exited *e = &p->exited;

	if (p->is_told)
		return;
	e->stage = (uint8_t)failed.stage;
	e->error = failed.error;
	e->wait_status = status;
	e->ran_usec = clock_usec() - e->started_usec;
	e->cpu_usec = (uint64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * USEC_PER_SEC +
	    (uint64_t)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec);
	e->max_rss_kb = (uint64_t)ru->ru_maxrss;
}

/* -------------------------------------------------------------- starting --- */

/* Starts a program, in a control group where possible: the pid or -errno. */
static pid_t
program_spawn(struct program *p, struct spawn_order *order)
{
	struct runner *r = p->runner;
	int cgroup = cgroup_enter(&r->cgroups, order->slot);
	pid_t pid = cgroup;

	order->cgroup = -1;
	if (cgroup > 0) {
		order->cgroup = cgroup;
		pid = spawn(r->spawner, order);
		if (pid >= 0)
			return pid;
		order->cgroup = -1;
	}
	if (pid < 0 && pid != -EAGAIN && pid != -ENOMEM && pid != -EMFILE && pid != -ENFILE) {
		log_warn("control groups cannot be used, going on without: %s", strerror(-pid));
		cgroups_done(&r->cgroups);
	}
	return spawn(r->spawner, order);
}

/* Reports a program that could not be started. */
static void
program_fail(struct program *p, enum start_stage stage, int error)
{
	p->exited.stage = (uint8_t)stage;
	p->exited.error = error;
	program_tell(p, true);
	program_free(p);
}

/* Returns the end for the child, or -1: then nothing tells of its exec. */
static int
program_watch(struct program *p)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	p->begun.fd = ends[0];
	if (loop_add(&p->runner->loop, &p->begun, EPOLLIN) == 0)
		return ends[1];
	channel_close_fds(ends, 2);
	p->begun.fd = -1;
	return -1;
}

static void
program_begin(struct program *p, pid_t pid, bool want_begun)
{
	p->state = PROGRAM_RUNNING;
	p->pid = p->session = pid;
	p->exited.started_usec = clock_usec();
	RB_INSERT(program_pids, &p->runner->programs.pids, p);
	/* Without a descriptor to spare the fork must do. */
	if (want_begun && p->begun.fd < 0)
		program_tell_begun(p);
}

/* The path of a new directory for the program, or NULL: it wants none. 0 or -errno. */
static int
program_choose_directory(struct program *p, const char **ret)
{
	struct temporary *t = &p->runner->temporary;
	int error = 0;

	*ret = NULL;
	if (!service_is_temporary(p->service))
		return 0;
	error = temporary_open(t, p->conf->temporary_directory);
	if (error == 0)
		error = temporary_choose(&p->directory);
	if (error == 0)
		*ret = temporary_path(t, p->directory);
	return error;
}

/* Starts a program with the ends of its kit. */
static void
program_run(struct program *p, const struct frame *f, int ends[static KIT_N_ENDS])
{
	struct spawn_order order = {
		.service = p->service, .slot = program_slot(&p->runner->programs, p),
		.job = p->runner->ends.jobs[f->slot].fd, .place = f->start.place, .out = ends[KIT_OUT], .err = ends[KIT_ERR],
		.in = ends[KIT_IN], .third = -1, .mark = p->mark,
		.begun = -1,
	};
	bool is_handler = p->service->handler != NULL;
	int error = program_choose_directory(p, &order.directory);
	pid_t pid;

	if (error < 0) {
		program_fail(p, STAGE_DIRECTORY, -error);
		return;
	}
	if (f->start.want_begun != 0)
		order.begun = program_watch(p);
	if (is_handler && p->service->pool.own_channel) {
		order.third = order.out;
		order.out = order.err;
	}
	pid = program_spawn(p, &order);
	channel_close_fds(&order.begun, 1);
	if (pid < 0) {
		program_fail(p, STAGE_FORK, -pid);
		return;
	}
	/* No other process may hold a handler's ends, so that their closing tells of its end. */
	if (!is_handler) {
		p->out = ends[KIT_OUT];
		p->err = ends[KIT_ERR];
		ends[KIT_OUT] = ends[KIT_ERR] = -1;
	}
	program_begin(p, pid, f->start.want_begun != 0);
}

/* The configuration of that generation, or NULL. */
static struct conf *
conf_of(struct runner *r, uint32_t generation)
{
	struct conf *c = member_conf(&r->member, generation), *next = r->member.prepared;

	/* Handlers are tried before their configuration is in force. */
	return c == NULL && next != NULL && next->generation == generation ? next : c;
}

const char *
program_start(struct runner *r, const struct frame *f)
{
	struct conf *conf = conf_of(r, f->generation);
	int ends[KIT_N_ENDS];
	struct program *p;

	if (r->programs.by_ref[f->start.ref] != NULL)
		return "sent a start under a number that is in use";
	if (conf != NULL && f->start.service >= conf->n_services)
		return "sent a start of no service";
	if (r->ends.jobs[f->slot].fd < 0)
		return "sent a start without a job";
	if (!ends_take(&r->ends, f->start.kit, ends))
		return "sent a start without a kit";
	p = conf != NULL ? program_new(r, f->start.ref) : NULL;
	if (p == NULL) {
		/*
		 * Nothing was started, and the broker must hear that. The table is full only
		 * when programs of two brokers survive SIGKILL. A configuration may be
		 * dropped here while the broker still uses it.
		 */
		(void)mail_post(&r->broker, &(struct frame){
			.type = FRAME_EXITED,
			.exited = { .ref = f->start.ref, .stage = STAGE_FORK,
			    .error = conf != NULL ? EAGAIN : ESTALE, .is_gone = true },
		}, NULL, 0);
	} else {
		p->conf = conf_ref(conf);
		p->service = &conf->services[f->start.service];
		p->id = f->id;
		program_run(p, f, ends);
	}
	channel_close_fds(ends, KIT_N_ENDS);
	return NULL;
}

/* --------------------------------------------------------------- killing --- */

static void
signal_all(struct program *p, int sig)
{
	/* A child that has not reached setsid() yet does not lead a group. */
	if (p->pid != 0 && kill(-p->pid, sig) < 0)
		(void)kill(p->pid, sig);
	p->runner->programs.strays->signal(p, sig);
}

static void
begin_term(struct program *p, uint64_t grace_usec)
{
	p->phase = KILL_TERM;
	signal_all(p, p->service->stop_signal);
	signal_all(p, SIGCONT);		/* a stopped process could not act on the signal */
	loop_arm(&p->runner->loop, &p->timer, clock_usec() + grace_usec);
}

static void
program_destroy(struct program *p)
{
	size_t slot = program_slot(&p->runner->programs, p);

	p->phase = KILL_KILL;
	signal_all(p, SIGKILL);
	if (cgroup_exists(&p->runner->cgroups, slot))
		cgroup_kill(&p->runner->cgroups, slot);
	loop_arm(&p->runner->loop, &p->timer, clock_usec() + SURVIVAL_USEC);
}

void
program_terminate(struct program *p, uint64_t grace_usec)
{
	if (p->phase != KILL_NONE)
		return;
	p->runner->programs.strays->look(p->runner);		/* finds processes that left */
	begin_term(p, grace_usec);
}

void
program_signal(struct program *p, int sig)
{
	p->runner->programs.strays->look(p->runner);
	if (sig != SIGKILL)
		signal_all(p, sig);
	else if (p->phase < KILL_KILL)
		program_destroy(p);
}

/* SIGKILL had no effect. The broker is told now; the ref stays taken. */
static void
program_survives(struct program *p)
{
	static const struct rusage unknown;

	if (p->phase != KILL_SURVIVED)
		log_err("request %016llx of service %s: processes survive SIGKILL, "
		    "going on without waiting for them",
		    (unsigned long long)p->id, p->service->name);
	program_destroy(p);
	p->phase = KILL_SURVIVED;
	program_note_exit(p, SIGKILL, &unknown);
	program_tell(p, false);
}

static void
on_program_due(struct loop_timer *t)
{
	struct program *p = CONTAINER_OF(t, struct program, timer);

	if (p->state == PROGRAM_LINGERING && p->pid != 0) {
		/* The child that removes its directory has been stopped, and hears no alarm. */
		(void)kill(p->pid, SIGKILL);
	} else if (p->phase == KILL_TERM) {
		p->runner->programs.strays->look(p->runner);
		program_destroy(p);
	} else {
		program_survives(p);
	}
}

/* -------------------------------------------------------------- its end --- */

/* True if something runs in the program's control group. */
static bool
program_is_in_cgroup(const struct program *p)
{
	const struct cgroups *c = &p->runner->cgroups;
	size_t slot = program_slot(&p->runner->programs, p);

	return cgroup_exists(c, slot) && cgroup_is_populated(c, slot);
}

/* status: 0, or of the child that was to remove the directory, or -errno: there is none. */
static void
program_cleared(struct program *p, int status)
{
	if (status != 0)
		log_warn("request %016llx of service %s: its directory %s cannot be removed whole",
		    (unsigned long long)p->id, p->service->name,
		    temporary_path(&p->runner->temporary, p->directory));
	p->directory = 0;
}

/*
 * True while the program's own directory is being removed, which begins when nothing
 * else is left of the program. The child that does so takes its place.
 */
static bool
program_is_clearing(struct program *p)
{
	struct runner *r = p->runner;
	pid_t pid;

	if (p->directory == 0 || p->pid != 0)
		return p->directory != 0;
	pid = spawn_clear(r->spawner, p->service, temporary_path(&r->temporary, p->directory));
	if (pid < 0) {
		program_cleared(p, pid);
		return false;
	}
	/* The child has a time limit of its own, but others of its account may stop it. */
	loop_arm(&r->loop, &p->timer,
	    clock_usec() + (TEMPORARY_REMOVAL_SECONDS + 5) * USEC_PER_SEC);
	p->pid = pid;
	RB_INSERT(program_pids, &r->programs.pids, p);
	return true;
}

void
program_reaped(struct program *p, int status, const struct rusage *ru)
{
	struct programs *all = &p->runner->programs;

	RB_REMOVE(program_pids, &all->pids, p);
	p->pid = 0;
	if (p->state == PROGRAM_LINGERING) {
		program_cleared(p, status);
		return;
	}
	/* The end of its life may be seen before the end of the pipe. */
	if (p->begun.fd >= 0)
		program_tell_begun(p);
	program_note_exit(p, status, ru);
	ends_part(&p->runner->ends, p->out);
	ends_part(&p->runner->ends, p->err);
	p->out = p->err = -1;

	p->state = PROGRAM_LINGERING;
	TAILQ_INSERT_TAIL(&all->lingering, p, next);
	p->has_cgroup_left = program_is_in_cgroup(p);
	if (p->has_cgroup_left)
		program_destroy(p);
	else if (p->phase == KILL_NONE)
		begin_term(p, p->service->kill_grace_usec);
}

bool
program_settle(struct program *p)
{
	struct runner *r = p->runner;
	bool is_gone;

	if (p->has_cgroup_left)
		p->has_cgroup_left = program_is_in_cgroup(p);
	is_gone = p->n_strays == 0 && !p->has_cgroup_left && !program_is_clearing(p);
	program_tell(p, is_gone);
	if (!is_gone)
		return false;
	TAILQ_REMOVE(&r->programs.lingering, p, next);
	if (p->phase >= KILL_KILL)
		cgroup_retire(&r->cgroups, program_slot(&r->programs, p));
	program_free(p);
	return true;
}

void
programs_disown(struct runner *r)
{
	struct program *p = NULL;

	while ((p = programs_next(&r->programs, p)) != NULL) {
		if (p->ref == PROGRAM_NO_REF)
			continue;
		r->programs.by_ref[p->ref] = NULL;
		p->ref = PROGRAM_NO_REF;
		program_terminate(p, p->service->kill_grace_usec);
	}
}

void
programs_cut(struct runner *r)
{
	struct program *p = NULL;

	while ((p = programs_next(&r->programs, p)) != NULL)
		program_signal(p, SIGKILL);
}
