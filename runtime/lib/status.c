/*===- status.c - Statuses, messages and element types ------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "status.h"

#include <stdio.h>
#include <string.h>

int32_t sluice_api_version(void) { return SLUICE_API_VERSION; }

const char *sluice_status_name(sluice_status status) {
  switch (status) {
  case SLUICE_OK:
    return "ok";
  case SLUICE_INVALID_ARGUMENT:
    return "invalid argument";
  case SLUICE_OUT_OF_MEMORY:
    return "out of memory";
  case SLUICE_CANNOT_OPEN:
    return "cannot open";
  case SLUICE_INVALID_ARTIFACT:
    return "invalid artifact";
  case SLUICE_VERSION_MISMATCH:
    return "version mismatch";
  case SLUICE_UNSUPPORTED_ISA:
    return "unsupported instruction set";
  case SLUICE_DTYPE_MISMATCH:
    return "type mismatch";
  case SLUICE_SHAPE_MISMATCH:
    return "shape mismatch";
  case SLUICE_MISSING_INPUT:
    return "missing input";
  case SLUICE_BUFFER_TOO_SMALL:
    return "buffer too small";
  case SLUICE_BUSY:
    return "busy";
  case SLUICE_RUN_FAILED:
    return "run failed";
  case SLUICE_INTERNAL:
    return "internal error";
  }
  return "unknown status";
}

struct dtype_entry {
  const char *name;
  int32_t bits;
};

static const struct dtype_entry dtypes[] = {
    [SLUICE_DTYPE_F32] = {"f32", 32},
    [SLUICE_DTYPE_U8] = {"u8", 8},
    [SLUICE_DTYPE_I8] = {"i8", 8},
    [SLUICE_DTYPE_U16] = {"u16", 16},
    [SLUICE_DTYPE_I16] = {"i16", 16},
    [SLUICE_DTYPE_I32] = {"i32", 32},
    [SLUICE_DTYPE_I64] = {"i64", 64},
    [SLUICE_DTYPE_BOOL] = {"bool", 8},
    [SLUICE_DTYPE_F16] = {"f16", 16},
    [SLUICE_DTYPE_F64] = {"f64", 64},
    [SLUICE_DTYPE_U32] = {"u32", 32},
    [SLUICE_DTYPE_U64] = {"u64", 64},
    [SLUICE_DTYPE_C64] = {"c64", 64},
    [SLUICE_DTYPE_C128] = {"c128", 128},
    [SLUICE_DTYPE_BF16] = {"bf16", 16},
    [SLUICE_DTYPE_F8E4M3FN] = {"f8e4m3fn", 8},
    [SLUICE_DTYPE_F8E4M3FNUZ] = {"f8e4m3fnuz", 8},
    [SLUICE_DTYPE_F8E5M2] = {"f8e5m2", 8},
    [SLUICE_DTYPE_F8E5M2FNUZ] = {"f8e5m2fnuz", 8},
    [SLUICE_DTYPE_U4] = {"u4", 4},
    [SLUICE_DTYPE_I4] = {"i4", 4},
    [SLUICE_DTYPE_F4E2M1] = {"f4e2m1", 4},
    [SLUICE_DTYPE_F8E8M0] = {"f8e8m0", 8},
    [SLUICE_DTYPE_U2] = {"u2", 2},
    [SLUICE_DTYPE_I2] = {"i2", 2},
    [SLUICE_DTYPE_F6E2M3] = {"f6e2m3", 6},
    [SLUICE_DTYPE_F6E3M2] = {"f6e3m2", 6}};

static const struct dtype_entry *find_dtype(sluice_dtype dtype) {
  size_t index = (size_t)dtype;
  if (index >= sizeof dtypes / sizeof *dtypes || !dtypes[index].name)
    return NULL;
  return &dtypes[index];
}

const char *sluice_dtype_name(sluice_dtype dtype) {
  const struct dtype_entry *entry = find_dtype(dtype);
  return entry ? entry->name : "undefined";
}

int32_t sluice_dtype_bits(sluice_dtype dtype) {
  const struct dtype_entry *entry = find_dtype(dtype);
  return entry ? entry->bits : 0;
}

size_t sluice_dtype_size(sluice_dtype dtype) {
  return (size_t)sluice_dtype_bits(dtype) / 8;
}

size_t sluice_dtype_alignment(sluice_dtype dtype) {
  size_t size = sluice_dtype_size(dtype);
  return size > 8 ? 8 : size > 0 ? size : 1;
}

sluice_status sluice_fail(sluice_error *error, sluice_status status,
                          const char *format, ...) {
  if (!error)
    return status;
  error->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return status;
}

sluice_status sluice_succeed(sluice_error *error) {
  if (error) {
    error->status = SLUICE_OK;
    error->message[0] = '\0';
  }
  return SLUICE_OK;
}

bool sluice_byte_size(sluice_dtype dtype, int32_t rank, const int64_t *dims,
                      size_t *bytes) {
  /* Zero-sized tensors are fine whatever their other sizes are, so the product
   * is only built once it is known to have no zero factor. */
  bool empty = false;
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return false;
    empty |= dims[i] == 0;
  }
  int64_t product = empty ? 0 : sluice_dtype_bits(dtype);
  bool packed = product % 8 != 0;
  if (!packed)
    product /= 8;
  for (int32_t i = 0; i < rank && !empty; ++i)
    if (__builtin_mul_overflow(product, dims[i], &product))
      return false;
  *bytes = packed ? (size_t)product / 8 + (product % 8 != 0) : (size_t)product;
  return true;
}

sluice_status sluice_read_options(void *options, size_t size, const void *given,
                                  sluice_error *error) {
  if (!given)
    return sluice_succeed(error);
  size_t given_size;
  memcpy(&given_size, given, sizeof given_size);
  if (given_size < sizeof given_size)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "`struct_size` of the options is %zu: options start as "
                       "SLUICE_..._INIT",
                       given_size);
  memcpy(options, given, given_size < size ? given_size : size);
  return sluice_succeed(error);
}
