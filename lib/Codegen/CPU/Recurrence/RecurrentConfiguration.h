//===- RecurrentConfiguration.h - What was chosen about a cell --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_RECURRENCE_RECURRENTCONFIGURATION_H
#define SLUICE_LIB_CODEGEN_CPU_RECURRENCE_RECURRENTCONFIGURATION_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// The configuration of the kernel of a recurrent cell; an error at the cell
/// where there is none that fits it and the target.
mlir::FailureOr<kernel::CpuRecurrenceAttr>
readRecurrentConfiguration(KernelBuilder &kernel,
                           RecurrentCellOpInterface cell);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_RECURRENCE_RECURRENTCONFIGURATION_H
