/* SPDX-License-Identifier: MIT */
/*
 * sealpool-run, as seen by the process that starts it:
 *
 *     guard-run SEALPOOL-RUN PRELOADED-LIBRARY DISPLAY LOADED
 *
 * where DISPLAY is guard-display and LOADED guard-loaded. Each test runs a shell
 * command in which $run, $display and $loaded are these programs.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "shell.h"

static void a_display_is_guarded(void **state) {
	expect_output("$display create", 0, "unguarded\n");
	expect_output("$run --quiet $display create", 0, "guarded\n");
}

static void so_is_a_second_one(void **state) {
	expect_output("$run --quiet $display create-twice", 0, "guarded\n");
}

static void the_status_is_the_compositors(void **state) {
	expect_output("$run --quiet $display create 42", 42, "guarded\n");
	struct result result = shell_run("$run --quiet $display none 7");
	expect_status(&result, 7);
	result = shell_run("$run sh -c 'kill -9 $$'");
	expect_status(&result, 128 + 9);
}

/* Nor is anything left in their environment. */
static void children_are_not_preloaded(void **state) {
	expect_output("LD_PRELOAD= $run --quiet $display create 0 "
		"'echo ${LD_PRELOAD-none} ${SEALPOOL_RUN-none}; "
		"grep -c sealpool-preload /proc/self/maps; true'", 0,
		"guarded\nnone none\n0\n");
}

/* KWin gives its children an environment that it has copied before. */
static void nor_with_an_environment_from_before(void **state) {
	static const char *const ways[] = { "execle", "execve", "execvpe",
		"fexecve", "posix_spawn", "posix_spawnp" };
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command),
			"LD_PRELOAD= $run --quiet $display create 0 "
			"'echo ${LD_PRELOAD-none} ${SEALPOOL_RUN-none} "
			"${PATH+path}' %s", ways[i]);
		expect_output(command, 0, "guarded\nnone none path\n");
		snprintf(command, sizeof(command),
			"LD_PRELOAD=libdl.so.2:libm.so.6 $run --quiet $display create "
			"0 'echo $LD_PRELOAD' %s", ways[i]);
		expect_output(command, 0,
			"guarded\nlibdl.so.2:libm.so.6\n");
		/* Before a display is created, it is inherited. */
		snprintf(command, sizeof(command),
			"$run --quiet $display none 0 '$display create' %s", ways[i]);
		expect_output(command, 0, "guarded\n");
	}
}

/* Enlightenment does, to restart. */
static void who_replaces_itself_is_guarded_again(void **state) {
	static const char *const ways[] = { "execl", "execle", "execlp",
		"execv", "execve", "execvp", "execvpe", "fexecve" };
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command),
			"ulimit -S -n 1024;"
			"LD_PRELOAD=libdl.so.2 $run --quiet $display again 0 "
			"\"$display create 3 'ulimit -n; echo \\$LD_PRELOAD "
			"\\${SEALPOOL_RUN-none}' %s\" %s", ways[i], ways[i]);
		expect_output(command, 3,
			"guarded\nguarded\n1024\nlibdl.so.2 none\n");
	}
}

/* Before the constructors of what is preloaded. */
static void a_library_may_start_programs_when_it_is_loaded(void **state) {
	static const char *const ways[] = { "execl", "execle", "execlp",
		"execv", "execve", "execvp", "execvpe", "fexecve",
		"posix_spawn", "posix_spawnp" };
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command),
			"GUARD_START=%s $run --quiet $display create", ways[i]);
		expect_output(command, 0, "started\nguarded\n");
	}
}

/* File descriptors */

#define LIMITED "ulimit -n 2000 && ulimit -S -n 1024 && "

static void fds_are_as_many_as_the_compositor_may_have(void **state) {
	expect_output(LIMITED "$run --quiet $display create 0 "
		"'sed -n \"s/^Max open files *//p\" /proc/$PPID/limits |"
		"tr -s \" \"'", 0, "guarded\n2000 2000 files \n");
	expect_output("n=$(ulimit -H -n);"
		"if [ $n = unlimited ] || [ $n -gt 16384 ]; then n=16384; fi;"
		"ulimit -S -n 1024;"
		"$run --quiet $display create 0 'set -- $(grep \"open files\" "
		"/proc/$PPID/limits); echo $(('$n' - $4))'", 0,
		"guarded\n0\n");
	/* Without a display, or with plenty of fds, nothing is changed. */
	expect_all(LIMITED "$run --quiet $display none 0 'ulimit -n' execve", 3,
		"1024\n");
	expect_output("ulimit -n 2000;"
		"$run --quiet $display create 0 'ulimit -n' execve", 0,
		"guarded\n2000\n");
}

/* With 1024 fds, a client could have fewer than 768. */
static void so_a_client_may_have_more_pools(void **state) {
	expect_output(LIMITED "$run --quiet $display many", 0, "guarded\n");
}

static void children_have_the_limit_of_fds_that_was_there(void **state) {
	static const char *const ways[] = { "execl", "execle", "execlp",
		"execv", "execve", "execvp", "execvpe", "fexecve" };
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command), LIMITED "$run --quiet $display "
			"create 0 'ulimit -n; ulimit -H -n' %s", ways[i]);
		expect_output(command, 0, "guarded\n1024\n2000\n");
	}
	/* After they have begun to run. */
	expect_output(LIMITED "$run --quiet $display create 0 'sleep 1; ulimit -n' "
		"posix_spawn", 0, "guarded\n1024\n");
	expect_output(LIMITED "$run --quiet $display create 0 'sleep 1; ulimit -n' "
		"posix_spawnp", 0, "guarded\n1024\n");
}

static void who_starts_nothing_keeps_its_limit_of_fds(void **state) {
	expect_output(LIMITED "$run --quiet $display create 0 '' failing", 0,
		"guarded\nnot there, 2000\n");
}

static void limit_of_fds_that_somebody_has_set_remains(void **state) {
	expect_output(LIMITED "$run --quiet $display create 0 'ulimit -n' limited", 0,
		"guarded\n500\n");
}

static void others_remain_preloaded(void **state) {
	expect_output("LD_PRELOAD=libdl.so.2:libm.so.6 $run --quiet $display create 0 "
		"'echo $LD_PRELOAD'", 0,
		"guarded\nlibdl.so.2:libm.so.6\n");
}

/* For example by a script. */
static void a_compositor_may_be_started_by_others(void **state) {
	expect_output("$run --quiet sh -c '$display create 3'", 3, "guarded\n");
}

static void no_fd_is_left_to_the_compositor(void **state) {
	expect_output("$display create 0 'ls /proc/$PPID/fd | wc -l' >/tmp/x$$;"
		"$run --quiet $display create 0 'ls /proc/$PPID/fd | wc -l' >/tmp/y$$;"
		"a=$(tail -n 1 /tmp/x$$) b=$(tail -n 1 /tmp/y$$);"
		"rm /tmp/x$$ /tmp/y$$; echo $((b - a))", 0,
		/* The pool's file, its shadow, an eventfd and libwayland's duplicate of
		 * it, and libwayland's timerfd. */
		"5\n");
}

static void it_may_clear_its_environment(void **state) {
	expect_output("$run --quiet --patience 600 $display cleared", 0, "guarded\n");
}

/* As a shell and execvp() would start it. */
static void so_it_may_by_a_script_that_names_no_interpreter(void **state) {
	expect_output("d=$(mktemp -d); echo '$display create 3' >$d/c;"
		"chmod +x $d/c; $run --quiet $d/c; s=$?; rm -r $d; exit $s", 3,
		"guarded\n");
	/* Also in a folder that is not in PATH. */
	expect_output("d=$(mktemp -d); echo '$display create $1' >$d/c;"
		"chmod +x $d/c; cd $d; PATH=/nonexistent::$PATH $run --quiet c 4; s=$?;"
		"rm -r $d; exit $s", 4, "guarded\n");
}

/* Not guarded */

static void who_creates_no_display_is_told(void **state) {
	/* It ends when that has been said. */
	struct result result = shell_run("d=$(mktemp -d); mkfifo $d/end;"
		"$run --patience 1 cat $d/end 2>&1 | { read -r said;"
		"echo \"$said\"; : >$d/end; cat; }; s=$?; rm -r $d; exit $s");
	expect_status(&result, 0);
	expect_text(&result, "cat is NOT guarded");
	expect_text(&result, "libwayland-server");
}

/* Not by the watch, but at once. */
static void who_lacks_the_settings_is_told(void **state) {
	expect_all("LD_PRELOAD=$library $display create", 0,
		"NOT guarded: SEALPOOL_RUN is not in its environment");
}

static void who_looks_for_the_function_itself_is_told_at_once(void **state) {
	expect_all("{ $run --patience 600 $loaded wait 2>&1 & echo $!; } |"
		"{ read pid; read line; kill $pid; echo \"$line\"; }", 0,
		"NOT guarded: it was created by a function");
	struct result result = shell_run("$run --patience 600 $loaded");
	expect_status(&result, 0);
	expect_text(&result, "a display");
	/* And is told no more. */
	expect_no_text(&result, "before a guard was reported");
	expect_output("$loaded", 0, "a display\n");
}

static void who_ends_before_is_told(void **state) {
	struct result result = shell_run("$run --patience 600 true");
	expect_status(&result, 3);
	expect_text(&result, "true ended before a guard was reported");
	/* Its output is not lost. */
	expect_all("$run --patience 600 sh -c 'echo text' 2>/dev/null", 3, "text\n");
	/* Its own exit status is kept. */
	result = shell_run("$run --patience 600 sh -c 'exit 9'");
	expect_status(&result, 9);
}

static void a_child_that_was_guarded_is_enough(void **state) {
	for (int i = 0; i < 20; i++) {
		expect_output("$run --quiet --patience 600 sh -c '$display create; :'",
			0, "guarded\n");
	}
}

static void who_lacks_standard_streams_is_not_told(void **state) {
	expect_output("$run --quiet --patience 600 $display create <&-", 0,
		"guarded\n");
	expect_output("$run --quiet --patience 600 $display create >&-", 0, "");
	expect_output("$run --quiet --patience 600 $display create <&- >&-", 0, "");
}

/* A script uses a descriptor number that it assumes to be free. */
static void nor_who_has_got_fds_of_others(void **state) {
	expect_output("$run --quiet --patience 600 sh -c 'exec 3>&1 4>&1 5>&1 6>&1 "
		"7>&1 8>&1 9>&1; $display create'", 0, "guarded\n");
}

/* As programs do that start others, or become a daemon. */
static void nor_who_has_closed_what_it_did_not_know(void **state) {
	expect_output("$run --quiet --patience 600 $display closing", 0, "guarded\n");
	expect_output("$run --quiet --patience 600 $display none 0 '$display create' "
		"closing", 0, "guarded\n");
	expect_output("$run --quiet --patience 600 sh -c '{ $display closing; } & :'",
		0, "guarded\n");
}

/* The watch cannot be reached. */
static void nor_who_is_in_another_network(void **state) {
	struct result result = shell_run("unshare -n true");
	if (result.status != 0) {
		skip();
	}
	expect_output("$run --quiet --patience 5 unshare -n $display create 0 "
		"'sleep 6'", 0, "guarded\n");
}

static void a_child_of_what_has_ended_is_waited_for(void **state) {
	struct result result =
		shell_run("$run --patience 1 sh -c '{ sleep 2; } & :'");
	expect_status(&result, 0);
	expect_text(&result, "sh is NOT guarded");
}

static void nobody_is_told_else(void **state) {
	struct result result = shell_run("$run --patience 1 $display create 0 "
		"'sleep 1.5'");
	expect_no_text(&result, "NOT");
}

/* Not guarded, though required */

static void what_is_required_and_missing_ends_the_compositor(void **state) {
	struct result result = shell_run("$run --require --patience 1 sleep 600");
	expect_status(&result, 128 + SIGTERM);
	expect_text(&result, "sleep is NOT guarded");
	expect_text(&result, "--require");
	/* Also one that exits with 0. */
	result = shell_run("$run --require --patience 1 sh -c "
		"'trap \"exit 0\" TERM; while :; do sleep 0.1; done'");
	expect_status(&result, 3);
}

/* The script prints the pid of a process without other output. The watch keeps one until
 * it has ended that process. It may still be a zombie. */
static void expect_ended(const char *script) {
	char command[500];
	snprintf(command, sizeof(command), "{ $run --require --patience 1 "
		"sh -c '%s'; echo $?; } 2>&1 | { read pid; cat >/dev/null;"
		"grep '^State:.[^ZX]' /proc/$pid/status && kill -9 $pid;"
		"true; } 2>/dev/null", script);
	expect_output(command, 0, "");
}

static void also_one_that_was_started_by_others(void **state) {
	expect_ended("sleep 600 >/dev/null 2>&1 & echo $!; wait");
	/* Its parent has ended. */
	expect_ended("sleep 600 >/dev/null 2>&1 & echo $!");
	/* Only its parent shows what it is. */
	expect_ended("env -i sleep 600 >/dev/null 2>&1 & echo $!; wait");
}

/* Its parent ends first. */
static void also_one_that_does_not_want_to(void **state) {
	expect_ended("(trap \"\" TERM; exec env -i sleep 600 >/dev/null 2>&1) &"
		"echo $!; wait");
}

static void but_nobody_else(void **state) {
	expect_all("sleep 600 & other=$!;"
		"$run --require --patience 1 sleep 600; kill $other && "
		"echo was there", 0, "was there\n");
}

static void nor_one_that_is_guarded(void **state) {
	expect_output("$run --quiet --require --patience 5 $display create 0 "
		"'sleep 6'", 0, "guarded\n");
	struct result result = shell_run("unshare -n true");
	if (result.status == 0) {
		expect_output("$run --quiet --require --patience 5 unshare -n "
			"$display create 0 'sleep 6'", 0, "guarded\n");
	}
}

static void what_is_required_creates_no_display_past_the_guard(void **state) {
	struct result result = shell_run("$run --require --patience 600 $loaded");
	expect_status(&result, 3);
	expect_text(&result, "no display\n");
	expect_text(&result, "NOT guarded: it was created by a function");
}

static void who_cannot_be_started_is_told_that_alone(void **state) {
	expect_output("d=$(mktemp -d); echo '#!/nonexistent' >$d/c;"
		"chmod +x $d/c; $run --quiet --patience 600 $d/c; s=$?; rm -r $d;"
		"exit $s", 1, "sealpool-run: cannot start the command: "
		"No such file or directory\n");
}

/* The end of its output does not depend on other processes. */
static void the_watch_keeps_no_output_open(void **state) {
	struct result result = shell_run("{ $run --patience 600 sh -c "
		"'exec >&-; exec sleep 600' 2>/dev/null & echo $!; } |"
		"{ read pid; timeout 30 cat; s=$?; kill $pid; exit $s; }");
	expect_status(&result, 0);
}

static void programs_with_more_rights_are_refused(void **state) {
	if (geteuid() != 0) {
		skip();
	}
	expect_all("d=$(mktemp -d); cp $display $d/c; chown 65534 $d/c;"
		"chmod u+s $d/c; $run $d/c create; s=$?; rm -r $d; exit $s", 1,
		"is set-user-ID or set-group-ID, and cannot be guarded");
	expect_all("d=$(mktemp -d); cp $display $d/c; chgrp 65534 $d/c;"
		"chmod g+s $d/c; $run $d/c create; s=$?; rm -r $d; exit $s", 1,
		"start a copy of it without these bits");
}

static void but_not_where_the_kernel_gives_them_none(void **state) {
	if (geteuid() != 0) {
		skip();
	}
	expect_all("d=$(mktemp -d); cp $display $d/c; chgrp 65534 $d/c;"
		"chmod g-x,g+s $d/c; $run $d/c create; s=$?; rm -r $d; exit $s",
		0, "guarded\n");
	static const char *const modes[] = { "u+s", "g+s" };
	for (size_t i = 0; i < 2; i++) {
		char command[300];
		snprintf(command, sizeof(command), "d=$(mktemp -d);"
			"cp $display $d/c; chown 65534:65534 $d/c;"
			"chmod %s $d/c; setpriv --no-new-privs $run --quiet $d/c create;"
			"s=$?; rm -r $d; exit $s", modes[i]);
		expect_output(command, 0, "guarded\n");
	}
}

static void mistakes_are_told(void **state) {
	expect_all("$run", 2, "usage: sealpool-run");
	expect_all("$run --pools 0 $display create", 2, "--pools: \"0\"");
	expect_all("$run --pools -1 $display create", 2, "--pools: \"-1\"");
	expect_all("$run --fds 12x $display create", 2, "--fds: \"12x\"");
	expect_all("$run --fds 4294967296 $display create", 2, "to 4294967295");
	expect_all("$run --nonsense $display create", 2, "usage");
	expect_all("$run /nonexistent", 1, "/nonexistent");
	expect_all("$run nonexistent-command", 1,
		"nonexistent-command: command not found");
	expect_all("$run --help", 0, "usage: sealpool-run");
	expect_all("$run --version", 0, "sealpool-run ");
}

static void a_library_that_cannot_be_named_is_told(void **state) {
	static const char *const names[] = { "a bXXXXXX", "${LIB}XXXXXX" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command),
			"d=$(mktemp -d '/tmp/%s'); cp $run $library \"$d\";"
			"\"$d/sealpool-run\" $display create; s=$?; rm -r \"$d\";"
			"exit $s", names[i]);
		expect_all(command, 1, "cannot be preloaded");
	}
}

/* Options */

static void options_are_heeded(void **state) {
	/* A pool with a shadow has two fds. */
	struct result result = shell_run("$run --fds 1 $display create");
	expect_text(&result, "a client may hold 2048 pools, 1 file descriptors");
	expect_text(&result, "over the budget of 1 fds");
	result = shell_run("$run --quiet --fds 1 $display create");
	expect_no_text(&result, "sealpool");
	result = shell_run("$run --all-fds 1 $display create");
	expect_text(&result, "fds");
}

static void statistics_are_printed(void **state) {
	struct result result = shell_run("$run --stats 3600 $display create");
	expect_status(&result, 0);
	expect_text(&result, "sealpool: at exit: clients=");
	expect_text(&result, "copied_in=");
	result = shell_run("$run --quiet $display create");
	expect_no_text(&result, "at exit");
}

static void also_when_no_display_is_destroyed(void **state) {
	struct result result = shell_run("$run --stats 3600 $display exit 5");
	expect_status(&result, 5);
	expect_text(&result, "sealpool: at exit: clients=1 pools=1");
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_display_is_guarded),
		cmocka_unit_test(so_is_a_second_one),
		cmocka_unit_test(the_status_is_the_compositors),
		cmocka_unit_test(children_are_not_preloaded),
		cmocka_unit_test(nor_with_an_environment_from_before),
		cmocka_unit_test(who_replaces_itself_is_guarded_again),
		cmocka_unit_test(others_remain_preloaded),
		cmocka_unit_test(
			a_library_may_start_programs_when_it_is_loaded),
		cmocka_unit_test(fds_are_as_many_as_the_compositor_may_have),
		cmocka_unit_test(so_a_client_may_have_more_pools),
		cmocka_unit_test(children_have_the_limit_of_fds_that_was_there),
		cmocka_unit_test(who_starts_nothing_keeps_its_limit_of_fds),
		cmocka_unit_test(limit_of_fds_that_somebody_has_set_remains),
		cmocka_unit_test(a_compositor_may_be_started_by_others),
		cmocka_unit_test(
			so_it_may_by_a_script_that_names_no_interpreter),
		cmocka_unit_test(it_may_clear_its_environment),
		cmocka_unit_test(no_fd_is_left_to_the_compositor),
		cmocka_unit_test(who_creates_no_display_is_told),
		cmocka_unit_test(who_lacks_the_settings_is_told),
		cmocka_unit_test(
			who_looks_for_the_function_itself_is_told_at_once),
		cmocka_unit_test(who_ends_before_is_told),
		cmocka_unit_test(a_child_that_was_guarded_is_enough),
		cmocka_unit_test(who_lacks_standard_streams_is_not_told),
		cmocka_unit_test(nor_who_has_got_fds_of_others),
		cmocka_unit_test(nor_who_has_closed_what_it_did_not_know),
		cmocka_unit_test(nor_who_is_in_another_network),
		cmocka_unit_test(a_child_of_what_has_ended_is_waited_for),
		cmocka_unit_test(nobody_is_told_else),
		cmocka_unit_test(
			what_is_required_and_missing_ends_the_compositor),
		cmocka_unit_test(also_one_that_was_started_by_others),
		cmocka_unit_test(also_one_that_does_not_want_to),
		cmocka_unit_test(but_nobody_else),
		cmocka_unit_test(nor_one_that_is_guarded),
		cmocka_unit_test(
			what_is_required_creates_no_display_past_the_guard),
		cmocka_unit_test(who_cannot_be_started_is_told_that_alone),
		cmocka_unit_test(the_watch_keeps_no_output_open),
		cmocka_unit_test(programs_with_more_rights_are_refused),
		cmocka_unit_test(but_not_where_the_kernel_gives_them_none),
		cmocka_unit_test(mistakes_are_told),
		cmocka_unit_test(a_library_that_cannot_be_named_is_told),
		cmocka_unit_test(options_are_heeded),
		cmocka_unit_test(statistics_are_printed),
		cmocka_unit_test(also_when_no_display_is_destroyed),
	};
	if (argc != 5) {
		fprintf(stderr, "usage: %s SEALPOOL-RUN LIBRARY DISPLAY "
			"LOADED\n", argv[0]);
		return 1;
	}
	put_path("run", argv[1]);
	put_path("library", argv[2]);
	put_path("display", argv[3]);
	put_path("loaded", argv[4]);
	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
