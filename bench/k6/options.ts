/** What whoever runs a script sets by the environment: read once, everything checked; an error names the variable. */

/** Of one user of the query API at one instance, and of one address: what it lets in. */
export const SOCKETS_A_USER = 50;
export const SOCKETS_AN_ADDRESS = 100;
const MINUTE_S = 60;
const SECONDS_BY_UNIT: Readonly<Record<string, number>> = { s: 1, m: MINUTE_S, h: 60 * MINUTE_S };

export interface Options {
  /** Of the collector, of the query API, and of what is asked for `/metrics`; without a slash at the end. */
  readonly ingestUrl: string;
  readonly apiUrl: string;
  readonly metricsUrls: readonly string[];
  /** Sends, or looks of an admin, a second. */
  readonly rate: number;
  readonly durationS: number;
  /** JWTs of staff or moderators: watchers take them in turns. */
  readonly tokens: readonly string[];
  readonly watchers: number;
  /** How many times the usual rate comes at once. */
  readonly spike: number;
  /** Visitors who may come again. */
  readonly population: number;
  /** Each visitor says an address of their own in `X-Forwarded-For`. */
  readonly sendsAddresses: boolean;
  readonly reportDir: string;
  /** Words of whoever runs it, for the report. */
  readonly setting: string;
}

/** What differs from script to script. */
export interface Defaults {
  rate: number;
  duration: string;
  /** It asks the query API: a token has to be given. */
  needsToken?: boolean;
  watchers?: number;
}

export class OptionError extends Error {
  override readonly name = 'OptionError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws OptionError `VARIABLE=value: rule` */
export function readOptions(environment: Environment, defaults: Defaults): Options {
  const given = (name: string) => {
    const value = environment[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  const baseUrl = addressOf('BASE_URL', given('BASE_URL'));
  const ingestUrl = addressOf('INGEST_URL', given('INGEST_URL')) ?? baseUrl;
  const apiUrl = addressOf('API_URL', given('API_URL')) ?? baseUrl;
  if (ingestUrl === undefined || apiUrl === undefined) {
    const missing = ingestUrl === undefined ? 'INGEST_URL' : 'API_URL';
    throw new OptionError(
      `${missing}: is needed, or BASE_URL where one address serves collector and query API`,
    );
  }
  const tokens = listOf(given('TOKEN'));
  if (defaults.needsToken === true && tokens.length === 0) {
    throw new OptionError('TOKEN: is needed, of staff or a moderator: footfall token --staff');
  }
  const metricsUrls = listOf(given('METRICS_URLS')).map((url) => addressOf('METRICS_URLS', url) ?? url);
  const sendsAddresses = truth('SEND_ADDRESSES', given('SEND_ADDRESSES'));
  const watchers = whole('WATCHERS', given('WATCHERS') ?? `${defaults.watchers ?? 0}`, 0);
  if (watchers > SOCKETS_A_USER * Math.max(1, tokens.length)) {
    throw new OptionError(
      `WATCHERS=${watchers}: a user may have ${SOCKETS_A_USER} sockets: give TOKEN more tokens, of different subjects, with commas`,
    );
  }
  if (watchers > SOCKETS_AN_ADDRESS && !sendsAddresses) {
    throw new OptionError(
      `WATCHERS=${watchers}: an address may have ${SOCKETS_AN_ADDRESS} sockets: set SEND_ADDRESSES=true, and name this machine in TRUSTED_PROXIES`,
    );
  }
  return {
    ingestUrl,
    apiUrl,
    metricsUrls: metricsUrls.length > 0 ? metricsUrls : ingestUrl === apiUrl ? [apiUrl] : [ingestUrl, apiUrl],
    rate: whole('RATE', given('RATE') ?? `${defaults.rate}`, 1),
    durationS: secondsOf('DURATION', given('DURATION') ?? defaults.duration),
    tokens,
    watchers,
    spike: whole('SPIKE', given('SPIKE') ?? '10', 2),
    population: whole('POPULATION', given('POPULATION') ?? '20000', 1),
    sendsAddresses,
    reportDir: given('REPORT_DIR')?.replace(/\/+$/, '') ?? '.',
    setting: given('SETTING') ?? '',
  };
}

// k6 has no URL.
function addressOf(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(value)) {
    throw new OptionError(`${name}=${value}: must be an address like http://127.0.0.1:8000`);
  }
  return value.replace(/\/+$/, '');
}

function whole(name: string, value: string, least: number): number {
  const number = Number(value);
  if (!/^\d{1,9}$/.test(value) || number < least) {
    throw new OptionError(`${name}=${value}: must be a whole number, ${least} or more`);
  }
  return number;
}

function secondsOf(name: string, value: string): number {
  const parts = /^(?:\d+[smh])+$/.test(value) ? (value.match(/\d+[smh]/g) ?? []) : [];
  const seconds = parts.reduce(
    (sum, part) => sum + Number(part.slice(0, -1)) * (SECONDS_BY_UNIT[part.slice(-1)] ?? 0),
    0,
  );
  if (seconds < 1) throw new OptionError(`${name}=${value}: must be a duration like 90s, 10m or 1h30m`);
  return seconds;
}

function truth(name: string, value: string | undefined): boolean {
  if (value !== undefined && value !== 'true' && value !== 'false') {
    throw new OptionError(`${name}=${value}: must be true or false`);
  }
  return value === 'true';
}

function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
