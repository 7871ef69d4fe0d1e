/*===- location.h - Where a piece of memory comes from ------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_LOCATION_H
#define SLUICE_LIB_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

/* The folder of the program or library that has `address` in it, without
 * symbolic links. False when that cannot be told or is longer than `size`. */
bool sluice_find_folder(const void *address, char *folder, size_t size);

/* Cuts the last part of an absolute path off. */
void sluice_cut_file_name(char *path);

#endif
