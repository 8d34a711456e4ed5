-- Scalar subqueries, so that each visitor is looked for by key, however many sessions there are; and what an answer before makes
-- needless is not looked for. Materialized, so that each is looked for once.
-- $1 visitor[], $2 hash under the secret before[], null where there is none
with asked as materialized (
  select
    visitor,
    (select alias.known_as from visitor_alias as alias where alias.visitor = names.visitor) as known_as,
    before
  from unnest($1::text[], $2::text[]) as names (visitor, before)
),
renamed as materialized (
  select
    visitor,
    known_as,
    case
      when known_as is null and before is not null
        then coalesce((select alias.known_as from visitor_alias as alias where alias.visitor = before), before)
    end as before_known_as
  from asked
)
select
  visitor,
  known_as,
  before_known_as,
  case
    when before_known_as is not null
      then (select 1 from anonymous_session as session where session.fingerprint = visitor) is not null
  end as has_session,
  case
    when before_known_as is not null
      then (select 1 from anonymous_session as session where session.fingerprint = before_known_as) is not null
  end as before_has_session
from renamed
