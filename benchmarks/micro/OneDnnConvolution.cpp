//===- OneDnnConvolution.cpp - oneDNN's convolutions to compare -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "OneDnnConvolution.h"
#ifdef SLUICE_HAVE_ONEDNN
#include <dlfcn.h>
#include <dnnl.h>
#include <memory>

using namespace sluice;

namespace {
/// A primitive with its memory; everything lives as long as the process.
struct Convolution {
  dnnl_engine_t engine = nullptr;
  dnnl_stream_t stream = nullptr;
  dnnl_primitive_t primitive = nullptr;
  dnnl_exec_arg_t arguments[3];

  bool create(const ConvolutionSpec &spec);
  bool addArgument(const_dnnl_primitive_desc_t description, dnnl_query_t query,
                   int name, int position);
};
} // namespace

bool Convolution::addArgument(const_dnnl_primitive_desc_t description,
                              dnnl_query_t query, int name, int position) {
  const dnnl_memory_desc_t *layout =
      dnnl_primitive_desc_query_md(description, query, 0);
  arguments[position].arg = name;
  return layout &&
         dnnl_memory_create(&arguments[position].memory, layout, engine,
                            DNNL_MEMORY_ALLOCATE) == dnnl_success;
}

bool Convolution::create(const ConvolutionSpec &spec) {
  // oneDNN brings an OpenMP library along.
  if (void *function = dlsym(RTLD_DEFAULT, "omp_set_num_threads"))
    reinterpret_cast<void (*)(int)>(function)(1);
  const auto &in = spec.inputSizes, &out = spec.outputSizes;
  int64_t groups = spec.groups;
  dnnl_dims_t source = {spec.batch, groups * spec.inputChannels, in[0], in[1]};
  dnnl_dims_t target = {spec.batch, groups * spec.outputChannels, out[0],
                        out[1]};
  dnnl_dims_t grouped = {groups, spec.outputChannels, spec.inputChannels,
                         spec.kernelSizes[0], spec.kernelSizes[1]};
  dnnl_dims_t strides, dilations, padsBegin, padsEnd;
  for (int d = 0; d < 2; ++d) {
    strides[d] = spec.strides[d];
    dilations[d] = spec.dilations[d] - 1;
    padsBegin[d] = spec.padsBegin[d];
    padsEnd[d] = spec.padsEnd[d];
  }
  dnnl_memory_desc_t sourceDesc, weightsDesc, targetDesc;
  auto describe = [](dnnl_memory_desc_t &desc, int rank, dnnl_dims_t dims) {
    return dnnl_memory_desc_init_by_tag(&desc, rank, dims, dnnl_f32,
                                        dnnl_format_tag_any) == dnnl_success;
  };
  bool isGrouped = groups > 1;
  if (!describe(sourceDesc, 4, source) || !describe(targetDesc, 4, target) ||
      !describe(weightsDesc, isGrouped ? 5 : 4,
                isGrouped ? grouped : grouped + 1))
    return false;
  dnnl_convolution_desc_t operation;
  if (dnnl_dilated_convolution_forward_desc_init(
          &operation, dnnl_forward_inference, dnnl_convolution_direct,
          &sourceDesc, &weightsDesc, nullptr, &targetDesc, strides, dilations,
          padsBegin, padsEnd) != dnnl_success ||
      dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success ||
      dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) !=
          dnnl_success)
    return false;
  dnnl_primitive_desc_t description;
  if (dnnl_primitive_desc_create(&description, &operation, nullptr, engine,
                                 nullptr) != dnnl_success)
    return false;
  return dnnl_primitive_create(&primitive, description) == dnnl_success &&
         addArgument(description, dnnl_query_src_md, DNNL_ARG_SRC, 0) &&
         addArgument(description, dnnl_query_weights_md, DNNL_ARG_WEIGHTS, 1) &&
         addArgument(description, dnnl_query_dst_md, DNNL_ARG_DST, 2);
}

std::function<void()>
sluice::benchmarks::makeOneDnnConvolution(const ConvolutionSpec &spec) {
  auto convolution = std::make_shared<Convolution>();
  if (!convolution->create(spec))
    return {};
  return [convolution] {
    dnnl_primitive_execute(convolution->primitive, convolution->stream, 3,
                           convolution->arguments);
    dnnl_stream_wait(convolution->stream);
  };
}
#else
std::function<void()>
sluice::benchmarks::makeOneDnnConvolution(const sluice::ConvolutionSpec &spec) {
  return {};
}
#endif
