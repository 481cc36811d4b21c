/* SPDX-License-Identifier: MIT */
/*
 * Which clients count as one: by their unit, by their processes, or none. Most tests
 * replace what /proc says of processes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "display.h"
#include "policy/evict.h"
#include "server/client.h"
#include "server/context.h"
#include "server/identity.h"
#include "server/process.h"

#define PROCESSES_MAX 64
#define GUESTS_MAX 64
/* No process of the machine has such a pid. */
#define FIRST_PID 100000000

struct process {
	int pid, parent;
	uint64_t start;
	const char *unit;
	bool dead;
};

static struct display display;
static struct process processes[PROCESSES_MAX];
static int processes_len;
static const char *own_unit;
/* The process that is connecting. */
static struct {
	int pid;
	uid_t uid;
	/* The kernel's answers are not replaced. */
	bool real;
} peer;

/* The record and the test's end of each connection. */
static int fds[GUESTS_MAX];
static int fds_len;

void __real_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
	uid_t *uid, gid_t *gid);
void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
	uid_t *uid, gid_t *gid);
int __real_sp_process_read(int pid, struct sp_process *process, int *parent);
int __wrap_sp_process_read(int pid, struct sp_process *process, int *parent);
int __wrap_sp_process_read_unit(int pid,
	char unit[static SP_PROCESS_UNIT_SIZE]);
bool __real_sp_process_has_peer(int socket_fd);
bool __wrap_sp_process_has_peer(int socket_fd);

static const struct process *find_process(int pid) {
	for (int i = 0; i < processes_len; i++) {
		if (processes[i].pid == pid) {
			return &processes[i];
		}
	}
	return NULL;
}

void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
		uid_t *uid, gid_t *gid) {
	if (peer.real) {
		__real_wl_client_get_credentials(client, pid, uid, gid);
		return;
	}
	*pid = peer.pid;
	if (uid != NULL) {
		*uid = peer.uid;
	}
}

int __wrap_sp_process_read(int pid, struct sp_process *process, int *parent) {
	if (peer.real) {
		return __real_sp_process_read(pid, process, parent);
	}
	const struct process *found = find_process(pid);
	if (found == NULL) {
		return -ENOENT;
	}
	*process = (struct sp_process){ .pid = pid, .start = found->start };
	*parent = found->parent;
	return 0;
}

int __wrap_sp_process_read_unit(int pid,
		char unit[static SP_PROCESS_UNIT_SIZE]) {
	const struct process *found = find_process(pid);
	const char *name = found != NULL ? found->unit : own_unit;
	snprintf(unit, SP_PROCESS_UNIT_SIZE, "%s", name != NULL ? name : "");
	return 0;
}

bool __wrap_sp_process_has_peer(int socket_fd) {
	if (peer.real) {
		return __real_sp_process_has_peer(socket_fd);
	}
	const struct process *found = find_process(peer.pid);
	return found == NULL || !found->dead;
}

static int setup(void **state) {
	traces_setup(state);
	display_init(&display, NULL);
	processes_len = fds_len = 0;
	own_unit = NULL;
	memset(&peer, 0, sizeof(peer));
	peer.uid = 1000;
	return 0;
}

static int teardown(void **state) {
	for (int i = 0; i < fds_len; i++) {
		close(fds[i]);
	}
	wl_display_destroy_clients(display.wl);
	bool left = !wl_list_empty(&display.context->identities);
	display_finish(&display);
	if (left) {
		print_error("an identity is left\n");
		return -1;
	}
	return traces_teardown(state);
}

static int add_process(int parent, const char *unit) {
	processes[processes_len] = (struct process){
		.pid = FIRST_PID + processes_len,
		.parent = parent,
		.start = 1000 + (uint64_t)processes_len,
		.unit = unit,
	};
	return processes[processes_len++].pid;
}

static struct sp_client *connect_pid(int pid) {
	peer.pid = pid;
	struct sp_client *client = sp_client_get(display.context,
		display_connect(&display, &fds[fds_len++]));
	assert_non_null(client);
	return client;
}

static void expect_one(struct sp_client *a, struct sp_client *b) {
	assert_ptr_equal(a->member.identity, b->member.identity);
}

static void expect_apart(struct sp_client *a, struct sp_client *b) {
	assert_ptr_not_equal(a->member.identity, b->member.identity);
}

/* Processes */

static void connections_of_a_process_are_one(void **state) {
	int first = add_process(1, NULL), second = add_process(1, NULL);
	struct sp_client *client = connect_pid(first);
	expect_one(client, connect_pid(first));
	expect_apart(client, connect_pid(second));
}

static void child_of_a_client_counts_with_it(void **state) {
	int parent = add_process(1, NULL), shell = add_process(parent, NULL);
	int child = add_process(shell, NULL);
	struct sp_client *client = connect_pid(parent);
	struct sp_client *grandchild = connect_pid(child);
	expect_one(client, grandchild);
	/* So does a grandchild, even if its parent is no client. */
	processes[0].pid = processes[1].pid = 0;
	processes[2].parent = 1;
	expect_one(client, connect_pid(add_process(child, NULL)));
}

static void children_of_the_compositor_are_apart(void **state) {
	int first = add_process(getpid(), NULL);
	int second = add_process(getpid(), NULL);
	expect_apart(connect_pid(first), connect_pid(second));
	/* Connections of this process do not count with them, or with each other. */
	expect_apart(connect_pid(getpid()), connect_pid(getpid()));
	expect_apart(connect_pid(getpid()), connect_pid(first));
}

static void search_for_ancestors_ends(void **state) {
	int first = add_process(FIRST_PID + 1, NULL);
	add_process(FIRST_PID, NULL);
	assert_non_null(connect_pid(first));
	int last = add_process(1, NULL), oldest = last;
	for (int i = 0; i < 40; i++) {
		last = add_process(last, NULL);
	}
	expect_apart(connect_pid(oldest), connect_pid(last));
}

static void number_of_a_process_that_has_ended_is_anothers(void **state) {
	int pid = add_process(1, NULL);
	struct sp_client *client = connect_pid(pid);
	processes[0].start++;
	struct sp_client *later = connect_pid(pid);
	expect_apart(client, later);
	/* This process ended before its parent was read. */
	processes[0].dead = true;
	struct sp_client *gone = connect_pid(pid);
	expect_apart(client, gone);
	expect_apart(later, gone);
	expect_one(gone, connect_pid(pid));
}

static void processes_of_which_nothing_is_known_go_by_number(void **state) {
	struct sp_client *client = connect_pid(FIRST_PID);
	expect_one(client, connect_pid(FIRST_PID));
	expect_apart(client, connect_pid(FIRST_PID + 1));
}

static void connections_from_other_namespaces_are_apart(void **state) {
	expect_apart(connect_pid(0), connect_pid(0));
}

/* Units */

static void processes_of_a_unit_are_one(void **state) {
	own_unit = "/session.scope";
	struct sp_client *client = connect_pid(add_process(1, "/app-a.scope"));
	expect_one(client, connect_pid(add_process(1, "/app-a.scope")));
	expect_apart(client, connect_pid(add_process(1, "/app-b.scope")));
	peer.uid = 1001;
	expect_apart(client, connect_pid(add_process(1, "/app-a.scope")));
}

static void unit_of_the_compositor_tells_nothing(void **state) {
	own_unit = "/session.scope";
	expect_apart(connect_pid(add_process(1, "/session.scope")),
		connect_pid(add_process(1, "/session.scope")));
}

/* The unit counts more than the parent, since a launcher may have started the process. */
static void unit_counts_before_the_parent(void **state) {
	own_unit = "/session.scope";
	int launcher = add_process(1, "/session.scope");
	struct sp_client *client = connect_pid(launcher);
	expect_apart(client,
		connect_pid(add_process(launcher, "/app-a.scope")));
	expect_one(client,
		connect_pid(add_process(launcher, "/session.scope")));
}

static void unit_is_found_in_a_control_group(void **state) {
	static const char *const texts[][2] = {
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/"
			"app-foot-7.scope\n", "/user.slice/user-1000.slice/"
			"user@1000.service/app.slice/app-foot-7.scope" },
		{ "0::/user.slice/user-1000.slice/session-3.scope\n",
			"/user.slice/user-1000.slice/session-3.scope" },
		{ "0::/system.slice/greetd.service\n",
			"/system.slice/greetd.service" },
		/* In a control group that the client has created. */
		{ "0::/a.slice/app-x.scope/b.scope/c.service\n",
			"/a.slice/app-x.scope" },
		{ "0::/user@1000.service/app.slice/app-x.service/y.scope\n",
			"/user@1000.service/app.slice/app-x.service" },
		/* With the hierarchies of cgroup version 1. */
		{ "9:pids:/p.scope\n1:name=systemd:/s.scope\n0::/u.scope\n",
			"/u.scope" },
		{ "0::/a.scope", "/a.scope" },
		{ "0::/a.scope/", "/a.scope" },
		{ "0::/\n", NULL },
		{ "0::/user.slice\n", NULL },
		{ "0::/user@1000.service/app.slice\n", NULL },
		{ "0::/.scope/.service\n", NULL },
		{ "0::/a.scopes\n", NULL },
		{ "0::/docker/0123\n", NULL },
		{ "9:pids:/p.scope\n", NULL },
		{ "0:\n", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[256];
		snprintf(text, sizeof(text), "%s", texts[i][0]);
		const char *unit = sp_process_find_unit(text);
		if (texts[i][1] == NULL ? unit != NULL : unit == NULL ||
				strcmp(unit, texts[i][1]) != 0) {
			fail_msg("\"%s\" in \"%s\"", unit, texts[i][0]);
		}
	}
}

/* What they hold */

static void identity_holds_what_its_clients_do(void **state) {
	int pid = add_process(1, NULL);
	struct sp_client *first = connect_pid(pid), *second = connect_pid(pid);
	const struct sp_identity *identity = first->member.identity;
	sp_client_ref(first);
	assert_int_equal(sp_client_admit_pool(first), true);
	assert_int_equal(sp_client_admit_pool(second), true);
	assert_int_equal(sp_client_admit_pool(second), true);
	assert_int_equal(sp_identity_get_held(identity, SP_RESOURCE_FDS), 3);
	/* The compositor still holds its buffers. */
	wl_client_destroy(first->wl_client);
	assert_int_equal(sp_identity_get_held(identity, SP_RESOURCE_FDS), 2);
	assert_int_equal(first->account.used[SP_RESOURCE_FDS], 1);
	sp_client_dismiss_pool(first, true);
	sp_client_unref(first);
	assert_int_equal(sp_identity_get_held(identity, SP_RESOURCE_FDS), 2);
	sp_client_dismiss_pool(second, true);
	sp_client_dismiss_pool(second, true);
}

static void identities_are_in_the_order_of_their_age(void **state) {
	int old = add_process(1, NULL), young = add_process(1, NULL);
	int middle = add_process(1, NULL);
	processes[1].start = 3000;
	processes[2].start = 2000;
	connect_pid(middle);
	connect_pid(young);
	connect_pid(old);
	uint64_t since = 0;
	const struct sp_identity *identity;
	wl_list_for_each(identity, &display.context->identities, link) {
		assert_true(identity->since > since);
		since = identity->since;
	}
	assert_int_equal(since, 3000);
}

/* The kernel's answers */

/* Starts a process that connects, and that stays until its end of the socket is
 * closed. */
static pid_t start_process(int *server_fd) {
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		/* The kernel records the process that creates the pair. */
		int made[2];
		char byte = 0;
		union {
			struct cmsghdr header;
			char bytes[CMSG_SPACE(sizeof(int))];
		} control = { .header = {
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int)),
		} };
		struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
		struct msghdr message = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, made) < 0) {
			_exit(1);
		}
		memcpy(CMSG_DATA(&control.header), &made[0], sizeof(int));
		if (sendmsg(pair[1], &message, 0) != 1) {
			_exit(1);
		}
		_exit(read(pair[1], &byte, 1) < 0);
	}
	close(pair[1]);
	char byte;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	assert_int_equal(recvmsg(pair[0], &message, MSG_CMSG_CLOEXEC), 1);
	memcpy(server_fd, CMSG_DATA(&control.header), sizeof(int));
	fds[fds_len++] = pair[0];
	return pid;
}

static void end_process(pid_t pid) {
	close(fds[--fds_len]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static char opened[64];

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...) {
	snprintf(opened, sizeof(opened), "%s", path);
	return __real_open(path, flags);
}

int __wrap_open64(const char *path, int flags, ...) {
	return __wrap_open(path, flags);
}

/* The file of the process would add up what all its threads have cost. */
static void process_is_read_from_its_first_thread(void **state) {
	char path[sizeof(opened)];
	struct sp_process process;
	int parent;
	assert_int_equal(__real_sp_process_read(getpid(), &process, &parent), 0);
	assert_int_equal(parent, getppid());
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", getpid(), getpid());
	assert_string_equal(opened, path);
}

static void process_is_known_by_its_start(void **state) {
	int fd, parent;
	uint64_t before = sp_process_now();
	pid_t pid = start_process(&fd);
	struct sp_process process;
	assert_int_equal(__real_sp_process_read(pid, &process, &parent), 0);
	assert_int_equal(parent, getpid());
	assert_int_equal(process.pid, pid);
	/* Both are rounded down to the same unit. */
	assert_true(process.start >= before);
	assert_true(process.start <= sp_process_now());
	assert_int_equal(__real_sp_process_has_peer(fd), true);
	end_process(pid);
	assert_int_equal(__real_sp_process_read(pid, &process, &parent),
		-ENOENT);
	/* SO_PEERPIDFD is available on most machines: since Linux 6.5. */
	int pidfd;
	socklen_t size = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, 77, &pidfd, &size) == 0) {
		close(pidfd);
	} else if (errno == ENOPROTOOPT) {
		close(fd);
		skip();
	}
	assert_int_equal(__real_sp_process_has_peer(fd), false);
	close(fd);
}

static void record_has_the_process_of_its_client(void **state) {
	int fd, parent;
	pid_t pid = start_process(&fd);
	struct sp_process process;
	assert_int_equal(__real_sp_process_read(pid, &process, &parent), 0);
	peer.real = true;
	struct sp_client *client = sp_client_get(display.context,
		wl_client_create(display.wl, fd));
	assert_int_equal(client->member.process.pid, pid);
	assert_int_equal(client->member.process.start, process.start);
	assert_int_equal(client->member.identity->since, process.start);
	end_process(pid);
}

int main(void) {
#define TEST_IDENTITY(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST_IDENTITY(connections_of_a_process_are_one),
		TEST_IDENTITY(child_of_a_client_counts_with_it),
		TEST_IDENTITY(children_of_the_compositor_are_apart),
		TEST_IDENTITY(search_for_ancestors_ends),
		TEST_IDENTITY(number_of_a_process_that_has_ended_is_anothers),
		TEST_IDENTITY(processes_of_which_nothing_is_known_go_by_number),
		TEST_IDENTITY(connections_from_other_namespaces_are_apart),

		TEST_IDENTITY(processes_of_a_unit_are_one),
		TEST_IDENTITY(unit_of_the_compositor_tells_nothing),
		TEST_IDENTITY(unit_counts_before_the_parent),
		TEST_IDENTITY(unit_is_found_in_a_control_group),

		TEST_IDENTITY(identity_holds_what_its_clients_do),
		TEST_IDENTITY(identities_are_in_the_order_of_their_age),

		TEST_IDENTITY(process_is_read_from_its_first_thread),
		TEST_IDENTITY(process_is_known_by_its_start),
		TEST_IDENTITY(record_has_the_process_of_its_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
