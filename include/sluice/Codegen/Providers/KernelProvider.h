//===- KernelProvider.h - Who makes the code of kernels ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A provider makes kernels: the compiler itself, under the name `builtin`, or a
// library that artifacts then need. Nothing else knows a library by name: what
// a compilation can choose from is a registry, which whoever builds its
// pipeline hands to the passes.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_PROVIDERS_KERNELPROVIDER_H
#define SLUICE_CODEGEN_PROVIDERS_KERNELPROVIDER_H

#include "dialects/Kernel/Kernel.h"
#include "mlir/IR/Value.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace sluice {

class KernelBuilder;
struct MachineModel;

/// What a kernel would compute: an anchor (a product or a convolution, with
/// packed weights or without) and what follows it up to `result`.
struct KernelGroup {
  mlir::Operation *anchor;
  mlir::Value result;
  /// Whether the kernel gets a value as an operand.
  llvm::function_ref<bool(mlir::Value)> isOutside;
};

/// What an artifact with a provider's kernels is linked with.
struct LinkRequirements {
  /// Sluice's own static libraries, by file name.
  std::vector<std::string> archives;
  /// Shared libraries, by path.
  std::vector<std::string> libraries;
  /// Keys and values for the artifact's metadata.
  std::vector<std::pair<std::string, std::string>> metadata;
  /// The function, in one of the archives, that the runtime calls before
  /// weights go whose code may stay (`release_weights` of the descriptor);
  /// empty: none.
  std::string releaseWeights;
};

class KernelProvider {
public:
  virtual ~KernelProvider() = default;

  /// The name in `kernel.provider` attributes and on command lines.
  virtual llvm::StringRef getName() const = 0;
  /// How messages call it.
  virtual llvm::StringRef getTitle() const = 0;
  /// For users: what it is, and what an artifact with its kernels needs.
  virtual llvm::StringRef getDescription() const = 0;

  /// Fails where there are no kernels for a machine, whatever they compute.
  virtual llvm::Error checkMachine(const MachineModel &machine) const = 0;

  /// The implementation that will compute a group, or the reason why there is
  /// none.
  virtual llvm::Expected<std::string> match(const KernelGroup &group) const = 0;

  /// Do its kernels read constant weights in panels as the builtin
  /// micro-kernels do? If not, in the order of the model, rows upright.
  virtual bool readsPanels() const = 0;

  /// Builds the code of a `kernel.func`; emits an error where it cannot.
  virtual llvm::LogicalResult emit(KernelBuilder &kernel) const = 0;

  virtual LinkRequirements getLinkRequirements() const { return {}; }
};

/// The providers that a compilation has, in the order in which they are named.
class ProviderRegistry {
public:
  void add(std::unique_ptr<KernelProvider> provider) {
    providers.push_back(std::move(provider));
  }
  /// Null where there is none of this name.
  const KernelProvider *lookup(llvm::StringRef name) const;
  /// "builtin, ...".
  std::string listNames() const;
  llvm::ArrayRef<std::unique_ptr<KernelProvider>> getProviders() const {
    return providers;
  }

private:
  std::vector<std::unique_ptr<KernelProvider>> providers;
};

/// The provider of this name; where there is none, an error at `op` says which
/// there are.
const KernelProvider *findProvider(const ProviderRegistry &registry,
                                   mlir::Operation *op, llvm::StringRef name);

/// Passes of a pipeline share one.
using Providers = std::shared_ptr<const ProviderRegistry>;

/// The compiler itself: kernels for CPUs.
std::unique_ptr<KernelProvider> createBuiltinProvider();

} // namespace sluice

#endif // SLUICE_CODEGEN_PROVIDERS_KERNELPROVIDER_H
