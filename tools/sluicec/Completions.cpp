//===- Completions.cpp - Completion from LLVM's command line --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Completions.h"
#include "Completion.h"
#include "sluice/Pipeline/Providers.h"
#include "sluice/Support/Remarks.h"
#include "llvm/ADT/STLExtras.h"

namespace cl = llvm::cl;
using namespace sluice;
using tools::CompletionOption;
using tools::CompletionValue;

static CompletionOption
describe(const cl::Option &option,
         const std::map<std::string, std::vector<std::string>> &choices) {
  CompletionOption result;
  std::string name = option.ArgStr.str();
  result.names = {(name.size() == 1 ? "-" : "--") + name};
  result.help = option.HelpStr.str();
  std::replace(result.help.begin(), result.help.end(), '\n', ' ');
  // Flags could be given a value, but nobody does.
  if (option.ValueStr.empty())
    return result;
  result.valueIsOptional = option.getValueExpectedFlag() == cl::ValueOptional;
  auto words = choices.find(name);
  if (words != choices.end()) {
    result.value = CompletionValue::Choice;
    result.choices = words->second;
  } else {
    result.value = option.ValueStr == "file" ? CompletionValue::File
                                             : CompletionValue::Text;
  }
  return result;
}

std::string sluice::makeCompletionScript(
    const std::string &shell, llvm::ArrayRef<cl::OptionCategory *> categories,
    const std::map<std::string, std::vector<std::string>> &choices) {
  tools::CompletionTool tool;
  tool.name = "sluicec";
  tool.fileEnding = "onnx";
  auto known = choices;
  known["completion"] = tools::completionShells();
  known["cpu"] = {"native",         "x86-64",         "x86-64-v2",
                  "x86-64-v3",      "x86-64-v4",      "skylake-avx512",
                  "icelake-server", "sapphirerapids", "znver3",
                  "znver4",         "znver5",         "generic",
                  "cortex-a72",     "neoverse-n1",    "neoverse-v1"};
  Providers providers = createProviders();
  for (const auto &provider : providers->getProviders())
    known["kernels"].push_back(provider->getName().str());
  known["triple"] = {"x86_64-linux-gnu", "aarch64-linux-gnu"};
  known["remarks"] = {std::begin(remarks::categories),
                      std::end(remarks::categories)};
  for (const auto &entry : cl::getRegisteredOptions()) {
    const cl::Option &option = *entry.second;
    bool isOurs = llvm::any_of(option.Categories, [&](const auto *category) {
      return llvm::is_contained(categories, category);
    });
    if (!isOurs || option.ArgStr.empty())
      continue;
    CompletionOption described = describe(option, known);
    if (option.getFormattingFlag() == cl::Prefix) {
      // The value is part of the word.
      described.value = CompletionValue::None;
      described.names.clear();
      for (char level = '0'; level <= '3'; ++level)
        described.names.push_back("-" + option.ArgStr.str() + level);
    }
    tool.options.push_back(std::move(described));
  }
  for (const auto &[name, help] :
       {std::pair("--help", "Tell the options"),
        std::pair("--version", "Tell the version")}) {
    CompletionOption option;
    option.names = {name};
    option.help = help;
    tool.options.push_back(std::move(option));
  }
  llvm::sort(tool.options, [](const auto &left, const auto &right) {
    return left.names < right.names;
  });
  return makeCompletion(shell, tool);
}
