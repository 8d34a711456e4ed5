-- Every event of a visitor moves last_seen. Without an index on it, and with room in its page, the new version of a row needs
-- no new entries in the other indexes. Who has been idle for long is found by reading the table once a day.
drop index anonymous_session_last_seen;

do $$
begin
  for remainder in 0..15 loop
    execute format('alter table %I set (fillfactor = 80)', 'anonymous_session_' || to_char(remainder, 'FM00'));
  end loop;
end
$$;
