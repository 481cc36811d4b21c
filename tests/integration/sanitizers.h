/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_SANITIZERS_H
#define INTEGRATION_SANITIZERS_H

/**
 * Which sanitizer this is built with, as 0 or 1. gcc defines a macro for each, clang has
 * __has_feature().
 */

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER 1
#else
#define WITH_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define WITH_THREAD_SANITIZER 1
#else
#define WITH_THREAD_SANITIZER 0
#endif

#endif
