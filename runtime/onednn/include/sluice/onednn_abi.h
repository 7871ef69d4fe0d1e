/*===- onednn_abi.h - How generated code calls oneDNN -------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * Kernels whose provider is oneDNN call `sluice_onednn_run` of the static
 * library `sluice_onednn`, which becomes part of the artifact. What they
 * compute is a constant of the artifact, written by the compiler. Nothing here
 * depends on oneDNN's headers. All fields have 64 bits.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_ONEDNN_ABI_H
#define SLUICE_ONEDNN_ABI_H

#include "sluice/artifact_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  SLUICE_ONEDNN_MAX_RANK = 8,
  SLUICE_ONEDNN_MAX_SPATIAL = 3,
  SLUICE_ONEDNN_MAX_POST_OPS = 8
};

typedef enum sluice_onednn_kind {
  SLUICE_ONEDNN_MATMUL = 0,
  SLUICE_ONEDNN_CONVOLUTION = 1
} sluice_onednn_kind;

/* What happens to a finished sum x; y is the post-op's operand. */
typedef enum sluice_onednn_operation {
  SLUICE_ONEDNN_LINEAR = 0, /* alpha * x + beta */
  SLUICE_ONEDNN_RELU = 1,   /* x > 0 ? x : alpha * x */
  SLUICE_ONEDNN_CLIP = 2,   /* min(max(x, alpha), beta) */
  SLUICE_ONEDNN_TANH = 3,
  SLUICE_ONEDNN_SIGMOID = 4,
  SLUICE_ONEDNN_ELU = 5, /* x > 0 ? x : alpha * (exp(x) - 1) */
  SLUICE_ONEDNN_GELU_ERF = 6,
  SLUICE_ONEDNN_GELU_TANH = 7,
  SLUICE_ONEDNN_SWISH = 8,      /* x * sigmoid(alpha * x) */
  SLUICE_ONEDNN_HARD_SWISH = 9, /* x * clip(x / 6 + 1/2, 0, 1) */
  SLUICE_ONEDNN_ABS = 10,
  SLUICE_ONEDNN_SQRT = 11,
  SLUICE_ONEDNN_EXP = 12,
  SLUICE_ONEDNN_SQUARE = 13,
  SLUICE_ONEDNN_ADD = 14, /* x + y */
  SLUICE_ONEDNN_SUB = 15, /* x - y */
  SLUICE_ONEDNN_MUL = 16, /* x * y */
  SLUICE_ONEDNN_DIV = 17, /* x / y */
  SLUICE_ONEDNN_MAX = 18, /* max(x, y) */
  SLUICE_ONEDNN_MIN = 19  /* min(x, y) */
} sluice_onednn_operation;

/* The shape of a post-op's operand. */
typedef enum sluice_onednn_operand {
  SLUICE_ONEDNN_NONE = 0,
  SLUICE_ONEDNN_SCALAR = 1, /* one element */
  SLUICE_ONEDNN_ROW = 2,    /* one element per channel or column */
  SLUICE_ONEDNN_FULL = 3    /* the destination's shape */
} sluice_onednn_operand;

typedef struct sluice_onednn_post_op {
  int64_t operation;
  int64_t operand;
  double alpha;
  double beta;
} sluice_onednn_post_op;

/* Sizes are in oneDNN's order:
 *   matmul       source [batch..., rows, depth], weights [batch..., depth,
 *                columns], destination [batch..., rows, columns]; batch sizes
 *                of 1 broadcast
 *   convolution  source [n, channels, spatial...], weights [groups (where there
 *                are several), outputs, inputs, kernel...], destination [n,
 *                channels, spatial...]
 * In memory images are channels-last, convolution weights are dense in the
 * order of their sizes, and so are all other tensors except where a matmul's
 * strides say otherwise. */
typedef struct sluice_onednn_kernel {
  int64_t kind;
  int64_t rank; /* of source and destination */
  int64_t source[SLUICE_ONEDNN_MAX_RANK];
  int64_t weights[SLUICE_ONEDNN_MAX_RANK];
  int64_t destination[SLUICE_ONEDNN_MAX_RANK];
  /* Of a matmul, in elements. */
  int64_t source_strides[SLUICE_ONEDNN_MAX_RANK];
  int64_t weights_strides[SLUICE_ONEDNN_MAX_RANK];
  /* Of a convolution. */
  int64_t groups;
  int64_t strides[SLUICE_ONEDNN_MAX_SPATIAL];
  int64_t dilations[SLUICE_ONEDNN_MAX_SPATIAL];
  int64_t pads_begin[SLUICE_ONEDNN_MAX_SPATIAL];
  int64_t pads_end[SLUICE_ONEDNN_MAX_SPATIAL];
  /* The weights never change until they are released: they may be kept in
   * another layout. */
  int64_t constant_weights;
  /* A row is added to the sums before the post-ops. */
  int64_t has_bias;
  int64_t post_op_count;
  sluice_onednn_post_op post_ops[SLUICE_ONEDNN_MAX_POST_OPS];
} sluice_onednn_kernel;

/* What oneDNN would do on this machine with so many threads. */
typedef struct sluice_onednn_report {
  int64_t scratch_size;
  /* Its slow reference implementation. */
  int64_t is_reference;
  /* Constant weights are copied to another layout. */
  int64_t copies_weights;
  char implementation[48];
} sluice_onednn_report;

/* Zero, or oneDNN's status where it cannot compute the kernel. */
int32_t sluice_onednn_inspect(const sluice_onednn_kernel *kernel,
                              int32_t threads, sluice_onednn_report *report);

/* Runs a kernel. `operands` are the source, the weights, the destination, the
 * bias where there is one, and the operands of the post-ops that have one, in
 * order. `*state` is null at first and belongs to the library from then on.
 * `scratch` has `scratch_size` bytes; where that is not enough on this machine,
 * the frame allocates more. Failures go to the frame under the name of `node`.
 *
 * Thread-safe for frames of any number of contexts: the primitive is created
 * once per number of threads, and everything is freed when the artifact is
 * unloaded. Constant weights are known by their address: no other may come to
 * lie there before `sluice_onednn_release_weights`. */
void sluice_onednn_run(sluice_frame *frame, const sluice_onednn_kernel *kernel,
                       void **state, void *const *operands, void *scratch,
                       int64_t scratch_size, const char *node);

/* Frees what all kernels keep of the constant weights in [weights, weights +
 * size), which no run uses any more. A descriptor's `release_weights`. */
void sluice_onednn_release_weights(const uint8_t *weights, int64_t size);

#ifdef __cplusplus
}
#endif
#endif /* SLUICE_ONEDNN_ABI_H */
