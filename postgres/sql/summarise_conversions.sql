-- $1 from (included), $2 to (excluded), ms since the epoch; $3 time zone of the days
with bounds as (
  select
    timestamptz 'epoch' + $1::bigint * interval '1 millisecond' as since,
    timestamptz 'epoch' + $2::bigint * interval '1 millisecond' as until
),
converted as (
  select converted_at, first_seen
  from anonymous_session, bounds
  where converted_at >= since and converted_at < until
),
by_day as (
  select to_char(converted_at at time zone $3, 'YYYY-MM-DD') as day, count(*) as conversions
  from converted
  group by 1
)
select
  (select count(*) from converted) as conversions,
  (
    select count(*)
    from anonymous_session, bounds
    where first_seen >= since and first_seen < until and (user_id is null or converted_at is not null)
  ) as anonymous_sessions,
  (select coalesce(avg(extract(epoch from converted_at - first_seen)), 0) from converted) as mean_seconds,
  (
    select coalesce(json_agg(json_build_object('day', day, 'conversions', conversions) order by day), '[]')
    from by_day
  ) as by_day
