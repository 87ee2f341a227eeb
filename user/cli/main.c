// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The command line: the table of commands, and where results become exit codes. */
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "daemon/launch.h"
#include "daemon/metrics_http.h"

enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	EXIT_FORBIDDEN = 4,
};

static const struct cli_command *const commands[] = {
	&cli_run,    &cli_daemon, &cli_attach, &cli_detach, &cli_grant,	   &cli_reload,
	&cli_status, &cli_events, &cli_check,  &cli_doctor, &cli_oci_hook,
};

static int exit_code(const struct cli_command *command, int result)
{
	if (result >= 0)
		return result;
	if (command && command->failed)
		return command->failed;
	switch (result) {
	case CLI_USAGE:
		return EXIT_USAGE;
	case CLI_UNREACHABLE:
		return EXIT_UNREACHABLE;
	case CLI_FORBIDDEN:
		return EXIT_FORBIDDEN;
	default:
		return EXIT_REFUSED;
	}
}

int cli_help(const struct cli_command *command)
{
	printf("Usage: weir %s %s\n\n%s.\n\n%s", command->name, command->usage, command->summary,
	       command->help);
	return EXIT_DONE;
}

int cli_usage(const struct cli_command *command, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (command)
		log_error("%s: %s\nTry \"weir %s --help\".", command->name, text, command->name);
	else
		log_error("%s\nTry \"weir --help\".", text);
	return CLI_USAGE;
}

static int help_print(void)
{
	printf("Usage: weir COMMAND [OPTION]...\n\n"
	       "Confines what a program may reach, by a policy the kernel enforces.\n\n"
	       "Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n\"weir COMMAND --help\" tells more; so does weir(1).\n");
	return EXIT_DONE;
}

static int dispatch(struct cli_call *call)
{
	const char *name = call->argc > 1 ? call->argv[1] : NULL;

	if (!name)
		return cli_usage(NULL, "which command?");
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help_print();
	if (strcmp(name, "--version") == 0) {
		puts("weir " WEIR_VERSION);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(name, commands[i]->name) != 0)
			continue;
		call->command = commands[i];
		call->argc--;
		call->argv++;
		return commands[i]->run(call);
	}
	return cli_usage(NULL, "there is no %s \"%s\"", *name == '-' ? "option" : "command", name);
}

static int command_run(int argc, char **argv)
{
	struct cli_call call = {.argc = argc, .argv = argv, .stdio = launch_stdio()};
	int result = dispatch(&call);

	return exit_code(call.command, result);
}

int main(int argc, char **argv)
{
	int code;

	if (argc == 1 && strcmp(argv[0], METRICS_HTTP_NAME) == 0)
		return metrics_http_run();
	code = command_run(argc, argv);
	/* results that never reached standard output were not given */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("cannot write to standard output: %s", strerror(errno));
		if (code == EXIT_DONE)
			code = EXIT_REFUSED;
	}
	return code;
}
