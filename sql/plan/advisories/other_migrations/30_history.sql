-- What: tables in which the application's migration tool notes its migrations.
-- Why: a deployment of the application may bring a migration that changes artworks or users while ours is at work. After the switch the
--   tool's model of artworks is another table.
-- Locks: none.
-- Remedy: Deploy no migration of artworks or users until the clean-up. After the switch, give the tool the clean table's columns.
SELECT
  'table ' || c.oid::regclass AS subject,
  FORMAT('it looks like the history of %s.', k.tool) AS problem,
  TRUE AS attention
FROM pg_catalog.pg_class AS c
INNER JOIN (
  VALUES
  ('schema_migrations', 'Rails, Supabase, dbmate or golang-migrate'), ('ar_internal_metadata', 'Rails'), ('_prisma_migrations', 'Prisma'),
  ('alembic_version', 'Alembic'), ('django_migrations', 'Django'), ('flyway_schema_history', 'Flyway'), ('databasechangelog', 'Liquibase'),
  ('knex_migrations', 'Knex'), ('__drizzle_migrations', 'Drizzle'), ('goose_db_version', 'goose'), ('pgmigrations', 'node-pg-migrate'),
  ('typeorm_metadata', 'TypeORM'), ('SequelizeMeta', 'Sequelize'), ('__EFMigrationsHistory', 'Entity Framework')
) AS k (name, tool) ON c.relname = k.name
WHERE c.relkind IN ('r', 'p')
ORDER BY 1
