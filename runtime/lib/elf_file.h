/*===- elf_file.h - Is this file safe to map as code? -------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_ELF_FILE_H
#define SLUICE_LIB_ELF_FILE_H

#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

#include <stdbool.h>
#include <stddef.h>

/* The bytes of a file. Readable from 0 to size. */
struct sluice_file_view {
  const uint8_t *data;
  size_t size;
};

/* The trailer of an artifact; false when the file has none. */
bool sluice_find_trailer(struct sluice_file_view file,
                         sluice_artifact_trailer *trailer);

/* Reads what a checked file puts at a virtual address, before relocations;
 * false if these bytes are not in the view. */
bool sluice_read_image(struct sluice_file_view file, uint64_t address,
                       void *data, size_t size);

/* Checks that a file is a whole shared object for this machine and, if it has a
 * trailer, that every byte but the weights is what the compiler wrote. Reads
 * nothing outside the view whatever the bytes are. `path` is for messages. */
sluice_status sluice_check_file(struct sluice_file_view file, const char *path,
                                sluice_error *error);

#endif
