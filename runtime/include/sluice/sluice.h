/*===- sluice.h - Run compiled models
 * --------------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * The C interface of the Sluice runtime. C11, also valid C++.
 *
 *   sluice_error error;
 *   sluice_model *model;
 *   sluice_context *context;
 *   if (sluice_model_load("net.so", NULL, &model, &error) != SLUICE_OK ||
 *       sluice_context_create(model, NULL, &context, &error) != SLUICE_OK)
 *     return complain(error.message);
 *   sluice_context_set_input(context, 0, &input);
 *   if (sluice_context_run(context) != SLUICE_OK)
 *     return complain(sluice_context_message(context));
 *   sluice_context_output(context, 0, &output);
 *
 * A model is immutable: any number of threads may use it. A context holds what
 * one run needs (bound tensors, workspace, threads) and belongs to one thread
 * at a time; a second thread that runs it meanwhile gets SLUICE_BUSY. Nothing
 * here aborts, throws, prints or keeps global state.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H

#include "sluice/types.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SLUICE_API __attribute__((visibility("default")))
#else
#define SLUICE_API
#endif

/* The version of this interface; functions and trailing fields are only ever
 * added under one number. */
#define SLUICE_API_VERSION 2

typedef struct sluice_model sluice_model;
typedef struct sluice_context sluice_context;
typedef struct sluice_thread_pool sluice_thread_pool;
/* What the compiler emits for a model; see `sluice/artifact_abi.h`. */
struct sluice_model_descriptor;

/*===----------------------------------------------------------------------===//
 * Errors
 *===----------------------------------------------------------------------===*/

#define SLUICE_MESSAGE_SIZE 512

/* Where functions that have no context yet say what went wrong. Every
 * `sluice_error *` parameter may be null. */
typedef struct sluice_error {
  sluice_status status;
  char message[SLUICE_MESSAGE_SIZE]; /* one line, always terminated */
} sluice_error;

/* The interface version the linked runtime implements. */
SLUICE_API int32_t sluice_api_version(void);
/* "ok", "shape mismatch", ...; "unknown status" for other numbers. */
SLUICE_API const char *sluice_status_name(sluice_status status);
/* "f32", "i64", ...; "undefined" for other numbers. */
SLUICE_API const char *sluice_dtype_name(sluice_dtype dtype);
/* Bytes of one element; 0 for packed types (of fewer than 8 bits) and other
 * numbers. */
SLUICE_API size_t sluice_dtype_size(sluice_dtype dtype);
/* Bits of one element; 0 for other numbers. */
SLUICE_API int32_t sluice_dtype_bits(sluice_dtype dtype);

/*===----------------------------------------------------------------------===//
 * Models
 *===----------------------------------------------------------------------===*/

/* How the weights of a model are in memory. */
typedef enum sluice_weights_memory {
  /* Pages of the file, which come in when a run reads them and are shared by
   * all processes that have the model. The file must not be written to. */
  SLUICE_WEIGHTS_MAPPED = 0,
  /* The same, and all of them come in on loading. */
  SLUICE_WEIGHTS_POPULATED = 1,
  /* A copy that belongs to the process. What becomes of the file after loading
   * does not matter; neither does it to the code, of which there is a copy as
   * well, where the system has memory files (/proc, memfd_create). */
  SLUICE_WEIGHTS_RESIDENT = 2,
  /* The same in huge pages, where the system has them: the fewest translations
   * of addresses, for models that read all their weights in every run. */
  SLUICE_WEIGHTS_HUGE_PAGES = 3
} sluice_weights_memory;

/* Options start as SLUICE_..._INIT; a null pointer means the same. */
typedef struct sluice_load_options {
  size_t struct_size;
  /* Where the weights side file is, if not beside the artifact (for a linked
   * model: beside the program or library it is linked into). Null for a model
   * that has none. */
  const char *weights_path;
  /* Nonzero: also do what `sluice_model_verify` does. The code of the artifact
   * and the size of the weights are always checked. */
  int32_t verify_weights;
  int32_t unused; /* ends what the first version of this struct had */
  /* A `sluice_weights_memory`. */
  int64_t weights_memory;
} sluice_load_options;

#define SLUICE_LOAD_OPTIONS_INIT                                               \
  {sizeof(sluice_load_options), NULL, 0, 0, SLUICE_WEIGHTS_MAPPED}

/* Loads a shared artifact: the file that the path leads to now, whatever was
 * loaded from there before. Truncated and damaged files and those for another
 * system are refused before they are loaded, other versions and missing
 * instruction sets before any of the model's code runs. (That a shared library
 * is no artifact at all is seen after dlopen has run its constructors.) */
SLUICE_API sluice_status sluice_model_load(const char *path,
                                           const sluice_load_options *options,
                                           sluice_model **model,
                                           sluice_error *error);
/* Wraps a model that is linked into the program. `descriptor` must outlive the
 * model; typed headers call this. A weights side file is looked up beside the
 * program or library that the descriptor is in unless the options name it. */
SLUICE_API sluice_status
sluice_model_from_descriptor(const struct sluice_model_descriptor *descriptor,
                             const sluice_load_options *options,
                             sluice_model **model, sluice_error *error);
/* Reads all weights and compares their checksum: SLUICE_INVALID_ARTIFACT when
 * they are not those that were compiled. Otherwise weights come into memory
 * when a run reads them. May be called at any time, on any thread. */
SLUICE_API sluice_status sluice_model_verify(const sluice_model *model,
                                             sluice_error *error);
/* Gives up the caller's reference. Contexts keep their model alive. Null is
 * ignored. */
SLUICE_API void sluice_model_release(sluice_model *model);

SLUICE_API const char *sluice_model_name(const sluice_model *model);
SLUICE_API const char *sluice_model_compiler(const sluice_model *model);
SLUICE_API const char *sluice_model_target_triple(const sluice_model *model);
SLUICE_API const char *sluice_model_target_cpu(const sluice_model *model);
/* The CPU features the code needs, LLVM's names, separated by commas. */
SLUICE_API const char *sluice_model_isa_features(const sluice_model *model);

SLUICE_API int32_t sluice_model_input_count(const sluice_model *model);
SLUICE_API int32_t sluice_model_output_count(const sluice_model *model);
/* Null when the index is out of range. Owned by the model. */
SLUICE_API const sluice_tensor_signature *
sluice_model_input(const sluice_model *model, int32_t index);
SLUICE_API const sluice_tensor_signature *
sluice_model_output(const sluice_model *model, int32_t index);
/* The index of the input or output with this name, or -1. */
SLUICE_API int32_t sluice_model_find_input(const sluice_model *model,
                                           const char *name);
SLUICE_API int32_t sluice_model_find_output(const sluice_model *model,
                                            const char *name);

/* Key-value pairs from the ONNX file. Out of range: null. */
SLUICE_API int32_t sluice_model_metadata_count(const sluice_model *model);
SLUICE_API const char *sluice_model_metadata_key(const sluice_model *model,
                                                 int32_t index);
SLUICE_API const char *sluice_model_metadata_value(const sluice_model *model,
                                                   int32_t index);

SLUICE_API int32_t sluice_model_kernel_count(const sluice_model *model);
SLUICE_API const sluice_kernel_info *
sluice_model_kernel(const sluice_model *model, int32_t index);

/* The memory plan; sizes in bytes, -1 where they depend on dynamic sizes. */
typedef struct sluice_memory_plan {
  int64_t weights_size;
  int64_t workspace_size;
  int64_t liveness_lower_bound; /* no plan can need less */
} sluice_memory_plan;

SLUICE_API sluice_memory_plan
sluice_model_memory_plan(const sluice_model *model);
/* The workspace that a run with these input sizes needs: one array of sizes
 * per input. -1 when the sizes do not fit the model or the sum overflows. */
SLUICE_API int64_t sluice_model_workspace_size(const sluice_model *model,
                                               const int64_t *const *dims);

/*===----------------------------------------------------------------------===//
 * Threads
 *===----------------------------------------------------------------------===*/

/* The caller's own threads. `parallel_for` must call `body(closure, b, e)` on
 * disjoint ranges that cover [0, count) exactly, each at most `chunk` long
 * where load balance matters, and return when all calls have returned. */
typedef struct sluice_executor {
  void *user;
  int32_t threads;
  void (*parallel_for)(void *user, sluice_loop_body body, void *closure,
                       int64_t count, int64_t chunk);
} sluice_executor;

typedef struct sluice_thread_pool_options {
  size_t struct_size;
  /* How many threads work on a run, the calling one included. 0: as many as
   * the affinity mask and the cgroup's CPU quota allow. */
  int32_t threads;
  /* Worker i is bound to CPU affinity[i % affinity_count]; none when 0. The
   * calling thread is left alone. The array is copied. */
  int32_t affinity_count;
  const int32_t *affinity;
} sluice_thread_pool_options;

#define SLUICE_THREAD_POOL_OPTIONS_INIT                                        \
  {sizeof(sluice_thread_pool_options), 0, 0, NULL}

/* A pool that several contexts may share. Its threads start with the first
 * loop worth sharing, wait actively only during a run and sleep between runs.
 * While one context's run uses it, other runs do without. */
SLUICE_API sluice_status
sluice_thread_pool_create(const sluice_thread_pool_options *options,
                          sluice_thread_pool **pool, sluice_error *error);
/* No context may be using it any more. Null is ignored. */
SLUICE_API void sluice_thread_pool_destroy(sluice_thread_pool *pool);
/* Cores this process may use: affinity mask and cgroup quota. At least 1. */
SLUICE_API int32_t sluice_usable_cores(void);

/*===----------------------------------------------------------------------===//
 * Contexts
 *===----------------------------------------------------------------------===*/

/* Called after each kernel of a run, on the running thread. Times are of the
 * monotonic clock. */
typedef void (*sluice_kernel_callback)(void *user, int32_t kernel,
                                       int64_t begin_nanoseconds,
                                       int64_t end_nanoseconds);

typedef struct sluice_context_options {
  size_t struct_size;
  /* Threads of the context's own pool, see sluice_thread_pool_options. */
  int32_t threads;
  int32_t affinity_count;
  const int32_t *affinity;
  /* Use this pool instead of an own one; it must outlive the context. */
  sluice_thread_pool *pool;
  /* Use this instead of any pool; copied. */
  const sluice_executor *executor;
  sluice_kernel_callback on_kernel;
  void *on_kernel_user;
  /* Where random numbers start, for operators that have no seed of their own.
   * Contexts with the same seed give the same numbers, run by run, on any
   * number of threads; runs of one context give different ones. */
  uint64_t seed;
  /* Reserved, must be null: the queue of a device, and a table of collective
   * operations between ranks. */
  void *stream;
  const void *collectives;
} sluice_context_options;

#define SLUICE_CONTEXT_OPTIONS_INIT                                            \
  {sizeof(sluice_context_options),                                             \
   0,                                                                          \
   0,                                                                          \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   NULL,                                                                       \
   0,                                                                          \
   NULL,                                                                       \
   NULL}

SLUICE_API sluice_status sluice_context_create(
    const sluice_model *model, const sluice_context_options *options,
    sluice_context **context, sluice_error *error);
/* Null is ignored. */
SLUICE_API void sluice_context_destroy(sluice_context *context);
SLUICE_API const sluice_model *
sluice_context_model(const sluice_context *context);

/* What the last call on this context had to say; "" after success. Valid until
 * the next call. */
SLUICE_API const char *sluice_context_message(const sluice_context *context);

typedef struct sluice_tensor {
  sluice_dtype dtype;
  int32_t rank;
  const int64_t *dims; /* `rank` sizes; may be null for rank 0 */
  /* Distance of neighbours along each dimension, in elements; may be negative
   * or 0. Null: dense, row-major. Packed types must have none. */
  const int64_t *strides;
  const void *data; /* the first element; may be null if there are none */
  /* Where the data is. 0, the process's memory, is the only one for now; others
   * are refused. */
  int32_t memory_space;
  int32_t unused; /* must be 0 */
} sluice_tensor;

/* What an input is in runs for which it is not set: a view of the model's
 * memory. SLUICE_INVALID_ARGUMENT for inputs that must be set. */
SLUICE_API sluice_status sluice_model_input_default(const sluice_model *model,
                                                    int32_t index,
                                                    sluice_tensor *tensor);

/* Binds an input. The tensor's type and sizes are checked against the
 * signature and copied; its data is borrowed: every run reads it until another
 * tensor is bound. Dense, aligned data is read in place. Null: back to the
 * input's default, which is bound at first where there is one. */
SLUICE_API sluice_status sluice_context_set_input(sluice_context *context,
                                                  int32_t index,
                                                  const sluice_tensor *tensor);
/* Binds an input whose data is copied now; the caller's memory is not needed
 * afterwards. */
SLUICE_API sluice_status sluice_context_copy_input(sluice_context *context,
                                                   int32_t index,
                                                   const sluice_tensor *tensor);
/* Has runs write an output to the caller's memory instead of the context's.
 * `data` must be aligned for its element type. Null: back to the context's
 * own. */
SLUICE_API sluice_status sluice_context_bind_output(sluice_context *context,
                                                    int32_t index, void *data,
                                                    size_t capacity);
/* Has runs use the caller's workspace, 64-byte aligned. Null: back to the
 * context's own. */
SLUICE_API sluice_status sluice_context_bind_workspace(sluice_context *context,
                                                       void *data,
                                                       size_t capacity);

/*===----------------------------------------------------------------------===//
 * States
 *
 * A state is an output that the next run has as an input: a cache to which
 * every run appends along an axis, or numbers that it replaces. The context
 * keeps it, and runs read and continue it; neither the input nor the output has
 * to be bound. A state begins empty along its axis, or as zeros, or as its
 * input's default.
 *
 * Along the axis a state has a length and a capacity: its memory is that of a
 * dense tensor with the capacity for a size, and a run appends without touching
 * what is there. A run that would need more than the capacity fails with
 * SLUICE_BUFFER_TOO_SMALL. What a run makes of a state counts only when the run
 * has succeeded; only a state with `in_place` is left undefined by one that
 * fails.
 *
 * Setting or copying the input (sluice_context_set_input, _copy_input) makes
 * the state what the tensor holds, once, by a copy. The output
 * (sluice_context_output) is a view of the state, with strides.
 *===----------------------------------------------------------------------===*/

SLUICE_API int32_t sluice_model_state_count(const sluice_model *model);
/* Null when the index is out of range. Owned by the model. */
SLUICE_API const sluice_state_signature *
sluice_model_state(const sluice_model *model, int32_t index);
/* The index of the state whose input or output has this name, or -1. */
SLUICE_API int32_t sluice_model_find_state(const sluice_model *model,
                                           const char *name);

/* In place of an index, where a function says so. */
#define SLUICE_ALL_STATES (-1)

/* Gives a state memory of the context's for these sizes, the one along the axis
 * being the capacity, and empties it. Only needed where the model does not say
 * the capacity, or no other input the sizes. */
SLUICE_API sluice_status sluice_context_state_reserve(sluice_context *context,
                                                      int32_t index,
                                                      const int64_t *dims);
/* Has a state kept in the caller's memory, which runs read and write: dense,
 * with the sizes of `memory`, the one along the axis being the capacity.
 * `length` of it are there already; 0 without an axis, where all of it is.
 * Without `in_place` such a state is copied there at the end of each run. Null:
 * back to the context's memory, empty. */
SLUICE_API sluice_status sluice_context_bind_state(sluice_context *context,
                                                   int32_t index,
                                                   const sluice_tensor *memory,
                                                   int64_t length);
/* A view of what the state holds now, valid until the next call that changes
 * it. */
SLUICE_API sluice_status sluice_context_state(sluice_context *context,
                                              int32_t index,
                                              sluice_tensor *tensor);
/* How much there is along the axis; SLUICE_INVALID_ARGUMENT without one. */
SLUICE_API sluice_status sluice_context_state_length(sluice_context *context,
                                                     int32_t index,
                                                     int64_t *length);
/* Back to the beginning: one state, or SLUICE_ALL_STATES. */
SLUICE_API sluice_status sluice_context_state_reset(sluice_context *context,
                                                    int32_t index);
/* Forgets what is behind `length`, at most the present one. SLUICE_ALL_STATES
 * means those with an axis. */
SLUICE_API sluice_status sluice_context_state_seek(sluice_context *context,
                                                   int32_t index,
                                                   int64_t length);
/* Copies all states of another context of the same model, with their capacities
 * and sizes. */
SLUICE_API sluice_status sluice_context_state_clone(sluice_context *context,
                                                    sluice_context *source);

/* Runs the model. With static shapes and dense inputs this allocates nothing.
 * Afterwards the outputs are there; inputs and buffers stay bound. */
SLUICE_API sluice_status sluice_context_run(sluice_context *context);

/* An output of the last run. The view is valid until the next run or, for a
 * buffer of the caller, as long as that lives. Only states have strides. */
SLUICE_API sluice_status sluice_context_output(sluice_context *context,
                                               int32_t index,
                                               sluice_tensor *tensor);
/* Bytes of workspace the context holds now. */
SLUICE_API int64_t sluice_context_workspace_size(const sluice_context *context);

#ifdef __cplusplus
}
#endif
#endif /* SLUICE_SLUICE_H */
