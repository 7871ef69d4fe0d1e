/*===- primitive.h - From a kernel's description to oneDNN's ------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_ONEDNN_PRIMITIVE_H
#define SLUICE_ONEDNN_PRIMITIVE_H

#include "sluice/onednn_abi.h"

#include <oneapi/dnnl/dnnl.h>

/* The primitive that computes `kernel`, on as many threads as the calling
 * thread may use now. Its scratchpad is the caller's. */
dnnl_status_t
sluice_onednn_create_primitive_desc(const sluice_onednn_kernel *kernel,
                                    dnnl_engine_t engine,
                                    dnnl_primitive_desc_t *description);

/* The weights as the model has them. */
dnnl_status_t sluice_onednn_plain_weights(const sluice_onednn_kernel *kernel,
                                          dnnl_memory_desc_t *weights);

/* The operand of a post-op. */
dnnl_status_t sluice_onednn_post_op_operand(const sluice_onednn_kernel *kernel,
                                            sluice_onednn_operand shape,
                                            dnnl_memory_desc_t *operand);

/* How many threads oneDNN uses when this thread calls it; returns how many
 * these were before. Zero asks for as many as there are. */
int32_t sluice_onednn_set_threads(int32_t threads);

#endif
