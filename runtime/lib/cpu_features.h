/*===- cpu_features.h - What this CPU can execute -----------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_CPU_FEATURES_H
#define SLUICE_LIB_CPU_FEATURES_H

#include "sluice/sluice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sluice_feature_state {
  SLUICE_FEATURE_PRESENT,
  /* The CPU lacks it, or the operating system does not save its registers. */
  SLUICE_FEATURE_MISSING,
  /* Not a name this runtime knows. */
  SLUICE_FEATURE_UNKNOWN
};

enum { SLUICE_CPU_QUESTIONS = 7 };

/* What the CPU answered so far; zeros at first. A virtual machine takes
 * microseconds for each answer, and a list asks dozens of times. */
struct sluice_cpu_answers {
  bool known[SLUICE_CPU_QUESTIONS], state_known;
  uint32_t registers[SLUICE_CPU_QUESTIONS][4];
  uint64_t saved_state;
};

/* Looks up one of LLVM's feature names for the architecture this is built for.
 * `name` is `length` characters long. */
enum sluice_feature_state sluice_cpu_feature(struct sluice_cpu_answers *answers,
                                             const char *name, size_t length);

/* Checks a comma-separated list of features. Names may start with '+'; those
 * with '-' are not needed and skipped. */
sluice_status sluice_check_features(const char *model, const char *features,
                                    const char *target_cpu,
                                    sluice_error *error);

#endif
