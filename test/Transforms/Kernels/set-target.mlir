// RUN: sluice-opt %s --sluice-set-target="triple=x86_64-linux-gnu cpu=x86-64-v3" | FileCheck %s
// RUN: sluice-opt %s --sluice-set-target="triple=aarch64-linux-gnu cpu=neoverse-n1" | FileCheck %s --check-prefix=ARM
// RUN: sluice-opt %s --sluice-set-target | FileCheck %s --check-prefix=NATIVE
// RUN: sluice-opt %s --sluice-set-target | sluice-opt --sluice-set-target=cpu=x86-64 | FileCheck %s --check-prefix=LAST
// RUN: not sluice-opt %s --sluice-set-target=cpu=pentium9 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not sluice-opt %s --sluice-set-target="triple=riscv64-linux-gnu cpu=generic" 2>&1 | FileCheck %s --check-prefix=TRIPLE

// CHECK:  module attributes {kernel.target = #kernel.cpu_target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3">}
// ARM:    module attributes {kernel.target = #kernel.cpu_target<triple = "aarch64-unknown-linux-gnu", cpu = "neoverse-n1">}
// NATIVE: module attributes {kernel.target = #kernel.cpu_target<triple = "{{[^"]*linux[^"]*}}", cpu = "
// NATIVE-NOT: native
// LAST:   module attributes {kernel.target = #kernel.cpu_target<triple = "x86_64{{[^"]*}}", cpu = "x86-64">}
// CPU:    unknown CPU 'pentium9' for x86_64
// TRIPLE: unsupported target triple 'riscv64-linux-gnu': only x86_64 and aarch64 are supported
module {
}
