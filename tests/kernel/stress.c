// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See stress.h. */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mover.h"
#include "rig.h"

enum ask { OPEN_READ, OPEN_WRITE, CHANGE_MODE, LIST, UNLINK_DIR };

static const unsigned int accesses[] = {
	[OPEN_READ] = WEIR_ACCESS_BIT(WEIR_ACCESS_READ),
	[OPEN_WRITE] = WEIR_ACCESS_BIT(WEIR_ACCESS_READ) | WEIR_ACCESS_BIT(WEIR_ACCESS_WRITE),
	[CHANGE_MODE] = WEIR_ACCESS_BIT(WEIR_ACCESS_WRITE),
	[LIST] = WEIR_ACCESS_BIT(WEIR_ACCESS_READ),
	[UNLINK_DIR] = WEIR_ACCESS_BIT(WEIR_ACCESS_DELETE),
};

struct question {
	enum ask kind;
	unsigned int tree;
	unsigned int from;	/* a directory that stays */
	struct moving_path path;	/* from there */
};

struct opener {
	const struct stress_work *work;
	struct tally *tally;
	uint64_t seed;
	int dirs[STRESS_TREES][NODE_MOUNT + 1];
};

/* What to ask, by the tree as it is: a path through its top, or from a directory on the way. */
static void question_random(const struct stress_shared *shared, struct question *ret)
{
	const struct moving *moving = &shared->trees[ret->tree = random_below(STRESS_TREES)];
	const struct moving_state *state = &moving->states[moving->done % MOVING_STATES];
	unsigned int node, skip, dir;

	do {
		node = random_below(3) ?
			       NODE_FILE_FIRST + random_below(NODE_COUNT - NODE_FILE_FIRST) :
			       NODE_DIR_FIRST + random_below(NODE_DIR_LAST);
	} while (!moving_path(state, node, state->source && random_below(4) == 0, &ret->path) ||
		 !ret->path.count);
	/* names of what is not there any more, too */
	if (random_below(32) == 0)
		ret->path.names[0] = (uint8_t)random_below(NAME_MOUNT);
	ret->from = NODE_TOP;
	for (skip = random_below(ret->path.count); skip; skip--) {
		dir = moving_child(state, ret->from, ret->path.names[0]);
		if (!dir || dir >= NODE_MOUNT)
			break;
		ret->from = dir;
		memmove(ret->path.names, ret->path.names + 1, --ret->path.count);
	}
	/* what is mounted is not looked into to unlink it */
	if (ret->path.names[ret->path.count - 1] >= NAME_FILE_FIRST)
		ret->kind = random_below(8) ? random_below(2) : CHANGE_MODE;
	else if (ret->path.names[ret->path.count - 1] == NAME_MOUNT || random_below(4))
		ret->kind = LIST;
	else
		ret->kind = UNLINK_DIR;
}

/* Does it. None of it changes anything: unlink(2) removes no directory. Returns the error. */
static int question_ask(int dir, const char *path, enum ask kind)
{
	static const int flags[] = {
		[OPEN_READ] = O_RDONLY,
		[OPEN_WRITE] = O_RDWR,
		[LIST] = O_RDONLY | O_DIRECTORY,
	};
	int fd;

	switch (kind) {
	case CHANGE_MODE:
		return fchmodat(dir, path, 0644, 0) < 0 ? errno : 0;
	case UNLINK_DIR:
		return unlinkat(dir, path, 0) < 0 ? errno : 0;
	default:
		fd = openat(dir, path, flags[kind] | O_CLOEXEC);
		if (fd < 0)
			return errno;
		close(fd);
		return 0;
	}
}

static unsigned int answer_of(enum ask kind, int err)
{
	switch (err) {
	case 0:
		return kind == UNLINK_DIR ? 0 : MAY_ALLOW;
	case EISDIR:
		return kind == UNLINK_DIR ? MAY_ALLOW : 0;
	case EACCES:
		return MAY_DENY;
	case ENOENT:
		return MAY_MISS;
	default:
		return 0;
	}
}

struct model {
	const struct stress_rules *rules;
	const struct question *question;
	unsigned int policy;
};

static bool model_allows(void *context, const struct moving_path *path)
{
	const struct model *model = context;

	return stress_rules_allow(model->rules, model->policy, model->question->tree, path,
				  accesses[model->question->kind]);
}

static void wrong_tell(struct tally *tally, const struct question *question, const char *text,
		       int err, unsigned int may, const char *policy)
{
	if (!tally->wrong++)
		snprintf(tally->first, sizeof(tally->first),
			 "%s, from directory %u, %s, kind %u: %s, but the model has %x\n%s",
			 stress_tops[question->tree], question->from, text, question->kind,
			 strerror(err), may, policy);
}

static void question_check(struct opener *opener, const struct question *question)
{
	struct stress_shared *shared = opener->work->shared;
	const struct moving *moving = &shared->trees[question->tree];
	struct model model = {.rules = opener->work->rules, .question = question};
	struct tally *tally = opener->tally;
	uint64_t first, last, version, version_last;
	unsigned int may = 0, answers, answer;
	char text[1024];
	int err;

	moving_path_text(question->from ? "" : stress_tops[question->tree], &question->path, text,
			 sizeof(text));
	version = shared->version_done;
	first = moving->done;
	err = question_ask(opener->dirs[question->tree][question->from], text, question->kind);
	last = moving->begun;
	version_last = shared->version_begun;
	for (; version <= version_last; version++) {
		model.policy = shared->policies[version % STRESS_VERSIONS];
		answers = moving_answers(moving, first, last, question->from, &question->path,
					 model_allows, &model);
		may = answers ? may | answers : MAY_ALL;
	}
	answer = answer_of(question->kind, err);
	if (may & (may - 1))
		tally->either++;
	else
		tally->decided++;
	if (answer == MAY_ALLOW)
		tally->allowed++;
	if (answer == MAY_DENY && !(may & MAY_DENY) && may & MAY_ALLOW)
		tally->races++;		/* a name that kept changing is refused as unresolved */
	else if (!(answer & may))
		wrong_tell(tally, question, text, err, may, model.rules->texts[model.policy]);
}

static void *opener_run(void *context)
{
	struct opener *opener = context;
	const struct stress_shared *shared = opener->work->shared;
	struct question question;

	random_seed = opener->seed;
	while (!shared->stop) {
		question_random(shared, &question);
		question_check(opener, &question);
	}
	return NULL;
}

int stress_workload(int fd, void *context)
{
	static struct opener openers[STRESS_THREADS];
	const struct stress_work *work = context;
	pthread_t threads[STRESS_THREADS];
	unsigned int i, tree;

	for (i = 0; i < STRESS_THREADS; i++) {
		openers[i] = (struct opener){work, &work->shared->tallies[i],
					     random_seed + i + 1, {{0}}};
		for (tree = 0; tree < STRESS_TREES; tree++)
			mover_dirs_open(stress_tops[tree], &work->shared->trees[tree].states[0],
					openers[i].dirs[tree]);
	}
	for (i = 0; i < STRESS_THREADS; i++)
		if (pthread_create(&threads[i], NULL, opener_run, &openers[i]) != 0)
			return 1;
	pipe_write(fd, "r", 1);
	for (i = 0; i < STRESS_THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
