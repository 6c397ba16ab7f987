#!/bin/sh
# SPDX-License-Identifier: ISC
# evil-web: the attacks of evil-worker.sh from the place of a worker of HTTP. Without
# REQD_FAULT_ROUNDS only those that the other processes answer by the protocol of the
# worker, and one of each kind of the others.
place=web
[ -n "${REQD_FAULT_ROUNDS:-}${REQD_EVIL:-}" ] || {
	REQD_EVIL="service_of_another_door handler_of_another_door handler_under_no_rules
	    id_of_another id_of_a_handler result_of_another kit_of_another pipes_of_kits rubbish_job any_bytes
	    slot_out_of_range start_to_broker handler_as_command fault_to_master reload_of_master
	    half_to_control refuses_reload return_of_another broken_leases kept_pipes flood_want
	    flood_run cancel_of_another look_ups_of_guesses look_up_of_another leaving_to_broker
	    page_of_lies leaves_an_accomplice any_questions frame_to_auth handshakes_to_keys
	    certificates_to_keys frame_to_keys"
	export REQD_EVIL
}
. "${srcdir:-.}/tests/integration/evil-worker.sh"
