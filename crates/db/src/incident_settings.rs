//! How an organisation wants its firings to become incidents.

use domain::alerting::incident::storm::Limits;
use domain::alerting::incident::{Settings, life};
use time::Duration;
use tokio_postgres::Row;

use crate::{DbError, TenantTx};

/// What holds for the organisation; the defaults where it said nothing.
pub async fn find(tx: &TenantTx<'_>) -> Result<Settings, DbError> {
    const SQL: &str = "
        -- incident_settings::find
        SELECT reopen_seconds, storm_threshold, storm_window_seconds FROM incident_settings WHERE org_id = $1";
    let statement = tx.prepare_cached(SQL).await?;
    let row = tx.query_opt(&statement, &[&tx.org_id()]).await?;
    Ok(row.as_ref().map_or_else(default, read))
}

fn default() -> Settings {
    Settings {
        reopen_within: life::REOPEN_WITHIN,
        storms: Limits::default(),
    }
}

/// Stores them, bounds checked by the caller.
pub async fn save(tx: &TenantTx<'_>, settings: &Settings) -> Result<(), DbError> {
    const SQL: &str = "
        -- incident_settings::save
        INSERT INTO incident_settings (org_id, reopen_seconds, storm_threshold, storm_window_seconds)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (org_id) DO UPDATE SET reopen_seconds = excluded.reopen_seconds,
            storm_threshold = excluded.storm_threshold, storm_window_seconds = excluded.storm_window_seconds,
            updated_at = now()";
    let seconds = |span: Duration| i32::try_from(span.whole_seconds()).unwrap_or(i32::MAX);
    let threshold = settings
        .storms
        .threshold
        .map(|count| i32::try_from(count).unwrap_or(i32::MAX));
    let statement = tx.prepare_cached(SQL).await?;
    tx.execute(
        &statement,
        &[
            &tx.org_id(),
            &seconds(settings.reopen_within),
            &threshold,
            &seconds(settings.storms.window),
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Settings {
    let seconds = |name| Duration::seconds(row.get::<_, i32>(name).into());
    let threshold: Option<i32> = row.get("storm_threshold");
    Settings {
        reopen_within: seconds("reopen_seconds"),
        storms: Limits {
            threshold: threshold.map(i32::unsigned_abs),
            window: seconds("storm_window_seconds"),
        },
    }
}
