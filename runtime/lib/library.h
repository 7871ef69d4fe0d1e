/*===- library.h - Maps the code of an artifact -------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * The dynamic linker knows libraries by path and by inode: asked for one that
 * it has, it gives that one back, whatever the file holds by now. So an
 * artifact that was replaced while it is loaded needs a file that the dynamic
 * linker has never seen, which is a copy of its code in memory.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_LIBRARY_H
#define SLUICE_LIB_LIBRARY_H

#include "elf_file.h"

/* An artifact that was opened and found whole. */
struct sluice_artifact_file {
  int handle;
  size_t size;
  const char *path;                /* absolute, without symbolic links */
  const char *name;                /* what the caller calls it, for messages */
  sluice_artifact_trailer trailer; /* all zero if it has none */
  /* The file, without weights that are at its end. */
  struct sluice_file_view code;
};

struct sluice_library {
  void *handle; /* of dlopen */
  const sluice_model_descriptor *descriptor;
  /* The code is a copy of `code`; where weights at the end belong are zeros. */
  bool copied;
};

/* Maps the code of `file`: what is there under its path if that is what was
 * opened, else a copy. `own_copy` asks for a copy in any case, so that changes
 * of the file do not reach the code; without memory for files there is none. */
sluice_status sluice_open_library(const struct sluice_artifact_file *file,
                                  bool own_copy, struct sluice_library *library,
                                  sluice_error *error);

#endif
