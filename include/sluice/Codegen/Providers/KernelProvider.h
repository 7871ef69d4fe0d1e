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

#include "sluice/Codegen/Providers/KernelMatch.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace sluice {

class KernelBuilder;
struct MachineModel;

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

  /// Does it compute ops of this kind at all? What it does not know is built
  /// in without a remark.
  virtual bool knows(mlir::Operation *anchor) const = 0;

  /// How it computes a group, or the reason why it does not.
  virtual llvm::Expected<KernelMatch>
  match(const KernelGroup &group, const MachineModel &machine) const = 0;

  /// A group that reads constants which other kernels, too, have in an order of
  /// their own: the orders to read them in, if that is possible.
  virtual llvm::SmallVector<OperandPacking, 1>
  adopt(const KernelGroup &group, KnownPackings known) const {
    return {};
  }

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
