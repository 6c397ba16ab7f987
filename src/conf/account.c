/* SPDX-License-Identifier: ISC */
/* account: looks up accounts and groups by name or number. */
#include "config.h"

#include "conf/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "conf/program.h"
#include "conf/valuetype.h"

#define MAX_GROUPS 65536

/* The account of services that name none, when reqd is root. */
#define NOBODY "nobody"

struct user {
	uid_t uid;
	gid_t gid;
	char *name;	/* in the arena, as home */
	char *home;
};

/* ------------------------------------------------------------- look-ups --- */

/* True if the name is a number, which stands for that id. */
static bool
is_id(const char *name, uint32_t *ret)
{
	int64_t number;

	if (integer_parse(name, &number) < 0 || number < 0 || number >= UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

/* After a look-up without result: 1 if there is none of that name, or -errno. */
static int
not_found(void)
{
	return errno == 0 || errno == ENOENT || errno == ESRCH ? 1 : -errno;
}

/* 0, 1 when there is no such account, or -errno. */
static int
user_find(struct arena *arena, const char *name, struct user *ret)
{
	const struct passwd *found;
	uint32_t uid;

	errno = 0;
	found = is_id(name, &uid) ? getpwuid(uid) : getpwnam(name);
	if (found == NULL)
		return not_found();
	ret->uid = found->pw_uid;
	ret->gid = found->pw_gid;
	ret->name = arena_strdup(arena, found->pw_name);
	ret->home = arena_strdup(arena, found->pw_dir);
	return ret->name == NULL || ret->home == NULL ? -ENOMEM : 0;
}

/* The same; ret_members: names of the members, NULL-terminated, or NULL. */
static int
group_find(struct arena *arena, const char *name, gid_t *ret, char ***ret_members)
{
	const struct group *found;
	uint32_t gid;
	size_t n = 0;

	errno = 0;
	found = is_id(name, &gid) ? getgrgid(gid) : getgrnam(name);
	if (found == NULL)
		return not_found();
	*ret = found->gr_gid;
	if (ret_members == NULL)
		return 0;
	while (found->gr_mem[n] != NULL)
		n++;
	*ret_members = value_copy_list(arena, &(struct setting){
	    .values = (const char **)found->gr_mem, .n = n });
	return *ret_members != NULL ? 0 : -ENOMEM;
}

/* Reports what a look-up said. 0 when all is well, 1 reported, -ENOMEM. */
static int
judge(struct reader *r, const struct block *b, const char *key, const char *kind,
    const char *name, int q)
{
	if (q == 0 || q == -ENOMEM)
		return q;
	if (r->may_lack)
		reader_excuse(r, r->excused);
	if (q == 1)
		key_error(r, b, key, ": there is no %s '%.64s'", kind, name);
	else
		key_error(r, b, key, ": cannot look up %s '%.64s': %s", kind, name, strerror(-q));
	r->n_lacks += !r->excuses;
	reader_excuse_end(r);
	return 1;
}

/* --------------------------------------------------------------- roles --- */

static size_t
list_length(char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static int
role_users(struct reader *r, struct role *role, const struct block *b)
{
	role->uids = arena_alloc(r->arena, list_length(role->users) * sizeof(*role->uids));
	if (role->uids == NULL)
		return -ENOMEM;
	for (char **p = role->users; p != NULL && *p != NULL; p++) {
		struct user user;
		int q = judge(r, b, "user", "account", *p, user_find(&r->scratch, *p, &user));

		if (q < 0)
			return q;
		if (q == 0)
			role->uids[role->n_uids++] = user.uid;
	}
	return 0;
}

/* A member that has no account any more is passed over. */
static int
role_members(struct reader *r, struct role *role, char **names)
{
	for (; *names != NULL; names++) {
		struct user user;
		uid_t *grown;
		int q = user_find(&r->scratch, *names, &user);

		if (q == -ENOMEM)
			return q;
		if (q != 0)
			continue;
		grown = arena_grow(r->arena, role->members, role->n_members, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		role->members = grown;
		grown[role->n_members++] = user.uid;
	}
	return 0;
}

static int
role_groups(struct reader *r, struct role *role, const struct block *b)
{
	role->gids = arena_alloc(r->arena, list_length(role->groups) * sizeof(*role->gids));
	if (role->gids == NULL)
		return -ENOMEM;
	for (char **p = role->groups; p != NULL && *p != NULL; p++) {
		char **members = NULL;
		gid_t gid = 0;
		int q = judge(r, b, "group", "group", *p,
		    group_find(&r->scratch, *p, &gid, &members));

		if (q == 0) {
			role->gids[role->n_gids++] = gid;
			q = role_members(r, role, members);
		}
		if (q < 0)
			return q;
	}
	return 0;
}

/* ---------------------------------------------------------- identities --- */

/* Supplementary groups of an account, as a login would get. 0 or -ENOMEM. */
static int
fill_groups(struct reader *r, const struct user *user, struct identity *id)
{
	int n = 64;

	for (;;) {
		CLEANUP_FREE gid_t *groups = calloc((size_t)n, sizeof(*groups));
		int have = n;

		if (groups == NULL)
			return -ENOMEM;
		if (getgrouplist(user->name, id->gid, groups, &have) < 0 && n < MAX_GROUPS) {
			n *= 4;
			continue;
		}
		have = have < n ? have : n;
		id->groups = arena_alloc(r->arena, (size_t)have * sizeof(*groups));
		if (id->groups == NULL)
			return -ENOMEM;
		memcpy(id->groups, groups, (size_t)have * sizeof(*groups));
		id->n_groups = (size_t)have;
		return 0;
	}
}

/* The account of this process. */
static int
own_identity(struct reader *r, struct identity *id)
{
	int n = getgroups(0, NULL);

	id->uid = geteuid();
	id->gid = getegid();
	id->groups = arena_alloc(r->arena, (size_t)(n > 0 ? n : 0) * sizeof(gid_t));
	if (id->groups == NULL)
		return -ENOMEM;
	n = getgroups(n, id->groups);
	id->n_groups = n > 0 ? (size_t)n : 0;
	return 0;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* True if these names were looked up lately; then id is what they stand for. */
static bool
identity_recall(const struct reader *r, struct identity *id)
{
	for (size_t i = 0; i < READER_RECENT && i < r->n_found; i++) {
		const struct identity *found = r->found[i];

		if (!same_text(found->user, id->user) || !same_text(found->group, id->group))
			continue;
		*id = *found;
		return true;
	}
	return false;
}

/* Turns id->user and id->group into ids. 0, 1 reported, -ENOMEM. */
static int
identity_find(struct reader *r, const struct block *b, struct identity *id)
{
	struct user user = { 0 };
	int q;

	if (identity_recall(r, id))
		return 0;
	q = judge(r, b, "user", "account", id->user, user_find(r->arena, id->user, &user));
	if (q != 0)
		return q;
	id->uid = user.uid;
	id->gid = user.gid;
	id->home = user.home;
	if (id->group != NULL) {
		q = judge(r, b, "group", "group", id->group,
		    group_find(r->arena, id->group, &id->gid, NULL));
		if (q != 0)
			return q;
	}
	id->is_set = true;
	q = fill_groups(r, &user, id);
	if (q == 0)
		r->found[r->n_found++ % READER_RECENT] = id;
	return q;
}

/* Without root there is nobody else to be. */
static int
identity_unprivileged(struct reader *r, const struct block *b, struct identity *id)
{
	struct identity own = { 0 };
	int q;

	if (id->user != NULL) {
		q = identity_find(r, b, id);
		if (q < 0)
			return q;
		if (q == 0 && id->uid != geteuid())
			key_error(r, b, "user", ": to run as '%.64s' reqd needs root; without "
			    "root everything runs as the account that starts it", id->user);
		if (q > 0 || id->uid != geteuid())
			return 0;
	}
	if (id->group != NULL && id->user == NULL) {
		gid_t gid = 0;

		q = judge(r, b, "group", "group", id->group,
		    group_find(r->arena, id->group, &gid, NULL));
		if (q != 0)
			return q < 0 ? q : 0;
		id->gid = gid;
	}
	q = own_identity(r, &own);
	if (q < 0)
		return q;
	if (id->group != NULL && id->gid != own.gid)
		key_error(r, b, "group", ": to run as group '%.64s' reqd needs root", id->group);
	/* No switch will take place, so this is what it will be. */
	id->is_set = false;
	id->uid = own.uid;
	id->gid = own.gid;
	id->groups = own.groups;
	id->n_groups = own.n_groups;
	return 0;
}

static int
resolve_workers(struct reader *r)
{
	struct identity *id = &r->conf->run_as;
	struct user user;
	int q;

	if (geteuid() != 0)
		return identity_unprivileged(r, r->main, id);
	if (id->user == NULL) {
		q = user_find(&r->scratch, REQD_USER, &user);
		if (q == 1) {
			block_error(r, r->main, NULL,
			    "there is no account '" REQD_USER "' for the workers; make one "
			    "(useradd --system --user-group --no-create-home --home-dir / "
			    "--shell /usr/sbin/nologin " REQD_USER ") or name another with 'user'");
			return 0;
		}
		id->user = arena_strdup(r->arena, REQD_USER);
		if (id->user == NULL)
			return -ENOMEM;
	}
	q = identity_find(r, r->main, id);
	if (q == 0 && id->uid == 0)
		block_error(r, r->main, "user", "'user': the workers read what the network "
		    "sends, so they cannot be root");
	return q < 0 ? q : 0;
}

static int
find_service_account(struct reader *r, struct service *s, const struct block *b)
{
	struct identity *id = &s->run_as;
	const struct identity *workers = &r->conf->run_as;
	int q;

	if (geteuid() != 0)
		return identity_unprivileged(r, b, id);
	if (id->user == NULL) {
		id->user = arena_strdup(r->arena, NOBODY);
		if (id->user == NULL)
			return -ENOMEM;
	}
	q = identity_find(r, b, id);
	if (q == 0 && workers->is_set && id->uid == workers->uid)
		block_error(r, b, "user", "service \"%.64s\" would run as '%.64s', the account of "
		    "the workers, and could then control them; give it an account of its own with "
		    "'user'", s->name, id->user);
	return q < 0 ? q : 0;
}

static int
resolve_service(struct reader *r, struct service *s, const struct block *b)
{
	struct identity *id = &s->run_as;
	int q;

	r->may_lack = true;
	r->excused = s;
	q = find_service_account(r, s, b);
	r->may_lack = false;
	/* The names stay, and no ids: nothing can be started as an account that is not known. */
	if (s->unavailable != NULL)
		*id = (struct identity){ .is_set = true, .user = id->user, .group = id->group,
		    .uid = (uid_t)-1, .gid = (gid_t)-1 };
	return q;
}

static int
resolve_role(struct reader *r, struct role *role, const struct block *b)
{
	int q;

	r->may_lack = true;
	r->excused = NULL;
	role->n_uids = role->n_gids = role->n_members = 0;
	q = role_users(r, role, b);
	if (q >= 0)
		q = role_groups(r, role, b);
	r->may_lack = false;
	return q;
}

/* True if an account or group that the role names is missing among its ids. */
static bool
role_lacks(const struct role *role)
{
	return role->n_uids < list_length(role->users) || role->n_gids < list_length(role->groups);
}

/* -------------------------------------------------------------- sockets --- */

static int
resolve_listener(struct reader *r, struct listener *l, const struct block *b)
{
	struct user user;
	int q = 0;

	if (l->owner != NULL) {
		q = judge(r, b, "owner", "account", l->owner,
		    user_find(&r->scratch, l->owner, &user));
		if (q == 0)
			l->uid = user.uid;
	}
	if (l->group != NULL && q >= 0) {
		q = judge(r, b, "group", "group", l->group,
		    group_find(&r->scratch, l->group, &l->gid, NULL));
	}
	if (l->owner != NULL && q == 0 && geteuid() != 0 && l->uid != geteuid())
		key_error(r, b, "owner", ": to give a socket away reqd needs root");
	return q < 0 ? q : 0;
}

static int
resolve_control(struct reader *r)
{
	struct conf *c = r->conf;

	if (c->control_group == NULL)
		return 0;
	return judge(r, block_inner(r->main, "control"), "group", "group", c->control_group,
	    group_find(&r->scratch, c->control_group, &c->control_gid, NULL));
}

int
account_resolve(struct reader *r)
{
	struct conf *c = r->conf;
	int q;

	q = resolve_workers(r);
	if (q == 0)
		q = resolve_control(r);
	for (size_t i = 0; i < c->n_listeners && q >= 0; i++)
		q = resolve_listener(r, &c->listeners[i], r->listeners.at[i]);
	for (size_t i = 0; i < c->n_roles && q >= 0; i++)
		q = resolve_role(r, &c->roles[i], r->roles.at[i]);
	for (size_t i = 0; i < c->n_services && q >= 0; i++)
		q = resolve_service(r, &c->services[i], r->services.at[i]);
	return q < 0 ? q : 0;
}

int
account_resolve_again(struct reader *r, size_t *ret_n)
{
	struct conf *c = r->conf;
	int q = 0;

	for (size_t i = 0; i < c->n_roles && q >= 0; i++) {
		struct role *role = &c->roles[i];
		size_t before = role->n_uids + role->n_gids;

		if (!role_lacks(role))
			continue;
		q = resolve_role(r, role, r->roles.at[i]);
		*ret_n += role->n_uids + role->n_gids > before;
	}
	for (size_t i = 0; i < c->n_services && q >= 0; i++) {
		struct service *s = &c->services[i];

		if (s->unavailable == NULL)
			continue;
		s->unavailable = NULL;
		if (s->run_as.uid == (uid_t)-1)
			q = resolve_service(r, s, r->services.at[i]);
		if (q >= 0 && s->unavailable == NULL)
			program_check(r, s, r->services.at[i]);
		*ret_n += s->unavailable == NULL;
	}
	return q < 0 ? q : 0;
}

size_t
conf_count_unavailable(const struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++)
		n += c->services[i].unavailable != NULL;
	return n;
}

bool
conf_is_lacking(const struct conf *c)
{
	bool lacks = conf_count_unavailable(c) > 0;

	for (size_t i = 0; i < c->n_roles; i++)
		lacks = lacks || role_lacks(&c->roles[i]);
	return lacks;
}
