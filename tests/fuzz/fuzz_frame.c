/* SPDX-License-Identifier: ISC */
/*
 * fuzz_frame: frames, jobs, results and log records, as they come from a
 * process that may have been taken over. First byte: the kind; second:
 * descriptors.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "ipc/frame.h"
#include "ipc/job.h"
#include "ipc/logrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_frame(const uint8_t *data, size_t size, size_t n_fds)
{
	struct frame f;

	if (size == sizeof(f)) {
		memcpy(&f, data, sizeof(f));
		if (frame_check(&f, sizeof(f), n_fds) && f.type == FRAME_REFUSED &&
		    strlen(f.text) >= sizeof(f.text))
			__builtin_trap();
	} else if (frame_check(data, size, n_fds)) {
		__builtin_trap();
	}
}

static void
try_job(const uint8_t *data, size_t size)
{
	static struct job job;
	int fd = fd_sealed("fuzz", data, size);

	if (fd < 0)
		return;
	if (job_read(fd, 0, &job) == 0) {
		size_t total = 0;

		for (char **p = job.argv; *p != NULL; p++)
			total += strlen(*p);
		for (char **p = job.envp; *p != NULL; p++)
			total += strlen(*p);
		if (total >= size)
			__builtin_trap();
	}
	(void)close(fd);
}

static void
try_record(const uint8_t *data, size_t size)
{
	struct logrec_view v;

	if (logrec_parse((struct slice){ (const char *)data, size }, &v) < 0)
		return;
	for (int k = 0; k < LOG_KEY_N; k++) {
		volatile char last;

		if (v.fields[k].data != NULL && v.fields[k].len > 0) {
			last = v.fields[k].data[v.fields[k].len - 1];
			(void)last;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	switch (data[0] % 3) {
	case 0:
		try_frame(data + 2, size - 2, data[1]);
		break;
	case 1:
		try_job(data + 2, size - 2);
		break;
	default:
		try_record(data + 2, size - 2);
		break;
	}
	return 0;
}
