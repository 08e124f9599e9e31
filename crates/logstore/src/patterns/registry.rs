//! The templates of each service, and where and when they were seen: the tables `log_patterns` and `log_pattern_places`.

use db::{DbError, TenantTx};
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::patterns::{Known, MAX_TEMPLATES, TemplateId};
use domain::scope::Scope;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;

use super::Sighting;

/// Longest sample, in bytes.
const MAX_SAMPLE: usize = 2_048;
/// Templates that are read at once, of all services together: 25 services at their bound.
const MAX_KNOWN: i64 = 25 * MAX_TEMPLATES as i64;
const MAX_PLACES: i64 = 4 * MAX_KNOWN;

/// A message as a sample of its template.
pub(crate) fn sample(message: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(message).into_owned();
    text.truncate(text.floor_char_boundary(MAX_SAMPLE));
    text
}

/// Where lines of a template were seen, by their own time in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenAt {
    pub(crate) service_id: ServiceId,
    pub(crate) id: TemplateId,
    pub(crate) environment_id: EnvironmentId,
    /// Lines of level error and above.
    pub(crate) is_error: bool,
    pub(crate) first_seen: i64,
    /// Exact to a day.
    pub(crate) last_seen: i64,
}

/// A template as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    pub text: String,
    /// One of its lines, cut if it is long, and its level.
    pub sample: String,
    pub level: Level,
}

/// The templates of services.
pub(crate) async fn known(
    tx: &TenantTx<'_>,
    services: &[ServiceId],
) -> Result<Vec<(ServiceId, Known)>, DbError> {
    const SQL: &str = "
        -- patterns::known
        SELECT service_id, template_id, tokens, is_general FROM log_patterns
        WHERE org_id = $1 AND service_id = ANY ($2) LIMIT $3";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &services, &MAX_KNOWN])
        .await?;
    let known = |row: &tokio_postgres::Row| (row.get("service_id"), known_of(row));
    Ok(rows.iter().map(known).collect())
}

/// A template by the columns of its row.
pub(super) fn known_of(row: &tokio_postgres::Row) -> Known {
    let tokens: &[u8] = row.get("tokens");
    Known {
        id: id(row),
        tokens: tokens
            .as_chunks::<8>()
            .0
            .iter()
            .map(|token| u64::from_le_bytes(*token))
            .collect(),
        is_general: row.get("is_general"),
    }
}

/// Where the templates of services were seen.
pub(crate) async fn places(tx: &TenantTx<'_>, services: &[ServiceId]) -> Result<Vec<SeenAt>, DbError> {
    const SQL: &str = "
        -- patterns::places
        SELECT service_id, template_id, environment_id, is_error, first_seen, last_seen FROM log_pattern_places
        WHERE org_id = $1 AND service_id = ANY ($2) LIMIT $3";
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &services, &MAX_PLACES])
        .await?;
    let place = |row: &tokio_postgres::Row| SeenAt {
        service_id: row.get("service_id"),
        id: id(row),
        environment_id: row.get("environment_id"),
        is_error: row.get("is_error"),
        first_seen: micros(row.get("first_seen")),
        last_seen: micros(row.get("last_seen")),
    };
    Ok(rows.iter().map(place).collect())
}

/// Writes down what a merge saw in a scope, in its transaction; of a scope that is no longer there nothing.
pub(crate) async fn save(tx: &TenantTx<'_>, scope: &Scope, news: &[Sighting]) -> Result<(), DbError> {
    const PATTERNS_SQL: &str = "
        -- patterns::save
        INSERT INTO log_patterns AS p (org_id, service_id, template_id, text, sample, level, tokens, is_general)
        SELECT $1, $2, t.template_id, t.text, t.sample, t.level, t.tokens, t.is_general
        FROM unnest($4::bigint[], $5::text[], $6::text[], $7::smallint[], $8::bytea[], $9::boolean[])
            AS t (template_id, text, sample, level, tokens, is_general)
        WHERE EXISTS (SELECT FROM environments WHERE org_id = $1 AND service_id = $2 AND id = $3)
        ORDER BY t.template_id
        ON CONFLICT (org_id, service_id, template_id)
        DO UPDATE SET is_general = p.is_general OR excluded.is_general, touched_at = now()";
    const PLACES_SQL: &str = "
        -- patterns::save_places
        INSERT INTO log_pattern_places AS p (org_id, service_id, environment_id, template_id, is_error, first_seen,
            last_seen)
        SELECT $1, $2, $3, t.template_id, t.is_error, t.first_seen, t.last_seen
        FROM unnest($4::bigint[], $5::boolean[], $6::timestamptz[], $7::timestamptz[])
            AS t (template_id, is_error, first_seen, last_seen)
        WHERE EXISTS (SELECT FROM environments WHERE org_id = $1 AND service_id = $2 AND id = $3)
        ORDER BY t.template_id, t.is_error
        ON CONFLICT (org_id, service_id, template_id, environment_id, is_error)
        DO UPDATE SET first_seen = least(p.first_seen, excluded.first_seen),
            last_seen = greatest(p.last_seen, excluded.last_seen)";
    if news.is_empty() {
        return Ok(());
    }
    // Each template once: it may be seen as an error and as none.
    let mut templates: Vec<&Sighting> = news.iter().collect();
    templates.sort_by_key(|sighting| sighting.template.id);
    templates.dedup_by_key(|sighting| sighting.template.id);
    let bytes = |sighting: &&Sighting| -> Vec<u8> {
        let tokens = sighting.template.tokens.iter();
        tokens.flat_map(|token| token.to_le_bytes()).collect()
    };
    let place: [&(dyn ToSql + Sync); 3] = [&tx.org_id(), &scope.service_id, &scope.environment_id];
    let ids: Vec<i64> = templates.iter().map(|one| code(one.template.id)).collect();
    let texts: Vec<&str> = templates.iter().map(|one| one.template.text.as_str()).collect();
    let samples: Vec<&str> = templates.iter().map(|one| one.sample.as_str()).collect();
    let levels: Vec<i16> = templates.iter().map(|one| one.level.code()).collect();
    let tokens: Vec<Vec<u8>> = templates.iter().map(bytes).collect();
    let general: Vec<bool> = templates.iter().map(|one| one.template.is_general).collect();
    let own: [&(dyn ToSql + Sync); 6] = [&ids, &texts, &samples, &levels, &tokens, &general];
    let statement = tx.prepare_cached(PATTERNS_SQL).await?;
    tx.execute(&statement, &[&place[..], &own[..]].concat()).await?;

    let ids: Vec<i64> = news.iter().map(|one| code(one.template.id)).collect();
    let errors: Vec<bool> = news.iter().map(|one| one.is_error).collect();
    let first: Vec<OffsetDateTime> = news.iter().map(|one| at(one.first)).collect();
    let last: Vec<OffsetDateTime> = news.iter().map(|one| at(one.last)).collect();
    let own: [&(dyn ToSql + Sync); 4] = [&ids, &errors, &first, &last];
    let statement = tx.prepare_cached(PLACES_SQL).await?;
    tx.execute(&statement, &[&place[..], &own[..]].concat()).await?;
    Ok(())
}

/// The texts of templates, as far as they are known, with the place of each in the question.
pub(crate) async fn describe(
    tx: &TenantTx<'_>,
    wanted: &[(ServiceId, TemplateId)],
) -> Result<Vec<(usize, Described)>, DbError> {
    const SQL: &str = "
        -- patterns::describe
        SELECT wanted.place, p.text, p.sample, p.level
        FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS wanted (service_id, template_id, place)
        CROSS JOIN LATERAL (
            SELECT text, sample, level FROM log_patterns
            WHERE org_id = $1 AND service_id = wanted.service_id AND template_id = wanted.template_id LIMIT 1
        ) AS p";
    let services: Vec<ServiceId> = wanted.iter().map(|(service, _)| *service).collect();
    let ids: Vec<i64> = wanted.iter().map(|(_, id)| code(*id)).collect();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx.query(&statement, &[&tx.org_id(), &services, &ids]).await?;
    rows.iter()
        .map(|row| {
            let place: i64 = row.get("place");
            Ok((place as usize - 1, described(row)?))
        })
        .collect()
}

fn described(row: &tokio_postgres::Row) -> Result<Described, DbError> {
    Ok(Described {
        text: row.get("text"),
        sample: row.get("sample"),
        level: crate::reader::level_of(row.get("level"))?,
    })
}

pub(super) fn id(row: &tokio_postgres::Row) -> TemplateId {
    TemplateId::from_code(row.get::<_, i64>("template_id") as u64)
}

pub(super) fn code(id: TemplateId) -> i64 {
    id.code() as i64
}

fn micros(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000) as i64
}

fn at(micros: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(micros)
}
