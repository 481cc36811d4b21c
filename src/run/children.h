/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_CHILDREN_H
#define SEALPOOL_RUN_CHILDREN_H

/**
 * From now on, removes the settings from the environment of each program that this
 * process starts. "library" must stay valid.
 */
void children_leave(const char *library);

#endif
