//===- Routing.h - Which experts a token goes to ----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_ROUTING_H
#define SLUICE_DIALECTS_SLUICE_ROUTING_H

#include "dialects/Sluice/Sluice.h"

#include "dialects/Sluice/RoutingEnums.h.inc"
#define GET_OP_CLASSES
#include "dialects/Sluice/RoutingOps.h.inc"

#endif // SLUICE_DIALECTS_SLUICE_ROUTING_H
