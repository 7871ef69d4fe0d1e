/*===- cpu_features.c - What this CPU can execute -----------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "cpu_features.h"

#include "status.h"

#include <stdio.h>
#include <string.h>

/* A list of names in a message, cut off with "..." when it gets long. */
struct name_list {
  char text[160];
  size_t length;
};

static void add_name(struct name_list *list, const char *name, size_t length) {
  static const char ellipsis[] = ", ...";
  size_t room = sizeof list->text - list->length;
  if (length + 2 + sizeof ellipsis > room) {
    if (room > sizeof ellipsis)
      strcpy(list->text + list->length, ellipsis);
    list->length = sizeof list->text;
    return;
  }
  list->length += (size_t)snprintf(list->text + list->length, room, "%s%.*s",
                                   list->length ? ", " : "", (int)length, name);
}

sluice_status sluice_check_features(const char *model, const char *features,
                                    const char *target_cpu,
                                    sluice_error *error) {
  struct name_list missing = {"", 0}, unknown = {"", 0};
  struct sluice_cpu_answers answers = {0};
  const char *name = features ? features : "";
  while (*name) {
    size_t length = strcspn(name, ",");
    const char *next = name + length + (name[length] == ',');
    bool skipped = length == 0 || *name == '-';
    if (!skipped && *name == '+') {
      ++name;
      --length;
    }
    if (!skipped) {
      enum sluice_feature_state state =
          sluice_cpu_feature(&answers, name, length);
      if (state == SLUICE_FEATURE_MISSING)
        add_name(&missing, name, length);
      else if (state == SLUICE_FEATURE_UNKNOWN)
        add_name(&unknown, name, length);
    }
    name = next;
  }
  if (missing.length)
    return sluice_fail(
        error, SLUICE_UNSUPPORTED_ISA,
        "model '%s' was compiled for CPU '%s' and needs %s, which this machine "
        "does not have; compile it again with another --cpu",
        model, target_cpu, missing.text);
  if (unknown.length)
    return sluice_fail(
        error, SLUICE_UNSUPPORTED_ISA,
        "model '%s' was compiled for CPU '%s' and needs %s, which this runtime "
        "cannot check",
        model, target_cpu, unknown.text);
  return sluice_succeed(error);
}
