//! Who sends: API keys, looked up in the database and remembered for less than a second.
//!
//! A revoked key is refused at once where the broker announces it (`key.revoked` drops the entry) and within a second
//! everywhere else. Unknown keys are remembered too, so that guessing costs the database little.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use db::auth::{self, KeyRecord};
use db::{Db, DbError};
use domain::api_key::KeyScope;
use domain::events::Event;
use domain::ids::ApiKeyId;
use domain::token::TokenHash;
use futures_util::future::LocalBoxFuture;
use moka::future::Cache;
use service_kit::{ApiError, access};

use crate::app::State;

/// Below a second, so that a look-up that began just before a revocation is forgotten within one.
const REMEMBERED_FOR: Duration = Duration::from_millis(800);
const MAX_REMEMBERED: u64 = 20_000;
/// A database that is silent for longer is as good as away: the sender is told to come back.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A key that may write logs.
pub(crate) struct IngestKey(pub(crate) KeyRecord);

impl FromRequest for IngestKey {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let state = req
                .app_data::<web::Data<State>>()
                .ok_or_else(|| ApiError::internal("the service was built without its state"))?;
            let key = Self::look_up(state, &access::raw_api_key(&req)?).await?;
            tracing::Span::current().record("org_id", tracing::field::display(key.0.scope.org_id));
            Ok(key)
        })
    }
}

impl IngestKey {
    /// The key behind a raw key of the right shape, if it may write logs. Looking it up is using it.
    pub(crate) async fn look_up(state: &State, raw: &str) -> Result<Self, ApiError> {
        let found = state.keys.find(TokenHash::of(raw)).await?;
        let key = access::check_api_key(found, KeyScope::LogsWrite)?;
        state.key_use.note(key.id);
        Ok(Self(key))
    }
}

/// The keys that were looked up lately.
#[derive(Clone)]
pub(crate) struct Keys {
    db: Db,
    remembered: Cache<TokenHash, Option<Arc<KeyRecord>>>,
}

impl Keys {
    pub(crate) fn new(db: Db) -> Self {
        let remembered = Cache::builder()
            .max_capacity(MAX_REMEMBERED)
            .time_to_live(REMEMBERED_FOR)
            .support_invalidation_closures()
            .build();
        Self { db, remembered }
    }

    /// The record behind a key. Requests that ask for the same key at the same time share one look-up.
    async fn find(&self, hash: TokenHash) -> Result<Option<KeyRecord>, ApiError> {
        let found = self
            .remembered
            .try_get_with(hash, look_up(&self.db, hash))
            .await
            .map_err(api_error)?;
        Ok(found.map(|key| KeyRecord::clone(&key)))
    }

    /// Drops what is known of a key.
    fn forget(&self, id: ApiKeyId) {
        let is_it =
            move |_: &TokenHash, key: &Option<Arc<KeyRecord>>| key.as_ref().is_some_and(|key| key.id == id);
        if self.remembered.invalidate_entries_if(is_it).is_err() {
            self.remembered.invalidate_all();
        }
    }

    /// Follows the bus: a revoked key is dropped, and everything is when events may have been missed.
    pub(crate) fn heed(&self, broadcast: &bus::Broadcast) {
        match broadcast {
            bus::Broadcast::Event(envelope) => {
                if let Event::KeyRevokedV1 { api_key_id, .. } = envelope.event {
                    self.forget(api_key_id);
                }
            }
            bus::Broadcast::Gap => self.remembered.invalidate_all(),
        }
    }
}

async fn look_up(db: &Db, hash: TokenHash) -> Result<Option<Arc<KeyRecord>>, DbError> {
    let conn = db.conn("ingest.key").await?;
    let asked = tokio::time::timeout(ANSWER_WITHIN, auth::find_api_key(&conn, hash)).await;
    let Ok(answer) = asked else {
        conn.discard();
        return Err(DbError::NoAnswer);
    };
    Ok(answer?.map(Arc::new))
}

/// The failure of a look-up that several requests shared.
fn api_error(error: Arc<DbError>) -> ApiError {
    if error.is_unavailable() {
        ApiError::Unavailable {
            retry_after_s: 1,
            source: Box::new(error),
        }
    } else {
        ApiError::internal(error)
    }
}
