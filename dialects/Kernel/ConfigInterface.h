//===- ConfigInterface.h - How a kernel's code is made ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_KERNEL_CONFIGINTERFACE_H
#define SLUICE_DIALECTS_KERNEL_CONFIGINTERFACE_H

#include "dialects/Kernel/PackingInterface.h"

#include "dialects/Kernel/ConfigInterface.h.inc"

#endif // SLUICE_DIALECTS_KERNEL_CONFIGINTERFACE_H
