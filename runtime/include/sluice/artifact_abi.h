/*===- artifact_abi.h - What generated code and the runtime agree on
 * -------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * The binary interface between a compiled model and the runtime. Applications
 * include `sluice/sluice.h`, not this file. The compiler emits one constant
 * `sluice_model_descriptor` per model; everything in it can be read without
 * running code of the artifact, so a loader can refuse a wrong version or ISA
 * before the first instruction of the model executes.
 *
 * All sizes are in bytes, all dimensions in elements. C11, no dependencies.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_ARTIFACT_ABI_H
#define SLUICE_ARTIFACT_ABI_H

#include "sluice/types.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "SLUC" read as a little-endian word. */
#define SLUICE_ABI_MAGIC 0x43554c53u
/* Raised with every incompatible change to this file. Fields may be added at
 * the descriptor's end without one: its size tells which it has. */
#define SLUICE_ABI_VERSION 3u
/* Raised with every field that is added to the frame, at its end. */
#define SLUICE_FRAME_VERSION 1u

typedef struct sluice_frame sluice_frame;

/* An input or output as a run sees it. */
typedef struct sluice_frame_tensor {
  /* The first element. Inputs are read only, but for those of states, whose
   * memory has room behind what is there. */
  void *data;
  const int64_t *dims; /* as many sizes as its rank */
  /* Distances of neighbours in elements. Null: dense, row-major, as everything
   * is but states with an axis; those have the strides of a dense tensor with
   * `capacity` in place of `length`. Packed types have none. */
  const int64_t *strides;
  int32_t axis;         /* of a state that grows; else -1 */
  int32_t memory_space; /* where `data` is; 0, the process's memory, for now */
  int64_t length;       /* dims[axis]: how many there are along the axis */
  int64_t capacity;     /* for how many there is room; 0 without an axis */
} sluice_frame_tensor;

/* Collective operations between ranks. There are none yet, and nothing defines
 * this struct: the frame has room for a table of them. */
struct sluice_collectives;

/* What one run of a model sees. The runtime fills it in; generated code
 * receives it as the only argument. Generated code calls nothing but these
 * hooks and libm. */
struct sluice_frame {
  uint32_t version; /* SLUICE_FRAME_VERSION of who fills it in */
  uint32_t size;    /* sizeof(sluice_frame) there */
  const sluice_frame_tensor *inputs; /* one per input */
  /* One per output, which `output` fills in. */
  sluice_frame_tensor *outputs;
  uint8_t *workspace;     /* 64-byte aligned, at least as large as the plan
                             asks for */
  const uint8_t *weights; /* 64-byte aligned */

  /* Where output `index` goes. `dims` has `rank` sizes. Returns a 64-byte
   * aligned (or caller-provided) buffer, or null after recording an error. Of a
   * state with an axis it is the memory of its input, behind whose length the
   * run writes what it appends; if that has no room for so many, it is null. */
  void *(*output)(sluice_frame *frame, int32_t index, int32_t rank,
                  const int64_t *dims);
  /* Runs `body` over [0, count), in parallel where it pays. `cost` estimates
   * one iteration in nanoseconds on one core. Returns when all is done. */
  void (*parallel_for)(sluice_frame *frame, sluice_loop_body body,
                       void *closure, int64_t count, double cost);
  /* Memory whose size is only known during the run; freed after the run.
   * 64-byte aligned; null after recording an error. */
  void *(*allocate)(sluice_frame *frame, int64_t size);
  /* Records the first failure of a run. `node` names the ONNX node. */
  void (*fail)(sluice_frame *frame, int32_t status, const char *node,
               const char *message);
  /* Null unless profiling; called before (end = 0) and after (end = 1) the
   * kernel with this index in the descriptor's table, perhaps while the CPU
   * counts subnormal numbers as zero. */
  void (*profile)(sluice_frame *frame, int32_t kernel, int32_t end);

  /* Nonzero once the run failed. Kernels running in parallel may set it. */
  int32_t status;
  /* On how many threads a library that brings its own may work: as many as it
   * finds where this is 0. */
  int32_t threads;
  void *runtime; /* the runtime's own state */

  /* What random numbers come from: the context's seed, and the number of the
   * next sequence that generated code draws, which it counts up. */
  uint64_t random_seed;
  uint64_t random_draws;

  /* Reserved: the queue of a device that the run works on, and how ranks meet.
   * Null for now. */
  void *stream;
  const struct sluice_collectives *collectives;
};

/* A flag of a descriptor: the file that it is in ends with a trailer. */
#define SLUICE_DESCRIPTOR_HAS_TRAILER 1u

/* What an input is in runs for which it is not set. */
typedef struct sluice_input_default {
  int64_t input;       /* its index */
  const int64_t *dims; /* as many as its rank; null for rank 0 */
  int64_t offset;      /* of its dense elements in the weights */
} sluice_input_default;

typedef struct sluice_model_descriptor {
  uint32_t magic;
  uint32_t abi_version;
  uint64_t descriptor_size; /* sizeof(sluice_model_descriptor) at compile */
  const char *name;
  const char *compiler;      /* "sluice 0.1.0" */
  const char *target_triple; /* "x86_64-unknown-linux-gnu" */
  const char *target_cpu;    /* "znver5" */
  const char *isa_features;  /* needed CPU features, LLVM's names, separated by
                                commas: "avx2,fma,avx512f" */
  int32_t input_count;
  int32_t output_count;
  const sluice_tensor_signature *inputs;
  const sluice_tensor_signature *outputs;
  int32_t metadata_count; /* key, value pairs: 2 * metadata_count strings */
  int32_t kernel_count;
  const char *const *metadata;
  const sluice_kernel_info *kernels;
  /* Weights: embedded when `weights` is set, else in `weights_file` (a name
   * relative to the artifact's folder), else none. */
  const uint8_t *weights;
  const char *weights_file;
  int64_t weights_size;
  uint64_t weights_checksum; /* xxHash64 (seed 0) of the weights */
  /* The memory plan. `workspace_size` reads the inputs' sizes only. */
  int64_t static_workspace_size; /* negative when it depends on the sizes */
  int64_t liveness_lower_bound;  /* negative when it depends on the sizes */
  int64_t (*workspace_size)(const sluice_frame_tensor *inputs);
  /* Returns 0, or the status recorded through `fail`. */
  int32_t (*run)(sluice_frame *frame);
  /* Since here the fields that descriptors may lack, which then count as 0. */
  uint64_t flags; /* SLUICE_DESCRIPTOR_... */
  /* Called where `size` bytes of weights go while the artifact may stay, after
   * the last run with them: forgets what it keeps under their address. Null
   * where it keeps nothing. Thread-safe. */
  void (*release_weights)(const uint8_t *weights, int64_t size);
  int64_t default_count;
  const sluice_input_default *defaults;
  /* How much of the frame the code may look at: runtimes with a shorter one
   * refuse the model. */
  uint64_t frame_size;
  /* Every input and every output is in one state at most. */
  int64_t state_count;
  const sluice_state_signature *states;
} sluice_model_descriptor;

/* A shared artifact exports its descriptor under this name; a static one as
 * `sluice_descriptor_<name>`, which the typed header declares. */
#define SLUICE_DESCRIPTOR_SYMBOL "sluice_model_descriptor_v1"

/* "SLUICEND" read as a little-endian word. */
#define SLUICE_TRAILER_MAGIC 0x444e454349554c53ull

/* The last bytes of a shared artifact, behind the ELF file, so that damage is
 * found before the file is mapped as code. The checksums are xxHash64 (seed 0)
 * of the file before and behind the embedded weights, which have a checksum of
 * their own in the descriptor. A file linked by hand has none and loads too,
 * but only its ELF structure is checked. One that has lost its trailer is told
 * from it by the descriptor's flag. */
typedef struct sluice_artifact_trailer {
  uint64_t checksum_before; /* of [0, weights_offset) */
  uint64_t checksum_behind; /* of the rest, from weights_offset + size */
  uint64_t weights_offset;
  uint64_t weights_size;
  uint64_t file_size; /* without the trailer */
  uint64_t magic;
} sluice_artifact_trailer;

#ifdef __cplusplus
}
#endif
#endif /* SLUICE_ARTIFACT_ABI_H */
