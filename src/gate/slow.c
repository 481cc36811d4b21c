/* SPDX-License-Identifier: MIT */
/*
 * What a reader thread finds out about a client's file while its request waits.
 *
 * A request cannot be delayed: an answer that does not come in time counts as a refusal,
 * and is discarded when it comes. The question lives until the thread is done with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "memory/file.h"
#include "memory/look.h"
#include "memory/reader.h"
#include "server/client.h"
#include "server/context.h"
#include "slow.h"

struct question {
	struct sp_job job;
	struct sp_client *client;
	int fd;
	struct sp_range range; /* to be copied */
	/* An fd of the copy, or 0; or a negative errno. */
	int answer;
	uint64_t found;
	unsigned long magic;
};

static struct question *from_job(struct sp_job *job) {
	return sp_list_entry(job, struct question, job);
}

static void copy(struct sp_job *job) {
	struct question *question = from_job(job);
	struct stat st;
	if (fstat(question->fd, &st) < 0) {
		question->answer = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		question->answer = -EINVAL;
	} else {
		question->answer = sp_copy_range(question->fd,
			&question->range, &question->found);
	}
}

static void look(struct sp_job *job) {
	struct question *question = from_job(job);
	struct statfs fs;
	question->answer = -ETIMEDOUT;
	if (fstatfs(question->fd, &fs) == 0) {
		question->magic = (unsigned long)fs.f_type;
		question->answer = 0;
	}
}

/* The client may have disconnected, or no longer wait. Then nobody takes the copy. */
static void finish(struct sp_job *job) {
	struct question *question = from_job(job);
	if (job->run == copy && question->answer >= 0) {
		close(question->answer);
	}
	sp_reader_count_file(&question->client->member.identity->reader, -1);
	sp_file_discard_fd(question->fd);
	sp_client_unref(question->client);
	free(question);
}

/* Returns the answer. */
static int ask(struct question *question) {
	struct sp_client *client = question->client;
	struct sp_reader *reader = &client->member.identity->reader;
	struct sp_job *job = &question->job;
	sp_client_ref(client);
	sp_reader_count_file(reader, 1);
	question->answer = -ETIMEDOUT;
	job->finish = finish;
	int ret = sp_reader_submit(reader, job);
	if (ret < 0) {
		finish(job);
		return ret;
	}
	if (!sp_reader_wait(reader, job)) {
		sp_context_request_upkeep(client->context);
		if (sp_reader_cancel(reader, job)) {
			finish(job);
		}
		return -ETIMEDOUT;
	}
	int answer = question->answer;
	question->answer = -ETIMEDOUT;
	return answer;
}

/* Takes ownership of the fd. Returns 0 or a negative errno. */
static int create(struct sp_client *client, int fd,
		void (*run)(struct sp_job *job), struct question **question_ptr) {
	bool has_room = sp_look_has_room(&client->member.identity->reader,
		client->context->limits.all_fds);
	struct question *question =
		has_room ? calloc(1, sizeof(*question)) : NULL;
	if (question == NULL) {
		sp_file_discard_fd(fd);
		return has_room ? -ENOMEM : -ETIMEDOUT;
	}
	question->client = client;
	question->fd = fd;
	question->job.run = run;
	*question_ptr = question;
	return 0;
}

int sp_slow_copy(struct sp_client *client, int fd,
		const struct sp_range *range, uint64_t *found) {
	struct question *question;
	int ret = create(client, fd, copy, &question);
	if (ret < 0) {
		return ret;
	}
	question->range = *range;
	int answer = ask(question);
	*found = answer >= 0 ? question->found : 0;
	return answer;
}

unsigned long sp_slow_get_magic(struct sp_client *client, int fd) {
	struct question *question;
	return create(client, fd, look, &question) == 0 &&
		ask(question) >= 0 ? question->magic : 0;
}
