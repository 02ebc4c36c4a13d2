import type { Log } from '../core/log.ts';
import type { Clock } from '../core/time.ts';
import type { Action, DisabledAction } from './action.ts';
import { beanstalkAction, beanstalkDefaults, type BeanstalkSettings } from './beanstalk.ts';
import type { Dial } from './dial.ts';
import type { Egress } from './egress.ts';
import { httpAction, httpDefaults, type HttpSettings } from './http.ts';
import { mysqlAction, mysqlDefaults, type MySQLSettings } from './mysql.ts';
import { redisAction, redisDefaults, type RedisSettings } from './redis.ts';
import { shellAction, shellDefaults, type ShellSettings } from './shell.ts';
import { thriftAction, thriftDefaults, type ThriftSettings } from './thrift.ts';

/** May shell run what any client sends? Not while strangers may be among them, unless the person says so. */
export type ShellLeave = 'given' | 'exposed' | 'forbidden';

export interface ActionSettings {
  readonly shellLeave: ShellLeave;
  readonly shell: ShellSettings;
  readonly http: HttpSettings;
  readonly redis: RedisSettings;
  readonly thrift: ThriftSettings;
  readonly beanstalk: BeanstalkSettings;
  readonly mysql: MySQLSettings;
}

export const actionDefaults: Omit<ActionSettings, 'shellLeave'> = {
  shell: shellDefaults,
  http: httpDefaults,
  redis: redisDefaults,
  thrift: thriftDefaults,
  beanstalk: beanstalkDefaults,
  mysql: mysqlDefaults,
};

export interface ActionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dial: Dial;
  readonly egress: Egress;
  /** The server's version, for User-Agent. */
  readonly version: string;
  /** The server's environment, of which shell commands see a little. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const whyShellIsOff: Readonly<Record<Exclude<ShellLeave, 'given'>, string>> = {
  exposed:
    'the server listens beyond this machine; start it with --allow-shell to run what clients send',
  forbidden: 'the server was started with --allow-shell no, or a setting that says so',
};

/** The actions that come with the server. */
export function builtinActions(
  settings: ActionSettings,
  deps: ActionDeps,
): (Action | DisabledAction)[] {
  return [
    settings.shellLeave === 'given'
      ? shellAction(settings.shell, deps)
      : { name: 'shell', disabledBecause: whyShellIsOff[settings.shellLeave] },
    httpAction(settings.http, deps),
    redisAction(settings.redis, deps),
    thriftAction(settings.thrift, deps),
    beanstalkAction(settings.beanstalk, deps),
    mysqlAction(settings.mysql, deps),
  ];
}
