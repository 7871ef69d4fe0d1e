//===- Completion.cpp - Completion scripts for shells --------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Completion.h"

using namespace sluice::tools;

static std::string join(const std::vector<std::string> &words,
                        const std::string &separator) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : separator) + word;
  return text;
}

/// `text` with `character` replaced.
static std::string replaced(const std::string &text, char character,
                            const std::string &replacement) {
  std::string result;
  for (char each : text)
    result += each == character ? replacement : std::string(1, each);
  return result;
}

/// In single quotes, for any shell.
static std::string quoted(const std::string &text) {
  return "'" + replaced(text, '\'', "'\\''") + "'";
}

static std::string functionName(const CompletionTool &tool) {
  return "_" + replaced(tool.name, '-', "_");
}

static bool isFile(const CompletionOption &option) {
  return option.value == CompletionValue::File ||
         option.value == CompletionValue::NamedFile;
}

static std::string makeBash(const CompletionTool &tool) {
  std::string names, cases;
  for (const CompletionOption &option : tool.options) {
    names += (names.empty() ? "" : " ") + join(option.names, " ");
    if (option.value == CompletionValue::None)
      continue;
    std::vector<std::string> patterns = option.names;
    if (option.valueIsOptional)
      for (std::string &pattern : patterns)
        pattern += "=";
    else
      for (const std::string &name : option.names)
        patterns.push_back(name + "=");
    cases += "    " + join(patterns, " | ") + ")\n";
    if (option.value == CompletionValue::Choice)
      cases += "      words=" + quoted(join(option.choices, " ")) + " ;;\n";
    else
      cases += std::string("      kind=") +
               (isFile(option) ? "'file'" : "'text'") + " ;;\n";
  }
  std::string function = functionName(tool);
  return "# bash completion for " + tool.name + "\n" + function +
         R"sh(() {
  local current="${COMP_WORDS[COMP_CWORD]}" kind='model' words='' option=''
  local -i last=COMP_CWORD-1
  # Readline hands --emit=s over as three words.
  if [[ $current == = ]]; then
    current=''
    last=COMP_CWORD
  fi
  if ((last > 0)); then
    option="${COMP_WORDS[last]}"
  fi
  if [[ $option == = ]]; then
    # `--emit =`, or `--input x =` and `--input = x =`: the option is before.
    while ((last > 1)) && [[ ${COMP_WORDS[last]} != -* ]]; do
      last=$((last - 1))
    done
    option="${COMP_WORDS[last]}="
  fi
  case "$option" in
)sh" + cases +
         R"sh(  esac
  if [[ -z $words && $kind == model && $current == -* ]]; then
    words=')sh" +
         names + R"sh('
  fi
  # Line by line: names of files may have blanks.
  if [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  elif [[ $kind == file ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ $kind == model ]]; then
    mapfile -t COMPREPLY < <(
      compgen -f -X '!*.)sh" +
         tool.fileEnding + R"sh(' -- "$current"
      compgen -d -- "$current"
    )
  fi
}
complete -o filenames -F )sh" +
         function + " " + tool.name + "\n";
}

/// What _arguments completes the value of an option with.
static std::string zshAction(const CompletionOption &option) {
  switch (option.value) {
  case CompletionValue::None:
    return "";
  case CompletionValue::Text:
    return ":value: ";
  case CompletionValue::File:
    return ":file:_files";
  case CompletionValue::NamedFile:
    return ":file:{compset -P \"*=\"; _files}";
  case CompletionValue::Choice:
    return ":value:(" + join(option.choices, " ") + ")";
  }
  return "";
}

static std::string makeZsh(const CompletionTool &tool) {
  std::string specs;
  for (const CompletionOption &option : tool.options) {
    std::string help = option.help;
    for (char special : {'[', ']', ':'})
      help = replaced(help, special, std::string("\\") + special);
    std::string action = zshAction(option);
    if (option.valueIsOptional && !action.empty())
      action = ":" + action;
    for (const std::string &name : option.names) {
      bool isLong = name.compare(0, 2, "--") == 0;
      // `--name=value` and `--name value`, `-n value`.
      std::string suffix = action.empty()           ? ""
                           : !isLong                ? "+"
                           : option.valueIsOptional ? "=-"
                                                    : "=";
      specs += "  " + quoted("*" + name + suffix + "[" + help + "]" + action) +
               " \\\n";
    }
  }
  return "#compdef " + tool.name + "\n_arguments -s \\\n" + specs + "  " +
         quoted("*:file:_files -g \"*." + tool.fileEnding + "\"") + "\n";
}

static std::string makeFish(const CompletionTool &tool) {
  // -k keeps the order of the suffix's files before all others.
  std::string text = "# fish completion for " + tool.name + "\ncomplete -c " +
                     tool.name + " -k -f -a '(__fish_complete_suffix ." +
                     tool.fileEnding + ")'\n";
  for (const CompletionOption &option : tool.options) {
    text += "complete -c " + tool.name;
    for (const std::string &name : option.names) {
      bool isLong = name.compare(0, 2, "--") == 0;
      text += isLong             ? " -l " + name.substr(2)
              : name.size() == 2 ? " -s " + name.substr(1)
                                 : " -o " + name.substr(1);
    }
    if (isFile(option))
      text += " -r -F";
    else if (option.value == CompletionValue::Choice)
      text += std::string(option.valueIsOptional ? " -f" : " -x") + " -a " +
              quoted(join(option.choices, " "));
    else if (option.value == CompletionValue::Text)
      text += option.valueIsOptional ? " -f" : " -x";
    text += " -d " + quoted(option.help) + "\n";
  }
  return text;
}

const std::vector<std::string> &sluice::tools::completionShells() {
  static const std::vector<std::string> shells = {"bash", "fish", "zsh"};
  return shells;
}

std::string sluice::tools::makeCompletion(const std::string &shell,
                                          const CompletionTool &tool) {
  if (shell == "bash")
    return makeBash(tool);
  if (shell == "zsh")
    return makeZsh(tool);
  if (shell == "fish")
    return makeFish(tool);
  return "";
}
