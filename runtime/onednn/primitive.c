/*===- primitive.c - From a kernel's description to oneDNN's ------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "primitive.h"

#include <stdbool.h>
#include <string.h>

/* oneDNN brings its OpenMP library along; a build of it without OpenMP has
 * threads that nobody sets. */
__attribute__((weak)) void omp_set_num_threads(int threads);
__attribute__((weak)) int omp_get_max_threads(void);
__attribute__((weak)) int omp_get_num_procs(void);

int32_t sluice_onednn_set_threads(int32_t threads) {
  if (!omp_set_num_threads || !omp_get_max_threads || !omp_get_num_procs)
    return threads;
  int before = omp_get_max_threads();
  omp_set_num_threads(threads > 0 ? threads : omp_get_num_procs());
  return before;
}

static bool is_convolution(const sluice_onednn_kernel *kernel) {
  return kernel->kind == SLUICE_ONEDNN_CONVOLUTION;
}

static dnnl_format_tag_t image_tag(int64_t rank) {
  return rank == 3 ? dnnl_nwc : rank == 4 ? dnnl_nhwc : dnnl_ndhwc;
}

static dnnl_format_tag_t weights_tag(const sluice_onednn_kernel *kernel) {
  if (kernel->groups > 1)
    return kernel->rank == 3   ? dnnl_goiw
           : kernel->rank == 4 ? dnnl_goihw
                               : dnnl_goidhw;
  return kernel->rank == 3   ? dnnl_oiw
         : kernel->rank == 4 ? dnnl_oihw
                             : dnnl_oidhw;
}

/* A dense tensor, images channels-last. */
static dnnl_status_t describe_dense(const sluice_onednn_kernel *kernel,
                                    const int64_t *sizes,
                                    dnnl_memory_desc_t *result) {
  int rank = (int)kernel->rank;
  if (is_convolution(kernel))
    return dnnl_memory_desc_init_by_tag(result, rank, sizes, dnnl_f32,
                                        image_tag(rank));
  dnnl_dims_t strides;
  int64_t stride = 1;
  for (int i = rank; i-- > 0;) {
    strides[i] = stride;
    stride *= sizes[i];
  }
  return dnnl_memory_desc_init_by_strides(result, rank, sizes, dnnl_f32,
                                          strides);
}

static dnnl_status_t describe_source(const sluice_onednn_kernel *kernel,
                                     dnnl_memory_desc_t *result) {
  if (is_convolution(kernel))
    return describe_dense(kernel, kernel->source, result);
  return dnnl_memory_desc_init_by_strides(result, (int)kernel->rank,
                                          kernel->source, dnnl_f32,
                                          kernel->source_strides);
}

static int weights_rank(const sluice_onednn_kernel *kernel) {
  return (int)kernel->rank + (is_convolution(kernel) && kernel->groups > 1);
}

dnnl_status_t sluice_onednn_plain_weights(const sluice_onednn_kernel *kernel,
                                          dnnl_memory_desc_t *weights) {
  if (is_convolution(kernel))
    return dnnl_memory_desc_init_by_tag(weights, weights_rank(kernel),
                                        kernel->weights, dnnl_f32,
                                        weights_tag(kernel));
  return dnnl_memory_desc_init_by_strides(weights, weights_rank(kernel),
                                          kernel->weights, dnnl_f32,
                                          kernel->weights_strides);
}

/* Constant weights come in the layout that oneDNN likes best. */
static dnnl_status_t describe_weights(const sluice_onednn_kernel *kernel,
                                      dnnl_memory_desc_t *weights) {
  if (!kernel->constant_weights)
    return sluice_onednn_plain_weights(kernel, weights);
  return dnnl_memory_desc_init_by_tag(weights, weights_rank(kernel),
                                      kernel->weights, dnnl_f32,
                                      dnnl_format_tag_any);
}

static dnnl_status_t describe_bias(const sluice_onednn_kernel *kernel,
                                   dnnl_memory_desc_t *bias) {
  if (is_convolution(kernel))
    return dnnl_memory_desc_init_by_tag(bias, 1, &kernel->destination[1],
                                        dnnl_f32, dnnl_a);
  return sluice_onednn_post_op_operand(kernel, SLUICE_ONEDNN_ROW, bias);
}

dnnl_status_t sluice_onednn_post_op_operand(const sluice_onednn_kernel *kernel,
                                            sluice_onednn_operand shape,
                                            dnnl_memory_desc_t *operand) {
  int64_t rank = kernel->rank;
  int64_t column = is_convolution(kernel) ? 1 : rank - 1;
  dnnl_dims_t sizes;
  for (int64_t i = 0; i < rank; ++i)
    sizes[i] = shape == SLUICE_ONEDNN_FULL ||
                       (shape == SLUICE_ONEDNN_ROW && i == column)
                   ? kernel->destination[i]
                   : 1;
  return describe_dense(kernel, sizes, operand);
}

static dnnl_alg_kind_t algorithm_of(int64_t operation) {
  static const dnnl_alg_kind_t algorithms[] = {
      dnnl_eltwise_linear,    dnnl_eltwise_relu,      dnnl_eltwise_clip,
      dnnl_eltwise_tanh,      dnnl_eltwise_logistic,  dnnl_eltwise_elu,
      dnnl_eltwise_gelu_erf,  dnnl_eltwise_gelu_tanh, dnnl_eltwise_swish,
      dnnl_eltwise_hardswish, dnnl_eltwise_abs,       dnnl_eltwise_sqrt,
      dnnl_eltwise_exp,       dnnl_eltwise_square,    dnnl_binary_add,
      dnnl_binary_sub,        dnnl_binary_mul,        dnnl_binary_div,
      dnnl_binary_max,        dnnl_binary_min};
  int64_t count = sizeof algorithms / sizeof *algorithms;
  return operation >= 0 && operation < count ? algorithms[operation]
                                             : dnnl_alg_kind_undef;
}

static dnnl_status_t append_post_ops(const sluice_onednn_kernel *kernel,
                                     dnnl_post_ops_t chain) {
  dnnl_status_t status = dnnl_success;
  for (int64_t i = 0; i < kernel->post_op_count && status == dnnl_success;
       ++i) {
    const sluice_onednn_post_op *op = &kernel->post_ops[i];
    dnnl_alg_kind_t algorithm = algorithm_of(op->operation);
    dnnl_memory_desc_t operand;
    if (op->operand == SLUICE_ONEDNN_NONE) {
      status = dnnl_post_ops_append_eltwise(chain, 1.0f, algorithm,
                                            (float)op->alpha, (float)op->beta);
      continue;
    }
    status = sluice_onednn_post_op_operand(
        kernel, (sluice_onednn_operand)op->operand, &operand);
    if (status == dnnl_success)
      status = dnnl_post_ops_append_binary(chain, algorithm, &operand);
  }
  return status;
}

/* The attributes hold a copy of the post-ops. */
static dnnl_status_t create_attributes(const sluice_onednn_kernel *kernel,
                                       dnnl_primitive_attr_t *attributes) {
  dnnl_status_t status = dnnl_primitive_attr_create(attributes);
  if (status != dnnl_success)
    return status;
  status = dnnl_primitive_attr_set_scratchpad_mode(*attributes,
                                                   dnnl_scratchpad_mode_user);
  dnnl_post_ops_t chain = NULL;
  if (status == dnnl_success)
    status = dnnl_post_ops_create(&chain);
  if (status == dnnl_success)
    status = append_post_ops(kernel, chain);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_post_ops(*attributes, chain);
  if (chain)
    dnnl_post_ops_destroy(chain);
  if (status != dnnl_success)
    dnnl_primitive_attr_destroy(*attributes);
  return status;
}

/* The operation without its post-ops. */
union operation {
  dnnl_matmul_desc_t matmul;
  dnnl_convolution_desc_t convolution;
};

static dnnl_status_t describe_operation(const sluice_onednn_kernel *kernel,
                                        union operation *operation) {
  dnnl_memory_desc_t source, weights, bias, destination;
  dnnl_status_t status = describe_source(kernel, &source);
  if (status == dnnl_success)
    status = describe_weights(kernel, &weights);
  if (status == dnnl_success)
    status = describe_dense(kernel, kernel->destination, &destination);
  if (status == dnnl_success && kernel->has_bias)
    status = describe_bias(kernel, &bias);
  if (status != dnnl_success)
    return status;
  const dnnl_memory_desc_t *given_bias = kernel->has_bias ? &bias : NULL;
  if (!is_convolution(kernel))
    return dnnl_matmul_desc_init(&operation->matmul, &source, &weights,
                                 given_bias, &destination);
  dnnl_dims_t dilations = {0};
  for (int64_t i = 0; i + 2 < kernel->rank; ++i)
    dilations[i] = kernel->dilations[i] - 1;
  /* The direct method: Winograd's is less exact. */
  return dnnl_dilated_convolution_forward_desc_init(
      &operation->convolution, dnnl_forward_inference, dnnl_convolution_direct,
      &source, &weights, given_bias, &destination, kernel->strides, dilations,
      kernel->pads_begin, kernel->pads_end);
}

dnnl_status_t
sluice_onednn_create_primitive_desc(const sluice_onednn_kernel *kernel,
                                    dnnl_engine_t engine,
                                    dnnl_primitive_desc_t *description) {
  union operation operation;
  dnnl_status_t status = describe_operation(kernel, &operation);
  if (status != dnnl_success)
    return status;
  dnnl_primitive_attr_t attributes;
  status = create_attributes(kernel, &attributes);
  if (status != dnnl_success)
    return status;
  status = dnnl_primitive_desc_create(description, &operation, attributes,
                                      engine, NULL);
  dnnl_primitive_attr_destroy(attributes);
  return status;
}

/* Whether constant weights have to be copied for the primitive. */
static bool copies_weights(const sluice_onednn_kernel *kernel,
                           dnnl_primitive_desc_t description) {
  dnnl_memory_desc_t plain;
  return kernel->constant_weights &&
         sluice_onednn_plain_weights(kernel, &plain) == dnnl_success &&
         !dnnl_memory_desc_equal(
             &plain, dnnl_primitive_desc_query_md(description,
                                                  dnnl_query_weights_md, 0));
}

int32_t sluice_onednn_inspect(const sluice_onednn_kernel *kernel,
                              int32_t threads, sluice_onednn_report *report) {
  memset(report, 0, sizeof *report);
  int32_t before = sluice_onednn_set_threads(threads);
  dnnl_engine_t engine = NULL;
  dnnl_primitive_desc_t description = NULL;
  dnnl_status_t status = dnnl_engine_create(&engine, dnnl_cpu, 0);
  if (status == dnnl_success)
    status = sluice_onednn_create_primitive_desc(kernel, engine, &description);
  const char *name = NULL;
  if (status == dnnl_success)
    status = dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0,
                                       &name);
  if (status == dnnl_success) {
    strncpy(report->implementation, name, sizeof report->implementation - 1);
    report->is_reference = strncmp(name, "ref", 3) == 0;
    report->copies_weights = copies_weights(kernel, description);
    report->scratch_size = (int64_t)dnnl_memory_desc_get_size(
        dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0));
  }
  if (description)
    dnnl_primitive_desc_destroy(description);
  if (engine)
    dnnl_engine_destroy(engine);
  sluice_onednn_set_threads(before);
  return (int32_t)status;
}
