//! Every line that the log store holds, in whatever form, read past all policies.

use domain::ids::{EnvironmentId, OrgId, ServiceId};
use domain::level::Level;
use domain::scope::Scope;
use logstore::segment::{Column, Decoder, Index};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::TestDb;

/// A line as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredLine {
    pub id: i64,
    pub scope: Scope,
    pub ts: OffsetDateTime,
    pub level: Level,
    pub message: String,
    pub meta: Option<Value>,
    pub trace_id: Option<String>,
    pub request_id: Option<String>,
}

/// All lines of all organisations, by id: in the order in which one connection stored them.
pub async fn lines(db: &TestDb) -> Vec<StoredLine> {
    const ROWS: &str =
        "SELECT org_id, service_id, environment_id, id, ts, level, message, meta_json, trace_id, request_id
                        FROM logs";
    const SEGMENTS: &str = "
        SELECT org_id, service_id, environment_id, first_id, index_col, ts_col, level_col, message_col, meta_col,
            trace_col, request_col, id_col FROM log_segments
        UNION ALL
        SELECT org_id, service_id, environment_id, first_id, index_col, ts_col, level_col, message_col, meta_col,
            trace_col, request_col, id_col FROM log_segments_fresh";
    // Of one moment: the compactor may be at work.
    let mut owner = db.owner().await;
    let tx = owner
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .start()
        .await
        .unwrap();
    let mut lines: Vec<StoredLine> = tx.query(ROWS, &[]).await.unwrap().iter().map(loose).collect();
    for row in tx.query(SEGMENTS, &[]).await.unwrap() {
        lines.extend(of_segment(&row));
    }
    lines.sort_by_key(|line| line.id);
    lines
}

/// How often each message is stored, in the order of messages.
pub async fn messages(db: &TestDb) -> Vec<(String, i64)> {
    let mut counts = std::collections::BTreeMap::new();
    for line in lines(db).await {
        *counts.entry(line.message).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn scope(row: &Row) -> Scope {
    Scope {
        org_id: row.get::<_, OrgId>("org_id"),
        service_id: row.get::<_, ServiceId>("service_id"),
        environment_id: row.get::<_, EnvironmentId>("environment_id"),
    }
}

fn loose(row: &Row) -> StoredLine {
    StoredLine {
        id: row.get("id"),
        scope: scope(row),
        ts: row.get("ts"),
        level: Level::from_code(row.get("level")).unwrap(),
        message: row.get("message"),
        meta: row.get("meta_json"),
        trace_id: row.get("trace_id"),
        request_id: row.get("request_id"),
    }
}

fn of_segment(row: &Row) -> Vec<StoredLine> {
    let scope = scope(row);
    let index = Index::parse(row.get("index_col")).unwrap();
    let first_id: i64 = row.get("first_id");
    let mut decoder = Decoder::new().unwrap();
    let mut lines = Vec::new();
    for block in &index.blocks {
        let part = |column: Column, name: &str| &row.get::<_, &[u8]>(name)[block.range(column)];
        let ts = decoder.ts(block, part(Column::Ts, "ts_col")).unwrap();
        let levels = decoder.levels(block, part(Column::Level, "level_col")).unwrap();
        let ids = decoder.ids(block, first_id, part(Column::Id, "id_col")).unwrap();
        let mut texts = |column, name| decoder.texts(block, column, part(column, name)).unwrap();
        let message = texts(Column::Message, "message_col");
        let meta = texts(Column::Meta, "meta_col");
        let trace = texts(Column::Trace, "trace_col");
        let request = texts(Column::Request, "request_col");
        for row in 0..ts.len() {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let some = |bytes: &[u8]| Some(text(bytes)).filter(|text| !text.is_empty());
            lines.push(StoredLine {
                id: ids[row],
                scope,
                ts: OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(ts[row]),
                level: Level::from_code(levels[row].into()).unwrap(),
                message: text(message.get(row)),
                meta: some(meta.get(row)).map(|json| serde_json::from_str(&json).unwrap()),
                trace_id: some(trace.get(row)),
                request_id: some(request.get(row)),
            });
        }
    }
    lines
}
