import { parser } from '@lezer/python'
import { decodePythonString, PythonLiteralError } from './python-string.ts'

/** A value that `ast.literal_eval` could return; tuples and sets become arrays, bytes are refused. */
export type PythonValue = string | number | boolean | null | PythonValue[] | Map<PythonKey, PythonValue>
export type PythonKey = string | number | boolean | null

const maxDepth = 32
const maxValues = 50_000

type Tree = ReturnType<typeof parser.parse>
type SyntaxNode = Tree['topNode']

/**
 * Reads a text that holds one Python literal, as `ast.literal_eval` does, without running any of it: the text is
 * parsed to a syntax tree, and only constants and containers of constants are accepted.
 */
export function parsePythonLiteral(source: string): PythonValue {
  const tree = parseStrictly(source)
  const statements = children(tree.topNode)
  const [statement, second] = statements
  if (!statement) throw new PythonLiteralError('the file holds no value', 0)
  if (second)
    throw new PythonLiteralError(
      'only one expression is allowed, here begins a second statement',
      second.from,
    )
  const expressions = statement.name === 'ExpressionStatement' ? children(statement) : []
  const [expression, other] = expressions
  if (!expression)
    throw new PythonLiteralError(`a literal is expected, not ${describe(statement)}`, statement.from)
  if (other) throw new PythonLiteralError('only one value is allowed', other.from)
  let values = 0

  function evaluate(node: SyntaxNode, depth: number): PythonValue {
    if (depth > maxDepth) throw new PythonLiteralError(`nested deeper than ${maxDepth} levels`, node.from)
    if (++values > maxValues) throw new PythonLiteralError(`more than ${maxValues} values`, node.from)
    switch (node.name) {
      case 'String':
        return decodePythonString(text(node), node.from)
      case 'ContinuedString':
        return children(node)
          .map((part) => {
            if (part.name !== 'String') throw notLiteral(part)
            return decodePythonString(text(part), part.from)
          })
          .join('')
      case 'Number':
        return parseNumber(text(node), node.from)
      case 'Boolean':
        return text(node) === 'True'
      case 'None':
        return null
      case 'ParenthesizedExpression': {
        const [inner] = children(node)
        if (!inner) throw notLiteral(node)
        return evaluate(inner, depth + 1)
      }
      case 'UnaryExpression':
        return evaluateSign(node, depth)
      case 'ArrayExpression':
      case 'TupleExpression':
      case 'SetExpression':
        return children(node).map((child) => evaluate(child, depth + 1))
      case 'DictionaryExpression':
        return evaluateDictionary(node, depth)
      default:
        throw notLiteral(node)
    }
  }

  function evaluateSign(node: SyntaxNode, depth: number): number {
    const [sign, operand] = children(node)
    const value = operand && evaluate(operand, depth + 1)
    if (!sign || !['+', '-'].includes(text(sign)) || typeof value !== 'number') throw notLiteral(node)
    return text(sign) === '-' ? -value : value
  }

  function evaluateDictionary(node: SyntaxNode, depth: number): Map<PythonKey, PythonValue> {
    const result = new Map<PythonKey, PythonValue>()
    const parts = children(node)
    for (let index = 0; index < parts.length; index += 2) {
      const [keyNode, valueNode] = [parts[index], parts[index + 1]]
      if (!keyNode || !valueNode || keyNode.name === '**') throw notLiteral(keyNode ?? node)
      const key = evaluate(keyNode, depth + 1)
      if (typeof key === 'object' && key !== null)
        throw new PythonLiteralError(
          'a dictionary key must be a string, number, boolean or None',
          keyNode.from,
        )
      result.set(key, evaluate(valueNode, depth + 1))
    }
    return result
  }

  const text = (node: SyntaxNode) => source.slice(node.from, node.to)
  const notLiteral = (node: SyntaxNode) =>
    new PythonLiteralError(`only literal values are allowed, not ${describe(node)}`, node.from)
  return evaluate(expression, 1)
}

const punctuation = new Set(['(', ')', '[', ']', '{', '}', ',', ':', 'Comment', ';'])

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
function parseStrictly(source: string): Tree {
  try {
    return strictParser.parse(source)
  } catch (error) {
    const found = error instanceof SyntaxError && /^No parse at (\d+)$/.exec(error.message)
    if (!found) throw error
    throw syntaxError(source, Number(found[1]))
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

function parseNumber(text: string, offset: number): number {
  const digits = text.replaceAll('_', '')
  const value = Number(digits)
  if (!Number.isFinite(value) || /^0\d*[1-9]/.test(digits))
    throw new PythonLiteralError(`\`${text.slice(0, 40)}\` is not a number that can be read`, offset)
  return value
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
