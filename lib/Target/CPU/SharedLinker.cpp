//===- SharedLinker.cpp - Objects to a shared library ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Target/CPU/SharedLinker.h"
#include "Linker.h"
#include "sluice/Support/UniqueFile.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace sluice {
namespace {

/// A file that is removed when the scope ends or the process is interrupted,
/// unless it was renamed.
class ScratchFile {
public:
  /// Messages are about `target`, which the file serves to make.
  explicit ScratchFile(StringRef target) : target(target) {}
  ScratchFile(const ScratchFile &) = delete;
  ScratchFile &operator=(const ScratchFile &) = delete;
  ~ScratchFile() { discard(); }

  /// Creates a file whose name begins and ends with these.
  Error create(StringRef prefix, StringRef ending) {
    int descriptor = -1;
    if (std::error_code code =
            createUniqueFile(prefix, ending, descriptor, name)) {
      name.clear();
      return fail(code);
    }
    stream = std::make_unique<raw_fd_ostream>(descriptor, true);
    return Error::success();
  }

  Error write(StringRef bytes) {
    *stream << bytes;
    stream->close();
    std::error_code code = stream->error();
    stream->clear_error();
    if (code)
      return fail(code);
    return Error::success();
  }

  /// Finds out whether so many bytes can be written.
  Error tryToFill(uint64_t bytes) {
    int descriptor = -1;
    std::error_code code = sys::fs::openFileForWrite(
        name, descriptor, sys::fs::CD_OpenExisting, sys::fs::OF_None);
    if (code)
      return fail(code);
    if (fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)) != 0)
      code = std::error_code(errno, std::generic_category());
    bool isUnknown = code == std::errc::operation_not_supported;
    if (std::error_code shrinking = sys::fs::resize_file(descriptor, 0))
      code = shrinking;
    sys::Process::SafelyCloseFileDescriptor(descriptor);
    return code && !isUnknown ? fail(code) : Error::success();
  }

  Error renameTo(StringRef path) {
    if (std::error_code code = sys::fs::rename(name, path))
      return fail(code);
    sys::DontRemoveFileOnSignal(name);
    name.clear();
    return Error::success();
  }

  StringRef path() const { return name; }

private:
  Error fail(std::error_code code) const {
    return createStringError(code, "cannot write '" + target +
                                       "': " + code.message());
  }

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

  std::string target;
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

/// Adds to LLD's own layout. It pads the data that becomes read-only to a page,
/// so what follows begins on one.
std::string lastSectionScript(StringRef section) {
  return ("SECTIONS { " + section + " : { *(" + section +
          ") } } INSERT AFTER .relro_padding;\n")
      .str();
}

/// LLD takes a % in the path of its output for a place to fill in, and then
/// finds no such folder. This leads to the folder by its number.
class NumberedFolder {
public:
  NumberedFolder() = default;
  NumberedFolder(const NumberedFolder &) = delete;
  NumberedFolder &operator=(const NumberedFolder &) = delete;
  ~NumberedFolder() {
    if (number >= 0)
      close(number);
  }

  /// The path of a file in an existing folder.
  std::string open(StringRef path) {
    std::string folder = sys::path::parent_path(path).str();
    number = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (number < 0)
      return path.str();
    return ("/proc/self/fd/" + Twine(number) + "/" + sys::path::filename(path))
        .str();
  }

private:
  int number = -1;
};

/// The files of one call of the linker; the temporary ones go with it.
struct LinkJob {
  explicit LinkJob(const SharedLinkOptions &options)
      : options(options),
        target(options.displayName.empty() ? options.output
                                           : options.displayName),
        result(target) {}

  Error prepare(StringRef ending);
  /// Runs LLD on `arguments` and the inputs, then puts the result in place.
  Error run(std::vector<std::string> arguments,
            ArrayRef<std::string> libraries);

  const SharedLinkOptions &options;
  std::string target;
  SmallString<128> prefix;
  uint64_t inputBytes = 0;
  ScratchFile result;
  std::vector<std::unique_ptr<ScratchFile>> objects;
};

Error LinkJob::prepare(StringRef ending) {
  StringRef folder = sys::path::parent_path(options.output);
  StringRef fileName = sys::path::filename(options.output);
  if (fileName.empty())
    return createStringError("no output file name");
  // LLD would take a name that begins with - for an option.
  prefix = sys::path::is_absolute(folder) ? "" : "./";
  prefix += folder;
  sys::path::append(prefix, "." + fileName);
  if (Error error = result.create(prefix, ending))
    return error;
  for (const std::string &file : options.inputFiles) {
    uint64_t bytes = 0;
    if (std::error_code code = sys::fs::file_size(file, bytes))
      return createStringError(code,
                               "cannot read '" + file + "': " + code.message());
    inputBytes += bytes;
  }
  for (ArrayRef<char> bytes : options.inputObjects) {
    inputBytes += bytes.size();
    objects.push_back(std::make_unique<ScratchFile>(target));
    if (Error error = objects.back()->create(prefix, ".o"))
      return error;
    if (Error error =
            objects.back()->write(StringRef(bytes.data(), bytes.size())))
      return error;
  }
  return Error::success();
}

Error LinkJob::run(std::vector<std::string> arguments,
                   ArrayRef<std::string> libraries) {
  std::string path = result.path().str();
  NumberedFolder folder;
  if (sys::path::parent_path(path).contains('%'))
    path = folder.open(path);
  // Writing to a mapped file would end the process when the disk is full.
  arguments.insert(arguments.end(),
                   {// There is little to link, and LLD ends the process where
                    // it can have no threads.
                    "--threads=1", "--no-mmap-output-file", "-m",
                    emulationOf(Triple(options.triple)), "-o", path});
  for (const auto &object : objects)
    arguments.push_back(object->path().str());
  arguments.insert(arguments.end(), options.inputFiles.begin(),
                   options.inputFiles.end());
  arguments.insert(arguments.end(), libraries.begin(), libraries.end());
  // LLD writes through a mapping, where a full disk would be a SIGBUS.
  constexpr uint64_t linkerData = 64 << 10;
  if (Error error = result.tryToFill(inputBytes + linkerData))
    return error;
  // LLD's state belongs to the process.
  static Linker linker(&lld::elf::link);
  if (Error error = linker.run(arguments))
    return error;
  return result.renameTo(options.output);
}

} // namespace

Error linkSharedLibrary(const SharedLinkOptions &options) {
  LinkJob job(options);
  if (Error error = job.prepare(".so"))
    return error;
  ScratchFile script(job.target);
  if (Error error = script.create(job.prefix, ".map"))
    return error;
  if (Error error = script.write(versionScript(options.exports)))
    return error;

  ScratchFile layout(job.target);
  if (!options.lastSection.empty()) {
    if (Error error = layout.create(job.prefix, ".ld"))
      return error;
    if (Error error = layout.write(lastSectionScript(options.lastSection)))
      return error;
  }

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
  if (!layout.path().empty())
    arguments.push_back("--script=" + layout.path().str());
  std::vector<std::string> system =
      findSystemLibraries(options, Triple(options.triple));
  std::vector<std::string> libraries;
  if (!system.empty())
    libraries = {"-z", "defs", "--as-needed"};
  libraries.insert(libraries.end(), options.libraries.begin(),
                   options.libraries.end());
  libraries.insert(libraries.end(), system.begin(), system.end());
  return job.run(std::move(arguments), libraries);
}

Error linkObject(const SharedLinkOptions &options) {
  LinkJob job(options);
  if (Error error = job.prepare(".o"))
    return error;
  return job.run({"ld.lld", "-r"}, {});
}

} // namespace sluice
