//! One transaction: the receipts, the lines and the counts of some requests.

use std::collections::{BTreeMap, HashSet};
use std::pin::pin;

use bytes::Bytes;
use db::DbError;
use domain::ids::ReceiptId;
use domain::level::Level;
use domain::scope::Scope;
use futures_util::SinkExt as _;
use futures_util::future::join3;
use time::OffsetDateTime;
use tokio_postgres::error::SqlState;

use super::batch::{COPY_HEADER, COPY_TRAILER, Encoded, Minute};
use super::queue::Pending;
use super::session::Session;
use crate::receipts::{self, Claim, Receipt};

/// What became of one request of a transaction that committed.
#[derive(Debug)]
pub(super) enum Verdict {
    Stored,
    /// Stored before, by the same request.
    Repeated(Receipt),
    /// The key belongs to another request.
    Conflict,
    /// The key was taken when we wrote, and its receipt had expired when we looked.
    Vanished,
}

/// Why a transaction did not commit.
#[derive(Debug)]
pub(super) enum Failure {
    /// The data of some request was refused; nothing was stored. The session is usable.
    Data(DbError),
    /// A lock was not to be had in time, such as a key that another writer is just storing; nothing was stored. The
    /// session is usable.
    Contended(DbError),
    /// Nothing was stored, and the session is not to be used again.
    NotStored(DbError),
    /// The session broke while it may have been committing.
    Unknown(DbError),
    /// The server did not answer in time; it may be committing still. The session is not to be used again.
    TimedOut,
}

impl Failure {
    /// For an error before the commit was asked for.
    fn before_commit(error: tokio_postgres::Error) -> Self {
        let error = DbError::from(error);
        if error.is_bad_data() {
            Self::Data(error)
        } else if is_contention(&error) {
            Self::Contended(error)
        } else {
            Self::NotStored(error)
        }
    }

    /// For an error of a statement behind which the commit was already on its way: when the server itself reports it,
    /// that commit became a rollback.
    ///
    /// COPY that fails before it asks for data (a lock, a right) leaves the driver one answer ahead of the server, so
    /// the session is not used again then.
    fn beside_commit(error: tokio_postgres::Error) -> Self {
        let reported = error.as_db_error().is_some();
        let error = DbError::from(error);
        if error.is_bad_data() {
            Self::Data(error)
        } else if reported {
            Self::NotStored(error)
        } else {
            Self::Unknown(error)
        }
    }

    /// For an error of the commit itself.
    fn at_commit(error: tokio_postgres::Error) -> Self {
        let error = DbError::from(error);
        if error.is_bad_data() {
            Self::Data(error)
        } else {
            Self::Unknown(error)
        }
    }
}

fn is_contention(error: &DbError) -> bool {
    let DbError::Postgres(error) = error else {
        return false;
    };
    let contention = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| contention.contains(code))
}

impl Session {
    /// Stores the requests in one transaction. The verdicts are in the order of the requests.
    pub(super) async fn store(&self, requests: &[Pending]) -> Result<Vec<Verdict>, Failure> {
        // Waited for: if it failed unnoticed, what follows would commit statement by statement.
        self.client
            .batch_execute("BEGIN")
            .await
            .map_err(Failure::before_commit)?;
        let verdicts = self.claim(requests).await.map_err(Failure::before_commit)?;
        let batches: Vec<&Encoded> = requests
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| matches!(verdict, Verdict::Stored))
            .map(|(request, _)| &request.batch)
            .collect();
        if batches.is_empty() {
            self.client
                .batch_execute("ROLLBACK")
                .await
                .map_err(Failure::before_commit)?;
        } else {
            self.write(&batches).await?;
        }
        Ok(verdicts)
    }

    /// Ends a transaction that failed. Says whether the session can be used again.
    pub(super) async fn recover(&self) -> bool {
        self.client.batch_execute("ROLLBACK").await.is_ok()
    }

    /// Writes the receipts of the requests that want one, and finds those that were stored before.
    async fn claim(&self, requests: &[Pending]) -> Result<Vec<Verdict>, tokio_postgres::Error> {
        let claims: Vec<Claim<'_>> = requests.iter().filter_map(claim_of).collect();
        if claims.is_empty() {
            return Ok(requests.iter().map(|_| Verdict::Stored).collect());
        }
        let new = receipts::claim(&self.client, &self.claim, &claims).await?;
        let new: HashSet<ReceiptId> = new.into_iter().collect();
        let mut verdicts = Vec::with_capacity(requests.len());
        for request in requests {
            verdicts.push(match claim_of(request) {
                Some(claim) if !new.contains(&claim.id) => self.find(&claim).await?,
                _ => Verdict::Stored,
            });
        }
        Ok(verdicts)
    }

    async fn find(&self, claim: &Claim<'_>) -> Result<Verdict, tokio_postgres::Error> {
        let found = receipts::find(&self.client, &self.find, claim.org_id, claim.record).await?;
        Ok(match found {
            None => Verdict::Vanished,
            Some(found) if found.request_hash == claim.record.request_hash => {
                Verdict::Repeated(found.receipt)
            }
            Some(_) => Verdict::Conflict,
        })
    }

    /// Lines, counts and commit go out together and are waited for once. If one fails, the server turns the commit into
    /// a rollback.
    async fn write(&self, batches: &[&Encoded]) -> Result<(), Failure> {
        // Polled in this order, so sent in this order.
        let (copied, counted, committed) = join3(
            self.copy(batches),
            self.count(batches),
            self.client.batch_execute("COMMIT"),
        )
        .await;
        copied.map_err(Failure::beside_commit)?;
        counted.map_err(Failure::beside_commit)?;
        committed.map_err(Failure::at_commit)
    }

    async fn copy(&self, batches: &[&Encoded]) -> Result<(), tokio_postgres::Error> {
        /// Sent as one message: larger ones would be copied whole into the connection's buffer.
        const CHUNK: usize = 256 * 1024;
        let mut sink = pin!(self.client.copy_in::<_, Bytes>(&self.copy).await?);
        sink.feed(Bytes::from_static(COPY_HEADER)).await?;
        for batch in batches {
            let mut rest = batch.bytes.clone();
            while !rest.is_empty() {
                let chunk = rest.split_to(CHUNK.min(rest.len()));
                sink.feed(chunk).await?;
            }
        }
        sink.feed(Bytes::from_static(COPY_TRAILER)).await?;
        sink.finish().await?;
        Ok(())
    }

    async fn count(&self, batches: &[&Encoded]) -> Result<(), tokio_postgres::Error> {
        // In one order everywhere, so that two writers could not deadlock even if they shared rows.
        let counts = merge_counts(batches);
        let (mut orgs, mut services, mut environments) = (Vec::new(), Vec::new(), Vec::new());
        let (mut minutes, mut levels, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for ((scope, minute, level), number) in counts {
            orgs.push(scope.org_id);
            services.push(scope.service_id);
            environments.push(scope.environment_id);
            minutes.push(OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(minute));
            levels.push(level.code());
            numbers.push(number);
        }
        self.client
            .execute(
                &self.count,
                &[
                    &self.writer_id,
                    &orgs,
                    &services,
                    &environments,
                    &minutes,
                    &levels,
                    &numbers,
                ],
            )
            .await?;
        Ok(())
    }
}

fn claim_of(request: &Pending) -> Option<Claim<'_>> {
    request.record.as_ref().map(|(id, record)| Claim {
        org_id: request.batch.scope.org_id,
        id: *id,
        record,
        accepted: request.batch.rows,
    })
}

fn merge_counts(batches: &[&Encoded]) -> BTreeMap<(Scope, Minute, Level), i64> {
    let mut merged = BTreeMap::new();
    for batch in batches {
        for ((minute, level), count) in &batch.counts {
            *merged.entry((batch.scope, *minute, *level)).or_default() += count;
        }
    }
    merged
}
