//! Log lines a minute for each API key, over all replicas.
//!
//! A replica leases tokens of the current minute from PostgreSQL, a twentieth of the limit at a time, and spends them in
//! memory: the key's row is locked a few times a minute, not once a request. Leases die with the minute. What all
//! replicas admit in one minute never exceeds the limit; a replica that dies takes its unspent tokens with it.

mod minute;
#[cfg(test)]
mod schedules;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use db::auth::KeyRecord;
use db::{Db, DbError, rate_buckets};
use domain::ids::ApiKeyId;
use service_kit::ApiError;

use minute::{Minute, Spending};

/// A lease is this part of the limit: small enough that three replicas strand less than a tenth between them.
const LEASE_PART: u32 = 20;
/// A database that is silent for longer is as good as away.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Buckets kept before those of past minutes are cleared.
const CLEAR_ABOVE: usize = 10_000;

/// Cheap to clone; one per process.
#[derive(Clone)]
pub(crate) struct RateLimiter {
    db: Db,
    /// For keys without a limit of their own; 0 for none.
    default_per_minute: u32,
    buckets: Arc<Mutex<HashMap<ApiKeyId, Arc<Bucket>>>>,
}

#[derive(Default)]
struct Bucket {
    minute: Mutex<Minute>,
    /// Held while a lease is asked for, so that a crowd asks once.
    leasing: tokio::sync::Mutex<()>,
}

/// Tokens that a request took. Those that it does not [`Tokens::keep`] go back when it ends.
pub(crate) struct Tokens {
    count: u32,
    taken: Option<(Arc<Bucket>, u64)>,
}

impl RateLimiter {
    pub(crate) fn new(db: Db, default_per_minute: u32) -> Self {
        Self {
            db,
            default_per_minute,
            buckets: Arc::default(),
        }
    }

    /// Refuses a request whose key is known to have nothing left in this minute, before its body is read.
    pub(crate) fn refuse_if_exhausted(&self, key: &KeyRecord) -> Result<(), ApiError> {
        let known = self.buckets().get(&key.id).cloned();
        match (self.limit(key), known) {
            (Some(limit), Some(bucket)) => match bucket.minute().left_for(1, Instant::now()) {
                Err(wait) => Err(exceeded(limit, wait)),
                Ok(()) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Takes a token for each line of a request, or none at all.
    pub(crate) async fn take(&self, key: &KeyRecord, lines: u32) -> Result<Tokens, ApiError> {
        let Some(limit) = self.limit(key) else {
            return Ok(Tokens {
                count: lines,
                taken: None,
            });
        };
        if lines > limit {
            return Err(ApiError::invalid(
                "",
                format!(
                    "the request has {lines} lines, and the API key may send {limit} a minute; send smaller requests, or ask for a higher limit"
                ),
            ));
        }
        let bucket = self.bucket(key.id);
        if let Some(tokens) = bucket.spend(limit, lines)? {
            return Ok(tokens);
        }
        // A crowd does not queue up behind a silent database, each for its own time-out.
        let turn = tokio::time::timeout(ANSWER_WITHIN, bucket.leasing.lock()).await;
        let _turn = turn.map_err(|_elapsed| DbError::NoAnswer)?;
        loop {
            // Another request may have leased enough for both meanwhile.
            if let Some(tokens) = bucket.spend(limit, lines)? {
                return Ok(tokens);
            }
            if let Some(tokens) = self.lease(&bucket, key, limit, lines).await? {
                return Ok(tokens);
            }
        }
    }

    /// Asks for what is missing and spends it; `None` if the minute changed meanwhile.
    async fn lease(
        &self,
        bucket: &Arc<Bucket>,
        key: &KeyRecord,
        limit: u32,
        lines: u32,
    ) -> Result<Option<Tokens>, ApiError> {
        let missing = lines - bucket.minute().tokens(Instant::now()).min(lines);
        let want = (limit / LEASE_PART).max(1);
        let conn = self.db.conn("ingest.rate_limit").await?;
        // From before the question, so that ours ends no later than the database's minute.
        let asked = Instant::now();
        let question = rate_buckets::lease(&conn, key.scope.org_id, key.id, limit, missing.max(1), want);
        let Ok(answer) = tokio::time::timeout(ANSWER_WITHIN, question).await else {
            conn.discard();
            return Err(DbError::NoAnswer.into());
        };
        let grant = answer.map_err(unless_deleted)?;
        let mut minute = bucket.minute();
        minute.receive(asked, grant, missing.max(1));
        // In the same breath: others could spend it first.
        Bucket::spend_from(bucket, &mut minute, limit, lines)
    }

    fn limit(&self, key: &KeyRecord) -> Option<u32> {
        let limit = key.rate_limit_per_minute.unwrap_or(self.default_per_minute);
        (limit > 0).then_some(limit)
    }

    fn bucket(&self, key: ApiKeyId) -> Arc<Bucket> {
        let mut buckets = self.buckets();
        if buckets.len() >= CLEAR_ABOVE && !buckets.contains_key(&key) {
            let now = Instant::now();
            buckets.retain(|_, bucket| !bucket.minute().is_over(now));
        }
        Arc::clone(buckets.entry(key).or_default())
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<ApiKeyId, Arc<Bucket>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn minute(&self) -> MutexGuard<'_, Minute> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spend(self: &Arc<Self>, limit: u32, lines: u32) -> Result<Option<Tokens>, ApiError> {
        Self::spend_from(self, &mut self.minute(), limit, lines)
    }

    fn spend_from(
        bucket: &Arc<Self>,
        minute: &mut Minute,
        limit: u32,
        lines: u32,
    ) -> Result<Option<Tokens>, ApiError> {
        match minute.spend(lines, Instant::now()) {
            Spending::Spent { generation } => Ok(Some(Tokens {
                count: lines,
                taken: Some((Arc::clone(bucket), generation)),
            })),
            Spending::Short => Ok(None),
            Spending::Exhausted { wait } => Err(exceeded(limit, wait)),
        }
    }
}

impl Tokens {
    /// Uses up this many; the rest goes back.
    pub(crate) fn keep(mut self, count: u32) {
        self.count = self.count.saturating_sub(count);
    }

    /// Uses up all of them.
    pub(crate) fn keep_all(self) {
        let all = self.count;
        self.keep(all);
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        if let Some((bucket, generation)) = &self.taken {
            bucket.minute().give_back(self.count, *generation);
        }
    }
}

fn exceeded(limit: u32, wait: Duration) -> ApiError {
    let retry_after_s = wait.as_secs_f64().ceil().max(1.0) as u64;
    ApiError::RateLimited {
        message: format!(
            "the API key may send {limit} lines a minute, and they are used up; try again in {retry_after_s} s"
        ),
        retry_after_s,
    }
}

/// The key was deleted since it was looked up.
fn unless_deleted(error: DbError) -> ApiError {
    if error.violates_foreign_key() {
        ApiError::Unauthorized("the API key is unknown; create one in the service's settings".into())
    } else {
        error.into()
    }
}
