//===- CommandLine.cpp - The options of sluicec ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "Completion.h"
#include "Completions.h"
#include "Nearest.h"
#include "sluice/Import/Importer.h"
#include "sluice/Pipeline/Pipeline.h"
#include "sluice/Support/Version.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatAdapters.h"
#include "llvm/Support/Path.h"

namespace cl = llvm::cl;
using sluice::EmitKind;

/// Who there is to make kernels, for --help.
static std::string describeProviders() {
  std::string text = "Who makes the code of products and convolutions:";
  sluice::Providers providers = sluice::createProviders();
  for (const auto &provider : providers->getProviders())
    text +=
        ("\n" + provider->getName() + ": " + provider->getDescription()).str();
  return text;
}

namespace {

struct Stage {
  const char *name;
  EmitKind kind;
};

constexpr Stage stages[] = {
    {"check", EmitKind::Check},         {"sluice", EmitKind::Sluice},
    {"optimized", EmitKind::Optimized}, {"kernels", EmitKind::Kernels},
    {"buffers", EmitKind::Buffers},     {"llvm-dialect", EmitKind::LlvmDialect},
    {"llvm", EmitKind::LlvmIr},         {"asm", EmitKind::Assembly},
    {"obj", EmitKind::Object},          {"archive", EmitKind::StaticLibrary},
    {"so", EmitKind::SharedLibrary}};

/// LLVM's command line keeps pointers to its options, so there is one of these
/// for the whole process.
struct Parser {
  cl::OptionCategory output{"What is written"};
  cl::OptionCategory inputs{"Inputs of the model"};
  cl::OptionCategory target{"Target machine"};
  cl::OptionCategory effort{"Optimisation"};
  cl::OptionCategory insight{"Looking inside"};

  cl::opt<std::string> input{cl::Positional, cl::desc("<model.onnx>"),
                             cl::cat(output)};
  cl::opt<std::string> file{
      "o", cl::value_desc("file"), cl::cat(output),
      cl::desc("Where the result goes. Its ending says what is made: .so, .a,\n"
               ".o (with a C header beside it), .s, .ll, .mlir; - is the\n"
               "standard output. Default: the model's name with .so")};
  cl::opt<std::string> emit{
      "emit", cl::value_desc("stage"), cl::cat(output),
      cl::desc("Stop at a stage, whatever the ending: check, sluice,\n"
               "optimized, kernels, buffers, llvm-dialect, llvm, asm, obj,\n"
               "archive, so")};
  cl::opt<std::string> name{
      "name", cl::value_desc("identifier"), cl::cat(output),
      cl::desc("The model's name in symbols and in the header. Default: from\n"
               "the file's name")};
  cl::opt<std::string> weightsFile{
      "weights-file", cl::value_desc("name"), cl::cat(output),
      cl::desc("Put the weights into a file of this name beside the result,\n"
               "instead of into the result")};
  cl::list<std::string> shapes{
      "shape", cl::value_desc("x=1x3x9x9"), cl::cat(inputs),
      cl::desc("Fix the shape of an input (? keeps a dimension); may be\n"
               "repeated")};
  cl::list<std::string> dims{
      "dim", cl::value_desc("batch=4"), cl::cat(inputs),
      cl::desc("Fix a symbolic dimension wherever it occurs, or, as x[0]=4,\n"
               "that of an input; may be repeated")};
  cl::list<std::string> overridable{
      "overridable", cl::value_desc("input"), cl::cat(inputs),
      cl::desc(
          "Keep an input that has a default value in the file: runs may\n"
          "set it or not; may be repeated. Without this it is a constant")};
  cl::opt<bool> keepDefaults{
      "keep-defaults", cl::cat(inputs),
      cl::desc("Keep all inputs that have default values. (Old files list all\n"
               "weights as such inputs, and are slow that way)")};
  cl::list<std::string> states{
      "state", cl::value_desc("output:input[@axis[,capacity=N]]"),
      cl::cat(inputs),
      cl::desc("Keep an output as the state that is this input of the next\n"
               "run. With an axis, runs append to what is there and do not\n"
               "copy it; may be repeated")};
  cl::opt<std::string> cpu{
      "cpu", cl::init("native"), cl::value_desc("name"), cl::cat(target),
      cl::desc("CPU to compile for, as LLVM names it (x86-64-v3,\n"
               "skylake-avx512, neoverse-n1, ...); native is this machine's,\n"
               "and the default")};
  cl::opt<std::string> triple{
      "triple", cl::value_desc("triple"), cl::cat(target),
      cl::desc("Compile for another machine, such as aarch64-linux-gnu")};
  cl::opt<char> level{"O",
                      cl::Prefix,
                      cl::init('2'),
                      cl::value_desc("0-3"),
                      cl::cat(effort),
                      cl::desc("Effort of optimisation. Default: 2")};
  cl::opt<std::string> convBn{
      "convbn", cl::init("deploy"), cl::value_desc("mode"), cl::cat(effort),
      cl::desc("Batch normalisation behind convolutions. deploy, the default,\n"
               "folds constant statistics into the weights; tune also scales\n"
               "weights that are inputs, in every run; eval keeps both")};
  cl::opt<std::string> moe{
      "moe", cl::init("routed"), cl::value_desc("mode"), cl::cat(effort),
      cl::desc("Sums over all experts of a layer. routed, the default,\n"
               "computes those with gates other than zero; exact keeps all")};
  std::string kernelsHelp = describeProviders();
  cl::opt<std::string> kernels{"kernels", cl::init("builtin"),
                               cl::value_desc("provider"), cl::cat(effort),
                               cl::desc(kernelsHelp)};
  cl::opt<bool> emulateDotUnits{
      "emulate-dot-units", cl::cat(effort),
      cl::desc("Spell out in plain arithmetic what multiplies: slow, to test\n"
               "the kernels of instructions that this CPU lacks")};
  cl::opt<bool> keepSubnormals{
      "keep-subnormals", cl::cat(effort),
      cl::desc(
          "Products, convolutions and recurrences otherwise count numbers\n"
          "below 1.2e-38 as zero, as they take many times as long")};
  cl::list<std::string> tilings{
      "tiling", cl::value_desc("node:tile_rows=4,..."), cl::cat(effort),
      cl::desc("Replace the compiler's choice of tiles for a product or\n"
               "convolution: tile_rows, tile_vectors, unroll, row_block,\n"
               "column_block, depth_block, line_block, channel_block, ...;\n"
               "may be repeated")};
  cl::opt<unsigned> jobs{
      "jobs", cl::init(0), cl::value_desc("number"), cl::cat(effort),
      cl::desc("Threads that compile; the result is the same for any number.\n"
               "Default: one for each core that may be used")};
  cl::opt<bool> check{
      "check", cl::cat(insight),
      cl::desc("Only say whether the model can be compiled, and "
               "list every\nnode that cannot")};
  cl::opt<bool> listOperators{
      "list-ops", cl::cat(insight),
      cl::desc("List the operators that can be compiled, each with the oldest\n"
               "opset of models in which it is accepted, and stop")};
  cl::opt<std::string> remarks{
      "remarks", cl::ValueOptional, cl::value_desc("kinds"), cl::cat(insight),
      cl::desc(
          "Say what was fused or computed ahead of all runs, and why not\n"
          "where it nearly was. Kinds,\n"
          "separated by commas: attention, constants, convbn, experts,\n"
          "fusion, layout, memory, packing, providers, state. Default: all")};
  cl::list<std::string> without{
      "without", cl::value_desc("pass"), cl::cat(insight),
      cl::desc(
          "Leave out an optimisation of the graph, to see what it gains or\n"
          "whether it is at fault; may be repeated. Passes have the names\n"
          "that --print-ir tells and sluice-opt takes")};
  cl::opt<bool> printIr{
      "print-ir", cl::cat(insight),
      cl::desc("Print the program after every pass that changes it")};
  cl::opt<bool> verifyEachPass{
      "verify-each", cl::cat(insight),
      cl::desc("Verify the program after every pass, for who works on passes")};
  cl::opt<bool> time{"time", cl::cat(insight),
                     cl::desc("Print how long every pass takes")};
  cl::opt<bool> verbose{"verbose", cl::cat(insight),
                        cl::desc("Say what is being done")};
  cl::opt<std::string> completion{
      "completion", cl::value_desc("shell"), cl::cat(insight),
      cl::desc("Print the completion script for bash, fish or zsh, and stop")};
  cl::extrahelp closing{R"(
EXAMPLES:

  sluicec net.onnx                           net.so, for this machine
  sluicec net.onnx --dim=batch=1 -o net.a    an archive to link, and net.h
  sluicec net.onnx --check                   can it be compiled?
  sluicec net.onnx --cpu=x86-64-v3           for any CPU with AVX2 and FMA
  sluicec net.onnx --emit=kernels            what it becomes on the way

EXIT CODES:

  0    success
  1    wrong usage: an option, a shape, a CPU
  2    the model cannot be read, is damaged or breaks ONNX's rules
  3    the model has nodes that cannot be compiled; all are listed
  4    compiling or linking failed
  5    the output cannot be written
  130  interrupted
)"};

  std::vector<cl::OptionCategory *> categories() {
    return {&output, &inputs, &target, &effort, &insight};
  }
};

std::vector<std::string> stageNames() {
  std::vector<std::string> names;
  for (const Stage &stage : stages)
    names.emplace_back(stage.name);
  return names;
}

std::optional<EmitKind> parseEmit(llvm::StringRef text) {
  for (const Stage &stage : stages)
    if (text == stage.name)
      return stage.kind;
  return std::nullopt;
}

void listOperators(llvm::raw_ostream &os) {
  os << llvm::left_justify("operator", 36) << llvm::left_justify("domain", 16)
     << "oldest opset accepted\n";
  for (const sluice::SupportedOperator &entry :
       sluice::listSupportedOperators())
    os << llvm::left_justify(entry.name, 36)
       << llvm::left_justify(entry.domain, 16) << entry.minOpset << "\n";
}

const std::vector<std::string> convBnModes = {"deploy", "tune", "eval"};
const std::vector<std::string> moeModes = {"routed", "exact"};

/// What the output's ending asks for; nothing where it says nothing. Names
/// without one are those of shared libraries, and so are those with a version
/// behind it.
std::optional<EmitKind> emitFromName(llvm::StringRef output) {
  llvm::StringRef name = llvm::sys::path::filename(output);
  auto kind = llvm::StringSwitch<std::optional<EmitKind>>(
                  llvm::sys::path::extension(name))
                  .Case(".a", EmitKind::StaticLibrary)
                  .Case(".o", EmitKind::Object)
                  .Case(".s", EmitKind::Assembly)
                  .Case(".ll", EmitKind::LlvmIr)
                  .Case(".mlir", EmitKind::Sluice)
                  .Cases({"", ".so"}, EmitKind::SharedLibrary)
                  .Default(std::nullopt);
  if (!kind && name.contains(".so."))
    return EmitKind::SharedLibrary;
  return kind;
}

} // namespace

static std::nullopt_t usage(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return std::nullopt;
}

/// Are they passes that can be left out? If not, says so.
static bool checkOptional(llvm::ArrayRef<std::string> passes) {
  if (passes.empty())
    return true;
  std::vector<std::string> optional = sluice::listOptionalPasses();
  for (const std::string &pass : passes)
    if (!llvm::is_contained(optional, pass)) {
      std::string hint = sluice::tools::didYouMean(pass, optional);
      usage("--without takes a pass that programs are right without, not '" +
            pass + "'" + hint);
      if (hint.empty())
        llvm::errs() << "note: these are such: " << llvm::join(optional, ", ")
                     << "\n";
      return false;
    }
  return true;
}

/// Answers what needs no model; whether there was something.
static bool answer(Parser &parser, int &exitCode) {
  if (parser.listOperators) {
    listOperators(llvm::outs());
    exitCode = 0;
    return true;
  }
  if (parser.completion.getNumOccurrences() == 0)
    return false;
  std::string script =
      sluice::makeCompletionScript(parser.completion, parser.categories(),
                                   {{"emit", stageNames()},
                                    {"convbn", convBnModes},
                                    {"moe", moeModes},
                                    {"without", sluice::listOptionalPasses()}});
  if (script.empty()) {
    usage("--completion takes " +
          llvm::join(sluice::tools::completionShells(), ", ") + ", not '" +
          parser.completion + "'");
    return true;
  }
  llvm::outs() << script;
  exitCode = 0;
  return true;
}

/// Gives the output a name where it needs one.
static void nameOutput(sluice::CompileOptions &options) {
  if (!options.output.empty())
    return;
  const char *ending = options.emit == EmitKind::SharedLibrary   ? ".so"
                       : options.emit == EmitKind::Object        ? ".o"
                       : options.emit == EmitKind::StaticLibrary ? ".a"
                                                                 : nullptr;
  if (ending)
    options.output = llvm::sys::path::stem(options.input).str() + ending;
}

/// LLVM begins its messages with the name of the program, all others here with
/// what they are. So that is the program's name, as long as nobody asks for
/// help, which tells the name too.
static bool parseArguments(int argc, char **argv) {
  std::vector<const char *> arguments(argv, argv + argc);
  auto asksForHelp = [](llvm::StringRef argument) {
    return argument.ltrim('-').starts_with("h") && argument.starts_with("-");
  };
  bool isHelp = llvm::any_of(llvm::drop_begin(arguments), asksForHelp);
  if (!isHelp)
    arguments[0] = "error";
  std::string messages;
  llvm::raw_string_ostream os(messages);
  bool isParsed = cl::ParseCommandLineOptions(
      argc, arguments.data(), "Sluice: compiles ONNX models to machine code\n",
      &os);
  for (llvm::StringRef line :
       llvm::split(llvm::StringRef(messages).rtrim(), '\n')) {
    if (line.empty())
      continue;
    auto [text, hint] = line.split(".  Try: ");
    bool isHint = text.consume_front("error: Did you mean");
    llvm::errs() << (isHint ? "note: did you mean" : "") << text
                 << (hint.empty() ? "" : "; sluicec --help tells more") << "\n";
  }
  return isParsed;
}

std::optional<sluice::CompileOptions>
sluice::parseCommandLine(int argc, char **argv, int &exitCode) {
  static Parser parser;
  std::vector<cl::OptionCategory *> categories = parser.categories();
  cl::HideUnrelatedOptions(std::vector<const cl::OptionCategory *>(
      categories.begin(), categories.end()));
  cl::SetVersionPrinter(printVersion);
  exitCode = static_cast<int>(CompileStatus::Usage);
  if (!parseArguments(argc, argv))
    return std::nullopt;
  if (answer(parser, exitCode))
    return std::nullopt;
  if (parser.input.empty())
    return usage("no model given; sluicec --help tells more");
  CompileOptions options;
  options.input = parser.input;
  options.output = parser.file;
  if (parser.check) {
    options.emit = EmitKind::Check;
  } else if (!parser.emit.empty()) {
    auto emit = parseEmit(parser.emit);
    if (!emit)
      return usage("unknown stage '" + parser.emit + "' for --emit" +
                   tools::didYouMean(parser.emit, stageNames()));
    options.emit = *emit;
  } else {
    auto emit = emitFromName(options.output);
    if (!emit)
      return usage("'" + options.output +
                   "' does not tell what to write: its ending is none of .so, "
                   ".a, .o, .s, .ll and .mlir, and there is no --emit");
    options.emit = *emit;
  }
  nameOutput(options);
  if (parser.level < '0' || parser.level > '3')
    return usage("-O takes 0, 1, 2 or 3");
  options.optLevel = parser.level - '0';
  options.shapes = parser.shapes;
  options.dims = parser.dims;
  options.overridable = parser.overridable;
  options.keepDefaults = parser.keepDefaults;
  options.states = parser.states;
  options.cpu = parser.cpu;
  if (!llvm::is_contained(convBnModes, parser.convBn))
    return usage("--convbn takes deploy, tune or eval, not '" + parser.convBn +
                 "'" + tools::didYouMean(parser.convBn, convBnModes));
  options.convBn = parser.convBn;
  if (!llvm::is_contained(moeModes, parser.moe))
    return usage("--moe takes routed or exact, not '" + parser.moe + "'" +
                 tools::didYouMean(parser.moe, moeModes));
  options.keepDenseExperts = parser.moe == "exact";
  if (sluice::Providers providers = sluice::createProviders();
      !providers->lookup(parser.kernels))
    return usage("--kernels takes one of " + providers->listNames() +
                 ", not '" + parser.kernels + "'");
  options.kernels = parser.kernels;
  options.keepSubnormals = parser.keepSubnormals;
  options.emulateDotUnits = parser.emulateDotUnits;
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
  if (!checkOptional(parser.without))
    return std::nullopt;
  options.without = parser.without;
  options.printIrAfterAll = parser.printIr;
  options.verifyEachPass = parser.verifyEachPass;
  options.timing = parser.time;
  options.verbose = parser.verbose;
  return options;
}
