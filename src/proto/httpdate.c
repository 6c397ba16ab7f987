/* SPDX-License-Identifier: ISC */
/* httpdate: writes dates of HTTP. */
#include "config.h"

#include "proto/httpdate.h"

#include <string.h>

#define DAY 86400u
#define LAST UINT64_C(253402300799)	/* the last second of the year 9999 */

/* Days of 400 years, of 100, of 4 and of one, when they begin in March. */
#define DAYS_400 146097u
#define DAYS_100 36524u
#define DAYS_4 1461u
#define DAYS_1 365u
/* From March 1 of the year 0 to the first day of 1970. */
#define DAYS_TO_1970 719468u

static void
number(char *to, unsigned n, unsigned digits)
{
	while (digits-- > 0) {
		to[digits] = (char)('0' + n % 10);
		n /= 10;
	}
}

/*
 * A year begins in March here, so that the day of a leap year is its last one, and the
 * lengths of months follow one formula.
 */
static void
date_write(uint32_t days, char *ret)
{
	static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	uint32_t era, year, month;

	days += DAYS_TO_1970;
	era = days / DAYS_400;
	days %= DAYS_400;
	year = (days - days / (DAYS_4 - 1) + days / DAYS_100 - days / (DAYS_400 - 1)) / DAYS_1;
	days -= year * DAYS_1 + year / 4 - year / 100;
	month = (5 * days + 2) / 153;
	number(ret + 5, days - (153 * month + 2) / 5 + 1, 2);
	memcpy(ret + 8, months + 3 * month, 3);
	number(ret + 12, era * 400 + year + (month >= 10 ? 1 : 0), 4);
}

void
httpdate_format(uint64_t seconds, char ret[static HTTPDATE_TEXT])
{
	static const char weekdays[] = "ThuFriSatSunMonTueWed";
	uint32_t days, rest;

	if (seconds > LAST)
		seconds = LAST;
	days = (uint32_t)(seconds / DAY);
	rest = (uint32_t)(seconds % DAY);
	memcpy(ret, "xxx, 00 xxx 0000 00:00:00 GMT", HTTPDATE_TEXT);
	memcpy(ret, weekdays + 3 * (size_t)(days % 7), 3);
	date_write(days, ret);
	number(ret + 17, rest / 3600, 2);
	number(ret + 20, rest / 60 % 60, 2);
	number(ret + 23, rest % 60, 2);
}
