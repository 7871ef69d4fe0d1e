//===- CommandLine.cpp - The options of sluicec ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"

namespace cl = llvm::cl;

namespace {

/// LLVM's command line keeps pointers to its options, so there is one of these
/// for the whole process.
struct Parser {
  cl::OptionCategory category{"Options"};
  cl::opt<std::string> input{cl::Positional, cl::desc("<model.onnx>"),
                             cl::cat(category)};
  cl::opt<std::string> output{
      "o", cl::value_desc("file"), cl::cat(category),
      cl::desc("Where the result goes; its ending (.so, .a, .o) says what is "
               "made. Default: the model's name with .so")};
  cl::opt<std::string> emit{
      "emit", cl::value_desc("stage"), cl::cat(category),
      cl::desc("Stop at a stage: check, sluice, optimized, kernels, buffers, "
               "llvm-dialect, llvm, asm, obj, archive, so")};
  cl::opt<bool> check{"check", cl::cat(category),
                      cl::desc("Only say whether the model can be compiled")};
  cl::list<std::string> shapes{
      "shape", cl::value_desc("input=1x3x224x224"), cl::cat(category),
      cl::desc("Fix the shape of an input (? keeps a dimension)")};
  cl::list<std::string> dims{
      "dim", cl::value_desc("name=4"), cl::cat(category),
      cl::desc("Fix a symbolic dimension wherever it occurs")};
  cl::opt<std::string> cpu{
      "cpu", cl::init("native"), cl::value_desc("name"), cl::cat(category),
      cl::desc("CPU to compile for, as LLVM names it (x86-64-v3, "
               "skylake-avx512, neoverse-n1, ...); native is this machine's")};
  cl::opt<std::string> triple{
      "triple", cl::value_desc("triple"), cl::cat(category),
      cl::desc("Target triple, to compile for another machine")};
  cl::opt<std::string> convBn{
      "convbn", cl::init("deploy"), cl::value_desc("mode"), cl::cat(category),
      cl::desc("Batch normalisation behind convolutions: deploy folds constant "
               "statistics into the weights, tune also scales weights that are "
               "inputs, in every run, eval keeps both operators")};
  cl::opt<std::string> kernels{
      "kernels", cl::init("builtin"), cl::value_desc("provider"),
      cl::cat(category),
      cl::desc("Who makes the code of products and convolutions: builtin, the "
               "compiler, or onednn, a library that the artifact then needs "
               "(libdnnl); what that cannot do stays builtin")};
  cl::list<std::string> tilings{
      "tiling", cl::value_desc("node:tile_rows=4,..."), cl::cat(category),
      cl::desc("Replace the compiler's choice of tiles for a product or "
               "convolution: tile_rows, tile_vectors, unroll, row_block, "
               "column_block, depth_block, line_block, channel_block, ...")};
  cl::opt<std::string> remarks{
      "remarks", cl::ValueOptional, cl::value_desc("kinds"), cl::cat(category),
      cl::desc("Say what was fused, and why not where it nearly was; kinds "
               "(convbn, fusion, layout, constants, providers), separated by "
               "commas, "
               "default all")};
  cl::opt<std::string> name{
      "name", cl::value_desc("identifier"), cl::cat(category),
      cl::desc("The model's name in symbols and in the header; default: from "
               "the file's name")};
  cl::opt<std::string> weightsFile{
      "weights-file", cl::value_desc("name"), cl::cat(category),
      cl::desc("Put the weights into a file of this name beside the result, "
               "instead of into the result")};
  cl::opt<char> level{"O",
                      cl::Prefix,
                      cl::init('2'),
                      cl::value_desc("0-3"),
                      cl::cat(category),
                      cl::desc("Effort of optimisation")};
  cl::opt<unsigned> jobs{
      "jobs", cl::init(0), cl::value_desc("number"), cl::cat(category),
      cl::desc("Threads that compile; the result is the same for any number. "
               "Default: one for each core that may be used")};
  cl::opt<bool> printIr{
      "print-ir", cl::cat(category),
      cl::desc("Print the program after every pass that changes it")};
  cl::opt<bool> time{"time", cl::cat(category),
                     cl::desc("Print how long every pass takes")};
  cl::opt<bool> verbose{"verbose", cl::cat(category),
                        cl::desc("Say what is being done")};
};

std::optional<sluice::EmitKind> parseEmit(llvm::StringRef text) {
  using sluice::EmitKind;
  static constexpr std::pair<llvm::StringLiteral, EmitKind> names[] = {
      {"check", EmitKind::Check},
      {"sluice", EmitKind::Sluice},
      {"optimized", EmitKind::Optimized},
      {"kernels", EmitKind::Kernels},
      {"buffers", EmitKind::Buffers},
      {"llvm-dialect", EmitKind::LlvmDialect},
      {"llvm", EmitKind::LlvmIr},
      {"asm", EmitKind::Assembly},
      {"obj", EmitKind::Object},
      {"archive", EmitKind::StaticLibrary},
      {"so", EmitKind::SharedLibrary}};
  for (auto [name, kind] : names)
    if (text == name)
      return kind;
  return std::nullopt;
}

/// What the output's ending asks for.
sluice::EmitKind emitFromName(llvm::StringRef output) {
  return llvm::StringSwitch<sluice::EmitKind>(
             llvm::sys::path::extension(output))
      .Case(".a", sluice::EmitKind::StaticLibrary)
      .Case(".o", sluice::EmitKind::Object)
      .Case(".s", sluice::EmitKind::Assembly)
      .Case(".ll", sluice::EmitKind::LlvmIr)
      .Case(".mlir", sluice::EmitKind::Sluice)
      .Default(sluice::EmitKind::SharedLibrary);
}

} // namespace

std::optional<sluice::CompileOptions>
sluice::parseCommandLine(int argc, char **argv, int &exitCode) {
  static Parser parser;
  cl::HideUnrelatedOptions(parser.category);
  exitCode = static_cast<int>(CompileStatus::Usage);
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Sluice: compiles ONNX models to machine code\n\n"
          "  sluicec model.onnx -o model.so      a library that sluice-run and "
          "applications load\n"
          "  sluicec model.onnx -o model.a       an archive to link, with a "
          "header\n"
          "  sluicec model.onnx --check          lists what cannot be "
          "compiled\n",
          &llvm::errs()))
    return std::nullopt;
  auto usage = [](const llvm::Twine &message) {
    llvm::errs() << "error: " << message << "\n";
    return std::nullopt;
  };
  if (parser.input.empty())
    return usage("no model given; sluicec --help tells more");
  CompileOptions options;
  options.input = parser.input;
  options.output = parser.output;
  if (parser.check) {
    options.emit = EmitKind::Check;
  } else if (!parser.emit.empty()) {
    auto emit = parseEmit(parser.emit);
    if (!emit)
      return usage("unknown stage '" + parser.emit + "' for --emit");
    options.emit = *emit;
  } else {
    options.emit = emitFromName(options.output);
  }
  if (options.output.empty() && (options.emit == EmitKind::SharedLibrary ||
                                 options.emit == EmitKind::StaticLibrary ||
                                 options.emit == EmitKind::Object)) {
    const char *ending = options.emit == EmitKind::SharedLibrary ? ".so"
                         : options.emit == EmitKind::Object      ? ".o"
                                                                 : ".a";
    options.output = llvm::sys::path::stem(options.input).str() + ending;
  }
  if (parser.level < '0' || parser.level > '3')
    return usage("-O takes 0, 1, 2 or 3");
  options.optLevel = parser.level - '0';
  options.shapes = parser.shapes;
  options.dims = parser.dims;
  options.cpu = parser.cpu;
  if (!llvm::is_contained({"deploy", "tune", "eval"}, parser.convBn))
    return usage("--convbn takes deploy, tune or eval, not '" + parser.convBn +
                 "'");
  options.convBn = parser.convBn;
  if (!llvm::is_contained({"builtin", "onednn"}, parser.kernels))
    return usage("--kernels takes builtin or onednn, not '" + parser.kernels +
                 "'");
  options.kernels = parser.kernels;
  options.tilings = parser.tilings;
  if (parser.remarks.getNumOccurrences() > 0)
    options.remarks =
        parser.remarks.empty() ? std::string("all") : parser.remarks.getValue();
  options.triple = parser.triple;
  options.name = parser.name;
  if (parser.jobs > 1024)
    return usage("--jobs takes at most 1024");
  options.threads = parser.jobs;
  options.weightsFile = parser.weightsFile;
  options.printIrAfterAll = parser.printIr;
  options.timing = parser.time;
  options.verbose = parser.verbose;
  return options;
}
