/** A setting's text, and where it came from for those who must find it. */
export interface Given {
  readonly name: string;
  readonly text: string;
  readonly source: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'FORSUN_';

/** Set for a command by the server that runs it, for the `forsun` command line, or by Kubernetes. */
const othersNames =
  /^FORSUN_(KEY|TIMESTAMP|FIRE_ID|ATTEMPT|HOST|TOKEN|CLIENT_.*|TEST_.*|SERVICE_HOST|SERVICE_PORT.*|PORT_.*|CONF|DEMON_CHILD)$/;

/** Kubernetes sets FORSUN_PORT=tcp://10.0.0.1:6458 in every pod beside a service called forsun. */
const isServiceLink = (name: string, text: string): boolean =>
  name === 'PORT' && /^[a-z]+:\/\//i.test(text);

/** The FORSUN_ variables that are settings, and the names, without prefix, of those that nobody knows. */
export function readEnvironment(
  env: Environment,
  known: ReadonlySet<string>,
): { readonly given: readonly Given[]; readonly unknown: readonly string[] } {
  const given: Given[] = [];
  const unknown: string[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || text === undefined || othersNames.test(variable)) continue;
    const name = variable.slice(prefix.length);
    if (isServiceLink(name, text)) continue;
    if (known.has(name)) given.push({ name, text, source: variable });
    else unknown.push(name);
  }
  return { given, unknown };
}
