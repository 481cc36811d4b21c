/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_CONTROL_H
#define FAULTS_CONTROL_H

/**
 * What the program that makes faults (driver.c), the compositor (host.c) and what
 * makes the compositor's calls fail (interpose.c) share: one page of memory, a file
 * that FAULTS_VARIABLE names.
 */

#include <stdint.h>

#define FAULTS_VARIABLE "SEALPOOL_TEST_FAULTS"

/** Whose request is being handled. Each client of the scenario follows these. */
#define FAULTS_START 0
#define FAULTS_END 1
/** Time passes, and nobody asks for anything. */
#define FAULTS_NOBODY 2
#define FAULTS_FIRST_CLIENT 3
#define FAULTS_ACTORS_MAX 64
/** For what a thread of the compositor's does, whenever it does. */
#define FAULTS_ANYBODY FAULTS_ACTORS_MAX

#define FAULTS_SITES_MAX 8192
#define FAULTS_ARMED_MAX 32
#define FAULTS_CLIENTS_MAX FAULTS_ACTORS_MAX
#define FAULTS_PIXELS_MAX (64 * 64)

/** Files whose calls are looked at, as the objects of interpose.c. */
#define FAULTS_SITE(object, offset) ((uint64_t)(object) << 48 | (offset))

/** What the compositor has read of a client's first surface. */
struct faults_shown {
	/* How often; 0 before there was a buffer. */
	uint32_t reads;
	int32_t width, height;
	/* An access failed, or a capture could not be written. */
	uint32_t failed;
	uint32_t pixels[FAULTS_PIXELS_MAX];
};

struct faults_control {
	/* Set by the driver before each step. */
	_Atomic uint32_t actor;
	/* Calls that fail: return addresses, FAULTS_SITE() each, that belong to one
	 * place of the source. Only "armed_actor"'s, and not before the
	 * "nth" of them; from then on all if "always" is set. */
	uint64_t armed[FAULTS_ARMED_MAX];
	uint32_t armed_len, armed_actor, nth, always;
	/* Calls of another place, that is reached only once those have failed. */
	uint64_t then[FAULTS_ARMED_MAX];
	uint32_t then_len;
	_Atomic uint32_t seen;
	/* How many have failed, also of the second place alone, and in whose steps: a
	 * bit for each actor. */
	_Atomic uint32_t failed, failed_then;
	_Atomic uint64_t failed_actors;
	/* Each that was made: FAULTS_SITE() << 6 | actor, and how often. */
	struct {
		_Atomic uint64_t key;
		_Atomic uint32_t count;
	} sites[FAULTS_SITES_MAX];
	/* Captures are written, but nobody is told; then they are destroyed. */
	_Atomic uint32_t silent;
	/* Files on disk have nothing in memory. */
	_Atomic uint32_t cold;
	/* Bytes of the newest keymap's text. */
	_Atomic uint32_t received;
	/* By the order in which clients connected. */
	struct faults_shown shown[FAULTS_CLIENTS_MAX];
};

#endif
