//! `last_used_at` of API keys: noted in memory, written in the background, at most once a minute per key.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use db::{Db, DbError, auth};
use domain::ids::ApiKeyId;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Not worth waiting for; least of all at the end.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// Which keys were used. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct KeyUse(Arc<Mutex<Uses>>);

/// Holds as many keys as were used within the last minute.
#[derive(Default)]
struct Uses {
    unwritten: Vec<ApiKeyId>,
    written: HashMap<ApiKeyId, Instant>,
}

impl KeyUse {
    pub(crate) fn note(&self, key: ApiKeyId) {
        self.uses().note(key, Instant::now());
    }

    /// Writes what was noted until told to stop, and then once more.
    pub(crate) async fn write_until(self, db: Db, stop: CancellationToken) {
        while stop
            .run_until_cancelled(tokio::time::sleep(LOOK_EVERY))
            .await
            .is_some()
        {
            self.write(&db).await;
        }
        self.write(&db).await;
    }

    async fn write(&self, db: &Db) {
        let mut keys = self.uses().take(Instant::now());
        if keys.is_empty() {
            return;
        }
        // In one order everywhere, so that replicas seldom wait for each other's rows in a circle.
        keys.sort_unstable();
        if let Err(error) = touch(db, &keys).await {
            // It is the next use that counts then.
            tracing::debug!(%error, "the use of {} keys was not written", keys.len());
        }
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn touch(db: &Db, keys: &[ApiKeyId]) -> Result<(), DbError> {
    let conn = db.conn("ingest.key_use").await?;
    let Ok(touched) = tokio::time::timeout(ANSWER_WITHIN, auth::touch_api_keys(&conn, keys)).await else {
        conn.discard();
        return Err(DbError::NoAnswer);
    };
    touched
}

impl Uses {
    fn note(&mut self, key: ApiKeyId, now: Instant) {
        let due = |written: &Instant| now.duration_since(*written) >= WRITE_EVERY;
        if self.written.get(&key).is_none_or(due) {
            self.written.insert(key, now);
            self.unwritten.push(key);
        }
    }

    fn take(&mut self, now: Instant) -> Vec<ApiKeyId> {
        self.written
            .retain(|_, written| now.duration_since(*written) < WRITE_EVERY);
        mem::take(&mut self.unwritten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_key_is_written_once_a_minute() {
        let (mut uses, key, start) = (Uses::default(), ApiKeyId::generate(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..150 {
            uses.note(key, at(second));
        }
        assert_eq!(uses.take(at(150)), [key; 3]);
        assert_eq!(uses.take(at(150)), []);
        assert_eq!(uses.written.len(), 1);
        uses.take(at(300));
        assert!(uses.written.is_empty(), "a key that rests is forgotten");
    }
}
