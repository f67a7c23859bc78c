import type { Reference } from '../reference/reference.ts'
import { caseFunctions, takeApart } from './case-functions.ts'
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
${takeApart({ first: 1, cursor: 'COMP_CWORD', word: `\${COMP_WORDS[index]}` })}
  ((\${#offer[@]} == 0)) || _fairway_offer "\${offer[@]}"
  return 0
}

complete -F _fairway fairway
`

/** `fairway completion bash` */
export const bashCompletion = (reference: Reference): string =>
  `# fairway: completion for bash, made by \`fairway completion bash\`\n\n${caseFunctions(reference, (word) => word)}\n${functions}`
