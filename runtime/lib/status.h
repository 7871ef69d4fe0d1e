/*===- status.h - Statuses, messages and element types ------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_STATUS_H
#define SLUICE_LIB_STATUS_H

#include "sluice/sluice.h"

#include <stdarg.h>
#include <stdbool.h>

/* Writes a status and a formatted one-line message; returns the status.
 * `error` may be null. */
__attribute__((format(printf, 3, 4))) sluice_status
sluice_fail(sluice_error *error, sluice_status status, const char *format, ...);

/* Marks success: SLUICE_OK and an empty message. */
sluice_status sluice_succeed(sluice_error *error);

/* What addresses of elements are multiples of. */
size_t sluice_dtype_alignment(sluice_dtype dtype);

/* The bytes of a dense tensor, the last of which packed types may not fill;
 * false when the product overflows or a size is negative. */
bool sluice_byte_size(sluice_dtype dtype, int32_t rank, const int64_t *dims,
                      size_t *bytes);

/* Copies as much of a caller's options as it and this runtime both know. The
 * rest of `options`, which is `size` bytes long, keeps its defaults. Fails
 * where the caller's do not say how long they are. */
sluice_status sluice_read_options(void *options, size_t size, const void *given,
                                  sluice_error *error);

#endif
