/** An endpoint as data: path, access, parameters and result stand beside the handler; the document is made from it. */
import { createHash } from 'node:crypto';
import type { Static, TObject, TSchema } from 'typebox';
import type { Ledger } from '../contract/ledger.ts';
import type { Settings } from '../contract/query.ts';
import type { Access } from './admission.ts';
import { ARROW_TYPE, arrowStream, type Rows } from './arrow.ts';
import { type GivenParameters, parseParameters } from './parameters.ts';
import type { Privacy } from './privacy.ts';
import type { RangeParams } from './range.ts';
import type { ResultCache } from './result-cache.ts';
import type { VisitorAnalytics } from './visitor-analytics.ts';

export interface Endpoint {
  readonly method: 'get' | 'delete';
  /** Below `/api/analytics/`, `{name}` for a parameter in the path. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  readonly params: TObject;
  /** Schema of the body by media type; null where it is no JSON. */
  readonly answers: Readonly<Record<string, TSchema | null>>;
  respond(request: EndpointRequest): Promise<Response>;
}

export interface EndpointRequest {
  given: GivenParameters;
  accept: string | undefined;
  ifNoneMatch: string | undefined;
  /** Of the token. */
  subject: string | undefined;
  services: Services;
}

export interface Services {
  analytics: VisitorAnalytics;
  privacy: Privacy;
  cache: ResultCache;
  ledger(params: RangeParams): Promise<Ledger>;
  online(communityId: string | undefined): Promise<number>;
  settings(): Settings;
  /** ms since the epoch */
  now(): number;
}

interface JsonEndpoint<Params extends TObject, Result extends TSchema> {
  path: string;
  summary: string;
  access: Access;
  params: Params;
  result: Result;
  handler(services: Services, params: Static<Params>): Promise<Static<Result>>;
  /** Where it is there, the endpoint answers Arrow too. */
  rows?: (result: Static<Result>) => Rows;
}

/** Answers JSON, and Arrow to who asks for it. */
export function jsonEndpoint<Params extends TObject, Result extends TSchema>(
  spec: JsonEndpoint<Params, Result>,
): Endpoint {
  const { path, summary, access, params: schema, rows } = spec;
  return {
    method: 'get',
    path,
    summary,
    access,
    params: schema,
    answers: { 'application/json': spec.result, ...(rows !== undefined && { [ARROW_TYPE]: null }) },
    async respond(request) {
      const { given, services } = request;
      const params = parseParameters(schema, given);
      const result = () => spec.handler(services, params);
      if (rows !== undefined && wantsArrow(params, request)) {
        return answer(request, ARROW_TYPE, await arrowStream(rows(await result())));
      }
      const text = async () => JSON.stringify(await result());
      const key = cacheKey(path, params, services.analytics.today());
      const body = key === undefined ? await text() : await services.cache(key, text);
      return answer(request, 'application/json', body, rows && { Vary: 'Accept' });
    },
  };
}

/** `Accept: application/vnd.apache.arrow.stream`, or `?format=arrow`. */
export function wantsArrow(params: object, { accept }: EndpointRequest): boolean {
  return ('format' in params && params.format === 'arrow') || (accept?.includes(ARROW_TYPE) ?? false);
}

/** 200, or 304 where the client has it already. */
export function answer(
  { ifNoneMatch }: EndpointRequest,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  more: Record<string, string> = {},
): Response {
  const tag = `"${createHash('sha1').update(body).digest('base64url')}"`;
  const headers = { ETag: tag, 'Cache-Control': 'private, no-cache', ...more };
  if (matches(ifNoneMatch, tag)) return new Response(null, { status: 304, headers });
  return new Response(body, { headers: { ...headers, 'Content-Type': type } });
}

function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  const known = (ifNoneMatch ?? '').split(',').map((text) => text.trim().replace(/^W\//, ''));
  return known.includes(tag) || known.includes('*');
}

/** Only a range that ended before today is closed; one without an end goes on until today. */
function cacheKey(path: string, params: object, today: string): string | undefined {
  const closed = 'end_date' in params && typeof params.end_date === 'string' && params.end_date < today;
  return closed ? `result:${today}:${path}:${JSON.stringify({ ...params, format: undefined })}` : undefined;
}
