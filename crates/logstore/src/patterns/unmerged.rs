//! Errors that are not merged yet, by template: loose rows and fresh segments, as they arrived.
//!
//! A fresh segment never changes, so what is unpacked of it is remembered until it is merged; whoever looks again and again
//! reads each once.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use db::{DbError, TenantTx};
use domain::level::Level;
use domain::patterns::{LineKey, TemplateId};
use domain::words::{self, for_each_word};
use futures_util::TryStreamExt as _;
use moka::sync::Cache;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;

use super::error_arrivals::ScopeId;
use crate::segment::{Column, Damaged, Decoder, Index};

/// The most that is remembered of segments, in bytes.
const CAPACITY: u64 = 16 << 20;
/// Loose rows that are looked at, and segments that are read, in one go: what is over is counted once it is merged.
const MOST_ROWS: usize = 100_000;
const MOST_SEGMENTS: usize = 512;

/// Lines that arrived together and whose own template is the same.
#[derive(Clone, Debug)]
pub(super) struct Alike {
    pub(super) own: TemplateId,
    /// One of them.
    pub(super) message: Vec<u8>,
    pub(super) lines: u64,
}

/// Errors of one scope that arrived at one moment.
pub(super) struct Arrived {
    /// Among the scopes that were asked for.
    pub(super) place: usize,
    pub(super) at: OffsetDateTime,
    pub(super) alike: Arc<Vec<Alike>>,
}

/// What is known of fresh segments; clones share it.
#[derive(Clone)]
pub(super) struct Unmerged {
    segments: Cache<i64, Arc<Vec<Alike>>>,
}

impl Unmerged {
    pub(super) fn new() -> Self {
        const FIXED: usize = 80;
        let weigh = |_: &i64, alike: &Arc<Vec<Alike>>| {
            let bytes = alike.iter().map(|one| one.message.len() + FIXED).sum::<usize>();
            (bytes + FIXED).try_into().unwrap_or(u32::MAX)
        };
        Self {
            segments: Cache::builder().max_capacity(CAPACITY).weigher(weigh).build(),
        }
    }

    /// All of them in these scopes; and whether there are more than were looked at.
    pub(super) async fn read(
        &self,
        tx: &TenantTx<'_>,
        scopes: &[ScopeId],
    ) -> Result<(Vec<Arrived>, bool), DbError> {
        let (mut arrived, more_rows) = rows(tx, scopes).await?;
        let (segments, more_segments) = self.segments(tx, scopes).await?;
        arrived.extend(segments);
        Ok((arrived, more_rows || more_segments))
    }

    async fn segments(&self, tx: &TenantTx<'_>, scopes: &[ScopeId]) -> Result<(Vec<Arrived>, bool), DbError> {
        let mut listed = list(tx, scopes).await?;
        let mut unread = 0;
        // The newest come first: what is older is merged sooner.
        listed.retain(|one| {
            unread += usize::from(!self.segments.contains_key(&one.id));
            unread <= MOST_SEGMENTS
        });
        let is_partial = unread > MOST_SEGMENTS;
        let mut arrived = Vec::with_capacity(listed.len());
        for one in listed {
            let alike = match self.segments.get(&one.id) {
                Some(alike) => alike,
                None => self.unpack(tx, scopes[one.place], &one).await?,
            };
            arrived.push(Arrived {
                place: one.place,
                at: one.at,
                alike,
            });
        }
        Ok((arrived, is_partial))
    }

    /// A damaged one has no lines that anybody could see; the compactor reports it.
    async fn unpack(
        &self,
        tx: &TenantTx<'_>,
        scope: ScopeId,
        listed: &Listed,
    ) -> Result<Arc<Vec<Alike>>, DbError> {
        const SQL: &str = "
            -- unmerged::unpack
            SELECT index_col, level_col, message_col FROM log_segments_fresh
            WHERE org_id = $1 AND service_id = $2 AND environment_id = $3 AND max_ts = $4 AND id = $5 AND hour = $6";
        let statement = tx.prepare_cached(SQL).await?;
        let params: [&(dyn ToSql + Sync); 6] = [
            &tx.org_id(),
            &scope.0,
            &scope.1,
            &listed.max_ts,
            &listed.id,
            &listed.hour,
        ];
        let Some(row) = tx.query_opt(&statement, &params).await? else {
            return Ok(Arc::default());
        };
        let decoded = tokio::task::spawn_blocking(move || {
            Decoder::lend(|decoder| errors_of(decoder, row.get(0), row.get(1), row.get(2)))
        });
        let decoded = decoded
            .await
            .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()));
        let alike = Arc::new(decoded.unwrap_or_else(|damage| {
            tracing::debug!(
                segment.id = listed.id,
                "log segment {} was left out: {damage}",
                listed.id
            );
            Vec::new()
        }));
        self.segments.insert(listed.id, Arc::clone(&alike));
        Ok(alike)
    }
}

async fn rows(tx: &TenantTx<'_>, scopes: &[ScopeId]) -> Result<(Vec<Arrived>, bool), DbError> {
    const SQL: &str = "
        -- unmerged::rows
        SELECT s.place, l.created_at, l.message
        FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS s (service_id, environment_id, place)
        CROSS JOIN LATERAL (
            SELECT created_at, message FROM logs
            WHERE org_id = $1 AND service_id = s.service_id AND environment_id = s.environment_id AND level >= $4
        ) l
        LIMIT $5";
    let (services, environments): (Vec<_>, Vec<_>) = scopes.iter().copied().unzip();
    let statement = tx.prepare_cached(SQL).await?;
    let params: [&(dyn ToSql + Sync); 5] = [
        &tx.org_id(),
        &services,
        &environments,
        &Level::Error.code(),
        &(MOST_ROWS as i64 + 1),
    ];
    let mut found = pin!(tx.query_raw(&statement, params).await?);
    let mut by_moment: HashMap<(usize, OffsetDateTime), Gathered> = HashMap::new();
    let mut count = 0;
    while let Some(row) = found.try_next().await? {
        count += 1;
        let place: i64 = row.get("place");
        let message: &str = row.get("message");
        let moment = (place as usize - 1, row.get("created_at"));
        by_moment.entry(moment).or_default().add(message.as_bytes());
    }
    let arrived = by_moment.into_iter().map(|((place, at), gathered)| Arrived {
        place,
        at,
        alike: Arc::new(gathered.finish()),
    });
    Ok((arrived.collect(), count > MOST_ROWS))
}

/// A fresh segment with errors in it.
struct Listed {
    place: usize,
    id: i64,
    max_ts: OffsetDateTime,
    hour: OffsetDateTime,
    at: OffsetDateTime,
}

async fn list(tx: &TenantTx<'_>, scopes: &[ScopeId]) -> Result<Vec<Listed>, DbError> {
    const SQL: &str = "
        -- unmerged::list
        SELECT s.place, f.id, f.max_ts, f.hour, f.created_at
        FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS s (service_id, environment_id, place)
        CROSS JOIN LATERAL (
            SELECT id, max_ts, hour, created_at FROM log_segments_fresh
            WHERE org_id = $1 AND service_id = s.service_id AND environment_id = s.environment_id
              AND (level_counts[5] > 0 OR level_counts[6] > 0)
        ) f
        ORDER BY f.created_at DESC";
    let (services, environments): (Vec<_>, Vec<_>) = scopes.iter().copied().unzip();
    let statement = tx.prepare_cached(SQL).await?;
    let rows = tx
        .query(&statement, &[&tx.org_id(), &services, &environments])
        .await?;
    let listed = |row: &tokio_postgres::Row| {
        let place: i64 = row.get("place");
        Listed {
            place: place as usize - 1,
            id: row.get("id"),
            max_ts: row.get("max_ts"),
            hour: row.get("hour"),
            at: row.get("created_at"),
        }
    };
    Ok(rows.iter().map(listed).collect())
}

fn errors_of(
    decoder: &mut Decoder,
    index: &[u8],
    levels: &[u8],
    messages: &[u8],
) -> Result<Vec<Alike>, Damaged> {
    const CUT: Damaged = Damaged("column is cut off");
    let mut gathered = Gathered::default();
    for block in &Index::parse(index)?.blocks {
        let is_error = |code: u8| Level::from_code(i16::from(code)).is_some_and(Level::is_error);
        let stored = levels.get(block.range(Column::Level)).ok_or(CUT)?;
        let of_rows = decoder.levels(block, stored)?;
        if !of_rows.iter().any(|code| is_error(*code)) {
            continue;
        }
        let stored = messages.get(block.range(Column::Message)).ok_or(CUT)?;
        let texts = decoder.texts(block, Column::Message, stored)?;
        for (row, code) in of_rows.into_iter().enumerate() {
            if is_error(code) {
                gathered.add(texts.get(row));
            }
        }
    }
    Ok(gathered.finish())
}

/// Lines by their own template.
#[derive(Default)]
struct Gathered(HashMap<TemplateId, Alike>);

impl Gathered {
    fn add(&mut self, message: &[u8]) {
        let mut key = LineKey::default();
        for_each_word(message, |word| key.word(word, words::hash(word.lower)));
        let own = key.finish();
        let alike = self.0.entry(own).or_insert_with(|| Alike {
            own,
            message: message.to_vec(),
            lines: 0,
        });
        alike.lines += 1;
    }

    fn finish(self) -> Vec<Alike> {
        self.0.into_values().collect()
    }
}
