/** The endpoints as an OpenAPI 3.1 document: TypeBox schemas are JSON Schema already. */
import Type, { type TSchema } from 'typebox';
import type { Endpoint } from './endpoint.ts';

const ErrorBody = Type.Object({
  error: Type.String({ description: 'name of the error, for programs' }),
  message: Type.String({ description: 'for people' }),
  field: Type.Optional(Type.String()),
  rule: Type.Optional(Type.String()),
});

interface Operation {
  operationId: string;
  summary: string;
  security: Record<string, string[]>[];
  parameters: Parameter[];
  responses: Record<string, object>;
}

interface Parameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  schema: TSchema;
}

interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Partial<Record<Endpoint['method'], Operation>>>;
  components: object;
}

export function openApiDocument(endpoints: readonly Endpoint[], basePath: string): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: { title: 'Footfall visitor analytics', version: '1' },
    paths: Object.fromEntries(
      endpoints.map((endpoint) => [basePath + endpoint.path, { [endpoint.method]: operation(endpoint) }]),
    ),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Error: ErrorBody },
      responses: Object.fromEntries(
        Object.values(FAILURES).map(([name, description]) => [
          name,
          {
            description,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
          },
        ]),
      ),
    },
  };
}

export function parametersOf(endpoint: Endpoint): Parameter[] {
  return Object.entries(endpoint.params.properties).map(([name, schema]) => {
    const inPath = endpoint.path.includes(`{${name}}`);
    return { name, in: inPath ? 'path' : 'query', required: inPath, schema };
  });
}

const FAILURES: Record<string, [name: string, description: string]> = {
  400: ['InvalidParameter', 'A parameter breaks a rule; the body names both'],
  401: ['Unauthenticated', 'No valid token'],
  403: ['Forbidden', 'The token says neither is_staff nor is_moderator'],
  429: ['RateLimited', 'Too many requests this hour; see Retry-After'],
  503: ['Unavailable', 'A store does not answer; see Retry-After'],
};

function operation(endpoint: Endpoint): Operation {
  const isPublic = endpoint.access === 'public';
  const failures = Object.entries(FAILURES).filter(
    ([status]) => !isPublic || status === '429' || status === '503',
  );
  return {
    operationId: `${endpoint.method === 'get' ? '' : `${endpoint.method}_`}${endpoint.path}`
      .replace(/[^a-z]+/g, '_')
      .replace(/^_|_$/g, ''),
    summary: endpoint.summary,
    security: isPublic ? [] : [{ bearer: [] }],
    parameters: parametersOf(endpoint),
    responses: {
      ...(endpoint.method === 'get'
        ? {
            200: { description: endpoint.summary, content: content(endpoint) },
            304: { description: 'The client has it already (If-None-Match)' },
          }
        : { 202: { description: endpoint.summary, content: content(endpoint) } }),
      ...Object.fromEntries(
        failures.map(([status, [name]]) => [status, { $ref: `#/components/responses/${name}` }]),
      ),
    },
  };
}

function content(endpoint: Endpoint): Record<string, object> {
  return Object.fromEntries(
    Object.entries(endpoint.answers).map(([type, schema]) => [type, schema === null ? {} : { schema }]),
  );
}
