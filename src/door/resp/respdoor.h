/* SPDX-License-Identifier: ISC */
/*
 * respdoor: RESP as the door of connections. Turns the bytes of a connection
 * into requests and executes them; begins and ends sessions.
 */
#pragma once

#include "door/resp/session.h"

/*
 * Sets the functions of the door. The worker sets the fields that point to
 * parts of the worker.
 */
void resp_door_init(struct resp_door *d);

void resp_door_done(struct resp_door *d);
