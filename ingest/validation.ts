/** From the bytes of a request to beacons, or to the reason why not. Nothing of a refused request is taken. */
import { isUtf8 } from 'node:buffer';
import { Compile } from 'typebox/compile';
import { BEACON_TYPES, Beacon, MAX_BEACONS_PER_REQUEST } from '../contract/beacon.ts';
import type { ErrorBody, RejectReason } from '../contract/outcome.ts';
import { storedUrl } from './page-address.ts';

export interface Rejection extends ErrorBody {
  error: RejectReason;
}
export interface Batch {
  /** They name their page as it is stored. */
  beacons: Beacon[];
  /** JSON writes every string of them as it is. */
  verbatim: boolean;
}
export type Parsed = Batch | { rejection: Rejection };

const beaconSchema = Compile(Beacon);

export function parseBeacons(body: Buffer): Parsed {
  if (!isUtf8(body)) return reject('malformed_json', 'the body is not UTF-8');
  const text = body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return reject(
      'malformed_json',
      `the body is not JSON: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
  const verbatim = !text.includes('\\');
  // Only an escape can smuggle in what no store can hold, so the rare text that has one is looked at closely.
  const suspicious = !verbatim && /\\u(0000|[dD][89a-fA-F])/.test(text);
  const source = { verbatim, suspicious };
  return Array.isArray(value) ? checkBatch(value, source) : checkBatch([value], source, true);
}

/** Checks values that did not come as JSON text: a pixel's query. */
export function checkBeacon(value: unknown): Parsed {
  return checkBatch([value], { verbatim: false, suspicious: true }, true);
}

/** What is known of the text that values come from. */
interface Source {
  /** Nothing in it was escaped. */
  verbatim: boolean;
  /** Something in it may be what no store can hold. */
  suspicious: boolean;
}

function checkBatch(values: unknown[], { verbatim, suspicious }: Source, single = false): Parsed {
  if (values.length === 0 || values.length > MAX_BEACONS_PER_REQUEST) {
    return reject(
      'invalid_batch',
      `an array holds 1 to ${MAX_BEACONS_PER_REQUEST} beacons, not ${values.length}`,
    );
  }
  const beacons: Beacon[] = [];
  for (let index = 0; index < values.length; index++) {
    const checked = check(values[index], suspicious);
    if ('rule' in checked) return { rejection: rejectionOf(checked, index, single) };
    beacons.push(checked);
  }
  return { beacons, verbatim };
}

interface BrokenRule {
  field: string;
  rule: string;
}

function check(value: unknown, suspicious: boolean): Beacon | BrokenRule {
  const beacon = fieldsOf(value);
  if (!beaconSchema.Check(beacon)) return firstError(value);
  const url = storedUrl(beacon.url);
  if (url === '') return { field: 'url', rule: 'must be an http or https address, or a path' };
  if (suspicious) {
    for (const [field, text] of Object.entries(beacon)) {
      if (typeof text !== 'string') continue;
      if (text.includes('\0')) return { field, rule: 'must not hold a NUL character' };
      if (!text.isWellFormed()) return { field, rule: 'must not hold half a surrogate pair' };
    }
  }
  beacon.url = url;
  return beacon;
}

/** All that a beacon may have, and nothing else, so that beacons have one shape, whatever is sent. */
function fieldsOf(value: unknown): Record<keyof Beacon, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields: Partial<Record<keyof Beacon, unknown>> = value;
  return {
    type: fields.type,
    url: fields.url,
    fingerprint: fields.fingerprint,
    session_id: fields.session_id,
    user_id: fields.user_id,
    community_id: fields.community_id,
    division_id: fields.division_id,
    referrer: fields.referrer,
    title: fields.title,
    language: fields.language,
    screen: fields.screen,
    event_id: fields.event_id,
    late: fields.late,
  };
}

function rejectionOf({ field, rule }: BrokenRule, index: number, single: boolean): Rejection {
  const where = single ? '' : `beacon ${index}: `;
  return {
    error: 'invalid_beacon',
    message: `${where}${field || 'beacon'} ${rule}`,
    ...(field === '' ? {} : { field }),
    index,
    rule,
  };
}

function firstError(value: unknown): BrokenRule {
  const [error] = beaconSchema.Errors(value);
  if (error === undefined) return { field: '', rule: 'is not valid' };
  if (error.keyword === 'required') {
    return { field: error.params.requiredProperties[0] ?? '', rule: 'is required' };
  }
  const field = error.instancePath.slice(1);
  if (error.keyword === 'enum') return { field, rule: `must be one of ${BEACON_TYPES.join(', ')}` };
  if (error.keyword === 'pattern') return { field, rule: 'must be a UUID' };
  return { field, rule: error.message };
}

function reject(error: RejectReason, message: string): Parsed {
  return { rejection: { error, message } };
}
