//! Row-level security alone, without the help of any query: table × role × command × context.

use testkit::{Fixture, TestDb};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

/// One row for each tenant table that the fixture leaves empty. `$1` is the organisation; the fixture's service,
/// environment, key and viewer stand in for `{service}`, `{environment}`, `{key}` and `{viewer}`. A new tenant table needs a line here.
const ROWS: [&str; 34] = [
    "INSERT INTO invites (org_id, id, email, role, token_hash, expires_at)
     VALUES ($1, gen_random_uuid(), 'a@example.com', 'viewer', gen_random_uuid()::text::bytea, now())",
    "INSERT INTO personal_access_tokens (org_id, id, user_id, name, token_prefix, token_hash, role)
     VALUES ($1, gen_random_uuid(), {viewer}, 't', 'slp_', gen_random_uuid()::text::bytea, 'viewer')",
    "INSERT INTO saved_views (org_id, id, user_id, name, is_shared, q, params)
     VALUES ($1, gen_random_uuid(), {viewer}, 'n', true, '', '{}')",
    "INSERT INTO api_key_rate_buckets (org_id, api_key_id, window_start, count) VALUES ($1, {key}, now(), 1)",
    "INSERT INTO audit_logs (org_id, id, action, target_type) VALUES ($1, gen_random_uuid(), 'a.b', 'a')",
    "INSERT INTO logs (org_id, service_id, environment_id, ts, level, message)
     VALUES ($1, {service}, {environment}, now(), 2, 'canary')",
    "INSERT INTO log_segments (org_id, service_id, environment_id, expires_on, min_ts, max_ts, first_id, row_count,
         level_counts, index_col, ts_col, level_col, message_col, meta_col, trace_col, request_col, id_col)
     VALUES ($1, {service}, {environment}, current_date + 30, now(), now(), 1, 1, '{1}', '', '', '', '', '', '', '', '')",
    "INSERT INTO log_segments_fresh (org_id, service_id, environment_id, expires_on, min_ts, max_ts, first_id, row_count,
         level_counts, index_col, ts_col, level_col, message_col, meta_col, trace_col, request_col, id_col)
     VALUES ($1, {service}, {environment}, current_date + 30, now(), now(), 1, 1, '{1}', '', '', '', '', '', '', '', '')",
    "WITH pattern AS (INSERT INTO log_patterns (org_id, service_id, template_id, text, sample, level, tokens, is_general)
         VALUES ($1, {service}, 1, 't', 's', 2, '', false) RETURNING org_id, service_id, template_id)
     INSERT INTO log_pattern_places (org_id, service_id, template_id, environment_id, is_error, first_seen, last_seen)
     SELECT org_id, service_id, template_id, {environment}, true, now(), now() FROM pattern",
    "INSERT INTO log_counts (org_id, service_id, environment_id, minute, level, writer_id, count)
     VALUES ($1, {service}, {environment}, now(), 2, 1, 1)",
    "INSERT INTO log_arrivals (org_id, service_id, environment_id, bucket, level, writer_id, count)
     VALUES ($1, {service}, {environment}, now(), 2, 1, 1)",
    "INSERT INTO log_error_arrivals (org_id, service_id, environment_id, template_id, bucket, lines)
     VALUES ($1, {service}, {environment}, 1, now(), 1)",
    "INSERT INTO ingest_receipts (org_id, id, api_key_id, idempotency_key, request_hash, accepted, rejected)
     VALUES ($1, gen_random_uuid(), {key}, 'k', '', 1, '[]')",
    "INSERT INTO service_github_integrations (org_id, id, service_id, repo_owner, repo_name, secret_sealed)
     VALUES ($1, {service}, {service}, 'o', 'r', '')",
    "INSERT INTO webhook_deliveries (org_id, id, integration_id, provider, delivery_id, event, payload_hash, payload, status)
     VALUES ($1, gen_random_uuid(), {service}, 'github', 'd', 'ping', '', '{}', 'ignored')",
    "INSERT INTO deployments (org_id, id, service_id, environment_id, provider, external_id, status, status_at)
     VALUES ($1, {service}, {service}, {environment}, 'api', 'x', 'success', now())",
    "INSERT INTO deployment_status_history (org_id, deployment_id, attempt, status, at)
     VALUES ($1, {service}, 1, 'success', now())",
    "INSERT INTO alert_rules (org_id, id, name, type, params_json, severity)
     VALUES ($1, {service}, 'r', 'deployment_failure', '{}', 'high')",
    "INSERT INTO alert_firings (org_id, rule_id, fingerprint, state, last_evaluated_at)
     VALUES ($1, {service}, 'f', 'inactive', now())",
    "INSERT INTO alert_rule_versions (org_id, rule_id, version, definition) VALUES ($1, {service}, 1, '{}')",
    "INSERT INTO alert_transitions (org_id, rule_id, rule_version, fingerprint, at, transition, state, reason, detail)
     VALUES ($1, {service}, 1, 'f', now(), 'fired', 'firing', 'met', '')",
    "INSERT INTO alert_heartbeats (org_id, rule_id, token_hash, token_prefix)
     VALUES ($1, {service}, gen_random_uuid()::text::bytea, 'slh_')",
    "INSERT INTO alert_heartbeat_calls (org_id, rule_id, at) VALUES ($1, {service}, now())",
    "INSERT INTO incidents (org_id, id, status, severity, source, title, fingerprint, opened_at)
     VALUES ($1, {service}, 'open', 'high', 'manual', 't', 'f', now())",
    "INSERT INTO incident_events (org_id, id, incident_id, at, kind, message)
     VALUES ($1, gen_random_uuid(), {service}, now(), 'opened', 'm')",
    "INSERT INTO incident_members (org_id, incident_id, fingerprint, title, severity, first_fired_at, last_fired_at)
     VALUES ($1, {service}, 'f', 't', 'high', now(), now())",
    "INSERT INTO incident_settings (org_id, reopen_seconds, storm_window_seconds) VALUES ($1, 600, 60)",
    "WITH channel AS (INSERT INTO notification_channels (org_id, id, type, name, config_sealed, hint)
         VALUES ($1, {service}, 'slack', 'c', '', 'h') RETURNING org_id, id)
     INSERT INTO outbox (org_id, id, routing_key, envelope) SELECT org_id, gen_random_uuid(), 'k', '{}' FROM channel",
    "WITH job AS (INSERT INTO notification_jobs (org_id, id, incident_id, channel_id, transition, sequence, message)
         VALUES ($1, {service}, {service}, {service}, 'opened', 1, '{}') RETURNING org_id, id)
     SELECT org_id FROM job",
    "INSERT INTO notification_routes (org_id, id, position, name) VALUES ($1, {service}, 1, 'r')",
    "INSERT INTO notification_route_channels (org_id, route_id, channel_id, position)
     VALUES ($1, {service}, {service}, 1)",
    "INSERT INTO silences (org_id, id, starts_at, ends_at, reason, created_by_email)
     VALUES ($1, {service}, now(), now(), 'r', 'a@example.com')",
    "INSERT INTO maintenance_windows (org_id, id, name, schedule, created_by_email)
     VALUES ($1, {service}, 'w', '{}', 'a@example.com')",
    "INSERT INTO external_alerts (org_id, fingerprint, service_id, environment_id, starts_at, is_over, last_seen_at)
     VALUES ($1, 'f', {service}, {environment}, now(), false, now())",
];

async fn fill(owner: &Client, org: &Fixture) {
    owner
        .batch_execute("SELECT make_segment_partition(current_date + 30)")
        .await
        .unwrap();
    for template in ROWS {
        let sql = for_org(template, org);
        owner
            .execute(&sql, &[&org.org_id])
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    let attempt = "INSERT INTO notification_attempts (org_id, job_id, attempt, started_at, outcome)
                   VALUES ($1, $2, 1, now(), 'sent')";
    owner
        .execute(attempt, &[&org.org_id, &org.service_id])
        .await
        .unwrap();
}

fn for_org(template: &str, org: &Fixture) -> String {
    template
        .replace("{service}", &format!("'{}'", org.service_id))
        .replace("{environment}", &format!("'{}'", org.production))
        .replace("{key}", &format!("'{}'", org.api_key_id()))
        .replace("{viewer}", &format!("'{}'", org.viewer.user_id))
}

async fn tenant_tables(owner: &Client) -> Vec<String> {
    let sql =
        "SELECT relname::text FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace
               ORDER BY 1";
    owner
        .query(sql, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

async fn log_in(db: &TestDb, role: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&db.url_for(role), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// How many rows of the table the role sees; `None` when it may not look at all.
async fn visible(client: &Client, table: &str) -> Option<i64> {
    match client
        .query_one(&format!("SELECT count(*) FROM {table}"), &[])
        .await
    {
        Ok(row) => Some(row.get(0)),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => None,
        Err(error) => panic!("{table}: {error:?}"),
    }
}

const READERS: [&str; 4] = [
    "sightline_query",
    "sightline_identity",
    "sightline_alerting",
    "sightline_webhook",
];

#[tokio::test]
async fn a_role_sees_the_rows_of_the_current_tenant_and_no_others() {
    let db = TestDb::create().await;
    let (ours, theirs) = (Fixture::org(&db).await, Fixture::org(&db).await);
    let owner = db.owner().await;
    fill(&owner, &ours).await;
    fill(&owner, &theirs).await;
    for table in tenant_tables(&owner).await {
        let column = if table == "orgs" { "id" } else { "org_id" };
        let count = format!("SELECT count(*) FROM {table} WHERE {column} = $1");
        let expected: i64 = owner.query_one(&count, &[&ours.org_id]).await.unwrap().get(0);
        assert!(expected > 0, "{table} has no row to look for; add one to ROWS");
        for role in READERS {
            let client = log_in(&db, role).await;
            let Some(without) = visible(&client, &table).await else {
                continue;
            };
            assert_eq!(without, 0, "{role} sees rows of {table} without a tenant");
            client.batch_execute("BEGIN").await.unwrap();
            client
                .execute(
                    "SELECT set_config('app.org_id', $1, true)",
                    &[&ours.org_id.to_string()],
                )
                .await
                .unwrap();
            assert_eq!(
                visible(&client, &table).await,
                Some(expected),
                "{role} on {table} as our tenant"
            );
            client.batch_execute("COMMIT").await.unwrap();
            // The setting now reads as '' instead of NULL: still no tenant, and no error.
            assert_eq!(
                visible(&client, &table).await,
                Some(0),
                "{role} sees rows of {table} after a transaction"
            );
        }
    }
}

#[tokio::test]
async fn a_role_cannot_write_change_or_delete_another_tenants_rows() {
    let db = TestDb::create().await;
    let (ours, theirs) = (Fixture::org(&db).await, Fixture::org(&db).await);
    let owner = db.owner().await;
    fill(&owner, &ours).await;
    fill(&owner, &theirs).await;
    for table in tenant_tables(&owner).await {
        let column = if table == "orgs" { "id" } else { "org_id" };
        for role in READERS {
            let client = log_in(&db, role).await;
            let us = ours.org_id.to_string();
            client
                .execute("SELECT set_config('app.org_id', $1, false)", &[&us])
                .await
                .unwrap();
            for sql in [
                format!("UPDATE {table} SET {column} = {column} WHERE {column} = $1"),
                format!("DELETE FROM {table} WHERE {column} = $1"),
            ] {
                match client.execute(&sql, &[&theirs.org_id]).await {
                    Ok(rows) => assert_eq!(rows, 0, "{role}: {sql}"),
                    Err(error) => assert_eq!(
                        error.code(),
                        Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                        "{role}: {sql}"
                    ),
                }
            }
            let moved = format!("UPDATE {table} SET {column} = $1");
            assert!(
                client.execute(&moved, &[&theirs.org_id]).await.is_err(),
                "{role}: {moved}"
            );
        }
    }
    for role in READERS {
        let client = log_in(&db, role).await;
        client
            .execute(
                "SELECT set_config('app.org_id', $1, false)",
                &[&ours.org_id.to_string()],
            )
            .await
            .unwrap();
        for template in ROWS {
            let sql = for_org(template, &theirs);
            let error = client.execute(&sql, &[&theirs.org_id]).await.expect_err(&sql);
            assert_eq!(
                error.code(),
                Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                "{role}: {sql}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_reused_connection_does_not_remember_its_last_tenant() {
    let db = TestDb::create().await;
    let ours = Fixture::org(&db).await;
    let mut config = db::DbConfig::new(db.url_for("sightline_query"), "test");
    config.max_connections = 1;
    let pool = db::Db::new(&config).unwrap();
    let count = "SELECT count(*) FROM services";
    for end_with_commit in [true, false] {
        let mut conn = pool.conn("test").await.unwrap();
        let tx = conn.tenant(ours.org_id).await.unwrap();
        let seen: i64 = tx.query_one(count, &[]).await.unwrap().get(0);
        assert_eq!(seen, 1);
        if end_with_commit {
            tx.commit().await.unwrap();
        } else {
            drop(tx); // as when a request is cancelled
        }
        drop(conn);
        let again = pool.conn("test").await.unwrap();
        let seen: i64 = again.query_one(count, &[]).await.unwrap().get(0);
        assert_eq!(seen, 0, "end_with_commit = {end_with_commit}");
    }
}
