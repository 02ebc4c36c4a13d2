const maxTextLength = 400;

/**
 * What was thrown, in one line: anything can be, null and objects that cannot be shown too. `hide` takes
 * out of it what is not to be told.
 */
export function thrownText(thrown: unknown, hide = (text: string): string => text): string {
  try {
    const text = thrown instanceof Error ? errorText(thrown) : `it threw ${String(thrown)}`;
    const line = hide(text).replace(/\s+/g, ' ');
    return line.length > maxTextLength ? `${line.slice(0, maxTextLength)}…` : line;
  } catch {
    return 'it threw what cannot be shown';
  }
}

const errorText = ({ name, message }: Error): string =>
  name === 'Error' && message !== '' ? message : `${name}: ${message}`;
