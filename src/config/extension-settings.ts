import { setting } from './setting.ts';
import { listOf, oneOf, seconds, text } from './values.ts';

/** Which extensions are loaded, and what happens when one cannot be. Their own settings: extension-sections.ts. */
export const extensionSettings = {
  /** Empty: only packages installed beside forsun are found. */
  paths: setting('EXTENSION_PATH', {
    value: listOf(text),
    default: '',
    isList: true,
    meaning:
      'directories of extensions, looked through in turn; packages installed beside forsun are found without; repeatable',
  }),
  names: setting('EXTENSIONS', {
    flag: 'extension',
    value: listOf(text),
    default: '',
    isList: true,
    meaning: 'extensions to load, by name; repeatable',
  }),
  onError: setting('EXTENSION_ON_ERROR', {
    value: oneOf(['stop', 'skip']),
    default: 'stop',
    meaning: 'what a failing extension does at start: stop: no start; skip: it is left out',
  }),
  stepTimeoutSeconds: setting('EXTENSION_TIMEOUT', {
    value: seconds(0.1, 3600),
    default: '10',
    meaning: 'seconds for each of its steps: load, register, start; to stop, at most 3',
  }),
} as const;
