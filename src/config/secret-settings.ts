import { setting } from './setting.ts';
import { absolutePath, listOf, variableName } from './values.ts';

/** What the params of a plan may refer to, in place of a secret. */
export const secretSettings = {
  variables: setting('SECRET_ENV', {
    value: listOf(variableName),
    default: '',
    isList: true,
    meaning: 'variables that params may refer to, as API_TOKEN or APP_*; repeatable',
  }),
  directories: setting('SECRET_DIR', {
    value: listOf(absolutePath),
    default: '',
    isList: true,
    meaning: 'directories whose files params may refer to, as /run/secrets; repeatable',
  }),
} as const;
