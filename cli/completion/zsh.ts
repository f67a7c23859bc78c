import type { Reference } from '../reference/reference.ts'
import { caseFunctions, quoted, takeApart } from './case-functions.ts'
import { plainName } from './places.ts'

// `compadd` quotes what it inserts, and nothing is evaluated before.

const functions = `\
_fairway_offer() { # KIND WORDS…
  local kind=$1 word
  local -a found
  shift
  case $kind in
    words)
      # With what they do, or without.
      found=("$@")
      if [[ $1 == *:* ]]; then _describe -o 'fairway' found; else compadd -a found; fi
      ;;
    names)
      while IFS= read -r word; do
        if [[ $word =~ '${plainName.source}' ]]; then found+=("$word"); fi
      done < <(command fairway completion --names "$1" 2>/dev/null </dev/null)
      compadd -a found
      ;;
    files) _files ;;
  esac
}

_fairway() {
  local cur=$words[CURRENT] word command='' behind='' taken=0 index
  local -a offer
${takeApart({ first: 2, cursor: 'CURRENT', word: '$words[index]' })}
  if (( $#offer > 0 )); then _fairway_offer "\${offer[@]}"; fi
}

# In a folder of $fpath this file is the function; sourced it has to be made known.
if [[ $funcstack[1] == _fairway ]]; then _fairway "$@"; else compdef _fairway fairway; fi
`

/** `fairway completion zsh` */
export const zshCompletion = (reference: Reference): string =>
  `#compdef fairway\n# fairway: completion for zsh, made by \`fairway completion zsh\`\n\n${caseFunctions(
    reference,
    (word, does) => quoted(`${word}:${does}`),
  )}\n${functions}`
