/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_CHILDREN_H
#define SEALPOOL_RUN_CHILDREN_H

/**
 * From now on, removes the settings from the environment of each program that this
 * process starts, and puts them into that of a program that replaces it. "library" and
 * "variable" (see settings_leave()) must stay valid.
 */
void children_leave(const char *library, const char *variable);

#endif
