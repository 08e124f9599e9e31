//! Promises read off the system catalogue, so that a table or function that a later migration adds is held to them.

use testkit::TestDb;

/// Tables that belong to no tenant. Anything else must have `org_id` and forced row-level security.
const WITHOUT_TENANT: &str =
    "'users', 'sessions', 'login_throttle', 'leases', 'cron_runs', 'refinery_schema_history'";

/// Runs a query that names offenders in its first column; none may be found.
async fn assert_none(db: &TestDb, promise: &str, sql: &str) {
    let offenders: Vec<String> = db
        .owner()
        .await
        .query(sql, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(offenders.is_empty(), "{promise}, but: {offenders:?}");
}

#[tokio::test]
async fn every_tenant_table_is_under_forced_row_level_security() {
    let db = TestDb::create().await;
    assert_none(
        &db,
        "a tenant table has org_id, forced row-level security, and one policy for reading and writing",
        &format!(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND c.relname NOT IN ({WITHOUT_TENANT})
               AND NOT (
                   c.relrowsecurity AND c.relforcerowsecurity
                   AND (c.relname = 'orgs' OR EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND a.attnotnull))
                   AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) = 1
                   AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                        AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL
                        AND pg_get_expr(p.polqual, p.polrelid) LIKE '%NULLIF(current_setting(''app.org_id''%'
                        AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid))
               )"
        ),
    )
    .await;
}

#[tokio::test]
async fn service_roles_own_nothing_and_only_the_log_writer_bypasses_policies() {
    let db = TestDb::create().await;
    assert_none(
        &db,
        "no role but the log writer and the owner of definer functions bypasses policies, and none is a superuser",
        "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'sightline%'
         AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
              OR rolbypassrls <> (rolname IN ('sightline_ingest', 'sightline_definer'))
              OR rolcanlogin = (rolname = 'sightline_definer'))",
    )
    .await;
    assert_none(
        &db,
        "no service role owns a table, sequence or function (definer functions belong to a role that cannot log in)",
        "SELECT owned.name FROM (
             SELECT relname::text AS name, relowner AS owner FROM pg_class
             UNION ALL SELECT proname::text, proowner FROM pg_proc WHERE proowner NOT IN
                 (SELECT oid FROM pg_roles WHERE rolname = 'sightline_definer')
         ) owned JOIN pg_roles r ON r.oid = owned.owner WHERE r.rolname LIKE 'sightline%'",
    )
    .await;
}

#[tokio::test]
async fn the_role_that_bypasses_policies_can_only_insert_logs() {
    let db = TestDb::create().await;
    assert_none(
        &db,
        "sightline_ingest inserts into log tables and reads no tenant table",
        "SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants
         WHERE grantee = 'sightline_ingest'
           AND NOT (privilege_type = 'INSERT' AND table_name IN ('logs', 'log_segments_fresh'))
           AND table_name NOT IN ('leases', 'cron_runs', 'refinery_schema_history')",
    )
    .await;
}

#[tokio::test]
async fn nothing_reaches_rows_around_the_policies() {
    let db = TestDb::create().await;
    assert_none(
        &db,
        "a view asks as its caller, and there is no materialized view",
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND (c.relkind = 'm' OR (c.relkind = 'v'
             AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)))",
    )
    .await;
    assert_none(
        &db,
        "a partition is reached through its parent only",
        "SELECT g.table_name || ' to ' || g.grantee FROM information_schema.role_table_grants g
         JOIN pg_class c ON c.relname = g.table_name AND c.relispartition
         WHERE g.grantee LIKE 'sightline%' OR g.grantee = 'PUBLIC'",
    )
    .await;
    assert_none(
        &db,
        "a definer function pins its search path and is not for everybody",
        "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = 'public' AND p.prosecdef
           AND (NOT coalesce(array_to_string(p.proconfig, ',') LIKE '%search_path=pg_catalog, public%', false)
                OR has_function_privilege('public', p.oid, 'EXECUTE'))",
    )
    .await;
    assert_none(
        &db,
        "no function of ours is executable by everybody",
        "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = 'public' AND has_function_privilege('public', p.oid, 'EXECUTE')",
    )
    .await;
}

#[tokio::test]
async fn a_foreign_key_between_tenant_tables_holds_the_tenant_on_both_sides() {
    let db = TestDb::create().await;
    assert_none(
        &db,
        "a foreign key between tenant tables includes org_id",
        "SELECT k.conname::text FROM pg_constraint k
         JOIN pg_class f ON f.oid = k.confrelid
         JOIN pg_class t ON t.oid = k.conrelid
         WHERE k.contype = 'f' AND t.relrowsecurity AND f.relrowsecurity
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = ANY (k.conkey)
                AND a.attname = 'org_id')",
    )
    .await;
}

#[tokio::test]
async fn the_audit_trail_and_the_timeline_cannot_be_rewritten_by_a_service() {
    let db = TestDb::create().await;
    assert_none(
        &db,
        "no role updates or deletes audit rows or timeline rows",
        "SELECT table_name || ' ' || privilege_type || ' ' || grantee FROM information_schema.role_table_grants
         WHERE table_name IN ('audit_logs', 'incident_events') AND grantee LIKE 'sightline%'
           AND privilege_type NOT IN ('SELECT', 'INSERT')",
    )
    .await;
}

#[tokio::test]
async fn no_column_is_an_enum() {
    let db = TestDb::create().await;
    assert_none(
        &db,
        "equality of enums is not leakproof, so row-level security would turn their indexes off",
        "SELECT a.attrelid::regclass::text || '.' || a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
         WHERE t.typtype = 'e'",
    )
    .await;
}
