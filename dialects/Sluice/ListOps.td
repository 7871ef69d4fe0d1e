//===- ListOps.td - Parts of tensors along the first dimension ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIST_OPS_TD
#define SLUICE_LIST_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def ElementOp : Sluice_Op<"element", [StaysInHost, NoSizeConditions]> {
  let summary = "the part of a tensor at an index of its first dimension";
  let description = [{ The index must be within the dimension. }];
  let arguments = (ins AnyRankedTensor:$list, Index:$index);
  let results = (outs AnyRankedTensor:$result);
}

def SetElementOp : Sluice_Op<"set_element", [StaysInHost, HasSizeConditions]> {
  let summary = "a tensor with another part at an index of its first dimension";
  let description = [{
    The index must be within the dimension. A loop that carries the tensor and
    does nothing else with it fills it in place.
  }];
  let arguments = (ins AnyRankedTensor:$list, Index:$index,
                       AnyRankedTensor:$element);
  let results = (outs AnyRankedTensor:$result);
}

def AppendOp : Sluice_Op<"append", [StaysInHost, HasSizeConditions]> {
  let summary = "a tensor that is one longer along its first dimension";
  let description = [{
    All elements of a list have one shape; what an empty list says of it does
    not have to be right. A loop that carries a list and does nothing else with
    it grows it in place.
  }];
  let arguments = (ins AnyRankedTensor:$list, AnyRankedTensor:$element);
  let results = (outs AnyRankedTensor:$result);
}

#endif // SLUICE_LIST_OPS_TD
