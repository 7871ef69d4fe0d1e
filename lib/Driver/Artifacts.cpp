//===- Artifacts.cpp - From the lowered module to files -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Artifacts.h"
#include "OutputFile.h"
#include "OutputSizes.h"
#include "States.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Artifact/ArtifactFile.h"
#include "sluice/Artifact/TypedHeader.h"
#include "sluice/Support/NodeNames.h"
#include "sluice/Target/CPU/ObjectEmitter.h"
#include "sluice/Target/CPU/SharedLinker.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace sluice {

static sluice_dtype convertType(Type type) {
  if (type.isF32())
    return SLUICE_DTYPE_F32;
  if (type.isF64())
    return SLUICE_DTYPE_F64;
  if (type.isF16())
    return SLUICE_DTYPE_F16;
  if (type.isBF16())
    return SLUICE_DTYPE_BF16;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return SLUICE_DTYPE_BOOL;
  case 8:
    return isUnsigned ? SLUICE_DTYPE_U8 : SLUICE_DTYPE_I8;
  case 16:
    return isUnsigned ? SLUICE_DTYPE_U16 : SLUICE_DTYPE_I16;
  case 32:
    return isUnsigned ? SLUICE_DTYPE_U32 : SLUICE_DTYPE_I32;
  case 64:
    return isUnsigned ? SLUICE_DTYPE_U64 : SLUICE_DTYPE_I64;
  default:
    return SLUICE_DTYPE_UNDEFINED;
  }
}

/// `attributes` holds one dictionary per tensor, as on function arguments.
static std::vector<TensorSignature> describeTensors(TypeRange types,
                                                    ArrayAttr attributes) {
  std::vector<TensorSignature> tensors;
  for (auto [i, type] : llvm::enumerate(types)) {
    auto tensor = cast<RankedTensorType>(type);
    TensorSignature signature;
    signature.dtype = convertType(tensor.getElementType());
    for (int64_t size : tensor.getShape())
      signature.dims.push_back(ShapedType::isDynamic(size) ? -1 : size);
    signature.dimNames.resize(tensor.getRank());
    auto dictionary = attributes && i < attributes.size()
                          ? dyn_cast<DictionaryAttr>(attributes[i])
                          : DictionaryAttr();
    if (dictionary) {
      if (auto name = dictionary.getAs<StringAttr>("sluice.name"))
        signature.name = name.str();
      if (auto names = dictionary.getAs<ArrayAttr>("sluice.dims"))
        for (auto [at, name] : llvm::enumerate(names))
          if (tensor.isDynamicDim(at))
            signature.dimNames[at] = cast<StringAttr>(name).str();
    }
    tensors.push_back(std::move(signature));
  }
  return tensors;
}

/// What the host function says about the defaults of the inputs.
static void describeDefaults(func::FuncOp host,
                             std::vector<TensorSignature> &inputs) {
  auto attributes = host->getAttrOfType<ArrayAttr>("sluice.inputs");
  auto offsets =
      host->getAttrOfType<DenseI64ArrayAttr>("sluice.default_offsets");
  if (!attributes || !offsets)
    return;
  for (auto [input, attribute, offset] :
       llvm::zip(inputs, attributes, offsets.asArrayRef()))
    if (offset >= 0) {
      auto value =
          cast<DictionaryAttr>(attribute).getAs<ElementsAttr>("sluice.default");
      input.defaultValue = {value.getShapedType().getShape().vec(), offset};
    }
}

/// What the providers of the module's kernels need. Only one may be told of
/// weights that go; so far, one provider beside the compiler is chosen.
static LinkRequirements collectRequirements(ModuleOp module,
                                            const ProviderRegistry &providers) {
  LinkRequirements all;
  SmallVector<StringRef> seen;
  for (auto kernel : module.getOps<kernel::FuncOp>()) {
    StringRef name = kernel.getProvider();
    const KernelProvider *provider = providers.lookup(name);
    if (!provider || llvm::is_contained(seen, name))
      continue;
    seen.push_back(name);
    LinkRequirements own = provider->getLinkRequirements();
    llvm::append_range(all.archives, own.archives);
    llvm::append_range(all.libraries, own.libraries);
    llvm::append_range(all.metadata, own.metadata);
    if (!own.releaseWeights.empty())
      all.releaseWeights = own.releaseWeights;
  }
  return all;
}

/// The extensions that a loader has to check are those of all functions.
static void addOwnFeatures(ModuleOp module, MachineModel &machine) {
  module.walk([&](FunctionOpInterface function) {
    auto target = dyn_cast_if_present<kernel::CpuTargetAttr>(
        kernel::getOwnTarget(function));
    if (!target)
      return;
    for (const std::string &feature : getMachineModel(target).requiredFeatures)
      if (!llvm::is_contained(machine.requiredFeatures, feature))
        machine.requiredFeatures.push_back(feature);
  });
}

/// What a kernel computes, for profiles. Kernels of libraries are named after
/// these as well.
static std::string getKind(kernel::FuncOp kernel) {
  if (kernel.getProvider() == kernel::builtinProvider)
    return kernel.getAnchor().str();
  return (kernel.getProvider() + "_" + kernel.getAnchor()).str();
}

llvm::Expected<DescriptorContents>
describeModel(ModuleOp module, const MachineModel &machine,
              const ProviderRegistry &providers,
              const CompileOptions &options) {
  DescriptorContents contents;
  contents.machine = machine;
  addOwnFeatures(module, contents.machine);
  contents.signature.name = getModelName(options);
  auto host = module.lookupSymbol<func::FuncOp>("sluice_host");
  auto type = cast<FunctionType>(
      host->getAttrOfType<TypeAttr>("sluice.signature").getValue());
  contents.signature.inputs = describeTensors(
      type.getInputs(), host->getAttrOfType<ArrayAttr>("sluice.inputs"));
  contents.signature.outputs = describeTensors(
      type.getResults(), host->getAttrOfType<ArrayAttr>("sluice.outputs"));
  describeDefaults(host, contents.signature.inputs);
  describeOutputSizes(host, contents.signature);
  contents.signature.states =
      describeStates(host->getAttrOfType<ArrayAttr>("sluice.inputs"));
  if (auto metadata = module->getAttrOfType<ArrayAttr>("sluice.metadata"))
    for (size_t i = 0; i + 1 < metadata.size(); i += 2)
      contents.signature.metadata.emplace_back(
          cast<StringAttr>(metadata[i]).str(),
          cast<StringAttr>(metadata[i + 1]).str());
  SymbolTable symbols(module);
  host.walk([&](kernel::LaunchOp launch) {
    auto index = static_cast<size_t>(launch.getIndex());
    if (contents.kernels.size() <= index)
      contents.kernels.resize(index + 1);
    KernelInfo &info = contents.kernels[index];
    info.name = launch.getCallee().str();
    info.kind = getKind(symbols.lookup<kernel::FuncOp>(launch.getCallee()));
    info.nodes = llvm::join(findNodeNames(launch.getLoc()), ",");
    if (auto flops = launch->getAttrOfType<FloatAttr>("flops"))
      info.flops = flops.getValueAsDouble();
    if (auto bytes = launch->getAttrOfType<FloatAttr>("bytes"))
      info.bytes = bytes.getValueAsDouble();
  });
  contents.requirements = collectRequirements(module, providers);
  llvm::append_range(contents.signature.metadata,
                     contents.requirements.metadata);
  auto integer = [&](StringRef name) {
    auto attribute = module->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : -1;
  };
  contents.workspaceBytes = integer("sluice.workspace_bytes");
  contents.livenessBound = integer("sluice.liveness_bound");
  contents.weightsBytes = getWeightsLayout(module).bytes;
  contents.weightsFile = options.weightsFile;
  return contents;
}

/// Replaces an object file by an archive of it.
static llvm::Error makeArchive(TemporaryFile &file,
                               const DescriptorContents &contents) {
  // A mapping would change with the file.
  auto object = llvm::MemoryBuffer::getFileAsStream(file.path);
  if (!object)
    return llvm::createFileError(file.path, object.getError());
  std::string name = contents.signature.name + ".o";
  llvm::NewArchiveMember member(
      llvm::MemoryBufferRef((*object)->getBuffer(), name));
  return file.write([&](llvm::raw_ostream &os) {
    return llvm::writeArchiveToStream(
        os, member, llvm::SymtabWritingMode::NormalSymtab,
        llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false);
  });
}

std::string getModelName(const CompileOptions &options) {
  return makeModelName(options.name.empty()
                           ? llvm::sys::path::stem(options.input).str()
                           : options.name);
}

/// Is something compiled that is loaded or linked?
static bool isArtifact(const CompileOptions &options) {
  return options.emit == EmitKind::Object ||
         options.emit == EmitKind::StaticLibrary ||
         options.emit == EmitKind::SharedLibrary;
}

/// A path beside the artifact.
static std::string besideOutput(const CompileOptions &options,
                                const Twine &name) {
  SmallString<256> path(options.output);
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// Sluice's own archive of this name: the tools are in bin, it is in a folder
/// for libraries beside that.
static llvm::Expected<std::string> findOwnLibrary(StringRef name,
                                                  const CompileOptions &options,
                                                  const llvm::Triple &triple) {
  SmallVector<std::string> folders;
  if (options.libraryFolder.empty()) {
    static int anchor;
    SmallString<256> prefix(llvm::sys::fs::getMainExecutable(nullptr, &anchor));
    llvm::sys::path::remove_filename(prefix);
    llvm::sys::path::remove_filename(prefix);
    std::string multiarch = (triple.getArchName() + "-linux-gnu").str();
    for (StringRef folder : {"lib", "lib64"})
      folders.push_back((prefix + "/" + folder).str());
    folders.push_back((prefix + "/lib/" + multiarch).str());
  } else {
    folders.push_back(options.libraryFolder);
  }
  for (const std::string &folder : folders)
    if (std::string path = folder + "/" + name.str();
        llvm::sys::fs::exists(path))
      return path;
  return llvm::make_error<LinkError>(("cannot find Sluice's library " + name +
                                      " in " + llvm::join(folders, ", "))
                                         .str());
}

/// Finds what an artifact's kernels need.
static llvm::Error addRequirements(SharedLinkOptions &link,
                                   const LinkRequirements &requirements,
                                   const CompileOptions &options) {
  for (const std::string &name : requirements.archives) {
    auto archive = findOwnLibrary(name, options, llvm::Triple(link.triple));
    if (!archive)
      return archive.takeError();
    link.libraries.push_back(std::move(*archive));
  }
  for (const std::string &library : requirements.libraries) {
    if (!llvm::sys::fs::exists(library))
      return llvm::make_error<LinkError>(
          "cannot find a library that kernels need: there is no " + library);
    link.libraries.push_back(library);
  }
  return llvm::Error::success();
}

std::optional<std::string> getHeaderPath(const CompileOptions &options) {
  // There is no place beside a pipe or a device.
  if (!isArtifact(options) || isStream(options.output))
    return std::nullopt;
  return besideOutput(options, getModelName(options) + ".h");
}

std::optional<std::string> getWeightsPath(const CompileOptions &options) {
  if (!isArtifact(options) || options.weightsFile.empty())
    return std::nullopt;
  return besideOutput(options, options.weightsFile);
}

/// Makes the artifact in `file`, without weights and checksums.
static llvm::Error linkArtifact(TemporaryFile &file,
                                ArrayRef<CodeBuffer> objects,
                                const DescriptorContents &contents,
                                const CompileOptions &options) {
  SharedLinkOptions link;
  link.triple = contents.machine.triple;
  link.output = file.path;
  link.displayName = options.output;
  link.inputObjects.assign(objects.begin(), objects.end());
  if (options.emit != EmitKind::SharedLibrary) {
    if (llvm::Error error = linkObject(link))
      return error;
    return options.emit == EmitKind::StaticLibrary ? makeArchive(file, contents)
                                                   : llvm::Error::success();
  }
  link.soname = llvm::sys::path::filename(options.output).str();
  link.exports = descriptorSymbols(contents.signature);
  link.lastSection = weightsSectionName.str();
  if (llvm::Error error = addRequirements(link, contents.requirements, options))
    return error;
  return linkSharedLibrary(link);
}

/// Adds the weights to the linked artifact, or writes them to `sideFile`.
static llvm::Error addWeights(StringRef path, const TemporaryFile *sideFile,
                              const DescriptorContents &contents,
                              const WeightsLayout &weights,
                              const CompileOptions &options) {
  auto artifact = ArtifactFile::open(path, options.output);
  if (!artifact)
    return artifact.takeError();
  if (sideFile || weights.bytes > 0) {
    auto checksum = sideFile ? writeWeightsFile(weights, sideFile->path,
                                                options.weightsFile)
                             : artifact->appendWeights(weights);
    if (!checksum)
      return checksum.takeError();
    if (llvm::Error error = artifact->setWeightsChecksum(
            *checksum, descriptorSymbols(contents.signature)))
      return error;
  }
  return artifact->finish(options.emit == EmitKind::SharedLibrary);
}

/// Writes the artifact, its header and its weights: all, or nothing. What was
/// there before stays until all are complete.
static llvm::Error writeArtifact(ArrayRef<CodeBuffer> objects,
                                 const DescriptorContents &contents,
                                 const WeightsLayout &weights,
                                 const CompileOptions &options) {
  auto artifact = TemporaryFile::createFor(options.output);
  if (!artifact)
    return artifact.takeError();
  std::optional<TemporaryFile> sideFile;
  if (std::optional<std::string> path = getWeightsPath(options)) {
    auto created = TemporaryFile::createFor(*path);
    if (!created)
      return created.takeError();
    sideFile.emplace(std::move(*created));
  }
  if (llvm::Error error = linkArtifact(*artifact, objects, contents, options))
    return error;
  if (llvm::Error error =
          addWeights(artifact->path, sideFile ? &*sideFile : nullptr, contents,
                     weights, options))
    return error;
  std::optional<TemporaryFile> header;
  if (std::optional<std::string> path = getHeaderPath(options)) {
    auto created = TemporaryFile::createFor(*path);
    if (!created)
      return created.takeError();
    header.emplace(std::move(*created));
    if (llvm::Error error = header->write([&](llvm::raw_ostream &os) {
          os << emitTypedHeader(contents.signature);
          return llvm::Error::success();
        }))
      return error;
  }
  if (sideFile)
    if (llvm::Error error = sideFile->moveToTarget())
      return error;
  if (llvm::Error error = artifact->moveToTarget())
    return error;
  return header ? header->moveToTarget() : llvm::Error::success();
}

CompileStatus writeMachineCode(ModuleOp module,
                               const DescriptorContents &contents,
                               const WeightsLayout &weights,
                               const CompileOptions &options,
                               llvm::raw_ostream &diagnostics) {
  auto fail = [&](CompileStatus status, llvm::Error error) {
    diagnostics << "error: " << llvm::toString(std::move(error)) << "\n";
    return status;
  };
  ObjectEmitterOptions emitOptions;
  emitOptions.machine = contents.machine;
  emitOptions.optLevel = options.optLevel;
  if (options.emit == EmitKind::LlvmIr || options.emit == EmitKind::Assembly) {
    CodeForm form = options.emit == EmitKind::LlvmIr ? CodeForm::LlvmIr
                                                     : CodeForm::Assembly;
    auto code = emitCode(module, form, emitOptions);
    if (!code)
      return fail(CompileStatus::CompileFailed, code.takeError());
    llvm::Error error =
        writeFile(options.output, [&](llvm::raw_ostream &os) -> llvm::Error {
          os.write(code->data(), code->size());
          return llvm::Error::success();
        });
    return error ? fail(CompileStatus::CannotWrite, std::move(error))
                 : CompileStatus::Success;
  }
  auto objects = emitObjects(module, "sluice." + contents.signature.name + ".",
                             emitOptions);
  if (!objects)
    return fail(CompileStatus::CompileFailed, objects.takeError());

  llvm::Error error = writeArtifact(*objects, contents, weights, options);
  if (!error)
    return CompileStatus::Success;
  CompileStatus status = error.isA<LinkError>() ? CompileStatus::CompileFailed
                                                : CompileStatus::CannotWrite;
  return fail(status, std::move(error));
}

} // namespace sluice
