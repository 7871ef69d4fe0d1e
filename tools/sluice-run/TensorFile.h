//===- TensorFile.h - Tensors from and to files of any known kind --------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_TENSORFILE_H
#define SLUICE_TOOLS_SLUICERUN_TENSORFILE_H

#include "Failure.h"
#include "Tensor.h"

namespace sluice::run {

/// Reads one tensor. The ending decides: .npy, .pb (ONNX TensorProto), and
/// anything else as raw elements of the type and shape `tensor` already has.
Outcome readTensor(const std::string &path, Tensor &tensor);

/// Reads every tensor of an .npz file or a folder with .npy and .pb files.
/// Their names are the entries' or files' without the ending.
Outcome readTensors(const std::string &path, std::vector<Tensor> &tensors);

/// Writes tensors to an .npz file or, for any other name, a folder of .npy
/// files, which is made if needed.
Outcome writeTensors(const std::string &path,
                     const std::vector<Tensor> &tensors);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_TENSORFILE_H
