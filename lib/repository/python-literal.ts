import { parser } from '@lezer/python'
import { endsIndented, isIndented } from './python-indent.ts'
import { parsePythonNumber } from './python-number.ts'
import { decodePythonString, isBytesLiteral, PythonLimitError, PythonLiteralError } from './python-string.ts'
import { spellTrailingDots } from './trailing-dots.ts'

/** A value that `ast.literal_eval` could return; tuples become arrays. */
export type PythonValue =
  | string
  | number
  | boolean
  | null
  | PythonFloat
  | PythonOther
  | PythonValue[]
  | Set<PythonValue>
  | Map<PythonKey, PythonValue>
/** Tuples are arrays, each a key of its own. */
export type PythonKey = PythonValue

/** Told apart from whole numbers, as Python's `str()` does. */
export class PythonFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
  toString(): string {
    const size = Math.abs(this.value)
    // Python writes an exponent sooner than JavaScript, at both ends.
    if (size !== 0 && (size < 1e-4 || size >= 1e16)) return this.value.toExponential()
    return Number.isInteger(this.value) ? `${this.value}.0` : String(this.value)
  }
}

/** A value that nothing of a manifest is made of: only what it is matters, and whether Python takes it for true. */
export class PythonOther {
  readonly kind: 'bytes' | 'complex' | 'Ellipsis'
  readonly truth: boolean
  constructor(kind: PythonOther['kind'], truth: boolean) {
    this.kind = kind
    this.truth = truth
  }
}

/** Of brackets, as in CPython's tokenizer. */
const maxDepth = 200
const maxValues = 50_000

type Tree = ReturnType<typeof parser.parse>
type SyntaxNode = Tree['topNode']

/**
 * Reads a text that holds one Python literal, as `ast.literal_eval` does, without running any of it: the text is
 * parsed to a syntax tree, and only constants and containers of constants are accepted.
 */
export function parsePythonLiteral(written: string): PythonValue {
  const nul = written.indexOf('\0')
  if (nul >= 0) throw new PythonLiteralError('a character NUL, which no source code holds', nul)
  const source = spellTrailingDots(written)
  const tree = parseStrictly(written, source)
  const statements = children(tree.topNode)
  const [statement, second] = statements
  if (!statement) throw new PythonLiteralError('the file holds no value', 0)
  if (second)
    throw new PythonLiteralError(
      'only one expression is allowed, here begins a second statement',
      second.from,
    )
  if (isIndented(written, statement.from))
    throw new PythonLiteralError(
      'unexpected indent: the value begins at the start of its line',
      statement.from,
    )
  requireEnd(written, tree)
  const expressions = statement.name === 'ExpressionStatement' ? children(statement) : []
  const [expression, other] = expressions
  if (!expression)
    throw new PythonLiteralError(`a literal is expected, not ${describe(statement)}`, statement.from)
  if (other) throw new PythonLiteralError('only one value is allowed', other.from)
  let values = 0

  function evaluate(node: SyntaxNode, depth: number): PythonValue {
    if (depth > maxDepth + 1) throw new PythonLiteralError(`nested deeper than ${maxDepth} levels`, node.from)
    if (++values > maxValues) throw new PythonLimitError(`more than ${maxValues} values`, node.from)
    switch (node.name) {
      case 'String':
      case 'ContinuedString':
        return evaluateString(node.name === 'String' ? [node] : children(node))
      case 'Number':
        return evaluateNumber(node)
      case 'Boolean':
        return text(node) === 'True'
      case 'None':
        return null
      case 'Ellipsis':
        return new PythonOther('Ellipsis', true)
      case 'ParenthesizedExpression': {
        const [inner] = children(node)
        if (!inner) throw notLiteral(node)
        return evaluate(inner, depth + 1)
      }
      case 'UnaryExpression':
        return evaluateSign(node, depth)
      case 'BinaryExpression':
        return evaluateComplex(node, depth)
      case 'ArrayExpression':
      case 'TupleExpression':
        return children(node).map((child) => evaluate(child, depth + 1))
      case 'SetExpression':
        return new Set(children(node).map((child) => evaluate(requireHashable(child), depth + 1)))
      case 'CallExpression':
        return evaluateEmptySet(node)
      case 'DictionaryExpression':
        return evaluateDictionary(node, depth)
      default:
        throw notLiteral(node)
    }
  }

  function evaluateEmptySet(node: SyntaxNode): Set<PythonValue> {
    const [called, given] = children(node)
    if (!called || text(bare(called)) !== 'set' || !given || !/^\(\s*\)$/.test(text(given)))
      throw notLiteral(node)
    return new Set()
  }

  function evaluateNumber({ from, to }: SyntaxNode): number | PythonFloat | PythonOther {
    const number = parsePythonNumber(written.slice(from, to))
    if (number === undefined)
      throw new PythonLiteralError(
        `\`${written.slice(from, Math.min(to, from + 40))}\` is not a number that can be read`,
        from,
      )
    if (number.kind === 'complex') return new PythonOther('complex', number.value !== 0)
    return number.kind === 'float' ? new PythonFloat(number.value) : number.value
  }

  function evaluateString(parts: readonly SyntaxNode[]): string | PythonOther {
    const other = parts.find((part) => part.name !== 'String')
    if (other) throw notLiteral(other)
    const bytes = parts.filter((part) => isBytesLiteral(text(part)))
    if (bytes.length > 0 && bytes.length < parts.length)
      throw new PythonLiteralError('text and bytes cannot be put together', bytes[0]!.from)
    const value = parts.map((part) => decodePythonString(text(part), part.from)).join('')
    return bytes.length > 0 ? new PythonOther('bytes', value !== '') : value
  }

  function evaluateSign(node: SyntaxNode, depth: number): number | PythonFloat | PythonOther {
    const [sign, operand] = children(node)
    // A sign before a sign is an operator to Python.
    if (!sign || !['+', '-'].includes(text(sign)) || (operand && bare(operand).name !== 'Number'))
      throw notLiteral(node)
    const value = operand && evaluate(operand, depth + 1)
    if (value instanceof PythonOther) return value
    const isNegative = text(sign) === '-'
    if (value instanceof PythonFloat) return isNegative ? new PythonFloat(-value.value) : value
    if (typeof value !== 'number') throw notLiteral(node)
    return isNegative ? -value : value
  }

  /** `1+2j`: the one sum that is a literal. */
  function evaluateComplex(node: SyntaxNode, depth: number): PythonOther {
    const [left, operator, right] = children(node)
    if (!left || !operator || !right || !['+', '-'].includes(text(operator))) throw notLiteral(node)
    if (!['Number', 'UnaryExpression'].includes(bare(left).name) || bare(right).name !== 'Number')
      throw notLiteral(node)
    const [real, imaginary] = [evaluate(left, depth + 1), evaluate(right, depth + 1)]
    if (real instanceof PythonOther || !(imaginary instanceof PythonOther)) throw notLiteral(node)
    return imaginary
  }

  function bare(node: SyntaxNode): SyntaxNode {
    let inner = node
    while (inner.name === 'ParenthesizedExpression') {
      const [only] = children(inner)
      if (!only) return inner
      inner = only
    }
    return inner
  }

  function requireHashable(node: SyntaxNode): SyntaxNode {
    const pending = [node]
    for (let next = pending.pop(); next; next = pending.pop()) {
      if (unhashable.has(next.name))
        throw new PythonLiteralError('a list, set or dictionary can be no key and in no set', next.from)
      if (next.name === 'TupleExpression' || next.name === 'ParenthesizedExpression')
        pending.push(...children(next))
    }
    return node
  }

  function evaluateDictionary(node: SyntaxNode, depth: number): Map<PythonKey, PythonValue> {
    const result = new Map<PythonKey, PythonValue>()
    const parts = children(node)
    for (let index = 0; index < parts.length; index += 2) {
      const [keyNode, valueNode] = [parts[index], parts[index + 1]]
      if (!keyNode || !valueNode || keyNode.name === '**') throw notLiteral(keyNode ?? node)
      const key = evaluate(requireHashable(keyNode), depth + 1)
      result.set(key, evaluate(valueNode, depth + 1))
    }
    return result
  }

  const text = (node: SyntaxNode) => source.slice(node.from, node.to)
  const notLiteral = (node: SyntaxNode) =>
    new PythonLiteralError(`only literal values are allowed, not ${describe(node)}`, node.from)
  const value = evaluate(expression, 1)
  // What ends with a comma is a tuple.
  return statement.lastChild?.name === ',' ? [value] : value
}

/** Of a text that a parser more patient than Python's has taken. */
function requireEnd(text: string, tree: Tree): void {
  const last = text.length - 1
  if (endsIndented(text)) throw new PythonLiteralError('unexpected indent: blanks end the file', last)
  if (text.endsWith('\\\n') && tree.resolveInner(last - 1, 1).name !== 'Comment')
    throw new PythonLiteralError('a line goes on behind the end of the file', last - 1)
}

const punctuation = new Set(['(', ')', '[', ']', '{', '}', ',', ':', 'Comment'])
const unhashable = new Set(['ArrayExpression', 'DictionaryExpression', 'SetExpression', 'CallExpression'])

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling)
    if (!punctuation.has(child.name)) found.push(child)
  return found
}

const strictParser = parser.configure({ strict: true })
/** How far behind a fault the parser sees where it could have gone on. */
const lookAhead = 200

/**
 * The tree of a text without faults. To go on behind each fault of a hostile text costs the parser ten thousand times as
 * much as reading it: only the first is looked at, and only the little that follows it.
 */
function parseStrictly(written: string, source: string): Tree {
  const tree = attempt(source)
  if (typeof tree === 'number') throw syntaxError(written, tree)
  return tree
}

/** The tree, or where the parser could not go on. */
function attempt(source: string): Tree | number {
  try {
    return strictParser.parse(source)
  } catch (error) {
    const found = error instanceof SyntaxError && /^No parse at (\d+)$/.exec(error.message)
    if (!found) throw error
    return Number(found[1])
  }
}

function syntaxError(source: string, stopped: number): PythonLiteralError {
  const cursor = parser.parse(source.slice(0, stopped + lookAhead)).cursor()
  while (!cursor.type.isError && cursor.next());
  const offset = cursor.type.isError ? cursor.from : stopped
  // The parser recovers right after what it could not use: name what stands there.
  const near = source
    .slice(offset, offset + 20)
    .split('\n')[0]!
    .trim()
  return new PythonLiteralError(near ? `syntax error near \`${near}\`` : 'syntax error', offset)
}

const descriptions: Record<string, string> = {
  CallExpression: 'a function call',
  VariableName: 'a name',
  FormatString: 'an f-string',
  BinaryExpression: 'an operator',
  MemberExpression: 'an attribute or index',
  ImportStatement: 'an import',
  AssignStatement: 'an assignment',
  LambdaExpression: 'a lambda',
  ConditionalExpression: 'a condition',
  UnaryExpression: 'an operator',
  '**': '`**`',
}

function describe(node: SyntaxNode): string {
  return (
    descriptions[node.name] ?? (node.name.endsWith('ComprehensionExpression') ? 'a comprehension' : node.name)
  )
}
