//! One transaction: the receipts, the lines and the counts of some requests.

use std::collections::HashSet;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use db::DbError;
use domain::ids::ReceiptId;
use domain::level::Level;
use futures_util::SinkExt as _;
use futures_util::future::join4;
use time::OffsetDateTime;
use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;

use super::Batches;
use super::copy::{self, Rows};
use super::layout::{self, Laid};
use super::queue::Pending;
use super::session::Session;
use crate::receipts::{self, Claim, Receipt};
use crate::segment::Encoder;

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

    /// The lines could not be compressed, for want of memory: nothing was sent.
    fn encoding(error: io::Error) -> Self {
        Self::NotStored(DbError::Corrupt {
            what: "lines to store",
            source: error.into(),
        })
    }

    /// For an error of a COPY that was waited for. One that fails for another reason than its data may have failed before it
    /// asked for any, so the session is not used again then (see [`Self::beside_commit`]).
    fn of_first_copy(error: tokio_postgres::Error) -> Self {
        let error = DbError::from(error);
        if error.is_bad_data() {
            Self::Data(error)
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
    pub(super) async fn store(&mut self, requests: &[Pending]) -> Result<Vec<Verdict>, Failure> {
        // Waited for: if it failed unnoticed, what follows would commit statement by statement.
        self.client
            .batch_execute("BEGIN")
            .await
            .map_err(Failure::before_commit)?;
        let verdicts = self.claim(requests).await.map_err(Failure::before_commit)?;
        let stored: Vec<Arc<Batches>> = requests
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| matches!(verdict, Verdict::Stored))
            .map(|(request, _)| Arc::clone(&request.batches))
            .collect();
        if stored.is_empty() {
            self.client
                .batch_execute("ROLLBACK")
                .await
                .map_err(Failure::before_commit)?;
        } else {
            let laid = self.lay_out(stored).await?;
            self.write(laid).await?;
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

    /// Brings the lines into the form in which they are stored.
    async fn lay_out(&mut self, requests: Vec<Arc<Batches>>) -> Result<Laid, Failure> {
        let rows = requests.iter().map(|batches| batches.rows() as usize).sum();
        self.ids
            .reserve(rows, &self.client, &self.next_ids)
            .await
            .map_err(Failure::before_commit)?;
        let mut ids = std::mem::take(&mut self.ids);
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => Encoder::new().map_err(Failure::encoding)?,
        };
        let min_rows = self.segment_min_rows;
        let job = move || {
            let groups = layout::group(requests.iter().flat_map(|batches| batches.iter()));
            let laid = layout::lay_out(&groups, min_rows, &mut ids, &mut encoder);
            (laid, ids, encoder)
        };
        let (laid, ids, encoder) = if rows < min_rows {
            job()
        } else {
            // Compression takes milliseconds, in which other connections must not wait for this thread.
            let working = tokio::task::spawn_blocking(job).await;
            working.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
        };
        (self.ids, self.encoder) = (ids, Some(encoder));
        laid.map_err(Failure::encoding)
    }

    /// Lines, counts and commit go out together and are waited for once. If one fails, the server turns the commit into
    /// a rollback.
    ///
    /// Where there are both rows and segments, the rows go first: a second COPY behind one whose data is refused would fail
    /// before it asks for data, and cost the session that is needed to write the other requests one by one.
    async fn write(&self, laid: Laid) -> Result<(), Failure> {
        let Laid {
            mut rows,
            segments,
            counts,
        } = laid;
        if !segments.is_empty() {
            let rows = self.copy(&self.copy_rows, std::mem::take(&mut rows));
            rows.await.map_err(Failure::of_first_copy)?;
        }
        // Polled in this order, so sent in this order.
        let (rows, segments, counted, committed) = join4(
            self.copy(&self.copy_rows, rows),
            self.copy(&self.copy_segments, segments),
            self.count(counts),
            self.client.batch_execute("COMMIT"),
        )
        .await;
        rows.map_err(Failure::beside_commit)?;
        segments.map_err(Failure::beside_commit)?;
        counted.map_err(Failure::beside_commit)?;
        committed.map_err(Failure::at_commit)
    }

    async fn copy(&self, statement: &Statement, rows: Rows) -> Result<(), tokio_postgres::Error> {
        /// Sent as one message: larger ones would be copied whole into the connection's buffer.
        const CHUNK: usize = 256 * 1024;
        if rows.is_empty() {
            return Ok(());
        }
        let mut sink = pin!(self.client.copy_in::<_, Bytes>(statement).await?);
        sink.feed(Bytes::from_static(copy::HEADER)).await?;
        let mut rest = rows.into_bytes();
        while !rest.is_empty() {
            let chunk = rest.split_to(CHUNK.min(rest.len()));
            sink.feed(chunk).await?;
        }
        sink.feed(Bytes::from_static(copy::TRAILER)).await?;
        sink.finish().await?;
        Ok(())
    }

    async fn count(&self, counts: layout::Counts) -> Result<(), tokio_postgres::Error> {
        let (mut orgs, mut services, mut environments) = (Vec::new(), Vec::new(), Vec::new());
        let (mut minutes, mut levels, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        // In one order everywhere, so that two writers could not deadlock even if they shared rows.
        for ((scope, minute), lines) in counts {
            let present = Level::ALL.into_iter().zip(lines).filter(|(_, lines)| *lines > 0);
            for (level, number) in present {
                orgs.push(scope.org_id);
                services.push(scope.service_id);
                environments.push(scope.environment_id);
                minutes.push(OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(minute));
                levels.push(level.code());
                numbers.push(number);
            }
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
        org_id: request.batches.org_id(),
        id: *id,
        record,
        accepted: request.batches.rows(),
    })
}
