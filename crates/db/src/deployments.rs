//! What was deployed where, and what was reported about it.

use domain::alerting::history::DeploymentReport;
use domain::alerting::rule::label_of;
use domain::deployment::{DeploymentStatus, Progress};
use domain::deployment_report::{Description, Provider, Standing};
use domain::ids::{DeploymentId, EnvironmentId, ServiceId};
use domain::page::{Cursor, PageLimit};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{DbError, TenantTx};

/// What a provider calls a deployment. Unique within a service.
#[derive(Clone, Copy, Debug)]
pub struct DeploymentKey<'a> {
    pub service_id: ServiceId,
    pub provider: Provider,
    pub external_id: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub service_id: ServiceId,
    pub provider: Provider,
    pub external_id: String,
    pub standing: Standing,
    pub created_at: OffsetDateTime,
    /// When the last report that told something new was stored.
    pub updated_at: OffsetDateTime,
}

macro_rules! columns {
    () => {
        "id, service_id, environment_id, provider, external_id, attempt, status, status_at, name, commit_sha,
            commit_message, ref, version, actor, url, started_at, finished_at, created_at, updated_at"
    };
}

/// Inserts the deployment as it stands, or finds the one of this key as it is stored; `true` if it was inserted. Either
/// way nobody else changes it until the transaction ends. Violates a foreign key when the service has no such
/// environment.
pub async fn insert_or_lock(
    tx: &TenantTx<'_>,
    key: DeploymentKey<'_>,
    standing: &Standing,
) -> Result<(Deployment, bool), DbError> {
    // The update that changes nothing is what locks, and what makes RETURNING give the row that was there.
    const SQL: &str = concat!(
        "
        -- deployments::insert_or_lock
        INSERT INTO deployments AS d (org_id, id, service_id, provider, external_id, environment_id, attempt, status,
            status_at, name, commit_sha, commit_message, ref, version, actor, url, started_at, finished_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        ON CONFLICT ON CONSTRAINT deployments_external_key DO UPDATE SET updated_at = d.updated_at
        RETURNING ",
        columns!()
    );
    let id = DeploymentId::generate();
    let Standing {
        progress,
        description,
        ..
    } = standing;
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &id,
                &key.service_id,
                &key.provider,
                &key.external_id,
                &standing.environment_id,
                &progress.attempt,
                &progress.status,
                &progress.at,
                &description.name.as_deref().unwrap_or_default(),
                &description.commit_sha,
                &description.commit_message,
                &description.git_ref,
                &description.version,
                &description.actor,
                &description.url,
                &standing.started_at,
                &standing.finished_at,
            ],
        )
        .await?;
    let deployment = read(&row);
    let inserted = deployment.id == id;
    Ok((deployment, inserted))
}

/// Stores where a deployment stands now.
pub async fn update(tx: &TenantTx<'_>, id: DeploymentId, standing: &Standing) -> Result<Deployment, DbError> {
    const SQL: &str = concat!(
        "
        -- deployments::update
        UPDATE deployments SET environment_id = $3, attempt = $4, status = $5, status_at = $6, name = $7,
            commit_sha = $8, commit_message = $9, ref = $10, version = $11, actor = $12, url = $13, started_at = $14,
            finished_at = $15, updated_at = now()
        WHERE org_id = $1 AND id = $2
        RETURNING ",
        columns!()
    );
    let Standing {
        progress,
        description,
        ..
    } = standing;
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx
        .query_one(
            &statement,
            &[
                &tx.org_id(),
                &id,
                &standing.environment_id,
                &progress.attempt,
                &progress.status,
                &progress.at,
                &description.name.as_deref().unwrap_or_default(),
                &description.commit_sha,
                &description.commit_message,
                &description.git_ref,
                &description.version,
                &description.actor,
                &description.url,
                &standing.started_at,
                &standing.finished_at,
            ],
        )
        .await?;
    Ok(read(&row))
}

pub async fn find(tx: &TenantTx<'_>, id: DeploymentId) -> Result<Option<Deployment>, DbError> {
    const SQL: &str = concat!(
        "
        -- deployments::find
        SELECT ",
        columns!(),
        "
        FROM deployments WHERE org_id = $1 AND id = $2"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id(), &id]).await?;
    Ok(row.as_ref().map(read))
}

/// What a list is narrowed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
    pub status: Option<DeploymentStatus>,
}

/// Those that were reported first most recently come first.
pub async fn list(
    tx: &TenantTx<'_>,
    filter: Filter,
    before: Option<Cursor<Uuid>>,
    limit: PageLimit,
) -> Result<Vec<Deployment>, DbError> {
    const SQL: &str = concat!(
        "
        -- deployments::list
        SELECT ",
        columns!(),
        "
        FROM deployments
        WHERE org_id = $1 AND ($2::uuid IS NULL OR service_id = $2) AND ($3::uuid IS NULL OR environment_id = $3)
            AND ($4::text IS NULL OR status = $4) AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6))
        ORDER BY created_at DESC, id DESC LIMIT $7"
    );
    let statement = tx.prepare_cached(SQL).await?;
    let (at, id) = (before.map(|cursor| cursor.at), before.map(|cursor| cursor.key));
    let rows = tx
        .query(
            &statement,
            &[
                &tx.org_id(),
                &filter.service_id,
                &filter.environment_id,
                &filter.status,
                &at,
                &id,
                &limit.probe(),
            ],
        )
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// The last deployments of these services that had begun at a moment, the newest first; of each also what was deployed to the
/// same environment before it.
pub async fn last_before(
    tx: &TenantTx<'_>,
    scopes: &[(ServiceId, EnvironmentId)],
    at: OffsetDateTime,
    most: i64,
) -> Result<Vec<(Deployment, Option<String>)>, DbError> {
    const SQL: &str = concat!(
        "
        -- deployments::last_before
        WITH lately AS (
            SELECT ",
        columns!(),
        ", coalesce(started_at, finished_at, created_at) AS began
            FROM deployments
            WHERE org_id = $1 AND coalesce(started_at, finished_at, created_at) <= $4
              AND created_at > $4 - interval '90 days'
              AND EXISTS (SELECT FROM unnest($2::uuid[], $3::uuid[]) AS place (service, environment)
                          WHERE place.service = service_id AND place.environment = environment_id)
            ORDER BY began DESC, id DESC LIMIT 200
        ), paired AS (
            SELECT ",
        columns!(),
        ", began,
                lag(commit_sha) OVER (PARTITION BY service_id, environment_id ORDER BY began, id) AS commit_before
            FROM lately
        )
        SELECT ",
        columns!(),
        ", commit_before FROM paired ORDER BY began DESC, id DESC LIMIT $5"
    );
    let (services, environments): (Vec<ServiceId>, Vec<EnvironmentId>) = scopes.iter().copied().unzip();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &services, &environments, &at, &most])
        .await?;
    Ok(rows
        .iter()
        .map(|row| (read(row), row.get("commit_before")))
        .collect())
}

/// Owner and name of a service's repository, where one is connected.
pub async fn repository(
    tx: &TenantTx<'_>,
    service_id: ServiceId,
) -> Result<Option<(String, String)>, DbError> {
    const SQL: &str = "
        -- deployments::repository
        SELECT repo_owner, repo_name FROM service_repository($1)";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&service_id]).await?;
    Ok(row.map(|row| (row.get("repo_owner"), row.get("repo_name"))))
}

/// One report about a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    pub progress: Progress,
    /// When it reached us.
    pub recorded_at: OffsetDateTime,
}

/// How many reports that change nothing are kept of one deployment: a sender that repeats itself for ever does not
/// fill the table.
const MAX_REPEATS: i64 = 100;

/// Adds a report, unless the very same one is there. One that changed the status is always kept. Call it with the
/// deployment locked.
pub async fn add_history(
    tx: &TenantTx<'_>,
    id: DeploymentId,
    progress: Progress,
    changed: bool,
) -> Result<(), DbError> {
    const SQL: &str = "
        -- deployments::add_history
        INSERT INTO deployment_status_history (org_id, deployment_id, attempt, status, at)
        SELECT $1, $2, $3, $4, $5
        WHERE $6 OR (SELECT count(*) FROM deployment_status_history WHERE org_id = $1 AND deployment_id = $2) < $7
        ON CONFLICT ON CONSTRAINT deployment_status_history_report_key DO NOTHING";
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &id,
            &progress.attempt,
            &progress.status,
            &progress.at,
            &changed,
            &MAX_REPEATS,
        ],
    )
    .await?;
    Ok(())
}

/// The newest thousand reports about a deployment, in the order in which they say things happened; of two at the same
/// time the earlier stage comes first.
pub async fn history(tx: &TenantTx<'_>, id: DeploymentId) -> Result<Vec<HistoryRow>, DbError> {
    const SQL: &str = "
        -- deployments::history
        SELECT attempt, status, at, recorded_at
        FROM deployment_status_history WHERE org_id = $1 AND deployment_id = $2
        ORDER BY id DESC LIMIT 1000";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &id]).await?;
    let read = |row: &Row| HistoryRow {
        progress: Progress {
            attempt: row.get("attempt"),
            status: row.get("status"),
            at: row.get("at"),
        },
        recorded_at: row.get("recorded_at"),
    };
    let mut history: Vec<HistoryRow> = rows.iter().map(read).collect();
    history.sort_by_key(|HistoryRow { progress, .. }| {
        (
            progress.attempt,
            progress.at,
            progress.status.rank(),
            progress.status.as_str(),
        )
    });
    Ok(history)
}

/// For each scope, in the order given: how attempts ended of the deployments whose status changed last, in the order in
/// which it was recorded.
pub async fn reports(
    tx: &TenantTx<'_>,
    scopes: &[(ServiceId, EnvironmentId)],
    most_each: i64,
) -> Result<Vec<Vec<DeploymentReport>>, DbError> {
    const SQL: &str = "
        -- deployments::reports
        SELECT s.place, r.id, r.created_at, r.name, r.version, r.commit_sha, h.attempt, h.status, h.at, h.recorded_at
        FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS s (service_id, environment_id, place)
        CROSS JOIN LATERAL (
            SELECT d.id, d.created_at, d.name, d.version, d.commit_sha FROM deployments d
            WHERE d.org_id = $1 AND d.service_id = s.service_id AND d.environment_id = s.environment_id
            ORDER BY d.status_at DESC LIMIT $4
        ) r
        JOIN deployment_status_history h ON h.org_id = $1 AND h.deployment_id = r.id
        WHERE h.status IN ('success', 'failure', 'cancelled')
        ORDER BY s.place, h.recorded_at, h.id";
    let (services, environments): (Vec<ServiceId>, Vec<EnvironmentId>) = scopes.iter().copied().unzip();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &services, &environments, &most_each])
        .await?;
    let mut reports = vec![Vec::new(); scopes.len()];
    for row in &rows {
        let place: i64 = row.get("place");
        let (version, commit): (Option<&str>, Option<&str>) = (row.get("version"), row.get("commit_sha"));
        if let Some(reports) = reports.get_mut(place as usize - 1) {
            reports.push(DeploymentReport {
                deployment_id: row.get("id"),
                attempt: row.get("attempt"),
                status: row.get("status"),
                at: row.get("at"),
                recorded_at: row.get("recorded_at"),
                created_at: row.get("created_at"),
                label: label_of(version, commit, row.get("name")),
            });
        }
    }
    Ok(reports)
}

fn read(row: &Row) -> Deployment {
    let name: String = row.get("name");
    Deployment {
        id: row.get("id"),
        service_id: row.get("service_id"),
        provider: row.get("provider"),
        external_id: row.get("external_id"),
        standing: Standing {
            progress: Progress {
                attempt: row.get("attempt"),
                status: row.get("status"),
                at: row.get("status_at"),
            },
            environment_id: row.get("environment_id"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            description: Description {
                name: Some(name).filter(|name| !name.is_empty()),
                commit_sha: row.get("commit_sha"),
                commit_message: row.get("commit_message"),
                git_ref: row.get("ref"),
                version: row.get("version"),
                actor: row.get("actor"),
                url: row.get("url"),
            },
        },
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
