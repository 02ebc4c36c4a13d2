import yargs, { type Argv } from 'yargs';

import { suggestion } from './nearest.ts';
import { SettingError } from './setting-error.ts';
import { yesOrNoOf } from './yes-or-no.ts';

/** A flag as a command knows it. */
export interface Flag {
  readonly flag: string;
  readonly short?: string;
  /** `yes or no` may be left out: the flag alone means yes. */
  readonly takes: 'text' | 'yes or no' | 'nothing';
  readonly meaning: string;
}

export interface CommandLine {
  /** What is no flag, in order, as it was typed. */
  readonly words: readonly string[];
  /** The flags that were given, each with its texts in order; `yes` for one that takes nothing. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/**
 * Splits arguments into flags and words, and judges no value. What begins with a dash and is no number is a
 * flag, up to `--`: a value so spelt takes an equals sign, `--log=-x`; a dash alone is a value. Throws
 * SettingError for a flag that is not among the known, that lacks its value, or takes none.
 */
export function readCommandLine(argv: readonly string[], known: readonly Flag[]): CommandLine {
  const parsed = parserOf(known).parseSync(spelledOut(argv, known)) as Readonly<
    Record<string, unknown>
  >;
  const flags = known.flatMap(({ flag }) => {
    const came = parsed[flag];
    return came === undefined ? [] : [[flag, [came].flat().map(String)] as const];
  });
  return { words: [parsed['_']].flat().map(String), flags: new Map(flags) };
}

/** What `--help` shows above, in and below its groups of flags. */
export interface HelpPage {
  readonly usage: string;
  readonly groups: ReadonlyMap<string, readonly Flag[]>;
  readonly epilogue: string;
}

const helpColumns = 100;

export function helpPage({ usage, groups, epilogue }: HelpPage): string {
  const parser = parserOf([...groups.values()].flat())
    .usage(usage.replace(/^ +/gm, unbroken))
    .epilogue(epilogue)
    .wrap(helpColumns);
  for (const [title, flags] of groups) {
    parser.group(
      flags.map(({ flag }) => flag),
      `${title}:`,
    );
  }
  let page = '';
  parser.showHelp((text) => (page = text));
  return page.replaceAll(blank, ' ');
}

/** yargs drops what it takes for white space at the beginning of a line, and breaks lines at it. */
const blank = '\ue000';
const unbroken = (text: string): string => text.replaceAll(' ', blank);

/** yargs, kept from guessing, from printing and from ending the process; every value stays a text. */
function parserOf(known: readonly Flag[]): Argv {
  const parser = yargs([])
    .help(false)
    .version(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw new SettingError(message || error.message, 2);
    })
    .updateStrings({ 'Not enough arguments following: %s': '--%s needs a value' })
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    });
  for (const { flag, short, meaning } of known) {
    parser.option(flag, {
      nargs: 1,
      describe: meaning.replace(/\(default: .*\)$/, unbroken),
      ...(short === undefined ? {} : { alias: short }),
    });
  }
  return parser;
}

/**
 * The arguments for yargs: every flag one that it knows (it dies of `--constructor`, and takes `--__proto__`
 * for another), by its long name, and with the value that it means when it stands alone.
 */
function spelledOut(argv: readonly string[], known: readonly Flag[]): readonly string[] {
  const spelled: string[] = [];
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') return [...spelled, arg, ...rest];
    if (!isFlag(arg)) {
      spelled.push(arg);
      continue;
    }
    const [name, value] = splitAtEquals(arg);
    const one = known.find(({ flag, short }) => name === `--${flag}` || name === `-${short ?? ''}`);
    if (one === undefined) throw unknownFlag(name, known);
    if (value !== undefined) {
      if (one.takes === 'nothing') {
        throw new SettingError(`${name} takes no value, ${JSON.stringify(value)} came`, 2);
      }
      spelled.push(`--${one.flag}=${value}`);
    } else if (one.takes === 'text') {
      spelled.push(`--${one.flag}`);
    } else {
      const follows = one.takes === 'yes or no' && yesOrNoOf(rest[0] ?? '') !== undefined;
      spelled.push(`--${one.flag}=${(follows ? rest.shift() : undefined) ?? 'yes'}`);
    }
  }
  return spelled;
}

/** As yargs sees it: a dash alone and negative numbers are words or values. */
const isFlag = (arg: string): boolean => /^-./s.test(arg) && !/^-(\d+(\.\d+)?|\.\d+)$/.test(arg);

function splitAtEquals(arg: string): readonly [name: string, value?: string] {
  const at = arg.indexOf('=');
  return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
}

function unknownFlag(name: string, known: readonly Flag[]): SettingError {
  const names = known.map(({ flag }) => flag);
  const meant = suggestion(name.replace(/^-+/, ''), names, '--');
  return new SettingError(`no flag is called ${JSON.stringify(name)}${meant}`, 2);
}
