# ask.zsh FOLDER LINE: what zsh offers at the end of a command line, with the
# completion functions of a folder.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
#
# Completion works in zsh's line editor only, and that needs a terminal. So this
# starts an interactive zsh in one, which reads this file too, and types the line.
if [[ $1 != --inside ]]; then
  zmodload zsh/zpty
  zpty asked zsh -f -i
  zpty -w asked "source ${(q)ZSH_ARGZERO} --inside ${(q)1}"
  zpty -r asked answer '*ready*'
  zpty -n -w asked "$2"$'\x14'
  zpty -r asked answer '*[[]offered:*[]]*'
  print -r -- "${${answer#*\[offered:}%%\]*}"
  zpty -d asked
  exit
fi

PS1=
fpath=($PWD/$2 $fpath)
autoload -Uz compinit && compinit -D -u
# Notes what completion finds on its way to the editor. With -O, -A and -D it
# only asks which words fit.
compadd() {
  if (( ${argv[(I)-[OAD]]} )); then
    builtin compadd "$@"
    return
  fi
  local -a found
  builtin compadd -O found "$@"
  offered+=($found)
  builtin compadd "$@"
}
answer() {
  offered=()
  zle complete-word
  print -r -- "[offered:<${(j:><:)${(@ou)offered}}>]"
  BUFFER=
}
zle -N answer
bindkey '^T' answer
print ready
