/** Picks an engine by the scheme of its URL. */

/** What says where an engine is cannot be used, and no restart mends it. Without the URL, where it may hold a password. */
export class EngineUrlError extends Error {
  override readonly name = 'EngineUrlError';
}

/** @throws EngineUrlError listing the schemes that are known, without the rest of the URL: it may hold a password */
export function pickEngine<Open>(what: string, url: string, engines: Record<string, Open>): Open {
  const [, scheme = ''] = /^([\w.+-]+):\/\//.exec(url) ?? [];
  const open = Object.hasOwn(engines, scheme) ? engines[scheme] : undefined;
  if (open !== undefined) return open;
  const known = Object.keys(engines).map((name) => `${name}://`);
  const given = scheme === '' ? 'what is no URL' : `${scheme}://`;
  throw new EngineUrlError(`${what}: no engine for ${given}, known: ${known.join(', ')}`);
}
