// SPDX-License-Identifier: MIT
//
// The headers by themselves, in C++.
#include <sealpool/guard.h>
#include <sealpool/memory.h>
#include <sealpool/shm.h>
#include <sealpool/wlroots.h>

#include <cstring>

int main() {
	return std::strcmp(sealpool_memory_kind_name(SEALPOOL_MEMORY_DIRECT),
		"direct");
}
