/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_CHILDREN_H
#define SEALPOOL_RUN_CHILDREN_H

/**
 * From now on, whatever environment this process gives to a program that it
 * starts, the settings are taken out of that, as they are out of its own. The
 * library's name must remain where it is.
 */
void children_leave(const char *library);

#endif
