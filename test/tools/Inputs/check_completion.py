"""check_completion.py TOOL...: compares completion scripts with --help."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import re
import subprocess
import sys

# What LLVM adds to its help; nobody needs it completed.
LEFT_OUT = {"--help-list", "--help-hidden", "--help-list-hidden"}


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def options_of_help(text):
    """Option names at the beginnings of lines."""
    names = set()
    for line in re.findall(r"^  (-\S.*)", text, re.MULTILINE):
        words = re.match(r"(?:-[\w-]+,?)+", line).group()
        names.update(words.split(","))
    if "-O" in names:
        names.remove("-O")
        names.update(f"-O{level}" for level in range(4))
    return names - LEFT_OUT


def options_of_bash(text):
    return set(re.search(r"words='(-[^']*)'", text).group(1).split())


def options_of_zsh(text):
    return set(re.findall(r"^  '\*(-[\w-]*?)(?:=-|=|\+)?\[", text, re.MULTILINE))


def options_of_fish(text):
    names = set()
    for line in text.splitlines()[1:]:
        assert line.startswith("complete -c "), line
        names.update("--" + name for name in re.findall(r" -l ([\w-]+)", line))
        names.update("-" + name for name in re.findall(r" -[so] ([\w-]+)", line))
    return names


def main():
    for tool in sys.argv[1:]:
        told = options_of_help(output(tool, "--help"))
        assert len(told) > 10, told
        for shell, read in (
            ("bash", options_of_bash),
            ("fish", options_of_fish),
            ("zsh", options_of_zsh),
        ):
            offered = read(output(tool, f"--completion={shell}"))
            assert offered == told, (shell, offered ^ told)
        print(f"{tool}: {len(told)} options in bash, fish and zsh")


if __name__ == "__main__":
    main()
