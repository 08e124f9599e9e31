-- Each service logs in with a role of its own that owns nothing. Roles belong to the whole cluster, so they may exist
-- already. Passwords are no business of a migration: the migrate program sets them from its environment.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            -- COPY is refused to a role that row-level security applies to, so the log writer bypasses it and instead
            -- may only insert.
            ('sightline_ingest', 'LOGIN BYPASSRLS'),
            ('sightline_query', 'LOGIN'),
            ('sightline_identity', 'LOGIN'),
            ('sightline_alerting', 'LOGIN'),
            ('sightline_webhook', 'LOGIN'),
            -- Owns the narrow functions that look things up before a tenant is known, or for all tenants.
            ('sightline_definer', 'NOLOGIN BYPASSRLS')
        ) AS roles (name, attributes)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.attributes);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this cluster was migrated at the same moment
            END;
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO sightline_ingest, sightline_query, sightline_identity, sightline_alerting,
    sightline_webhook, sightline_definer;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- Functions are executable by PUBLIC unless revoked; each function below revokes for itself as well.

-- Puts a table under the tenancy rule: a row is visible and writable only under its own org_id, for its owner too.
-- Without a tenant in app.org_id (NULL, or '' after the first SET LOCAL of a session) nothing is visible.
CREATE FUNCTION enforce_tenancy(target regclass, org_column name DEFAULT 'org_id') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY tenant ON %s'
        ' USING (%2$I = nullif(current_setting(''app.org_id'', true), '''')::uuid)'
        ' WITH CHECK (%2$I = nullif(current_setting(''app.org_id'', true), '''')::uuid)',
        target, org_column);
END $$;
REVOKE ALL ON FUNCTION enforce_tenancy FROM PUBLIC;
