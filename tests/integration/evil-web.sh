#!/bin/sh
# SPDX-License-Identifier: ISC
# evil-web: the attacks of evil-worker.sh from the place of a worker of HTTP.
place=web
. "${srcdir:-.}/tests/integration/evil-worker.sh"
