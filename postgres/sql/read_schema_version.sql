select max(version)::integer as version from schema_migration
