// RUN: sluice-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{takes and yields tensors until its code is emitted}}
kernel.func @mixed "map" {
^bb0(%x: tensor<4xf32>, %y: memref<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{yields nothing once its code is emitted}}
kernel.func @result "map" {
^bb0(%frame: !llvm.ptr, %x: memref<4xf32>):
  kernel.yield %x : memref<4xf32>
}

// -----

// expected-error @+1 {{takes buffers and numbers behind the frame, not 'tensor<4xf32>'}}
kernel.func @argument "map" {
^bb0(%frame: !llvm.ptr, %x: tensor<4xf32>):
}

// -----

// expected-error @+1 {{yielded values and the type's results differ}}
"kernel.func"() <{sym_name = "type", anchor = "map", function_type = (tensor<4xf32>) -> tensor<5xf32>}> ({
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}) : () -> ()

// -----

// expected-error @+1 {{type of entry block argument #0('tensor<4xf32>') must match the type of the corresponding argument in function signature('tensor<5xf32>')}}
"kernel.func"() <{sym_name = "arguments", anchor = "map", function_type = (tensor<5xf32>) -> tensor<4xf32>}> ({
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}) : () -> ()

// -----

// expected-error @+1 {{expects region #0 to have 0 or 1 blocks}}
kernel.func @blocks "map" {
^bb0(%frame: !llvm.ptr):
  cf.br ^bb1
^bb1:
  kernel.yield
}

// -----

// expected-error @+1 {{needs one strided dimension per argument}}
kernel.func @strided "map" attributes {strided = array<i64: 0, 1>} {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}
