/* SPDX-License-Identifier: ISC */
/*
 * sample: tests/lint/comments.sh must count each comment with the mark, and no
 * other.
 */
#pragma once

/* ---------------------------------------------------- who is a ruler --- */

struct sample {
	int a;	/* it is closed BAD */
	int b;	/* what it waits for BAD */
	int c;	/* one of those that wait BAD */
	int d;	/* one request */
	int e;	/* "it" in quotes */
};

/* It is closed. BAD */
int it(void);

/* He gets one. BAD */
/* They get one. BAD */
/* Who waits gets one. BAD */
/* What a worker knows. BAD */
/* Whoever comes first. BAD */
/* Whether it is open. BAD */
/* Which of them is first. BAD */
/* Those that wait. BAD */
/* Such as wait. BAD */
/* That of the caller. BAD */
/* This is the first. BAD */
/* Its end is near. BAD */
/* How long a call waits. BAD */
/* Why a call waits. BAD */
/* Is it open? BAD */
/* Has it a name? BAD */
/* Can it be opened? BAD */
/* Both are open. BAD */
/* Neither may wait. BAD */
/* ... it has been closed. BAD */
/* One that BAD
 * goes on in two lines.
 */

/* True if the sample is open. */
/* The end of it. */
/* This worker waits. */
/* One request of a client. */
/* Both ends of the channel. */
/* Items of a list. */
/* Hows and whys. */
/* WHAT is the name of a word on the command line. */
/* All of the files. */
/* Isolated from it. */
/* Other workers wait. */
/* it */
/* "Who are you?" is what the log says. */
const char *text = "/* It is a string. */";
