# SPDX-License-Identifier: ISC
include tests/unit/base.mk
include tests/unit/proto.mk
include tests/unit/conf.mk
include tests/unit/ipc.mk
include tests/unit/control.mk
include tests/unit/master.mk
include tests/unit/broker.mk
include tests/unit/runner.mk
include tests/unit/auth.mk
include tests/unit/keys.mk
include tests/unit/net.mk
include tests/unit/lease.mk
include tests/unit/worker.mk
include tests/unit/client.mk
include tests/unit/ctl.mk
