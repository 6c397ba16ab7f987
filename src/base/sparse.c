/* SPDX-License-Identifier: ISC */
/* sparse: keeps libraries out of forked children. */
#include "config.h"

#include "base/sparse.h"

#include <link.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <unistd.h>

#ifndef SPARSE_SANITIZED	/* a child needs the library of the sanitizer */
/*
 * Tells the kernel not to copy into children what the few lines from fork to
 * exec never touch: every library but the C library and its loader. This saves
 * 5 to 25 us of the 900 us of CPU that a request costs (measured). It is also
 * why the fork is a bare system call: fork() would run handlers of libraries in
 * the child, where they are missing.
 */
static int
leave_out_library(struct dl_phdr_info *info, size_t size, void *needed)
{
	const uintptr_t *keep = needed;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD)
			continue;
		for (const uintptr_t *k = keep; *k != 0; k++) {
			if (*k - info->dlpi_addr - ph->p_vaddr < ph->p_memsz)
				return 0;
		}
	}
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
		uintptr_t start = (info->dlpi_addr + ph->p_vaddr) & ~(page - 1);
		uintptr_t end = (info->dlpi_addr + ph->p_vaddr + ph->p_memsz + page - 1) & ~(page - 1);

		if (ph->p_type == PT_LOAD)
			(void)madvise((void *)start, end - start, MADV_DONTFORK);
	}
	return 0;
}

void
sparse_libraries(uintptr_t own_code)
{
	bool is_bound = false;
	const uintptr_t needed[] = {
		own_code,
		(uintptr_t)execve,			/* the C library */
		(uintptr_t)getauxval(AT_BASE),		/* the loader */
		(uintptr_t)getauxval(AT_SYSINFO_EHDR),	/* the vdso */
		0,
	};

	/*
	 * True if the program is linked with -z now. Else the first call of a
	 * function in a child would need the libraries.
	 */
	for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		is_bound = is_bound || (d->d_tag == DT_FLAGS_1 && (d->d_un.d_val & DF_1_NOW) != 0);
	if (is_bound)
		(void)dl_iterate_phdr(leave_out_library, (void *)(uintptr_t)needed);
}
#else
void
sparse_libraries(uintptr_t own_code)
{
	(void)own_code;
}
#endif
