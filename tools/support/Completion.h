//===- Completion.h - Completion scripts for shells ----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SUPPORT_COMPLETION_H
#define SLUICE_TOOLS_SUPPORT_COMPLETION_H

#include <string>
#include <vector>

namespace sluice::tools {

/// What may follow an option. NamedFile is NAME=FILE, or FILE.
enum class CompletionValue { None, Text, File, NamedFile, Choice };

struct CompletionOption {
  std::vector<std::string> names; // with their dashes
  std::string help;               // one line
  CompletionValue value = CompletionValue::None;
  bool valueIsOptional = false; // then it only follows a `=`
  std::vector<std::string> choices;
};

/// A tool's command line, made from what the tool parses it with: options and
/// completion cannot differ.
struct CompletionTool {
  std::string name;
  std::string fileEnding; // of the positional argument: "onnx"
  std::vector<CompletionOption> options;
};

/// The shells that there are scripts for.
const std::vector<std::string> &completionShells();

/// The script for one of these shells; empty for others.
std::string makeCompletion(const std::string &shell,
                           const CompletionTool &tool);

} // namespace sluice::tools

#endif // SLUICE_TOOLS_SUPPORT_COMPLETION_H
