import type { Reference } from '../reference/reference.ts'
import { caseFunctions } from './case-functions.ts'
import { plainName } from './places.ts'

// What is on the line, and names from the server, is compared and never evaluated: `compgen -W` would expand it.

const functions = `\
_fairway_offer() { # KIND WORDS…: those that begin as the word under the cursor
  local kind=$1 word
  shift
  case $kind in
    words) for word in "$@"; do [[ $word == "$cur"* ]] && COMPREPLY+=("$word"); done ;;
    names)
      while IFS= read -r word; do
        [[ $word =~ ${plainName.source} && $word == "$cur"* ]] && COMPREPLY+=("$word")
      done < <(command fairway completion --names "$1" 2>/dev/null </dev/null)
      ;;
    files)
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
      ;;
  esac
}

_fairway() {
  local cur=\${COMP_WORDS[COMP_CWORD]} word command='' behind='' taken=0 index
  local -a offer=()
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ -n $behind ]]; then
      behind=''
    elif [[ $word == -* ]]; then
      if _fairway_value "$command $word"; then behind="$command $word"; fi
    elif [[ -z $command ]]; then
      command=$word
    elif _fairway_verbs "$command"; then
      command+=" $word"
    else
      taken=$((taken + 1))
    fi
  done
  offer=()
  if [[ -n $behind ]]; then
    _fairway_value "$behind"
  elif [[ $cur == -* ]]; then
    _fairway_flags "$command"
  else
    _fairway_verbs "$command" || _fairway_argument "$command $taken"
  fi
  ((\${#offer[@]} == 0)) || _fairway_offer "\${offer[@]}"
  return 0
}

complete -F _fairway fairway
`

/** `fairway completion bash` */
export const bashCompletion = (reference: Reference): string =>
  `# fairway: completion for bash, made by \`fairway completion bash\`\n\n${caseFunctions(reference, (word) => word)}\n${functions}`
