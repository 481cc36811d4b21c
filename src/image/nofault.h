/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_NOFAULT_H
#define SEALPOOL_IMAGE_NOFAULT_H

#include "view.h"

/** For sp_memory.unsealed: NULL where the system has no MAP_NOFAULT. */
const struct sp_unsealed *sp_nofault_find(void);

#endif
