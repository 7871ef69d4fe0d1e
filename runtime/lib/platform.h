/*===- platform.h - Cores, quotas and time ------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_PLATFORM_H
#define SLUICE_LIB_PLATFORM_H

#include <stdint.h>

/* Nanoseconds of the monotonic clock. */
int64_t sluice_now(void);

/* Full CPUs that a quota of `quota` microseconds per `period` is worth, rounded
 * up; 0 when unlimited or senseless. */
int32_t sluice_quota_cores(int64_t quota, int64_t period);

/* The CPU quota of the calling process's cgroup and all above it, in cores; 0
 * when unlimited. `root` is "" but for tests: it precedes /proc and /sys. */
int32_t sluice_cgroup_cores(const char *root);

#endif
