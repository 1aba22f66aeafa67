/** Shells that can be taught to complete. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell that can be taught to complete. */
export type Shell = (typeof SHELLS)[number];

/** What a shell reads to complete the command line: it asks `skillwright completion words` for each word. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: String.raw`# skillwright completion bash, read by: source <(skillwright completion bash)
_skillwright() {
  local word
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    COMPREPLY+=("$word")
  done < <("$1" completion words -- "${"$"}{COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _skillwright skillwright`,
  zsh: String.raw`#compdef skillwright
# skillwright completion zsh, read by: source <(skillwright completion zsh)
_skillwright() {
  local -a found
  local line
  for line in "${"$"}{(@f)$("${"$"}{words[1]}" completion words -- "${"$"}{(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}")
  done
  if (( ${"$"}{#found} )); then
    _describe skillwright found
  else
    _files
  fi
}
compdef _skillwright skillwright`,
  fish: String.raw`# skillwright completion fish, read by: skillwright completion fish | source
function __skillwright_words
    set -l words (commandline -opc)
    set -l found ($words[1] completion words -- $words[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c skillwright -f -a '(__skillwright_words)'`,
};
