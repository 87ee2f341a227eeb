// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Between fork and exec: the child arms itself, enters the scope's cgroup and
 * gives up everything the command must not inherit. It is free until the exec
 * succeeds, and does nothing here that the workload could influence.
 */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <paths.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "daemon/launch.h"

/*
 * 1 is less than any core dump needs, yet not 0: with core_pattern a pipe the
 * kernel takes 1 for "no dump" (core(5)), so that no helper runs as root
 * outside the scope.
 */
static int limits_set(void)
{
	const struct rlimit core = {.rlim_cur = 1, .rlim_max = 1};

	return setrlimit(RLIMIT_CORE, &core) < 0 ? -errno : 0;
}

static int environment_set(const struct launch_user *user)
{
	if (user->name &&
	    (setenv("USER", user->name, 1) < 0 || setenv("LOGNAME", user->name, 1) < 0))
		return -errno;
	if (user->home && setenv("HOME", user->home, 1) < 0)
		return -errno;
	if (user->shell && setenv("SHELL", user->shell, 1) < 0)
		return -errno;
	return 0;
}

static int credentials_set(const struct launch_user *user, pid_t parent)
{
	if (user->change) {
		if (setgroups((size_t)user->n_groups, user->groups) < 0 ||
		    setresgid(user->gid, user->gid, user->gid) < 0 ||
		    setresuid(user->uid, user->uid, user->uid) < 0)
			return -errno;
		if (environment_set(user) < 0)
			return -ENOMEM;
	}
	/* capabilities weir was given to load programs are not the command's */
	if (geteuid() != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* after the change of user, which clears it; weir may have died before it was set */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == parent ? 0 : -EOWNERDEAD;
}

static int descriptors_close(int keep)
{
	if (keep > 3 && close_range(3, (unsigned int)keep - 1, 0) < 0)
		return -errno;
	return close_range((unsigned int)keep + 1, ~0u, 0) < 0 ? -errno : 0;
}

static int signals_restore(const struct launch_signals *signals)
{
	if (sigaction(SIGCHLD, &signals->child, NULL) < 0)
		return -errno;
	return sigprocmask(SIG_SETMASK, &signals->mask, NULL) < 0 ? -errno : 0;
}

/* A file without "#!" and no binary is run by the shell, as execvp(3) does. */
static int exec_path(const char *path, char *const *argv)
{
	size_t n = 0;

	execve(path, argv, environ);
	if (errno != ENOEXEC)
		return errno;
	while (argv[n])
		n++;

	char *script[n + 2];

	script[0] = (char *)"sh";
	script[1] = (char *)path;
	memcpy(script + 2, argv + 1, n * sizeof(*argv));
	execve(_PATH_BSHELL, script, environ);
	return errno == ENOENT ? ENOEXEC : errno;
}

/* ENOENT for a file that is there: what is missing is its interpreter. */
static int exec_file(const char *path, char *const *argv)
{
	int error = exec_path(path, argv);

	if (error == ENOENT && faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
		return ENOEXEC;
	return error;
}

/* Looks along PATH as a shell does: a file that may not run is remembered, and passed by. */
static int exec_search(char *const *argv)
{
	const char *folders = getenv("PATH");
	int error = ENOENT;

	if (strchr(argv[0], '/'))
		return exec_file(argv[0], argv);
	if (!*argv[0])
		return ENOENT;
	for (const char *at = folders ? folders : _PATH_DEFPATH, *end; at;
	     at = *end ? end + 1 : NULL) {
		char path[PATH_MAX];
		int len, r;

		end = strchrnul(at, ':');
		len = snprintf(path, sizeof(path), "%.*s%s%s", (int)(end - at), at,
			       end == at ? "" : "/", argv[0]);
		if (len < 0 || (size_t)len >= sizeof(path))
			continue;
		r = exec_file(path, argv);
		if (r == ENOENT || r == ENOTDIR)
			continue;
		if (r != EACCES)
			return r;
		if (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
			error = EACCES;
	}
	return error;
}

static struct launch_failure failed(enum launch_stage stage, int error)
{
	return (struct launch_failure){.stage = stage, .error = error};
}

struct launch_failure launch_child(const struct launch_options *options, int error_fd, pid_t parent)
{
	int r;

	r = kern_launcher_arm(options->kern);
	if (r < 0)
		return failed(LAUNCH_ARM, -r);
	r = cgroup_enter(options->cgroup);
	if (r < 0)
		return failed(LAUNCH_CGROUP, -r);
	r = limits_set();
	if (r < 0)
		return failed(LAUNCH_LIMITS, -r);
	r = credentials_set(options->user, parent);
	if (r < 0)
		return failed(LAUNCH_CREDENTIALS, -r);
	r = launch_filter();
	if (r < 0)
		return failed(LAUNCH_FILTER, -r);
	r = descriptors_close(error_fd);
	if (r >= 0)
		r = signals_restore(options->signals);
	if (r < 0)
		return failed(LAUNCH_DESCRIPTORS, -r);
	return failed(LAUNCH_EXEC, exec_search(options->argv));
}
