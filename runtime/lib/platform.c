/*===- platform.c - Cores, quotas and time ------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "platform.h"

#include "sluice/sluice.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t sluice_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int32_t sluice_quota_cores(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0)
    return 0;
  int64_t cores = quota / period + (quota % period != 0);
  return cores > INT32_MAX ? INT32_MAX : (int32_t)cores;
}

/* Reads a small text file; false when it is not there. */
static bool read_text(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  size_t length = 0;
  ssize_t count;
  while (length + 1 < size &&
         (count = read(file, text + length, size - 1 - length)) > 0)
    length += (size_t)count;
  text[length] = '\0';
  close(file);
  return length > 0;
}

/* Where one cgroup's quota is written. */
struct cgroup_layout {
  const char *mount; /* below the root */
  bool unified;      /* version 2: quota and period in one file */
};

static int32_t folder_cores(const struct cgroup_layout *layout,
                            const char *folder) {
  char path[PATH_MAX + 32], text[64];
  if (layout->unified) {
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (!read_text(path, text, sizeof text))
      return 0;
    char *rest;
    int64_t quota = strtoll(text, &rest, 10); /* 0 for "max" */
    return sluice_quota_cores(quota, strtoll(rest, NULL, 10));
  }
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
  if (!read_text(path, text, sizeof text))
    return 0;
  int64_t quota = strtoll(text, NULL, 10);
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
  if (!read_text(path, text, sizeof text))
    return 0;
  return sluice_quota_cores(quota, strtoll(text, NULL, 10));
}

static int32_t smaller_limit(int32_t left, int32_t right) {
  if (left == 0 || right == 0)
    return left + right;
  return left < right ? left : right;
}

/* The strictest quota from `group` up to the mount. Inside a container the
 * group's path may not exist below the mount; the mount itself always does. */
static int32_t hierarchy_cores(const char *root,
                               const struct cgroup_layout *layout,
                               const char *group) {
  char folder[PATH_MAX];
  int mount_length =
      snprintf(folder, sizeof folder, "%s%s", root, layout->mount);
  int length =
      snprintf(folder, sizeof folder, "%s%s%s", root, layout->mount, group);
  if (length < 0 || (size_t)length >= sizeof folder)
    return 0;
  int32_t cores = 0;
  for (;;) {
    cores = smaller_limit(cores, folder_cores(layout, folder));
    if (length <= mount_length)
      return cores;
    while (length > mount_length && folder[length - 1] != '/')
      --length;
    if (length > mount_length)
      --length;
    folder[length] = '\0';
  }
}

/* Whether a comma-separated list of version 1 controllers has "cpu". */
static bool has_cpu_controller(const char *list, size_t length) {
  while (length > 0) {
    const char *comma = memchr(list, ',', length);
    size_t word = comma ? (size_t)(comma - list) : length;
    if (word == 3 && memcmp(list, "cpu", 3) == 0)
      return true;
    size_t skip = comma ? word + 1 : word;
    list += skip;
    length -= skip;
  }
  return false;
}

int32_t sluice_cgroup_cores(const char *root) {
  char path[PATH_MAX], text[8192];
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  if (!read_text(path, text, sizeof text))
    return 0;
  static const struct cgroup_layout unified = {"/sys/fs/cgroup", true};
  static const struct cgroup_layout joined = {"/sys/fs/cgroup/cpu,cpuacct",
                                              false};
  static const struct cgroup_layout single = {"/sys/fs/cgroup/cpu", false};
  int32_t cores = 0;
  /* Lines of the form "id:controllers:/path". */
  for (char *line = text; *line;) {
    char *end = line + strcspn(line, "\n");
    bool last = *end == '\0';
    *end = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (group) {
      size_t length = (size_t)(group - controllers - 1);
      ++group;
      if (strcmp(group, "/") == 0)
        group = "";
      if (length == 0) {
        cores = smaller_limit(cores, hierarchy_cores(root, &unified, group));
      } else if (has_cpu_controller(controllers + 1, length)) {
        cores = smaller_limit(cores, hierarchy_cores(root, &joined, group));
        cores = smaller_limit(cores, hierarchy_cores(root, &single, group));
      }
    }
    if (last)
      break;
    line = end + 1;
  }
  return cores;
}

/* The affinity mask of the process's main thread would be as good; the calling
 * thread's is what its new threads inherit. */
static int32_t affinity_cores(void) {
  for (int count = CPU_SETSIZE; count <= 1 << 20; count *= 2) {
    cpu_set_t *set = CPU_ALLOC((size_t)count);
    if (!set)
      break;
    size_t size = CPU_ALLOC_SIZE((size_t)count);
    int failed = sched_getaffinity(0, size, set);
    int cores = failed ? 0 : CPU_COUNT_S(size, set);
    CPU_FREE(set);
    if (!failed)
      return cores;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online < INT32_MAX ? (int32_t)online : 1;
}

int32_t sluice_usable_cores(void) {
  int32_t cores = smaller_limit(affinity_cores(), sluice_cgroup_cores(""));
  return cores > 0 ? cores : 1;
}
