//===- SharedLinker.cpp - Objects to a shared library ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Target/CPU/SharedLinker.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace sluice {
namespace {

/// A file that is removed when the scope ends or the process is interrupted,
/// unless it was renamed.
class ScratchFile {
public:
  ScratchFile() = default;
  ScratchFile(const ScratchFile &) = delete;
  ScratchFile &operator=(const ScratchFile &) = delete;
  ~ScratchFile() { discard(); }

  /// Creates `<model>` with its '%' replaced by random digits.
  Error create(const Twine &model) {
    int descriptor = -1;
    if (std::error_code code =
            sys::fs::createUniqueFile(model, descriptor, name))
      return createStringError(code, "cannot write to '" +
                                         sys::path::parent_path(model.str()) +
                                         "': " + code.message());
    sys::RemoveFileOnSignal(name);
    stream = std::make_unique<raw_fd_ostream>(descriptor, true);
    return Error::success();
  }

  Error write(StringRef bytes) {
    *stream << bytes;
    stream->close();
    std::error_code code = stream->error();
    stream->clear_error();
    if (code)
      return createStringError(code, "cannot write '" + Twine(name) +
                                         "': " + code.message());
    return Error::success();
  }

  Error renameTo(StringRef target) {
    if (std::error_code code = sys::fs::rename(name, target))
      return createStringError(code, "cannot write '" + target +
                                         "': " + code.message());
    sys::DontRemoveFileOnSignal(name);
    name.clear();
    return Error::success();
  }

  StringRef path() const { return name; }

private:
  void discard() {
    if (name.empty())
      return;
    if (stream) {
      stream->close();
      stream->clear_error();
    }
    sys::fs::remove(name);
    sys::DontRemoveFileOnSignal(name);
  }

  SmallString<128> name;
  std::unique_ptr<raw_fd_ostream> stream;
};

const char *emulationOf(const Triple &triple) {
  return triple.isAArch64() ? "aarch64linux" : "elf_x86_64";
}

/// The target's libc.so.6 and libm.so.6, or nothing.
std::vector<std::string> findSystemLibraries(const SharedLinkOptions &options,
                                             const Triple &triple) {
  std::vector<std::string> folders = options.libraryFolders;
  std::string multiarch = (triple.getArchName() + "-linux-gnu").str();
  folders.insert(folders.end(), {"/usr/" + multiarch + "/lib",
                                 "/usr/lib/" + multiarch, "/lib/" + multiarch});
  if (triple.getArch() == Triple(LLVM_HOST_TRIPLE).getArch())
    folders.insert(folders.end(), {"/lib64", "/usr/lib64", "/usr/lib"});
  for (const std::string &folder : folders) {
    std::string libc = folder + "/libc.so.6", libm = folder + "/libm.so.6";
    if (sys::fs::exists(libc) && sys::fs::exists(libm))
      return {libm, libc};
  }
  return {};
}

std::string versionScript(ArrayRef<std::string> exports) {
  std::string script = "{\n";
  if (!exports.empty())
    script += "  global: " + join(exports, "; ") + ";\n";
  return script + "  local: *;\n};\n";
}

/// Runs LLD and turns what it printed into an error.
Error runLinker(ArrayRef<std::string> arguments) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string text;
  raw_string_ostream stream(text);
  lld::Result result =
      lld::lldMain(pointers, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode == 0)
    return Error::success();
  return createStringError("linking failed: " + StringRef(text).trim());
}

/// The files of one call of the linker; the temporary ones go with it.
struct LinkJob {
  Error prepare(const SharedLinkOptions &options, StringRef ending);
  /// Runs LLD on `arguments` and the inputs, then puts the result in place.
  Error run(std::vector<std::string> arguments,
            ArrayRef<std::string> libraries);

  const SharedLinkOptions *options = nullptr;
  SmallString<128> prefix;
  ScratchFile result;
  std::vector<std::unique_ptr<ScratchFile>> objects;
};

Error LinkJob::prepare(const SharedLinkOptions &linkOptions, StringRef ending) {
  options = &linkOptions;
  StringRef folder = sys::path::parent_path(options->output);
  StringRef fileName = sys::path::filename(options->output);
  if (fileName.empty())
    return createStringError("no output file name");
  prefix = folder.empty() ? StringRef(".") : folder;
  sys::path::append(prefix, "." + fileName);
  if (Error error = result.create(prefix + ".%%%%%%" + ending))
    return error;
  for (ArrayRef<char> bytes : options->inputObjects) {
    objects.push_back(std::make_unique<ScratchFile>());
    if (Error error = objects.back()->create(prefix + ".%%%%%%.o"))
      return error;
    if (Error error =
            objects.back()->write(StringRef(bytes.data(), bytes.size())))
      return error;
  }
  return Error::success();
}

Error LinkJob::run(std::vector<std::string> arguments,
                   ArrayRef<std::string> libraries) {
  arguments.insert(arguments.end(), {"-m", emulationOf(Triple(options->triple)),
                                     "-o", result.path().str()});
  for (const auto &object : objects)
    arguments.push_back(object->path().str());
  arguments.insert(arguments.end(), options->inputFiles.begin(),
                   options->inputFiles.end());
  arguments.insert(arguments.end(), libraries.begin(), libraries.end());
  if (Error error = runLinker(arguments))
    return error;
  return result.renameTo(options->output);
}

} // namespace

Error linkSharedLibrary(const SharedLinkOptions &options) {
  LinkJob job;
  if (Error error = job.prepare(options, ".so"))
    return error;
  ScratchFile script;
  if (Error error = script.create(job.prefix + ".%%%%%%.map"))
    return error;
  if (Error error = script.write(versionScript(options.exports)))
    return error;

  std::vector<std::string> arguments = {
      "ld.lld",
      "-shared",
      "-soname",
      options.soname.empty() ? sys::path::filename(options.output).str()
                             : options.soname,
      "--version-script=" + script.path().str(),
      "--gc-sections",
      "--build-id=fast",
      "--hash-style=gnu",
      "--strip-debug",
      "-z",
      "relro",
      "-z",
      "now",
      "-z",
      "noexecstack"};
  for (const std::string &name : options.exports)
    arguments.insert(arguments.end(), {"-u", name});
  std::vector<std::string> libraries =
      findSystemLibraries(options, Triple(options.triple));
  if (!libraries.empty())
    libraries.insert(libraries.begin(), {"-z", "defs", "--as-needed"});
  return job.run(std::move(arguments), libraries);
}

Error linkObject(const SharedLinkOptions &options) {
  LinkJob job;
  if (Error error = job.prepare(options, ".o"))
    return error;
  return job.run({"ld.lld", "-r"}, {});
}

} // namespace sluice
