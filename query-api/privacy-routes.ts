/** The endpoints below `privacy/`: a person's data, and its removal. */
import type { Static, TObject } from 'typebox';
import {
  ErasurePath,
  ErasureReceipt,
  Erasures,
  PersonExport,
  UserPath,
  VisitorPath,
} from '../contract/privacy.ts';
import { NoParams } from '../contract/query.ts';
import { type Endpoint, jsonEndpoint } from './endpoint.ts';
import { parseParameters } from './parameters.ts';
import type { Person } from './privacy.ts';
import { textStream } from './text-stream.ts';

const visitor = ({ fingerprint }: Static<typeof VisitorPath>): Person => ({ fingerprint });
const user = ({ id }: Static<typeof UserPath>): Person => ({ userId: id });

export const PRIVACY_ENDPOINTS: readonly Endpoint[] = [
  erasing('privacy/visitors/{fingerprint}', VisitorPath, visitor, 'Removes what was received of a visitor'),
  erasing(
    'privacy/users/{id}',
    UserPath,
    user,
    'Removes what was received of a user, and of every visitor who was signed in as that user',
  ),
  exporting('privacy/visitors/{fingerprint}/export', VisitorPath, visitor, 'What is kept of a visitor'),
  exporting(
    'privacy/users/{id}/export',
    UserPath,
    user,
    'What is kept of a user, and of every visitor who was signed in as that user',
  ),
  jsonEndpoint({
    path: 'privacy/erasures/',
    summary: 'What was removed, when and on whose request; not of whom',
    access: 'staff',
    params: NoParams,
    result: Erasures,
    handler: ({ privacy }) => privacy.erasures(),
  }),
  jsonEndpoint({
    path: 'privacy/erasures/{id}',
    summary: 'The receipt of an erasure',
    access: 'staff',
    params: ErasurePath,
    result: ErasureReceipt,
    handler: ({ privacy }, { id }) => privacy.erasure(id),
  }),
];

function erasing<Path extends TObject>(
  path: string,
  params: Path,
  personOf: (path: Static<Path>) => Person,
  summary: string,
): Endpoint {
  return {
    method: 'delete',
    path,
    summary,
    access: 'staff',
    params,
    answers: { 'application/json': ErasureReceipt },
    async respond({ given, services, subject = 'a token without a subject' }) {
      const person = personOf(parseParameters(params, given));
      const receipt = await services.privacy.erase(person, subject);
      return Response.json(receipt, { status: 202, headers: { 'Cache-Control': 'no-store' } });
    },
  };
}

function exporting<Path extends TObject>(
  path: string,
  params: Path,
  personOf: (path: Static<Path>) => Person,
  summary: string,
): Endpoint {
  return {
    method: 'get',
    path,
    summary,
    access: 'staff',
    params,
    answers: { 'application/json': PersonExport },
    async respond({ given, services }) {
      const person = personOf(parseParameters(params, given));
      return new Response(await textStream(services.privacy.export(person)), {
        headers: {
          'Content-Type': 'application/json',
          'Cache-Control': 'private, no-store',
          'Content-Disposition': 'attachment; filename="personal-data.json"',
        },
      });
    },
  };
}
