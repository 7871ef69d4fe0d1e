/*===- types.h - Types shared by applications and artifacts
 * ----------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * Included by `sluice/sluice.h` (applications) and `sluice/artifact_abi.h`
 * (generated code). C11, also valid C++.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_TYPES_H
#define SLUICE_TYPES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call came to. The numbers are part of the ABI. */
typedef enum sluice_status {
  SLUICE_OK = 0,
  /* A null pointer, an index out of range, an option without sense. */
  SLUICE_INVALID_ARGUMENT = 1,
  SLUICE_OUT_OF_MEMORY = 2,
  /* The artifact or its weights file is missing or cannot be read. */
  SLUICE_CANNOT_OPEN = 3,
  /* Not an artifact, or a truncated or damaged one. */
  SLUICE_INVALID_ARTIFACT = 4,
  /* The artifact was made for another version of the runtime. */
  SLUICE_VERSION_MISMATCH = 5,
  /* The artifact needs instructions this machine does not have. */
  SLUICE_UNSUPPORTED_ISA = 6,
  /* A tensor does not fit the model's signature. */
  SLUICE_DTYPE_MISMATCH = 7,
  SLUICE_SHAPE_MISMATCH = 8,
  SLUICE_MISSING_INPUT = 9,
  /* A caller's output or workspace buffer is too small. */
  SLUICE_BUFFER_TOO_SMALL = 10,
  /* The context is running on another thread. */
  SLUICE_BUSY = 11,
  /* An operator failed on these values, e.g. an index out of range. */
  SLUICE_RUN_FAILED = 12,
  /* The artifact broke its contract with the runtime. */
  SLUICE_INTERNAL = 13
} sluice_status;

/* Element types; the numbers are ONNX's TensorProto.DataType. (Strings, 8, are
 * no tensors of numbers.) Elements of fewer than 8 bits are packed: they follow
 * each other without gaps, the first one in the lowest bits of the first byte,
 * and the last byte is filled up. Such tensors are dense: they have no strides.
 */
typedef enum sluice_dtype {
  SLUICE_DTYPE_UNDEFINED = 0,
  SLUICE_DTYPE_F32 = 1,
  SLUICE_DTYPE_U8 = 2,
  SLUICE_DTYPE_I8 = 3,
  SLUICE_DTYPE_U16 = 4,
  SLUICE_DTYPE_I16 = 5,
  SLUICE_DTYPE_I32 = 6,
  SLUICE_DTYPE_I64 = 7,
  SLUICE_DTYPE_BOOL = 9, /* one byte, 0 or 1 */
  SLUICE_DTYPE_F16 = 10,
  SLUICE_DTYPE_F64 = 11,
  SLUICE_DTYPE_U32 = 12,
  SLUICE_DTYPE_U64 = 13,
  SLUICE_DTYPE_C64 = 14,  /* a complex number of two f32 */
  SLUICE_DTYPE_C128 = 15, /* of two f64 */
  SLUICE_DTYPE_BF16 = 16,
  SLUICE_DTYPE_F8E4M3FN = 17,
  SLUICE_DTYPE_F8E4M3FNUZ = 18,
  SLUICE_DTYPE_F8E5M2 = 19,
  SLUICE_DTYPE_F8E5M2FNUZ = 20,
  SLUICE_DTYPE_U4 = 21,
  SLUICE_DTYPE_I4 = 22,
  SLUICE_DTYPE_F4E2M1 = 23,
  SLUICE_DTYPE_F8E8M0 = 24,
  SLUICE_DTYPE_U2 = 25,
  SLUICE_DTYPE_I2 = 26,
  SLUICE_DTYPE_F6E2M3 = 27,
  SLUICE_DTYPE_F6E3M2 = 28
} sluice_dtype;

/* One input or output of a model. */
typedef struct sluice_tensor_signature {
  const char *name;
  int32_t dtype; /* sluice_dtype */
  int32_t rank;
  const int64_t *dims; /* `rank` entries, -1 where dynamic */
  /* `rank` entries: the symbolic name of a dynamic dimension, or null. Equal
   * names mean equal sizes. The array itself may be null. */
  const char *const *dim_names;
} sluice_tensor_signature;

/* An output of one run that is an input of the next: a cache that grows, or
 * numbers that every run replaces. */
typedef struct sluice_state_signature {
  int32_t output; /* their indices */
  int32_t input;
  /* The dimension along which every run appends to what is there; -1 where the
   * run replaces it by a tensor of the same sizes. */
  int32_t axis;
  /* Only with axis -1. Nonzero: a run may write over what it reads, so one
   * buffer is enough. */
  int32_t in_place;
  /* For how many along the axis the context makes room; 0: as many as the
   * caller says. */
  int64_t capacity;
} sluice_state_signature;

/* One generated kernel, for profiles and reports. */
typedef struct sluice_kernel_info {
  const char *name; /* e.g. "matmul_bias_gelu_12" */
  const char *kind; /* what it computes: "packed_conv", "softmax", "map", ... */
  const char *nodes; /* ONNX node names, comma-separated */
  double flops;      /* per run; negative where it depends on dynamic sizes */
  double bytes;      /* read and written per run; negative where dynamic */
} sluice_kernel_info;

/* Runs iterations [begin, end) of a parallel loop. What an iteration computes
 * does not depend on how the loop is cut into ranges. */
typedef void (*sluice_loop_body)(void *closure, int64_t begin, int64_t end);

#ifdef __cplusplus
}
#endif
#endif /* SLUICE_TYPES_H */
