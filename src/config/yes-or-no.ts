/** Yes or no, in the spellings of INI files and shells, in any case; undefined when it is neither. */
export function yesOrNoOf(text: string): 'yes' | 'no' | undefined {
  if (/^(yes|true|on|1)$/i.test(text)) return 'yes';
  return /^(no|false|off|0)$/i.test(text) ? 'no' : undefined;
}
