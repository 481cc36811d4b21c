/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_CONTROL_H
#define FAULTS_CONTROL_H

/**
 * Memory shared by the program that causes faults (driver.c), the compositor (host.c),
 * and the library that makes the compositor's calls fail (interpose.c): one page, in a
 * file that FAULTS_VARIABLE names.
 */

#include <stdint.h>

#define FAULTS_VARIABLE "SEALPOOL_TEST_FAULTS"

/** Exit status of the compositor: it could not start; something was left open or
 * mapped. */
#define FAULTS_NOT_STARTED 10
#define FAULTS_LEFT_OPEN 11

/** The actor whose request is being handled. These are followed by one for each client of
 * the scenario. */
#define FAULTS_START 0
#define FAULTS_END 1
/** Time passes without requests. */
#define FAULTS_NOBODY 2
#define FAULTS_ACTORS_MAX 64
/** What a thread of the compositor does at any time. */
#define FAULTS_ANYBODY FAULTS_ACTORS_MAX

#define FAULTS_SITES_MAX 8192
#define FAULTS_ARMED_MAX 32
#define FAULTS_CLIENTS_MAX FAULTS_ACTORS_MAX
#define FAULTS_PIXELS_MAX (64 * 64)

/** The files whose calls can fail, as the objects of interpose.c. */
#define FAULTS_SITE(object, offset) ((uint64_t)(object) << 48 | (offset))

/** What the compositor has read from a client's first surface. */
struct faults_shown {
	/* The number of reads; 0 before there was a buffer. */
	uint32_t reads;
	int32_t width, height;
	/* The number of accesses and captures that failed. */
	uint32_t failed;
	uint32_t pixels[FAULTS_PIXELS_MAX];
};

struct faults_control {
	/* Set by the driver before each step. */
	_Atomic uint32_t actor;
	/* The calls that fail: their return addresses as FAULTS_SITE(), which belong to
	 * one place of the source. Only calls for "armed_actor" fail: the "nth", and all
	 * later ones if "always" is set. */
	uint64_t armed[FAULTS_ARMED_MAX];
	uint32_t armed_len, armed_actor, nth, always;
	/* The calls of another place, which is reached only after those have failed. */
	uint64_t then[FAULTS_ARMED_MAX];
	uint32_t then_len;
	_Atomic uint32_t seen;
	/* How many calls have failed, how many of them at the second place, and in whose
	 * steps: a bit for each actor. */
	_Atomic uint32_t failed, failed_then;
	_Atomic uint64_t failed_actors;
	/* Each call that was made: FAULTS_SITE() << 6 | actor, and how often. */
	struct {
		_Atomic uint64_t key;
		_Atomic uint32_t count;
	} sites[FAULTS_SITES_MAX];
	/* Captures are written without an event, and then destroyed. */
	_Atomic uint32_t silent;
	/* Nothing of a file on a disk is in the page cache. */
	_Atomic uint32_t cold;
	/* The length of the newest keymap's text in bytes. */
	_Atomic uint32_t received;
	/* In the order in which clients connected. */
	struct faults_shown shown[FAULTS_CLIENTS_MAX];
};

#endif
