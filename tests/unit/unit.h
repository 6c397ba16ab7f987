/* SPDX-License-Identifier: ISC */
/*
 * unit: the main() of a unit test program.
 *
 *	UNIT_MAIN("buf", tcase_add_test(tc, appends); ...)
 */
#pragma once

#include <check.h>
#include <stdlib.h>

#define UNIT_MAIN(noun, add)                                                 \
	int main(void)                                                       \
	{                                                                    \
		Suite *s = suite_create(noun);                               \
		TCase *tc = tcase_create(noun);                              \
		SRunner *sr;                                                 \
		int failed;                                                  \
                                                                             \
		add;                                                         \
		tcase_set_timeout(tc, 60);                                   \
		suite_add_tcase(s, tc);                                      \
		sr = srunner_create(s);                                      \
		srunner_run_all(sr, CK_NORMAL);                              \
		failed = srunner_ntests_failed(sr);                          \
		srunner_free(sr);                                            \
		return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;            \
	}
