/**
 * What the shells source to complete the words of walvault: each asks `walvault complete-words`, which answers with one candidate a line
 * and its description behind a tab, or with `:files` or `:directories` for what the shell knows better.
 */

const bash = String.raw`# bash completion for walvault. Use:  source <(walvault completion bash)
_walvault() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default 2> /dev/null ;;
      :directories) compopt -o dirnames 2> /dev/null ;;
      *) COMPREPLY+=("$(printf '%q' "${'$'}{line%%$'\t'*}")") ;;
    esac
  done < <("${'$'}{COMP_WORDS[0]}" complete-words -- "${'$'}{COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -F _walvault walvault
`;

const zsh = String.raw`#compdef walvault
# zsh completion for walvault. Use:  walvault completion zsh > DIRECTORY/_walvault, with DIRECTORY in $fpath;
# or, behind compinit:  source <(walvault completion zsh)
_walvault() {
  local line
  local -a found
  "${'$'}{words[1]}" complete-words -- "${'$'}{(@)words[2,CURRENT]}" 2> /dev/null | while IFS= read -r line; do
    case $line in
      :files) _files; return ;;
      :directories) _files -/; return ;;
      *) found+=("${'$'}{${'$'}{line%%$'\t'*}//:/\\:}:${'$'}{line#*$'\t'}") ;;
    esac
  done
  _describe -t walvault walvault found
}
if [[ $funcstack[1] == _walvault ]]; then
  _walvault "$@"
else
  compdef _walvault walvault
fi
`;

const fish = String.raw`# fish completion for walvault. Use:  walvault completion fish > ~/.config/fish/completions/walvault.fish
function __walvault_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] complete-words -- $words[2..] "$current" 2> /dev/null)
    switch "$found[1]"
        case :files
            __fish_complete_path "$current"
        case :directories
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $found
    end
end
complete -c walvault -f -a '(__walvault_complete)'
`;

/** The script of each shell. */
export const shellScripts = { bash, zsh, fish } as const;
