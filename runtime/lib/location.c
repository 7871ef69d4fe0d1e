/*===- location.c - Where a piece of memory comes from ------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "location.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* The dynamic linker knows the program by what it was called, which may be
 * relative to a folder that is no longer the current one. */
static bool is_program(const Dl_info *image) {
  Dl_info program;
  const void *headers = (const void *)getauxval(AT_PHDR);
  return headers && dladdr(headers, &program) &&
         program.dli_fbase == image->dli_fbase;
}

void sluice_cut_file_name(char *path) {
  char *slash = strrchr(path, '/');
  if (slash)
    slash[slash == path] = '\0'; /* keeps the root's */
}

bool sluice_find_folder(const void *address, char *folder, size_t size) {
  Dl_info image;
  /* What is in no library, or in a program without a dynamic linker, is the
   * program's own. */
  bool in_library = dladdr(address, &image) && !is_program(&image);
  char *path = realpath(in_library ? image.dli_fname : "/proc/self/exe", NULL);
  if (!path)
    return false;
  sluice_cut_file_name(path);
  size_t length = strlen(path);
  bool fits = length < size;
  if (fits)
    memcpy(folder, path, length + 1);
  free(path);
  return fits;
}
