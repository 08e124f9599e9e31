//! What a sender is told, and how a retried request is recognised.
//!
//! A request with an idempotency key is stored once: its receipt is written in the transaction that stores its lines,
//! and whoever brings the key again, to whichever replica, gets that receipt. Receipts are kept for 24 hours.

use db::{Connection, DbError};
use domain::ids::{ApiKeyId, OrgId, ReceiptId};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Statement;

/// How a request can be recognised when it comes again.
#[derive(Clone, Debug)]
pub struct IdempotencyRecord {
    pub api_key_id: ApiKeyId,
    /// As the sender chose it; unique within the API key.
    pub key: String,
    /// Tells a retry from another request under the same key.
    pub request_hash: [u8; 32],
    /// The refused lines, in the words of the sender's protocol; opaque here.
    pub rejected: Value,
}

/// What became of a batch whose lines are durable and queryable now.
#[derive(Clone, Debug, PartialEq)]
pub enum Receipt {
    /// Committed for this request. The id is there if the request brought an idempotency key.
    Stored { id: Option<ReceiptId>, accepted: u32 },
    /// The key was used before with the same request: nothing was stored now, and this is the first answer.
    Repeated {
        id: ReceiptId,
        accepted: u32,
        rejected: Value,
    },
}

/// A receipt that was given for a request with an idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Lines that are stored.
    pub accepted: u32,
    /// The refused lines, in the words of the sender's protocol.
    pub rejected: Value,
    /// By the database's clock.
    pub at: OffsetDateTime,
}

/// The receipt with this id, if it was given to this organisation within 24 hours.
pub async fn get(conn: &Connection, org_id: OrgId, id: ReceiptId) -> Result<Option<Given>, DbError> {
    const SQL: &str = "
        -- receipts::get
        SELECT accepted, rejected, created_at FROM find_receipt_by_id($1, $2)";
    let statement = conn.prepare_cached(SQL).await?;
    let row = conn.query_opt(&statement, &[&org_id, &id]).await?;
    Ok(row.map(|row| {
        let accepted: i32 = row.get("accepted");
        Given {
            accepted: accepted.max(0).unsigned_abs(),
            rejected: row.get("rejected"),
            at: row.get("created_at"),
        }
    }))
}

pub(crate) const CLAIM_SQL: &str = "
    -- receipts::claim
    SELECT claim_receipts($1, $2, $3, $4, $5, $6, $7)";

pub(crate) const FIND_SQL: &str = "
    -- receipts::find
    SELECT receipt_id, request_hash, accepted, rejected FROM find_receipt($1, $2, $3)";

/// A receipt to be written, if its key is new.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) org_id: OrgId,
    pub(crate) id: ReceiptId,
    pub(crate) record: &'a IdempotencyRecord,
    pub(crate) accepted: u32,
}

impl Claim<'_> {
    fn order(&self) -> (OrgId, ApiKeyId, &str) {
        (self.org_id, self.record.api_key_id, &self.record.key)
    }
}

/// Writes the receipts whose keys are new, and returns their ids. Waits for the end of another transaction that is
/// writing the same key.
pub(crate) async fn claim(
    client: &tokio_postgres::Client,
    statement: &Statement,
    claims: &[Claim<'_>],
) -> Result<Vec<ReceiptId>, tokio_postgres::Error> {
    // In one order everywhere, so that two writers with the same keys cannot deadlock.
    let mut claims: Vec<&Claim<'_>> = claims.iter().collect();
    claims.sort_by_key(|claim| claim.order());
    let orgs: Vec<_> = claims.iter().map(|claim| claim.org_id).collect();
    let ids: Vec<_> = claims.iter().map(|claim| claim.id).collect();
    let api_keys: Vec<_> = claims.iter().map(|claim| claim.record.api_key_id).collect();
    let keys: Vec<_> = claims.iter().map(|claim| claim.record.key.as_str()).collect();
    let hashes: Vec<_> = claims
        .iter()
        .map(|claim| &claim.record.request_hash[..])
        .collect();
    let accepted: Vec<_> = claims.iter().map(|claim| claim.accepted as i32).collect();
    let rejected: Vec<_> = claims.iter().map(|claim| &claim.record.rejected).collect();
    let rows = client
        .query(
            statement,
            &[&orgs, &ids, &api_keys, &keys, &hashes, &accepted, &rejected],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// A receipt that was written before.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) request_hash: Vec<u8>,
    pub(crate) receipt: Receipt,
}

pub(crate) async fn find(
    client: &tokio_postgres::Client,
    statement: &Statement,
    org_id: OrgId,
    record: &IdempotencyRecord,
) -> Result<Option<Found>, tokio_postgres::Error> {
    let row = client
        .query_opt(statement, &[&org_id, &record.api_key_id, &record.key])
        .await?;
    Ok(row.map(|row| {
        let accepted: i32 = row.get("accepted");
        Found {
            request_hash: row.get("request_hash"),
            receipt: Receipt::Repeated {
                id: row.get("receipt_id"),
                accepted: accepted.max(0).unsigned_abs(),
                rejected: row.get("rejected"),
            },
        }
    }))
}
