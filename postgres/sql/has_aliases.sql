select exists (select from visitor_alias) as found
