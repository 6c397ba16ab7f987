/* SPDX-License-Identifier: ISC */
/*
 * roletable: one row of rules for each role. beat.c has the reasons for the
 * times that a role may be silent.
 */
#include "config.h"

#include "master/roletable.h"


#include "base/clock.h"
#include "base/oomscore.h"

#define SILENCE_USEC (8500 * USEC_PER_MSEC)
/* The journal may delay the log, which harms no other process. */
#define LOG_SILENCE_USEC (60 * USEC_PER_SEC)

const struct role_rules role_rules[ROLE_N] = {
	[ROLE_LOG] = {
		.account = ROLE_AS_USER,
		.oomscore = OOMSCORE_LOG,
		.commit_step = 0,
		/* The last words of a stop need a log. */
		.stop_step = 4,
		.stop = ROLE_STOP_BY_CLOSING,
		.silence_usec = LOG_SILENCE_USEC,
	},
	[ROLE_RUNNER] = {
		.account = ROLE_AS_MASTER,
		.has_page = true,
		.oomscore = OOMSCORE_RUNNER,
		/*
		 * Frames of the broker refer to the new configuration, so the runner
		 * commits first.
		 */
		.commit_step = 0,
		/* The broker finishes what it has taken on, and needs the runner for it. */
		.stop_step = 2,
		.silence_usec = SILENCE_USEC,
		.has_records = true,
		/* Replacing the runner would cost everything that runs. */
		.may_refuse = true,
		/* The runner outlives the master for a moment, to kill what it runs. */
		.dies_with_master = false,
		.leaves_children = true,
	},
	[ROLE_BROKER] = {
		.account = ROLE_AS_USER,
		.has_page = true,
		.oomscore = OOMSCORE_RUNNER,
		/*
		 * Frames of workers refer to the new configuration, so the broker commits
		 * before them.
		 */
		.commit_step = 1,
		/* Workers finish what they have let in, and need the broker for it. */
		.stop_step = 1,
		.silence_usec = SILENCE_USEC,
		.has_records = true,
		/* The broker brings handlers up, which may fail. */
		.may_refuse = true,
		.dies_with_master = true,
		.channels = ROLE_BIT(ROLE_RUNNER),
		.awaits = ROLE_BIT(ROLE_RUNNER),
	},
	[ROLE_CONTROL] = {
		.account = ROLE_AS_USER,
		.oomscore = OOMSCORE_LOG,
		.commit_step = 0,
		/* Until it stops, control tells clients how far the stop has come. */
		.stop_step = 3,
		.silence_usec = SILENCE_USEC,
		.has_records = true,
		.has_control_socket = true,
		.only_asks = true,
		.dies_with_master = true,
		.pages = ROLE_BIT(ROLE_RUNNER) | ROLE_BIT(ROLE_BROKER) | ROLE_BIT(ROLE_WORKER),
	},
	[ROLE_KEYS] = {
		.account = ROLE_AS_USER,
		.oomscore = OOMSCORE_LOG,
		/* Certificates that workers use from now on need their keys. */
		.commit_step = 0,
		/* Workers finish handshakes that have begun. */
		.stop_step = 1,
		.silence_usec = SILENCE_USEC,
		.has_records = true,
		.has_keys = true,
		/* Without its keys, no listener with TLS could be served. */
		.may_refuse = true,
		.dies_with_master = true,
	},
	[ROLE_AUTH] = {
		.account = ROLE_AS_USER,
		.oomscore = OOMSCORE_LOG,
		/* A password that is gone must not let in by the time a worker has committed. */
		.commit_step = 0,
		/* Workers finish logins that have begun. */
		.stop_step = 1,
		.silence_usec = SILENCE_USEC,
		.has_records = true,
		.has_passwords = true,
		/* Without its hashes, nobody could log in by password. */
		.may_refuse = true,
		.dies_with_master = true,
	},
	[ROLE_WORKER] = {
		.account = ROLE_AS_USER,
		.has_page = true,
		.oomscore = OOMSCORE_WORKER,
		.commit_step = 2,
		.stop_step = 0,
		.silence_usec = SILENCE_USEC,
		.has_records = true,
		.has_file_limits = true,
		.listens = true,
		.dies_with_master = true,
		.channels = ROLE_BIT(ROLE_BROKER) | ROLE_BIT(ROLE_CONTROL) | ROLE_BIT(ROLE_KEYS) |
		    ROLE_BIT(ROLE_AUTH),
		.pages = ROLE_BIT(ROLE_BROKER) | ROLE_BIT(ROLE_WORKER),
		/*
		 * A broker that still brings handlers up would refuse the requests of workers;
		 * without keys handshakes would wait, and logins without auth.
		 */
		.awaits = ROLE_BIT(ROLE_BROKER) | ROLE_BIT(ROLE_KEYS) | ROLE_BIT(ROLE_AUTH),
	},
};

unsigned
role_listening_step(void)
{
	unsigned kind = 0;

	while (!role_rules[kind].listens)
		kind++;
	return role_rules[kind].commit_step;
}
