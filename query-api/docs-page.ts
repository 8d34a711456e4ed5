/** The endpoints as a page without scripts, for people. */
import { html, raw } from 'hono/html';
import type { TSchema } from 'typebox';
import type { Endpoint } from './endpoint.ts';
import { hashSource, policy } from './headers.ts';
import { parametersOf } from './openapi.ts';
import { rule } from './schema-words.ts';

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933; }
  section { border-top: 1px solid #cbd2d9; padding: 0.5rem 0; }
  h2 { font-size: 1.1rem; } code, pre { font-family: ui-monospace, monospace; font-size: 0.9rem; }
  table { border-collapse: collapse; } td, th { text-align: left; padding: 0.2rem 1rem 0.2rem 0; }
  pre { background: #f5f7fa; padding: 0.75rem; overflow: auto; } summary { cursor: pointer; }`;

/** The page's Content-Security-Policy: its one style, and nothing else. */
export const DOCS_POLICY = policy(`style-src ${hashSource(STYLE)}`);

export function docsPage(endpoints: readonly Endpoint[], basePath: string) {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Footfall API</title>
<style>${raw(STYLE)}</style></head>
<body>
<h1>Footfall visitor analytics</h1>
<p>Send <code>Authorization: Bearer TOKEN</code>; the token says <code>is_staff</code> or <code>is_moderator</code>.
Days are inclusive, in the reporting zone. As a document for machines: <a href="openapi.json">openapi.json</a>.</p>
${endpoints.map((endpoint) => section(endpoint, basePath))}
</body></html>`;
}

function section(endpoint: Endpoint, basePath: string) {
  const parameters = parametersOf(endpoint);
  return html`<section>
<h2><code>${endpoint.method.toUpperCase()} ${basePath}${endpoint.path}</code></h2>
<p>${endpoint.summary}${endpoint.access === 'public' ? ' (needs no token)' : ''}</p>
${
  parameters.length === 0
    ? ''
    : html`<table><tr><th>parameter</th><th>in</th><th>rule</th></tr>
${parameters.map((p) => html`<tr><td><code>${p.name}</code></td><td>${p.in}</td><td>${rule(p.schema)}</td></tr>`)}</table>`
}
${Object.entries(endpoint.answers).map(([type, schema]) => answerOf(type, schema))}
</section>`;
}

function answerOf(type: string, schema: TSchema | null) {
  if (schema === null) return html`<p>Answers <code>${type}</code></p>`;
  return html`<details><summary>Answers <code>${type}</code></summary><pre>${JSON.stringify(schema, null, 2)}</pre></details>`;
}
