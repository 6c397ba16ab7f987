/* SPDX-License-Identifier: ISC */
/* reqctl ping: asks a server whether it answers, and how fast. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

struct pings {
	uint64_t least, most, sum;
};

static int
ping_once(const struct ctl *ctl, struct reqd *c, uint64_t *ret_usec)
{
	static const char *const request[] = { "PING" };
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	uint64_t start = clock_usec();
	int status = remote_ask(ctl, c, NULL, &v, 1, request);
	size_t len;
	const char *data;

	if (status != 0)
		return status;
	data = reqd_value_data(v, &len);
	if (len != 4 || memcmp(data, "PONG", 4) != 0)
		return remote_nonsense(ctl, c, "PING");
	*ret_usec = clock_usec() - start;
	return 0;
}

static void
count(struct pings *p, uint64_t usec, bool first)
{
	if (first || usec < p->least)
		p->least = usec;
	if (usec > p->most)
		p->most = usec;
	p->sum += usec;
}

static void
print_summary(const struct ctl *ctl, const struct reqd *c, const struct pings *p)
{
	char a[OUT_NUMBER], b[OUT_NUMBER], m[OUT_NUMBER];
	uint64_t mean = p->sum / (uint64_t)ctl->count;

	if (ctl->json)
		out_json(ctl, json_pack("{s:s, s:s, s:I, s:{s:I, s:I, s:I}}", "server",
		    reqd_server(c), "url", reqd_url(c), "count", (json_int_t)ctl->count, "usec",
		    "min", (json_int_t)p->least, "mean", (json_int_t)mean,
		    "max", (json_int_t)p->most));
	else if (ctl->count > 1)
		(void)printf("%lld answers, least %s, mean %s, most %s\n", (long long)ctl->count,
		    out_duration(p->least, a), out_duration(mean, b), out_duration(p->most, m));
}

static int
ping_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	struct pings all = { 0 };
	int status = remote_connect(ctl, &c);

	(void)n;
	(void)words;
	for (int64_t i = 0; status == 0 && i < ctl->count; i++) {
		char text[OUT_NUMBER];
		uint64_t usec = 0;

		status = ping_once(ctl, c, &usec);
		if (status != 0)
			break;
		count(&all, usec, i == 0);
		if (!ctl->json)
			(void)printf("PONG from %s in %s\n", reqd_url(c),
			    out_duration(usec, text));
	}
	if (status == 0)
		print_summary(ctl, c, &all);
	return status;
}

static const struct ctl_opt options[] = {
	{ .letter = 'n', .name = "count", .arg = "COUNT", .kind = OPT_COUNT, .max = 1000000,
	    .offset = offsetof(struct ctl, count), .help = "ask COUNT times (1)" },
};

const struct ctl_cmd cmd_ping = {
	.name = "ping",
	.synopsis = "",
	.summary = "measure how fast the server answers",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.run = ping_run,
};
