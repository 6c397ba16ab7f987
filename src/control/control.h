/* SPDX-License-Identifier: ISC */
/*
 * control: the process that serves the control socket. It has no privileges: what a
 * client asks for it answers from pages and from its configuration, or has it done by
 * the master or by workers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "control/controlsocket.h"
#include "control/workerlinks.h"
#include "ipc/member.h"
#include "ipc/roles.h"

struct stats;

struct control {
	struct loop loop;
	struct member member;
	struct control_socket socket;
	int prepared_socket;		/* of the configuration that is prepared; -1: none */
	struct worker_links workers;
	const struct stats *pages[ROLE_MAX_PROCESSES];	/* by number; NULL: none (yet) */
	uint64_t last_id;		/* of what the master was asked */
	bool is_stopping;
};

/* Role entry: descriptors as in ipc/roles.h. Returns an exit code. */
int control_main(void);
