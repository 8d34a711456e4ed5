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
import { type Endpoint, type EndpointRequest, jsonEndpoint } from './endpoint.ts';
import { parseParameters } from './parameters.ts';
import type { Person } from './privacy.ts';
import { textStream } from './text-stream.ts';

export const PRIVACY_ENDPOINTS: readonly Endpoint[] = [
  ...ofPerson({
    path: 'privacy/visitors/{fingerprint}',
    params: VisitorPath,
    personOf: ({ fingerprint }) => ({ fingerprint }),
    whose: 'a visitor',
  }),
  ...ofPerson({
    path: 'privacy/users/{id}',
    params: UserPath,
    personOf: ({ id }) => ({ userId: id }),
    whose: 'a user, and of every visitor who was signed in as that user',
  }),
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

interface Whose<Path extends TObject> {
  path: string;
  params: Path;
  personOf(path: Static<Path>): Person;
  whose: string;
}

/** To have a person's data, and to remove it. */
function ofPerson<Path extends TObject>({ path, params, personOf, whose }: Whose<Path>): Endpoint[] {
  const shared = { params, access: 'staff' } as const;
  const person = ({ given }: EndpointRequest) => personOf(parseParameters(params, given));
  return [
    {
      ...shared,
      method: 'delete',
      path,
      summary: `Removes what was received of ${whose}`,
      answers: { 'application/json': ErasureReceipt },
      async respond(request) {
        const { services, subject = 'a token without a subject' } = request;
        const receipt = await services.privacy.erase(person(request), subject);
        return Response.json(receipt, { status: 202, headers: { 'Cache-Control': 'no-store' } });
      },
    },
    {
      ...shared,
      method: 'get',
      path: `${path}/export`,
      summary: `What is kept of ${whose}`,
      answers: { 'application/json': PersonExport },
      async respond(request) {
        const pieces = request.services.privacy.export(person(request));
        return new Response(await textStream(pieces), {
          headers: {
            'Content-Type': 'application/json',
            'Cache-Control': 'private, no-store',
            'Content-Disposition': 'attachment; filename="personal-data.json"',
          },
        });
      },
    },
  ];
}
