import test from 'ava'
import { parseJson, parseJsonExactly } from '../../src/spec/json.js'

const cases: readonly { readonly name: string; readonly text: string; readonly message: string }[] = [
  { name: 'an empty file', text: '', message: 'c.json: expected a JSON document, found an empty file' },
  { name: 'only space', text: ' \n\t', message: 'c.json: expected a JSON document, found an empty file' },
  { name: 'a cut file', text: '{"a": [1,\n 2', message: "c.json:2:3: expected ',' or ']', found the end of the file" },
  { name: 'no comma', text: '{\n  "a": 1\n  "b": 2\n}', message: "c.json:3:3: expected ',' or '}', found a string" },
  { name: 'a comma too many', text: '{"a": 1,}', message: "c.json:1:9: expected a name in double quotes, found '}'" },
  { name: 'a comma too many in a list', text: '[1,]', message: "c.json:1:4: expected a value, found ']'" },
  { name: 'no colon', text: '{"a" 1}', message: "c.json:1:6: expected ':', found '1'" },
  { name: 'a bare name', text: '{a: 1}', message: "c.json:1:2: expected a name in double quotes or '}', found 'a'" },
  { name: 'a comment', text: '// no\n{}', message: "c.json:1:1: expected a value, found '/'" },
  { name: 'a second document', text: '{} {}', message: "c.json:1:4: expected the end of the file, found '{'" },
  { name: 'a wrong bracket', text: '[{"a": 1]]', message: "c.json:1:9: expected ',' or '}', found ']'" },
  { name: 'a leading zero', text: '[01]', message: "c.json:1:3: expected ',' or ']', found '1'" },
  { name: 'an unknown word', text: '[nil]', message: "c.json:1:2: expected a value, found 'n'" },
  {
    name: 'a string over two lines, after characters of several bytes',
    text: '["ü😀", "a\n"]',
    message: 'c.json:1:8: a string that does not end, or has a wrong escape or character',
  },
  {
    name: 'a wrong escape',
    text: '["\\x41"]',
    message: 'c.json:1:2: a string that does not end, or has a wrong escape or character',
  },
]

for (const { name, text, message } of cases) {
  test(`${name} is an error with its place`, (t) => {
    t.is(t.throws(() => parseJson('c.json', text))?.message, message)
  })
}

test('every text that is cut short has a place and a reason', (t) => {
  const text = '{"a": [1, -2.5e3, "x\\u00e9", {"b": null}], "c": {}, "d": [], "e": true}'
  for (let length = 1; length < text.length; length++) {
    t.regex(t.throws(() => parseJson('c.json', text.slice(0, length)))?.message ?? '', /^c\.json:1:\d+: /)
  }
})

test('whole numbers beyond 2^53 stay exact, all others are plain numbers', (t) => {
  const text = `{
    "most": 18446744073709551615, "odd": 9007199254740993, "least": -9223372036854775808,
    "safe": 9007199254740991, "zeros": 1000000000000000000000e-6, "fraction": 0.1234567890123456, "small": [1, 2],
    "text": "18446744073709551615", "quote\\"18446744073709551615": "\\\\", "after": 18446744073709551614
  }`
  t.deepEqual(parseJsonExactly('c.json', text), {
    most: 18446744073709551615n,
    odd: 9007199254740993n,
    least: -9223372036854775808n,
    safe: 9007199254740991,
    zeros: 1e15,
    fraction: 0.1234567890123456,
    small: [1, 2],
    text: '18446744073709551615',
    'quote"18446744073709551615': '\\',
    after: 18446744073709551614n,
  })
})

test('a byte order mark is passed over', (t) => {
  t.deepEqual(parseJson('c.json', '\uFEFF{}'), {})
})

for (const long of ['', ', 18446744073709551615']) {
  test(`names that mean something to JavaScript are only names${long && ' beside long integers'}`, (t) => {
    const value = parseJsonExactly(
      'c.json',
      `[{"__proto__": {"polluted": [true]}, "constructor": {"prototype": {"polluted": 1}}}${long}]`,
    )
    t.true(Array.isArray(value) && Object.hasOwn(value[0], '__proto__'))
    t.is(Reflect.get({}, 'polluted'), undefined)
  })
}

const refused: readonly { readonly name: string; readonly text: string; readonly message: RegExp }[] = [
  { name: 'a NUL in a value', text: '["a\\u0000b"]', message: /^c\.json: a NUL character in the string "a\\u0000b"$/ },
  { name: 'a NUL in a name', text: '{"\\u0000": 1}', message: /NUL character/ },
  {
    name: 'a NUL before digits, beside a long integer',
    text: '["\\u00005", 18446744073709551615]',
    message: /NUL character/,
  },
  { name: 'half of a surrogate pair', text: '["\\ud800"]', message: /half of a character in the string "\\ud800"$/ },
  { name: 'the other half', text: '["a\\udc00"]', message: /half of a character/ },
  { name: 'deep nesting', text: `${'['.repeat(65)}${']'.repeat(65)}`, message: /nested deeper than 64 levels/ },
]

for (const { name, text, message } of refused) {
  test(`${name} is refused`, (t) => {
    t.throws(() => parseJson('c.json', text), { name: 'SpecError', message })
  })
}

test('what only looks like these is accepted', (t) => {
  t.deepEqual(parseJsonExactly('c.json', '["\\\\u0000", "\\ud83d\\ude00", 18446744073709551615]'), [
    '\\u0000',
    '😀',
    18446744073709551615n,
  ])
  t.notThrows(() => parseJson('c.json', `${'['.repeat(64)}${']'.repeat(64)}`))
})
