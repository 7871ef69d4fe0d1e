//===- Options.cpp - The command line of sluice-run ----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Options.h"

#include "Completion.h"
#include "Failure.h"
#include "Nearest.h"

#include "sluice/sluice.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sched.h>

using namespace sluice::run;
using sluice::tools::CompletionOption;
using sluice::tools::CompletionTool;
using sluice::tools::CompletionValue;

static const char *const description =
    R"(Runs a model that sluicec compiled: gives it inputs, shows, checks or saves its
outputs, and measures how long it takes.

Examples:
  sluice-run net.so --random                        try it on random inputs
  sluice-run net.so --input image=cat.npy --print   run it on an array
  sluice-run net.so --inputs test_data_set_0 --expect test_data_set_0
                                                    check ONNX test data
  sluice-run net.so --random --repeat 100 --profile see where the time goes
)";

static const char *const exitCodes = R"(
Exit codes:
  0  success
  1  wrong usage
  2  the artifact cannot be loaded: missing, damaged, of another version
  3  the artifact needs instructions that this CPU lacks
  4  an input is bad, or an output file cannot be written
  5  outputs differ from the expected ones
  6  the run failed)";

/// Whole numbers from `least` on.
static CLI::Validator atLeast(long least) {
  return CLI::Validator(
      [least](std::string &text) -> std::string {
        char *end;
        errno = 0;
        long number = std::strtol(text.c_str(), &end, 10);
        if (!text.empty() && *end == '\0' && errno == 0 && number >= least &&
            number <= INT32_MAX)
          return "";
        return "'" + text + "' is no number from " + std::to_string(least) +
               " on";
      },
      "");
}

static void addInputOptions(CLI::App &app, Options &options) {
  const char *group = "Inputs";
  app.add_flag("--random", options.random,
               "Fill inputs that have no file with random values: floats in "
               "[-1, 1), bytes of any value, other integers 0 or 1")
      ->group(group);
  app.add_option(
         "--seed", options.seed,
         "Another seed, other random values: those of inputs, and those "
         "that the model draws")
      ->group(group)
      ->capture_default_str();
  app.add_option("--int-range", options.intRange,
                 "Smallest and largest random integer")
      ->group(group)
      ->type_name("LOW:HIGH")
      ->capture_default_str();
  app.add_option("-i,--input", options.inputs,
                 "An input's values: .npy, .pb (ONNX TensorProto) or raw "
                 "little-endian elements; may be repeated")
      ->group(group)
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  app.add_option("--inputs", options.inputSet,
                 "All inputs: an .npz file, or a folder with NAME.npy, NAME.pb "
                 "or input_0.pb, input_1.pb, ...")
      ->group(group)
      ->type_name("FOLDER|NPZ");
  app.add_option("--fill", options.fills,
                 "Give every element of an input this value; may be repeated")
      ->group(group)
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("-d,--dim", options.dims,
                 "The size of a dynamic dimension of random and raw inputs "
                 "(default 1), by its name or as INPUT[AXIS]; may be repeated")
      ->group(group)
      ->type_name("NAME=SIZE")
      ->allow_extra_args(false);
  app.add_option("-s,--shape", options.shapes,
                 "The shape of a random or raw input, e.g. x=1x3x224x224; may "
                 "be repeated")
      ->group(group)
      ->type_name("NAME=SIZES")
      ->allow_extra_args(false);
}

static void addOutputOptions(CLI::App &app, Options &options) {
  const char *group = "Outputs";
  app.add_flag("-p,--print", options.print,
               "Print every element of the outputs")
      ->group(group);
  app.add_option("--save", options.save,
                 "Save the outputs to an .npz file or a folder of .npy files")
      ->group(group)
      ->type_name("FOLDER|NPZ");
  app.add_option("-e,--expect", options.expected,
                 "Compare outputs: NAME=FILE, an .npz file, or a folder with "
                 "NAME.npy, NAME.pb or output_0.pb, ...; may be repeated")
      ->group(group)
      ->type_name("[NAME=]FILE")
      ->allow_extra_args(false);
  app.add_option("--rtol", options.relativeTolerance,
                 "Relative tolerance: |got - expected| <= atol + rtol * "
                 "|expected|")
      ->group(group)
      ->capture_default_str();
  app.add_option("--atol", options.absoluteTolerance,
                 "Absolute tolerance; the only one for integers")
      ->group(group)
      ->capture_default_str();
}

/// A CPU that this process may use. The runtime takes others as well, and
/// leaves the worker where it is.
static std::string checkCpu(const std::string &text) {
  char *end;
  errno = 0;
  unsigned long number = std::strtoul(text.c_str(), &end, 10);
  constexpr unsigned long most = 1 << 16;
  cpu_set_t *usable = CPU_ALLOC(most);
  size_t size = CPU_ALLOC_SIZE(most);
  bool isUsable = !text.empty() && *end == '\0' && errno == 0 &&
                  number < most && usable &&
                  sched_getaffinity(0, size, usable) == 0 &&
                  CPU_ISSET_S(number, size, usable);
  CPU_FREE(usable);
  return isUsable ? "" : "'" + text + "' is no CPU that this process may use";
}

static void addMeasuringOptions(CLI::App &app, Options &options) {
  const char *group = "Measuring";
  app.add_option("-r,--repeat", options.repeat,
                 "Run this often and report the latency's percentiles")
      ->group(group)
      ->check(atLeast(1))
      ->capture_default_str();
  app.add_option("--steps", options.steps,
                 "Run this often in a row, each run with the states that the "
                 "one before has left; they begin empty, or as they are given")
      ->group(group)
      ->check(atLeast(1))
      ->capture_default_str();
  app.add_option(
         "--capacity", options.capacity,
         "For how many there is room along the axes of states (default: "
         "what the model was compiled with)")
      ->group(group)
      ->check(atLeast(1));
  app.add_option("--warmup", options.warmUp,
                 "Runs before those that count (default: a tenth, at least 1, "
                 "when repeating)")
      ->group(group)
      ->check(atLeast(0));
  app.add_option("-t,--threads", options.threads,
                 "Threads per run (default: all cores that the affinity mask "
                 "and cgroup allow)")
      ->group(group)
      ->check(atLeast(0));
  app.add_option("--affinity", options.affinity,
                 "Bind the pool's workers to these CPUs, e.g. 2,3")
      ->group(group)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Validator(checkCpu, ""));
  app.add_flag("--profile", options.profile,
               "Time every kernel: time, share, GFLOP/s, GB/s, and how much of "
               "this machine's peak that is")
      ->group(group);
  app.add_option("--trace", options.trace,
                 "Write the last run's kernels for chrome://tracing")
      ->group(group)
      ->type_name("FILE.json");
  app.add_option("--json", options.json,
                 "Write everything that was measured; - is standard output")
      ->group(group)
      ->type_name("FILE");
  app.add_flag("-q,--quiet", options.quiet, "Print nothing but errors")
      ->group(group);
}

/// In the order of sluice_weights_memory.
static const std::vector<std::string> weightsMemoryNames = {
    "mapped", "populated", "resident", "huge-pages"};

static std::string describeVersion() {
  return "sluice-run " SLUICE_VERSION "\nruntime interface " +
         std::to_string(sluice_api_version()) + "\nThis machine: " +
#if defined(__x86_64__)
         "x86_64"
#else
         "aarch64"
#endif
         ", " +
         std::to_string(sluice_usable_cores()) + " usable cores";
}

static std::vector<std::string> namesOf(const CLI::Option &option) {
  std::vector<std::string> names;
  for (const std::string &name : option.get_snames())
    names.push_back("-" + name);
  for (const std::string &name : option.get_lnames())
    names.push_back("--" + name);
  return names;
}

static CompletionTool describeTool(const CLI::App &app) {
  CompletionTool tool;
  tool.name = "sluice-run";
  tool.fileEnding = "so";
  for (const CLI::Option *option : app.get_options()) {
    CompletionOption described;
    described.names = namesOf(*option);
    if (described.names.empty())
      continue;
    described.help = option->get_description();
    std::string type = option->get_type_name();
    bool isFile = type.find("FILE") != std::string::npos ||
                  type.find("FOLDER") != std::string::npos;
    if (option->get_lnames() == std::vector<std::string>{"completion"}) {
      described.value = CompletionValue::Choice;
      described.choices = sluice::tools::completionShells();
    } else if (option->get_lnames() ==
               std::vector<std::string>{"weights-memory"}) {
      described.value = CompletionValue::Choice;
      described.choices = weightsMemoryNames;
    } else if (option->get_items_expected_max() > 0) {
      bool isNamed = type.find("=FILE") != std::string::npos ||
                     type.find("=]FILE") != std::string::npos;
      described.value = isNamed  ? CompletionValue::NamedFile
                        : isFile ? CompletionValue::File
                                 : CompletionValue::Text;
    }
    tool.options.push_back(std::move(described));
  }
  return tool;
}

/// Says which arguments nobody expected, and what may have been meant.
static void complainAbout(const std::vector<std::string> &unknown,
                          const CLI::App &app) {
  std::vector<std::string> known;
  for (const CLI::Option *option : app.get_options())
    for (const std::string &name : namesOf(*option))
      known.push_back(name);
  for (const std::string &argument : unknown) {
    bool isOption = argument.size() > 1 && argument[0] == '-';
    std::cerr << "error: "
              << (isOption ? "there is no option '" : "what to do with '")
              << argument << "'"
              << (isOption ? sluice::tools::didYouMean(
                                 argument.substr(0, argument.find('=')), known)
                           : "?")
              << "\n";
  }
  std::cerr << "note: sluice-run --help lists the options\n";
}

CommandLine sluice::run::parseCommandLine(int argc, char **argv) {
  CommandLine line;
  Options &options = line.options;
  std::string shell;
  std::string weightsMemory = weightsMemoryNames[0];
  CLI::App app(description, "sluice-run");
  app.footer(exitCodes);
  app.set_version_flag("--version", describeVersion(),
                       "Tell the version, and stop");
  app.add_option("model", options.model, "The compiled model, a .so file")
      ->type_name("MODEL.so");
  app.add_flag(
      "--info", options.info,
      "Show the model's inputs, outputs, target and kernels, and stop");
  app.add_option("--weights", options.weights,
                 "The weights file, if not beside the model")
      ->type_name("FILE");
  app.add_option("--weights-memory", weightsMemory,
                 "The weights are pages of the file (mapped), all read on "
                 "loading (populated), or a copy (resident), in huge pages "
                 "(huge-pages)")
      ->type_name("HOW")
      ->check(CLI::IsMember(weightsMemoryNames))
      ->capture_default_str();
  app.add_flag("--no-verify", options.skipWeightsChecksum,
               "Skip the checksum over the weights");
  app.add_option("--completion", shell,
                 "Print the completion script for this shell, and stop")
      ->type_name("SHELL")
      ->check(CLI::IsMember(tools::completionShells()));
  addInputOptions(app, options);
  addOutputOptions(app, options);
  addMeasuringOptions(app, options);
  app.allow_extras();
  line.done = true;
  line.exitCode = int(ExitCode::Usage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() != 0)
      std::cerr << "error: " << error.what() << "\n";
    else if (app.exit(error) == 0)
      line.exitCode = int(ExitCode::Ok);
    return line;
  }
  if (std::vector<std::string> unknown = app.remaining(); !unknown.empty()) {
    complainAbout(unknown, app);
  } else if (!shell.empty()) {
    std::cout << tools::makeCompletion(shell, describeTool(app));
    line.exitCode = int(ExitCode::Ok);
  } else if (options.model.empty()) {
    std::cerr << "error: no model given; sluice-run --help tells more\n";
  } else {
    options.weightsMemory =
        std::distance(weightsMemoryNames.begin(),
                      std::find(weightsMemoryNames.begin(),
                                weightsMemoryNames.end(), weightsMemory));
    line.done = false;
    line.exitCode = int(ExitCode::Ok);
  }
  return line;
}
