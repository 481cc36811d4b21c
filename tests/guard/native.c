/* SPDX-License-Identifier: MIT */
/*
 * Which wl_shm a wlroots compositor gets from sealpool-run:
 *
 *     guard-native SEALPOOL-RUN PRELOADED-LIBRARY GUARD-WLROOTS NATIVE-MODULE
 *
 * Each test runs a shell command in which $run, $library and $wlroots are these files,
 * $lib is the libwlroots of the module, and $program is GUARD-WLROOTS with that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "shell.h"

static void each_function_of_wlroots_creates_sealpools_wl_shm(void **state) {
	static const char *const functions[] = { "wl_shm", "wl_display", "create",
		"create_with_renderer" };
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command), "$program display %s 1 end",
			functions[i]);
		expect_output(command, 0, "unguarded\n");
		static const char *const options[][2] = {
			{ "", "native\n" }, { "--native", "native\n" },
			{ "--guard", "guarded\n" },
		};
		for (size_t j = 0; j < 3; j++) {
			snprintf(command, sizeof(command),
				"$run --quiet %s $program display %s 1 end",
				options[j][0], functions[i]);
			expect_output(command, 0, options[j][1]);
		}
	}
}

static void a_line_says_which_it_is(void **state) {
	struct result result = shell_run("$run $program display wl_shm 1");
	expect_status(&result, 0);
	expect_text(&result, "guard-wlroots: native: Sealpool's wl_shm in place "
		"of the one of libwlroots-0.");
	expect_no_text(&result, "guarded:");
	result = shell_run("$run --guard $program display wl_shm 1");
	expect_text(&result, "guard-wlroots: guarded: a guard in front of the "
		"wl_shm of libwlroots-0.");
	expect_text(&result, ".so (--guard)\n");
	expect_no_text(&result, "native:");
	result = shell_run("$run $program display own 1");
	expect_text(&result, "guarded: a guard in front of the wl_shm of "
		"libwayland-server.so.0 (");
}

static void two_displays_have_one_each(void **state) {
	struct result result =
		shell_run("$run $program display wl_shm 1 display create 1 end");
	expect_status(&result, 0);
	expect_text(&result, "native\n");
	expect_no_text(&result, "\nguarded\n");
	expect_no_text(&result, "unguarded\n");
}

static void a_display_may_have_two_of_wlroots(void **state) {
	expect_output("$run --quiet $program display wl_shm create 1 2 connect "
		"wl_display 3 end", 0, "native\nnative\nnative\n");
}

static void a_display_may_have_none(void **state) {
	struct result result = shell_run("$run $program display connect end");
	expect_status(&result, 0);
	expect_no_text(&result, "native:");
	expect_no_text(&result, "guarded:");
	expect_output("$run --quiet --native --require $program display end", 0, "");
}

/* Both displays remain guarded. */
static void a_wl_shm_of_the_compositors_keeps_the_guard(void **state) {
	struct result result = shell_run("$run $program display own wl_shm 1 2 end");
	expect_status(&result, 0);
	expect_text(&result, "guarded\nguarded\n");
	expect_text(&result, ".so (there is another wl_shm)\n");
	expect_no_text(&result, "native");
	expect_output("$run --quiet --guard $program display wl_shm own 1 2 end",
		0, "guarded\nguarded\n");
}

static void none_is_created_that_would_not_be_guarded(void **state) {
	struct result result = shell_run("$run --quiet $program display wl_shm own "
		"1 end");
	expect_status(&result, 0);
	expect_text(&result, "failed\nnative\n");
	expect_text(&result, "a second wl_shm, of libwayland-server.so.0, is "
		"refused");
}

static void so_does_a_client_that_has_connected_before(void **state) {
	struct result result =
		shell_run("$run $program display connect wl_shm 1 end");
	expect_status(&result, 0);
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "(a client has connected before)");
}

/* Loads the library from a file with this name. */
static void expect_with_library(const char *name) {
	setenv("name", name, 1);
	struct result result = shell_run("d=$(mktemp -d); cp $lib $d/$name;"
		"$run $wlroots $d/$name display wl_display 1 end; s=$?; rm -r $d;"
		"exit $s");
	expect_status(&result, 0);
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "(there is no native module for it)");
	result = shell_run("d=$(mktemp -d); cp $lib $d/$name;"
		"$run --native $wlroots $d/$name display wl_display; s=$?;"
		"rm -r $d; exit $s");
	expect_status(&result, 0);
	expect_text(&result, "--native refuses the wl_shm of libwlroots");
	expect_text(&result, "failed\n");
}

static void so_does_another_version_of_wlroots(void **state) {
	expect_with_library("libwlroots.so.12");
	expect_with_library("libwlroots-0.17.so");
	expect_with_library("libwlroots-0.99.so");
	expect_with_library("libwlroots-");
}

static void native_modules_may_be_missing(void **state) {
	struct result result = shell_run("d=$(mktemp -d); cp $run $library $d;"
		"$d/sealpool-run $program display wl_shm 1; s=$?; rm -r $d;"
		"exit $s");
	expect_status(&result, 0);
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "(there is no native module for it)");
}

static void a_native_module_may_be_broken(void **state) {
	struct result result = shell_run("d=$(mktemp -d); cp $run $library $d;"
		"for f in ${library%/*}/sealpool-wlroots-*.so; do"
		" echo nonsense >$d/${f##*/}; done;"
		"$d/sealpool-run $program display wl_shm 1; s=$?; rm -r $d;"
		"exit $s");
	expect_status(&result, 0);
	expect_text(&result, "\nguarded\n");
}

static void native_refuses_any_other_wl_shm(void **state) {
	struct result result =
		shell_run("$run --quiet --native $program display foreign");
	expect_status(&result, 0);
	expect_text(&result, "--native refuses the wl_shm of guard-wlroots");
	expect_text(&result, "failed\n");
	result = shell_run("$run --quiet $program display foreign own wl_shm "
		"1 2");
	expect_no_text(&result, "failed\n");
	expect_no_text(&result, "native\n");
}

/* libwayland's wl_shm */

static void native_replaces_the_wl_shm_of_libwayland(void **state) {
	expect_output("$run --quiet --native $program display own 1 end", 0,
		"native\n");
	expect_output("$run --quiet --native $program display own own 1 display "
		"own 1 end", 0, "native\nnative\n");
	expect_output("$run --quiet --guard $program display own 1 end", 0,
		"guarded\n");
	struct result result =
		shell_run("$run --native $program display own 1");
	expect_text(&result, "guard-wlroots: native: Sealpool's wl_shm in place "
		"of the one of libwayland-server.so.0\n");
}

/* The program uses libwayland's own functions for buffers, too, so it keeps libwayland's
 * wl_shm. */
static void what_is_looked_up_in_libwayland_is_guarded(void **state) {
	struct result result = shell_run("$run $program display loaded 1 end");
	expect_status(&result, 0);
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "guarded: a guard in front of the wl_shm of "
		"libwayland-server.so.0\n");
	result = shell_run("d=$(mktemp -d); cp $wlroots $d/weston;"
		"$run $d/weston $lib display loaded 1 end; s=$?; rm -r $d; exit $s");
	expect_status(&result, 0);
	expect_text(&result, "\nguarded\n");
	result = shell_run("$run --native $program display loaded");
	expect_text(&result, "--native refuses the wl_shm of "
		"libwayland-server.so.0\n");
	expect_text(&result, "failed\n");
}

/* The name of the program is weston. */
static void only_known_programs_get_it_unasked(void **state) {
	struct result result = shell_run("$run $program display own 1");
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "libwayland-server.so.0 (it is not known to begin an "
		"access before each read)\n");
	result = shell_run("d=$(mktemp -d); cp $wlroots $d/weston;"
		"$run $d/weston $lib display own 1 end; s=$?; rm -r $d; exit $s");
	expect_status(&result, 0);
	expect_text(&result, "\nnative\n");
	result = shell_run("d=$(mktemp -d); cp $wlroots $d/enlightenment;"
		"$run $d/enlightenment $lib display own 1 end; s=$?; rm -r $d;"
		"exit $s");
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "libwayland-server.so.0 (it begins no access before it "
		"reads)\n");
}

static void all_displays_have_the_same_functions(void **state) {
	struct result result = shell_run("$run --quiet --native $program display "
		"own 1 display connect own");
	expect_text(&result, "native\n");
	expect_text(&result, "failed\n");
	expect_text(&result, "the wl_shm of a display is refused (a client has "
		"connected before), since another display has Sealpool's");
	result = shell_run("d=$(mktemp -d); cp $wlroots $d/weston;"
		"$run $d/weston $lib display connect own 1 display own 1; s=$?;"
		"rm -r $d; exit $s");
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "(another display's is guarded)\n");
	expect_no_text(&result, "native\n");
}

/* A format alone does not create a wl_shm. */
static void formats_decide_nothing(void **state) {
	expect_output("$run --quiet --native $program display format end", 0, "");
	expect_output("$run --quiet $program display format wl_shm 1 end", 0,
		"native\n");
	expect_output("$run --quiet --native $program display format own 1 end",
		0, "native\n");
	struct result result = shell_run("d=$(mktemp -d); cp $wlroots $d/weston;"
		"$run $d/weston $lib display format connect own 1 display format "
		"own 1 end; s=$?; rm -r $d; exit $s");
	expect_status(&result, 0);
	expect_text(&result, "\nguarded\n");
	expect_text(&result, "(a client has connected before)");
	expect_no_text(&result, "failed\n");
}

static void a_display_has_one_of_both(void **state) {
	struct result result =
		shell_run("$run --quiet --native $program display wl_shm own 1");
	expect_text(&result, "failed\nnative\n");
}

static void children_inherit_nothing(void **state) {
	expect_output("LD_PRELOAD= $run --quiet $program display wl_shm 1 shell "
		"'echo ${LD_PRELOAD-none} ${SEALPOOL_RUN-none}; "
		"grep -c sealpool- /proc/self/maps; ls /proc/self/fd | wc -l' end",
		0, "native\nnone none\n0\n4\n");
}

static void statistics_count_what_is_native(void **state) {
	struct result result =
		shell_run("$run --stats 3600 $program display wl_shm 1 1 end");
	expect_status(&result, 0);
	expect_text(&result, "sealpool: at exit: clients=0 pools=0");
	result = shell_run("$run --stats 3600 $program display wl_shm 1 1");
	expect_text(&result, "sealpool: at exit: clients=2 pools=2");
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_function_of_wlroots_creates_sealpools_wl_shm),
		cmocka_unit_test(a_line_says_which_it_is),
		cmocka_unit_test(two_displays_have_one_each),
		cmocka_unit_test(a_display_may_have_two_of_wlroots),
		cmocka_unit_test(a_display_may_have_none),
		cmocka_unit_test(a_wl_shm_of_the_compositors_keeps_the_guard),
		cmocka_unit_test(none_is_created_that_would_not_be_guarded),
		cmocka_unit_test(so_does_a_client_that_has_connected_before),
		cmocka_unit_test(so_does_another_version_of_wlroots),
		cmocka_unit_test(native_modules_may_be_missing),
		cmocka_unit_test(a_native_module_may_be_broken),
		cmocka_unit_test(native_refuses_any_other_wl_shm),
		cmocka_unit_test(native_replaces_the_wl_shm_of_libwayland),
		cmocka_unit_test(what_is_looked_up_in_libwayland_is_guarded),
		cmocka_unit_test(only_known_programs_get_it_unasked),
		cmocka_unit_test(all_displays_have_the_same_functions),
		cmocka_unit_test(formats_decide_nothing),
		cmocka_unit_test(a_display_has_one_of_both),
		cmocka_unit_test(children_inherit_nothing),
		cmocka_unit_test(statistics_count_what_is_native),
	};
	if (argc != 5) {
		fprintf(stderr, "usage: %s SEALPOOL-RUN LIBRARY GUARD-WLROOTS "
			"NATIVE-MODULE\n", argv[0]);
		return 1;
	}
	put_path("run", argv[1]);
	put_path("library", argv[2]);
	put_path("wlroots", argv[3]);
	put_path("module", argv[4]);
	struct result lib = shell_run("ldd $module |"
		"sed -n 's,.* => \\(/.*/libwlroots[^ ]*\\) .*,\\1,p' | tr -d '\\n'");
	put_path("lib", lib.output);
	char program[sizeof(lib.output) + 4096];
	snprintf(program, sizeof(program), "%s %s", getenv("wlroots"),
		lib.output);
	setenv("program", program, 1);
	return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
