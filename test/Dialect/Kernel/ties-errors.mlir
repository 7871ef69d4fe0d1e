// RUN: sluice-opt %s --split-input-file --verify-diagnostics

func.func @count(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has 2 ties for 1 results}}
  %0 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0, -1>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{result 0 is tied to input 1, which does not exist}}
  %0 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 1>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @types(%x: tensor<4xf32>) -> tensor<4xf16> {
  // expected-error @+1 {{result 0 of type 'tensor<4xf16>' cannot be written over input 0 of type 'tensor<4xf32>'}}
  %0 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

func.func @shapes(%x: tensor<?xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cannot be written over input 0 of type 'tensor<?xf32>'}}
  %0 = kernel.call @k ins(%x : tensor<?xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // expected-error @+1 {{input 0 is tied to two results}}
  %0:2 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0, 0>} -> tensor<4xf32>, tensor<4xf32>
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @later(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // expected-error @+1 {{input 0, which is written over, is used at the same time or later}}
  %0 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  // expected-note @+1 {{here}}
  %1 = kernel.call @l ins(%x : tensor<4xf32>) sizes() -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @same_time(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+2 {{input 0, which is written over, is used at the same time or later}}
  // expected-note @+1 {{here}}
  %0 = kernel.call @k ins(%x, %x : tensor<4xf32>, tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A view is the same memory, whichever of the two the call has.
func.func @view(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>) {
  %view = kernel.alias %x sizes() : tensor<4xf32> -> tensor<2x2xf32>
  // expected-error @+1 {{input 0, which is written over, is used at the same time or later}}
  %0 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  // expected-note @+1 {{here}}
  return %0, %view : tensor<4xf32>, tensor<2x2xf32>
}

// -----

func.func @of_view(%x: tensor<4xf32>) -> (tensor<2x2xf32>, tensor<4xf32>) {
  %view = kernel.alias %x sizes() : tensor<4xf32> -> tensor<2x2xf32>
  // expected-error @+1 {{input 0, which is written over, is used at the same time or later}}
  %0 = kernel.call @k ins(%view : tensor<2x2xf32>) sizes() {ties = array<i64: 0>} -> tensor<2x2xf32>
  // expected-note @+1 {{here}}
  return %0, %x : tensor<2x2xf32>, tensor<4xf32>
}

// -----

// What a branch hands on is the same memory too.
func.func @branch(%c: i1, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %chosen = scf.if %c -> (tensor<4xf32>) {
    scf.yield %x : tensor<4xf32>
  } else {
    scf.yield %y : tensor<4xf32>
  }
  // expected-error @+1 {{input 0, which is written over, is used at the same time or later}}
  %0 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  // expected-note @+1 {{here}}
  return %0, %chosen : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @chosen(%c: i1, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %chosen = arith.select %c, %x, %y : tensor<4xf32>
  // expected-error @+1 {{input 0, which is written over, may be part of another tensor}}
  %0 = kernel.call @k ins(%chosen : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The second step would read what the first one has overwritten.
func.func @loop(%x: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 3 : index
  %last = scf.for %i = %zero to %end step %one iter_args(%carried = %s) -> tensor<4xf32> {
    // expected-error @+1 {{input 0, which is written over, is made in another block}}
    %0 = kernel.call @k ins(%x, %carried : tensor<4xf32>, tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
    scf.yield %0 : tensor<4xf32>
  }
  return %last : tensor<4xf32>
}

// -----

func.func @agree(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has other ties than kernel 'k'}}
  %0 = kernel.call @k ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
kernel.func @k "map" {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{result 0 of type 'tensor<4xf16>' cannot be written over input 0 of type 'tensor<4xf32>'}}
kernel.func @kernel_types "map" attributes {ties = array<i64: 0>} {
^bb0(%x: tensor<4xf32>):
  %0 = sluice.cast %x : (tensor<4xf32>) -> tensor<4xf16>
  kernel.yield %0 : tensor<4xf16>
}

// -----

func.func @updated(%frame: !llvm.ptr, %x: memref<4xf32>) {
  // expected-error @+1 {{updated input 1 does not exist}}
  kernel.launch @k[0] (%frame) ins(%x : memref<4xf32>) outs() {updated = array<i64: 1>}
  return
}

// -----

// expected-error @+1 {{input 0 cannot be written over: it is strided}}
kernel.func @strided "map" attributes {strided = array<i64: 0, -1>, ties = array<i64: 0>} {
^bb0(%x: tensor<4xf32>, %y: tensor<4xf32>):
  %0 = sluice.add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}

// -----

func.func @sizes(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{has 0 sizes for 1 dynamic dimensions of its results}}
  %0 = kernel.call @k ins(%x : tensor<?xf32>) sizes() -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
