/* SPDX-License-Identifier: ISC */
/* sample: tests/lint/banned.sh must refuse each line with the mark, and no other. */
/* A comment may name them: strcpy(a, b), system(cmd), sleep(3). */
/*
 * Also on a later line:
 * signal(SIGINT, f)
 */
int
sample(char *a, const char *b, struct ops *ops)
{
	strcpy(a, b);				/* BANNED */
	(void)strcat (a, b);			/* BANNED */
	if (system("true") != 0 || popen(a, b))	/* BANNED */
		return atoi(a);			/* BANNED */
	x = y > sprintf(a, "%s", b);		/* BANNED */
	signal(SIGINT, SIG_IGN);		/* BANNED */
	ops[sleep(1)].n = 0;			/* BANNED */
	puts("signal(it), then"); usleep(5);	/* BANNED */
	if (access(a, W_OK) == 0)		/* BANNED */
		ops->access(a);
	ops.signal(3);
	puts("system (\"this\") and sleep(1)");
	return my_sleep(1) + asystem(cmd) + system_of(cmd) + resignal(3);
}
