import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IniFile, parseIni } from './ini.ts';

/** Sections, options and texts alone; a section that stands more than once is put together. */
function valuesOf(file: IniFile): Record<string, Record<string, string>> {
  const result = new Map<string, Record<string, string>>();
  for (const { name, options } of file.sections) {
    result.set(name, { ...result.get(name), ...Object.fromEntries([...options].map(([option, { text }]) => [option, text])) });
  }
  return Object.fromEntries(result);
}

function isSlotName(name: string): boolean {
  return name === 'slot_name';
}

describe('parseIni', () => {
  test('reads sections and options with their lines', () => {
    const file = parseIni('[barman]\nbarman_home = /var/lib/barman\n\n[pg]\nconninfo = host=pg user=barman\n');
    expect(valuesOf(file)).toEqual({ barman: { barman_home: '/var/lib/barman' }, pg: { conninfo: 'host=pg user=barman' } });
    expect(file.sections.map(({ name, line }) => [name, line])).toEqual([
      ['barman', 1],
      ['pg', 4],
    ]);
    expect(file.sections[1]?.options.get('conninfo')).toEqual({ text: 'host=pg user=barman', line: 5 });
    expect(file.problems).toEqual([]);
    expect(file.warnings).toEqual([]);
  });

  test.each([
    ['= without blanks', 'a=b', 'b'],
    [': for =', 'a: b', 'b'],
    ['the first separator, = behind :', 'a: b=c', 'b=c'],
    ['the first separator, : behind =', 'a = postgresql://u@h:5432/d', 'postgresql://u@h:5432/d'],
    ['nothing behind the separator', 'a =', ''],
    ['blanks round the value', 'a =\t  b c  \t', 'b c'],
    ['an upper-case name', 'A = b', 'b'],
    ['# in the value, which is no comment', 'a = pass#word # not a comment', 'pass#word # not a comment'],
    ['; in the value, which is no comment', 'a = x; y', 'x; y'],
    ['quotes, which are left to the reader of the value', 'a = "b"', '"b"'],
    ['a percent sign, which is left too', 'a = %%b %(c)s', '%%b %(c)s'],
    ['a value on the next lines', 'a =\n  b\n\tc', 'b\nc'],
    ['a value that goes on deeper', 'a = b\n  c\n d', 'b\nc\nd'],
    ['a value that goes on over a blank line', 'a = b\n\n c', 'b\n\nc'],
    ['a value that goes on over a comment', 'a = b\n# no\n  ; no\n c', 'b\nc'],
    ['blank lines behind, which do not count', 'a = b\n\n\n', 'b'],
    ['an option that is indented itself', '   a = b', 'b'],
  ])('reads %s', (_, text, value) => {
    const file = parseIni(`[s]\n${text}\n`);
    expect(file.problems).toEqual([]);
    expect(valuesOf(file)).toEqual({ s: { a: value } });
  });

  test('takes options of equal indent as options, not as lines that go on', () => {
    expect(valuesOf(parseIni('[s]\n  a = 1\n  b = 2\n'))).toEqual({ s: { a: '1', b: '2' } });
  });

  test.each(['\r\n', '\r', '\n'])('reads line ends %j', (end) => {
    expect(valuesOf(parseIni(['[s]', 'a = 1', ' 2', 'b = 3', ''].join(end)))).toEqual({ s: { a: '1\n2', b: '3' } });
  });

  test('passes over a byte order mark', () => {
    expect(valuesOf(parseIni('\uFEFF[s]\na = 1'))).toEqual({ s: { a: '1' } });
  });

  test('lets the last of two win, and says that the first has no effect', () => {
    const file = parseIni('[s]\na = 1\n[t]\nb = 2\n[s]\na = 3\na = 4\n');
    expect(valuesOf(file)).toEqual({ s: { a: '4' }, t: { b: '2' } });
    expect(file.warnings).toEqual([
      { line: 6, section: 's', option: 'a', message: 'is set again in line 7, which wins', hint: undefined },
    ]);
  });

  test('says so when an indented line looks like an option', () => {
    const file = parseIni('[s]\ndescription = text\n  slot_name = barman\n  host = pg\n', { isOption: isSlotName });
    expect(valuesOf(file)).toEqual({ s: { description: 'text\nslot_name = barman\nhost = pg' } });
    expect(file.warnings).toEqual([
      expect.objectContaining({
        line: 3,
        option: 'description',
        message: 'this line goes on with the value of "description", since it is indented deeper',
        hint: expect.stringContaining('"slot_name"'),
      }),
    ]);
  });

  test.each([
    ['a line with no separator', '[s]\nnonsense\n', 2, 'the line is no section header and no "option = value"'],
    ['a line with no name', '[s]\n= value\n', 2, 'the line is no section header and no "option = value"'],
    ['a name with a blank in it', '[s]\nmy password = x\n', 2, 'the line is no section header and no "option = value"'],
    ['an option before any section', 'a = 1\n[s]\n', 1, 'an option stands before the first section header'],
    ['a header that does not end', '[s\n', 1, 'a section header must be "[name]", alone on its line'],
    ['a header with text behind it', '[s] # no\n', 1, 'a section header must be "[name]", alone on its line'],
    ['an empty header', '[]\n', 1, 'a section header must be "[name]", alone on its line'],
  ])('reports %s', (_, text, line, message) => {
    expect(parseIni(text).problems).toEqual([expect.objectContaining({ line, message })]);
  });

  test('reports one problem for a bad line and what goes on with it, and goes on behind it', () => {
    const file = parseIni('[s]\nnonsense\n  more nonsense\na = 1\n[bad\nb = 2\n');
    expect(file.problems.map(({ line }) => line)).toEqual([2, 5]);
    expect(valuesOf(file)).toMatchObject({ s: { a: '1' } });
    expect(valuesOf(file)['s']).not.toHaveProperty('b');
  });

  test('never repeats the text of a line', () => {
    const file = parseIni('postgresql://u:sesame@h\n[s sesame\nhost password sesame\nsesame word = x\n');
    expect(file.problems).toHaveLength(4);
    expect(JSON.stringify([file.problems, file.warnings])).not.toContain('sesame');
  });
});

describe('any values', () => {
  const line = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.trim() === text && !/[\r\n]|^$/.test(text));
  const further = fc.oneof(line.filter((text) => !/^[#;]/.test(text)));
  const value = fc.tuple(line, fc.array(fc.oneof(further, fc.constant('')), { maxLength: 3 }), further);
  const values = value.map(([first, middle, last]) => [first, ...middle, last].join('\n'));
  const text = fc.oneof(fc.constant(''), line, values);
  const name = fc.stringMatching(/^[a-z0-9_.-]{1,12}$/);
  const section = fc.stringMatching(/^[^[\]\r\n]{1,12}$/);
  const maps = fc.dictionary(section, fc.dictionary(name, text, { noNullPrototype: true }), { noNullPrototype: true });

  test('are read back as they were written', () => {
    fc.assert(
      fc.property(
        maps,
        fc.constantFrom('=', ' = ', ': ', '\t:\t'),
        fc.constantFrom(' ', '\t', '    '),
        (map, separator, indent) => {
          let written = '';
          for (const [header, options] of Object.entries(map)) {
            written += `# a comment\n[${header}]\n`;
            for (const [option, text] of Object.entries(options)) {
              written += `${option.toUpperCase()}${separator}${text.replaceAll('\n', `\n${indent}`)}\n; another\n`;
            }
          }
          const file = parseIni(written);
          expect(file.problems).toEqual([]);
          expect(valuesOf(file)).toEqual(map);
        },
      ),
    );
  });

  test('make no text throw, and leave no line without a place', () => {
    const noise = fc.string({ unit: fc.constantFrom(...Array.from('[]=: \t\n\r#;ab%"')), maxLength: 60 });
    fc.assert(
      fc.property(noise, (text) => {
        const file = parseIni(text);
        const last = text.split(/\r\n|\n|\r/).length;
        for (const { line } of [...file.problems, ...file.warnings]) expect(line >= 1 && line <= last).toBe(true);
      }),
    );
  });
});
