import type { Log } from '../core/log.ts';
import type { Clock } from '../core/time.ts';
import type { Action, DisabledAction } from './action.ts';
import { httpAction, httpDefaults, type HttpSettings } from './http.ts';
import { nameDefaults, Names, type NameSettings } from './names.ts';
import { shellAction, shellDefaults, type ShellSettings } from './shell.ts';

export interface ActionSettings {
  /** Off unless every listener is local or the person says so: it runs what any client sends. */
  readonly allowShell: boolean;
  readonly shell: ShellSettings;
  readonly http: HttpSettings;
  readonly names: NameSettings;
}

export const actionDefaults: Omit<ActionSettings, 'allowShell'> = {
  shell: shellDefaults,
  http: httpDefaults,
  names: nameDefaults,
};

export interface ActionDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The server's version, for User-Agent. */
  readonly version: string;
  /** The server's environment, of which shell commands see a little. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The actions that come with the server. */
export function builtinActions(
  settings: ActionSettings,
  deps: ActionDeps,
): (Action | DisabledAction)[] {
  const names = new Names(deps.clock, settings.names);
  return [
    settings.allowShell
      ? shellAction(settings.shell, deps)
      : {
          name: 'shell',
          disabledBecause:
            'the server listens beyond this machine; start it with --allow-shell to run what clients send',
        },
    httpAction(settings.http, { ...deps, names }),
  ];
}
