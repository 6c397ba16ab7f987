/* SPDX-License-Identifier: ISC */
/*
 * entered: notes every function that a process enters, for bench/entered. All
 * processes of reqd write into one file, so their order is known; its first
 * record holds the number of those that follow. A child between fork and exec
 * has the memory of its parent, and writes to it too. Calls no function that
 * is noted itself.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define UNSEEN __attribute__((no_instrument_function))

struct record {
	uint32_t pid;
	uint32_t offset;	/* of the function, in the program */
};

extern const char __executable_start[] __attribute__((visibility("hidden")));
static struct record *records;

void __cyg_profile_func_enter(void *function, void *from) UNSEEN;
void __cyg_profile_func_exit(void *function, void *from) UNSEEN;

/* The name is compiled in: roles are started with an empty environment. */
static void UNSEEN __attribute__((constructor))
entered_open(void)
{
	int fd = open(ENTERED_FILE, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, ENTERED_RECORDS * sizeof(*records), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		records = p;
}

void
__cyg_profile_func_enter(void *function, void *from)
{
	uint64_t n;

	(void)from;
	if (records == NULL)
		return;
	n = atomic_fetch_add((_Atomic uint64_t *)(void *)records, 1) + 1;
	if (n < ENTERED_RECORDS) {
		records[n].offset = (uint32_t)((const char *)function - __executable_start);
		records[n].pid = (uint32_t)getpid();
	}
}

void
__cyg_profile_func_exit(void *function, void *from)
{
	(void)function;
	(void)from;
}
