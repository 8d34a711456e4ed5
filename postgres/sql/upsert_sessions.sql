-- What a batch says of its visitors, one row a visitor, in the order of the fingerprint, so that two instances never wait for
-- each other in a circle. Each row is looked for once, in the partition that an insert of it goes to; one that is there is
-- locked and changed as it is then, whoever changed it meanwhile.
--
-- What a conflict knows of the batch are the columns of the row that was to be inserted. They tell the rest: who was signed in has a
-- user, who began without one and was signed in later has converted, and who began signed in was so when first seen.
-- Answers who converted at $10 or later: those of this batch, and rarely one who had before.
-- $1 fingerprint[], $2 session_id[], $3 user_id[], $4 first seen[], $5 last seen[], $6 page views[],
-- $7 first signed in at[], $8 began anonymous[], $9 session timeout, $10 first instant of the batch; instants and the timeout in ms
with upserted as (
  insert into anonymous_session as held
    (fingerprint, session_id, user_id, first_seen, last_seen, page_views, converted_at)
  select
    fingerprint,
    session_id,
    user_id,
    timestamptz 'epoch' + first_seen * interval '1 millisecond',
    timestamptz 'epoch' + last_seen * interval '1 millisecond',
    page_views,
    case when began_anonymous then timestamptz 'epoch' + signed_in_at * interval '1 millisecond' end
  from unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[]
  ) as delta (fingerprint, session_id, user_id, first_seen, last_seen, page_views, signed_in_at, began_anonymous)
  order by fingerprint
  on conflict (fingerprint) do update
  set session_id = case
        when excluded.session_id = '' then held.session_id
        when held.session_id = '' then excluded.session_id
        when excluded.first_seen - held.last_seen > $9::bigint * interval '1 millisecond' then excluded.session_id
        else held.session_id
      end,
      user_id = coalesce(excluded.user_id, held.user_id),
      first_seen = least(held.first_seen, excluded.first_seen),
      last_seen = greatest(held.last_seen, excluded.last_seen),
      page_views = held.page_views + excluded.page_views,
      converted_at = case
        when held.converted_at is not null then held.converted_at
        when held.user_id is null and excluded.user_id is not null
          then coalesce(excluded.converted_at, excluded.first_seen)
        -- History imported later shows that a visitor who seemed to begin with a user had come before without one.
        when held.user_id is not null and (excluded.user_id is null or excluded.converted_at is not null)
          and excluded.first_seen < held.first_seen
          then coalesce(excluded.converted_at, held.first_seen)
      end
  returning
    case when converted_at >= timestamptz 'epoch' + $10::bigint * interval '1 millisecond' then fingerprint end as fingerprint,
    converted_at
)
select fingerprint, (extract(epoch from converted_at) * 1000)::bigint as converted_at
from upserted
where fingerprint is not null
