//===- PackingInterface.td - The order of a constant's bytes --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_PACKING_INTERFACE_TD
#define KERNEL_PACKING_INTERFACE_TD

include "mlir/IR/OpBase.td"

def PackingAttrInterface : AttrInterface<"PackingAttrInterface"> {
  let cppNamespace = "::sluice::kernel";
  let description = [{
    How a constant is reordered when the artifact is written. An encoding holds
    what decides about the order of the bytes and nothing else, so equal
    encodings of equal values are one constant. The models are external: code
    generation registers them (`registerPackings`).
  }];
  let methods = [
    InterfaceMethod<[{
        How many elements a value of this type has when it is packed; a failure,
        with its reason through `emitError`, where the encoding does not fit
        the value.
      }], "::llvm::FailureOr<int64_t>", "countElements",
      (ins "::mlir::ShapedType":$type,
           "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError)>,
    InterfaceMethod<[{
        Reorders the bytes of a value that the encoding fits, and hands them to
        `sink` in pieces, in order. `bytes` may begin anywhere.
      }], "::llvm::Error", "pack",
      (ins "::mlir::ShapedType":$type, "::llvm::ArrayRef<char>":$bytes,
           "::sluice::kernel::PackedSink":$sink)>];
}

#endif // KERNEL_PACKING_INTERFACE_TD
