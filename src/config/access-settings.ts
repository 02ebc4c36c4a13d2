import { setting } from './setting.ts';
import { listOf, network, oneOf, text } from './values.ts';

/** Who may come in, by whichever door. */
export const accessSettings = {
  /** Networks, as `address/prefix`, whose peers are served although they are not this machine. */
  trustNetworks: setting('TRUST_NETWORK', {
    value: listOf(network),
    default: '',
    isList: true,
    meaning: 'networks served besides this machine, as 10.0.0.0/8; repeatable',
  }),
  /** Empty: nobody needs a token. */
  tokenFile: setting('TOKEN_FILE', {
    value: text,
    default: '',
    meaning: 'file of tokens, made by forsund token; read again when it changes',
  }),
  /** auto: none with a token file, else admin. */
  anonymousRole: setting('ANONYMOUS_ROLE', {
    value: oneOf(['auto', 'none', 'read', 'write', 'admin']),
    default: 'auto',
    meaning:
      'role of whoever brings no token: none, read, write, admin, or auto: none with a token file, else admin',
  }),
  /** On all ports; all empty: none have TLS. Paths. */
  tls: {
    cert: setting('TLS_CERT', {
      value: text,
      default: '',
      meaning:
        'certificate of the server, in PEM; with --tls-key all ports speak TLS and nothing else',
    }),
    key: setting('TLS_KEY', {
      value: text,
      default: '',
      meaning: 'private key of that certificate, in PEM',
    }),
    ca: setting('TLS_CA', {
      value: text,
      default: '',
      meaning:
        'certificates of authorities, in PEM, one of which each client must show a certificate of',
    }),
  },
} as const;
