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

static std::string makeBash(const CompletionTool &tool) {
  std::string names, cases;
  for (const CompletionOption &option : tool.options) {
    names += (names.empty() ? "" : " ") + join(option.names, " ");
    std::string pattern = "    " + join(option.names, " | ") + ")\n";
    if (option.value == CompletionValue::Choice)
      cases += pattern + "      COMPREPLY=($(compgen -W " +
               quoted(join(option.choices, " ")) + " -- \"$current\"))\n" +
               "      return ;;\n";
    else if (option.value == CompletionValue::File)
      cases += pattern + "      COMPREPLY=($(compgen -f -- \"$current\"))\n" +
               "      return ;;\n";
    else if (option.value == CompletionValue::Text && !option.valueIsOptional)
      cases += pattern + "      return ;;\n";
  }
  std::string function = functionName(tool);
  return "# bash completion for " + tool.name +
         "\n"
         "# shellcheck disable=SC2207\n" +
         function +
         "() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" option=\n"
         "  # Readline hands --emit=s over as three words.\n"
         "  if [[ $current == = ]]; then\n"
         "    current=\n"
         "    option=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
         "  elif ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == = "
         "]]; then\n"
         "    option=\"${COMP_WORDS[COMP_CWORD - 2]}\"\n"
         "    # The file of --input NAME=FILE.\n"
         "    if [[ $option != -* ]]; then\n"
         "      COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "      return\n"
         "    fi\n"
         "  elif ((COMP_CWORD > 0)); then\n"
         "    option=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
         "  fi\n"
         "  case \"$option\" in\n" +
         cases +
         "  esac\n"
         "  if [[ $current == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W " +
         quoted(names) +
         " -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -f -X '!*." +
         tool.fileEnding +
         "' -- \"$current\") $(compgen -d -- \"$current\"))\n"
         "}\n"
         "complete -o filenames -F " +
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
  std::string text = "# fish completion for " + tool.name + "\n";
  for (const CompletionOption &option : tool.options) {
    text += "complete -c " + tool.name;
    for (const std::string &name : option.names) {
      bool isLong = name.compare(0, 2, "--") == 0;
      text += isLong             ? " -l " + name.substr(2)
              : name.size() == 2 ? " -s " + name.substr(1)
                                 : " -o " + name.substr(1);
    }
    if (option.value == CompletionValue::File)
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
