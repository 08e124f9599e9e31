//! Searching: order, paging, words, retention, budgets, tenancy and the plans behind it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use db::{Connection, DbConfig, TenantTx};
use domain::ids::{EnvironmentId, OrgId, ServiceId};
use domain::level::Level;
use domain::log_record::NewLog;
use domain::page::Cursor;
use domain::query::{self, Expr};
use domain::scope::Scope;
use logstore::reader::{
    self, Budget, Condition, DIRECTORY_SQL, FETCH_FRESH_SQL, FETCH_MERGED_SQL, Found, HistogramPlan,
    LINES_SQL, Line, Order, PLANNER_SQL, Partial, Plan, Projection, ROWS_SQL, Reader, SearchScope, Snapshot,
};
use logstore::writer::{Batch, Writer, WriterConfig};
use testkit::TestDb;
use testkit::corpus::Dice;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_postgres::types::ToSql;

const T0: OffsetDateTime = datetime!(2026-11-20 00:00 UTC);
const HOUR: time::Duration = time::Duration::HOUR;
const GENEROUS: Budget = Budget {
    time: Duration::from_mins(1),
    bytes: 1 << 30,
};

fn new_scope(org_id: OrgId) -> Scope {
    Scope {
        org_id,
        service_id: ServiceId::generate(),
        environment_id: EnvironmentId::generate(),
    }
}

/// A search as it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    scopes: Vec<SearchScope>,
    from: OffsetDateTime,
    to: OffsetDateTime,
    levels: Vec<Level>,
    query: String,
    order: Order,
    limit: usize,
    cursor: Option<Cursor<i64>>,
    budget: Budget,
}

impl Ask {
    fn plan(&self) -> Plan {
        let query = Expr::parse(&self.query).unwrap();
        let scopes = self.scopes.iter().filter_map(|scope| {
            let condition = Condition::for_scope(&query, SERVICE, ENVIRONMENT)?;
            Some((*scope, Arc::new(condition.with_levels(&self.levels))))
        });
        Plan {
            scopes: scopes.collect(),
            from: self.from,
            to: self.to,
            order: self.order,
            limit: self.limit,
            cursor: self.cursor,
            budget: self.budget,
        }
    }
}

/// Of every scope.
const SERVICE: &str = "checkout";
const ENVIRONMENT: &str = "production";

fn everything(scopes: &[Scope]) -> Ask {
    let scopes = scopes
        .iter()
        .map(|scope| SearchScope {
            service_id: scope.service_id,
            environment_id: scope.environment_id,
            oldest: T0 - 1_000 * HOUR,
        })
        .collect();
    Ask {
        scopes,
        from: T0 - 1_000 * HOUR,
        to: T0 + 1_000 * HOUR,
        levels: Vec::new(),
        query: String::new(),
        order: Order::NewestFirst,
        limit: 100,
        cursor: None,
        budget: GENEROUS,
    }
}

#[derive(Clone, Debug)]
struct Stored {
    scope: Scope,
    ts: OffsetDateTime,
    level: Level,
    message: String,
    meta: String,
    trace_id: String,
}

impl Stored {
    fn new(scope: Scope, ts: OffsetDateTime, message: &str) -> Self {
        Self {
            scope,
            ts,
            level: Level::Info,
            message: message.to_owned(),
            meta: "{}".to_owned(),
            trace_id: String::new(),
        }
    }

    fn meets(&self, query: &Expr) -> bool {
        let meta: serde_json::Value = serde_json::from_str(&self.meta).unwrap();
        query::matches(
            query,
            &query::Line {
                ts: self.ts,
                level: self.level,
                message: &self.message,
                meta: Some(&meta),
                trace_id: Some(self.trace_id.as_str()).filter(|id| !id.is_empty()),
                request_id: None,
                service: SERVICE,
                environment: ENVIRONMENT,
            },
        )
    }
}

/// Through the writer, each run of lines of one scope as one batch: a long run becomes a segment, a short one rows.
async fn write(test: &TestDb, lines: &[Stored]) {
    let mut config = WriterConfig::new(DbConfig::new(test.url_for("sightline_ingest"), "test-writer"));
    // So that ids rise in the order of the lines.
    config.connections = 1;
    let writer = Writer::start(&config, Arc::new(|_| {}));
    for run in lines.chunk_by(|a, b| a.scope == b.scope) {
        let new: Vec<NewLog<'_>> = run
            .iter()
            .map(|line| NewLog {
                ts: line.ts,
                level: line.level,
                message: line.message.as_str().into(),
                meta: Some(line.meta.as_str().into()).filter(|meta| meta != "{}"),
                trace_id: Some(line.trace_id.as_str().into())
                    .filter(|id: &std::borrow::Cow<'_, str>| !id.is_empty()),
                request_id: None,
            })
            .collect();
        let batch = Batch::of(run[0].scope, time::Duration::days(30), &new).unwrap();
        writer.append(batch, None).await.unwrap();
    }
    writer.drain().await;
}

/// Stores lines as the owner would find them after a write, in the order given.
async fn store(test: &TestDb, lines: &[Stored]) {
    let owner = test.owner().await;
    for batch in lines.chunks(10_000) {
        let column = |value: fn(&Stored) -> uuid::Uuid| batch.iter().map(value).collect::<Vec<_>>();
        let orgs = column(|line| line.scope.org_id.0);
        let services = column(|line| line.scope.service_id.0);
        let environments = column(|line| line.scope.environment_id.0);
        let ts: Vec<OffsetDateTime> = batch.iter().map(|line| line.ts).collect();
        let levels: Vec<i16> = batch.iter().map(|line| line.level.code()).collect();
        let messages: Vec<&str> = batch.iter().map(|line| line.message.as_str()).collect();
        let metas: Vec<&str> = batch.iter().map(|line| line.meta.as_str()).collect();
        let traces: Vec<&str> = batch.iter().map(|line| line.trace_id.as_str()).collect();
        let sql = "INSERT INTO logs (org_id, service_id, environment_id, ts, level, message, meta_json, trace_id)
            SELECT o, s, e, t, l, m, nullif(j, '{}')::jsonb, nullif(i, '')
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::smallint[], $6::text[], $7::text[],
                $8::text[]) AS line (o, s, e, t, l, m, j, i)";
        owner
            .execute(
                sql,
                &[
                    &orgs,
                    &services,
                    &environments,
                    &ts,
                    &levels,
                    &messages,
                    &metas,
                    &traces,
                ],
            )
            .await
            .unwrap();
    }
}

async fn connection(test: &TestDb) -> Connection {
    test.db("sightline_query").conn("test").await.unwrap()
}

async fn search(conn: &mut Connection, org_id: OrgId, ask: &Ask) -> Found {
    let tx = conn.tenant_snapshot(org_id).await.unwrap();
    let found = Reader::new(1 << 20).search(&tx, &ask.plan()).await.unwrap();
    tx.commit().await.unwrap();
    found
}

/// Follows the cursors to the end, and returns every line's message and what the pages reported.
async fn search_all(conn: &mut Connection, org_id: OrgId, mut plan: Ask) -> (Vec<String>, Vec<Found>) {
    let (mut messages, mut pages) = (Vec::new(), Vec::new());
    loop {
        let found = search(conn, org_id, &plan).await;
        assert!(found.lines.len() <= plan.limit);
        messages.extend(found.lines.iter().map(|line| line.message.clone()));
        plan.cursor = found.next;
        pages.push(found);
        assert!(pages.len() < 2_000, "the cursors lead nowhere");
        if plan.cursor.is_none() {
            return (messages, pages);
        }
    }
}

/// Lines of several scopes over a few hours, many at the same microsecond.
fn random_lines(dice: &mut Dice, scopes: &[Scope], count: usize) -> Vec<Stored> {
    (0..count)
        .map(|number| {
            // Scopes differ much in how busy they are.
            let scope = scopes[(dice.below(scopes.len() as u64) * dice.below(2)) as usize];
            let kind = *dice.pick(&["alpha", "beta", "gamma", "Größe"]);
            Stored {
                scope,
                ts: T0 + time::Duration::seconds(dice.below(600) as i64),
                level: *dice.pick(&Level::ALL),
                message: format!("{kind} {} line {number}", dice.below(5)),
                meta: format!(r#"{{"n":{},"kind":"{kind}"}}"#, number % 7),
                trace_id: format!("{:032x}", number / 3),
            }
        })
        .collect()
}

fn expected(lines: &[Stored], plan: &Ask) -> Vec<String> {
    let query = Expr::parse(&plan.query).unwrap();
    let mut matching: Vec<(OffsetDateTime, usize, &str)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| {
            let scope = plan
                .scopes
                .iter()
                .find(|scope| scope.environment_id == line.scope.environment_id);
            scope.is_some_and(|scope| line.ts >= scope.oldest)
                && line.ts >= plan.from
                && line.ts < plan.to
                && (plan.levels.is_empty() || plan.levels.contains(&line.level))
                && line.meets(&query)
        })
        .map(|(place, line)| (line.ts, place, line.message.as_str()))
        .collect();
    matching.sort_unstable();
    if plan.order == Order::NewestFirst {
        matching.reverse();
    }
    matching
        .into_iter()
        .map(|(_, _, message)| message.to_owned())
        .collect()
}

/// How lines lie in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Rows,
    /// As the writer leaves them: segments of long runs, rows of short ones.
    Written,
    /// The same, merged by the compactor, with newer ones beside them.
    Compacted,
}

impl Form {
    async fn store(self, test: &TestDb, dice: &mut Dice, lines: &mut [Stored]) {
        if self != Self::Rows {
            // Runs of lines of one scope, of which most are long enough for a segment.
            let mut rest = &mut *lines;
            while !rest.is_empty() {
                let length = (dice.below(300) as usize + 1).min(rest.len());
                let (run, after) = rest.split_at_mut(length);
                let scope = run[0].scope;
                for line in run.iter_mut() {
                    line.scope = scope;
                }
                rest = after;
            }
        }
        match self {
            Self::Rows => store(test, lines).await,
            Self::Written => write(test, lines).await,
            Self::Compacted => {
                let (old, new) = lines.split_at(lines.len() * 2 / 3);
                write(test, old).await;
                crate::compactor::compact_all(test).await;
                write(test, new).await;
            }
        }
    }
}

/// Everything that was found was visited once, whole.
fn assert_same(visited: &[Line], messages: &[String], lines: &[Stored]) {
    let mut seen: Vec<&str> = visited.iter().map(|line| line.message.as_str()).collect();
    let mut expected: Vec<&str> = messages.iter().map(String::as_str).collect();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    for line in visited.iter().take(5) {
        let stored = lines
            .iter()
            .find(|stored| stored.message == line.message)
            .unwrap();
        let meta: serde_json::Value = serde_json::from_str(line.meta.as_ref().unwrap().get()).unwrap();
        assert_eq!(
            meta,
            serde_json::from_str::<serde_json::Value>(&stored.meta).unwrap()
        );
        assert_eq!(
            (line.ts, line.level, line.trace_id.as_deref()),
            (stored.ts, stored.level, Some(stored.trace_id.as_str()))
        );
    }
}

/// Each kind of test, and each way of joining them.
const QUERIES: [&str; 34] = [
    "",
    "",
    "alpha",
    "größe 3",
    "LINE 17",
    "nothing",
    "\"line 17\"",
    "\"3 line\"",
    "alp*",
    "lin* 3",
    "\"alpha 3 li\"*",
    "*lpha 3 l*",
    "*ÖSSE*",
    "*ößE 2*",
    "trace_id:TRACE",
    "trace_id:TRACE*",
    "has:trace_id",
    "has:request_id",
    "n:3",
    "n:3.0",
    "n:>=5",
    "n:[1 TO 2]",
    "kind:GRÖßE",
    "kind:gr*",
    "has:kind -has:nothing",
    "-alpha",
    "NOT (alpha OR beta)",
    "alpha OR n:3",
    "kind:(alpha OR beta) -n:(1 OR 2)",
    "level:>=warn",
    "level:error OR gamma",
    "-level:info n:4",
    "/^beta [0-2] line [0-9]+$/",
    "service:checkout env:prod* line",
];

#[rstest::rstest]
#[case(Form::Rows)]
#[case(Form::Written)]
#[case(Form::Compacted)]
#[tokio::test]
async fn every_page_of_every_search_equals_a_filter_and_a_sort(#[case] form: Form) {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes: Vec<Scope> = (0..7).map(|_| new_scope(org_id)).collect();
    let mut dice = Dice(1);
    let mut lines = random_lines(&mut dice, &scopes, 3_000);
    form.store(&test, &mut dice, &mut lines).await;
    let mut conn = connection(&test).await;
    // Pages are read by readers that know nothing, lines are counted by one that was asked before.
    let remembering = Reader::new(64 << 20);
    for round in 0..150 {
        let mut plan = everything(&scopes[..=dice.below(7) as usize]);
        plan.limit = *dice.pick(&[1, 7, 100, 1_000]);
        plan.query = dice
            .pick(&QUERIES)
            .replace("TRACE", &format!("{:032x}", dice.below(1_000)));
        plan.levels = dice
            .pick(&[vec![], vec![Level::Fatal], vec![Level::Info, Level::Warn]])
            .clone();
        plan.from = T0 + time::Duration::seconds(dice.below(400) as i64 - 50);
        plan.to = plan.from + time::Duration::seconds(dice.below(500) as i64 + 1);
        for scope in &mut plan.scopes {
            scope.oldest = T0 + time::Duration::seconds(dice.below(300) as i64 - 250);
        }
        if plan.limit == 1 {
            plan.to = plan.from + time::Duration::seconds(10);
        }
        let (messages, pages) = search_all(&mut conn, org_id, plan.clone()).await;
        assert_eq!(messages, expected(&lines, &plan), "round {round}: {plan:?}");
        let tx = conn.tenant_snapshot(org_id).await.unwrap();
        let counted = remembering.count(&tx, &plan.plan()).await.unwrap();
        assert_eq!(counted.lines, messages.len() as u64, "round {round}: {plan:?}");
        let visit = |seen: &mut Vec<Line>, line: Line| {
            seen.push(line);
            ControlFlow::Continue(())
        };
        let (visited, _) = Reader::new(1 << 20)
            .fold(&tx, &plan.plan(), Projection::ALL, Vec::new(), visit)
            .await
            .unwrap();
        drop(tx);
        assert_same(&visited, &messages, &lines);
        assert!(pages.iter().all(|page| page.stats.partial.is_none()));
        let full = pages
            .iter()
            .rev()
            .skip(1)
            .all(|page| page.lines.len() == plan.limit);
        assert!(full, "only the last page may be short: {plan:?}");
    }
}

/// Of many segments, some are fetched and some wait for their turn while others are matched.
#[tokio::test]
async fn a_search_through_many_segments_finds_what_each_holds() {
    const SEGMENTS: usize = 160;
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes = [new_scope(org_id), new_scope(org_id)];
    let mut lines = Vec::new();
    for segment in 0..SEGMENTS {
        for line in 0..40 {
            let ts = T0 + time::Duration::seconds((segment * 40 + line) as i64);
            let what = if line == 7 { "needle" } else { "hay" };
            lines.push(Stored::new(
                scopes[segment % 2],
                ts,
                &format!("{what} in {segment}"),
            ));
        }
    }
    write(&test, &lines).await;
    let plan = Ask {
        query: "*eedl*".to_owned(),
        limit: 2 * SEGMENTS,
        ..everything(&scopes)
    };
    let mut conn = connection(&test).await;
    let (messages, pages) = search_all(&mut conn, org_id, plan.clone()).await;
    let read: u64 = pages.iter().map(|page| page.stats.blocks_read).sum();
    assert!(read >= SEGMENTS as u64, "{read} blocks");
    assert_eq!(messages, expected(&lines, &plan));
    assert_eq!(messages.len(), SEGMENTS);
    // Once fetched, nothing holds the blocks up but those ahead of them.
    let reader = Reader::new(64 << 20);
    let tx = conn.tenant_snapshot(org_id).await.unwrap();
    for (query, lines) in [
        ("*eedl*", SEGMENTS),
        ("*eedle*", SEGMENTS),
        ("*eedl*", SEGMENTS),
        ("*eedl* hay", 0),
        ("hay", SEGMENTS * 39),
    ] {
        let ask = Ask {
            query: query.to_owned(),
            ..plan.clone()
        };
        let counted = reader.count(&tx, &ask.plan()).await.unwrap();
        assert_eq!(counted.lines, lines as u64, "{query}");
    }
    let counted = reader.count(&tx, &plan.plan()).await.unwrap();
    assert_eq!(counted.stats.bytes_read, 0, "which lines match is remembered");
}

#[tokio::test]
async fn what_was_written_just_now_is_ruled_out_once_it_was_searched_before() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes = [new_scope(org_id)];
    let lines: Vec<Stored> = (0..200)
        .map(|line| Stored::new(scopes[0], T0, &format!("Ärger with part{line}")))
        .collect();
    write(&test, &lines).await;
    let mut conn = connection(&test).await;
    let reader = Reader::new(64 << 20);
    let tx = conn.tenant_snapshot(org_id).await.unwrap();
    let mut read = Vec::new();
    for (query, found) in [
        ("first", 0),  // fetches the block
        ("second", 0), // makes its filter
        ("third", 0),
        ("part17", 1),
        ("ÄRGER part17", 1),
        ("ärger missing", 0),
        ("missing OR part18", 1),
        ("missing -part18", 0),
        ("n:5", 0), // of another column nothing is known
    ] {
        let ask = Ask {
            query: query.to_owned(),
            ..everything(&scopes)
        };
        let counted = reader.count(&tx, &ask.plan()).await.unwrap();
        assert_eq!(counted.lines, found, "{query}");
        read.push(counted.stats.blocks_read);
    }
    assert_eq!(read, [1, 1, 0, 1, 1, 0, 1, 0, 1]);
}

#[tokio::test]
async fn without_words_the_last_page_is_known_to_be_the_last() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes = [new_scope(org_id), new_scope(org_id)];
    let lines = random_lines(&mut Dice(2), &scopes, 200);
    store(&test, &lines).await;
    let plan = Ask {
        limit: 100,
        ..everything(&scopes)
    };
    let (messages, pages) = search_all(&mut connection(&test).await, org_id, plan).await;
    assert_eq!((messages.len(), pages.len()), (200, 2));
}

#[tokio::test]
async fn pages_are_stable_while_lines_arrive() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes = [new_scope(org_id), new_scope(org_id)];
    let mut dice = Dice(3);
    let lines = random_lines(&mut dice, &scopes, 5_000);
    store(&test, &lines).await;
    let mut conn = connection(&test).await;
    let mut plan = everything(&scopes);
    let mut seen = Vec::new();
    loop {
        let found = search(&mut conn, org_id, &plan).await;
        seen.extend(found.lines.into_iter().map(|line| line.message));
        plan.cursor = found.next;
        if plan.cursor.is_none() {
            break;
        }
        let new = Stored {
            message: "new".to_owned(),
            ..random_lines(&mut dice, &scopes, 1).remove(0)
        };
        store(&test, &[new]).await;
    }
    seen.retain(|message| message != "new");
    assert_eq!(seen.len(), 5_000);
    assert_eq!(seen.into_iter().collect::<HashSet<_>>().len(), 5_000);
}

#[tokio::test]
async fn a_search_without_time_still_gets_ahead_and_ends() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes: Vec<Scope> = (0..5).map(|_| new_scope(org_id)).collect();
    let lines = random_lines(&mut Dice(4), &scopes, 4_000);
    store(&test, &lines).await;
    for (limit, order) in [
        (100, Order::NewestFirst),
        (1_000, Order::NewestFirst),
        (100, Order::OldestFirst),
    ] {
        let mut plan = everything(&scopes);
        plan.order = order;
        plan.query = String::from("beta 2");
        plan.limit = limit;
        plan.budget.time = Duration::ZERO;
        if order == Order::OldestFirst {
            // Without time it gets ahead by a second.
            plan.from = T0;
            plan.to = T0 + HOUR / 6;
        }
        let (messages, pages) = search_all(&mut connection(&test).await, org_id, plan.clone()).await;
        assert_eq!(messages, expected(&lines, &plan));
        assert!(pages.len() > 3, "{} pages", pages.len());
        let (last, partial) = pages.split_last().unwrap();
        assert!(
            partial
                .iter()
                .all(|page| page.stats.partial == Some(Partial::TimeBudget))
        );
        assert_eq!(last.stats.partial, None);
        let scanned: u64 = pages.iter().map(|page| page.stats.rows_scanned).sum();
        assert!(scanned >= 4_000, "{scanned}");
    }
}

#[tokio::test]
async fn wherever_time_runs_out_no_line_is_lost_or_repeated() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes: Vec<Scope> = (0..4).map(|_| new_scope(org_id)).collect();
    let lines = random_lines(&mut Dice(7), &scopes, 20_000);
    store(&test, &lines).await;
    let mut conn = connection(&test).await;
    for micros in [500, 2_000, 5_000, 10_000, 20_000, 40_000, 80_000] {
        let mut plan = everything(&scopes);
        plan.query = String::from("beta 2 line");
        plan.levels = vec![Level::Error];
        plan.budget.time = Duration::from_micros(micros);
        let (messages, _) = search_all(&mut conn, org_id, plan.clone()).await;
        assert_eq!(messages, expected(&lines, &plan), "{micros} µs");
    }
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_and_goes_on_with_the_next_line() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scope = new_scope(org_id);
    let lines: Vec<Stored> = (0..10)
        .map(|number| {
            let message = format!("{number} {}", "x".repeat(400_000));
            Stored::new(scope, T0 + HOUR * number, &message)
        })
        .collect();
    store(&test, &lines).await;
    let mut plan = everything(&[scope]);
    plan.budget.bytes = 1_000_000;
    let (messages, pages) = search_all(&mut connection(&test).await, org_id, plan.clone()).await;
    assert_eq!(messages, expected(&lines, &plan));
    let sizes: Vec<usize> = pages.iter().map(|page| page.lines.len()).collect();
    assert_eq!(sizes, [2, 2, 2, 2, 2]);
    assert_eq!(pages[0].stats.partial, Some(Partial::AnswerSize));

    plan.budget.bytes = 1;
    plan.query = String::from("7");
    let (messages, _) = search_all(&mut connection(&test).await, org_id, plan).await;
    assert_eq!(messages.len(), 1, "one line always fits");
}

#[tokio::test]
async fn lines_come_back_whole() {
    let test = TestDb::create().await;
    let owner = test.owner().await;
    let org_id = OrgId::generate();
    let scope = new_scope(org_id);
    // A number that is no f64, and text that needs escaping.
    let meta = r#"{"big": 1e400, "text": "\"\\\u00fc\n", "list": [1, null]}"#;
    let sql = "INSERT INTO logs (org_id, service_id, environment_id, ts, level, message, meta_json, trace_id, request_id)
        VALUES ($1, $2, $3, $4, 4, 'boom', $5::text::jsonb, 't1', 'r1')";
    owner
        .execute(
            sql,
            &[&org_id, &scope.service_id, &scope.environment_id, &T0, &meta],
        )
        .await
        .unwrap();
    let found = search(&mut connection(&test).await, org_id, &everything(&[scope])).await;
    let line = &found.lines[0];
    assert_eq!(
        (line.ts, line.level, line.message.as_str()),
        (T0, Level::Error, "boom")
    );
    assert_eq!(
        (line.trace_id.as_deref(), line.request_id.as_deref()),
        (Some("t1"), Some("r1"))
    );
    assert_eq!(
        (line.service_id, line.environment_id),
        (scope.service_id, scope.environment_id)
    );
    let meta = line.meta.as_ref().unwrap().get();
    assert!(meta.contains(&format!("1{}", "0".repeat(400))), "{meta}");
    assert!(meta.contains(r#""\"\\ü\n""#), "{meta}");
}

#[rstest::rstest]
#[case("index_col", true)]
#[case("ts_col", true)]
#[case("message_col", true)]
// Not looked at before the line is shown.
#[case("meta_col", true)]
// Only says what need not be read.
#[case("word_filter", false)]
#[tokio::test]
async fn a_damaged_segment_is_left_out_and_said_so(#[case] column: &str, #[case] is_lost: bool) {
    let test = TestDb::create().await;
    let (org_id, owner) = (OrgId::generate(), test.owner().await);
    let (scope, other) = (new_scope(org_id), new_scope(org_id));
    let lines = |scope, name: &str| {
        let line = |number: i64| Stored {
            meta: format!(r#"{{"n":{number}}}"#),
            ..Stored::new(
                scope,
                T0 + time::Duration::seconds(number),
                &format!("{name} {number}"),
            )
        };
        (0..100).map(line).collect::<Vec<_>>()
    };
    write(&test, &[lines(scope, "damaged"), lines(other, "whole")].concat()).await;
    crate::compactor::compact_all(&test).await;
    for damage in [
        format!("{column} = overlay({column} PLACING decode(repeat('00', 200), 'hex') FROM 3)"),
        format!("{column} = substring({column} FROM 1 FOR 1)"),
        format!("{column} = ''"),
    ] {
        let sql = format!("UPDATE log_segments SET {damage} WHERE environment_id = $1");
        owner.execute(&sql, &[&scope.environment_id]).await.unwrap();
        if !is_lost {
            let plan = Ask {
                query: String::from("damaged 7"),
                ..everything(&[scope])
            };
            let found = search(&mut connection(&test).await, org_id, &plan).await;
            assert_eq!(found.lines.len(), 1, "{damage}");
        }
        for query in ["", "whole", "whole 7"].map(str::to_owned) {
            let plan = Ask {
                query,
                limit: 1_000,
                ..everything(&[scope, other])
            };
            let found = search(&mut connection(&test).await, org_id, &plan).await;
            let whole = found
                .lines
                .iter()
                .filter(|line| line.message.starts_with("whole"));
            let expected = if plan.query == "whole 7" { 1 } else { 100 };
            assert_eq!(whole.count(), expected, "{damage}");
            let looked_at = plan.query.is_empty();
            if looked_at && is_lost {
                assert_eq!(found.stats.partial, Some(Partial::Damaged), "{damage}");
            } else if !is_lost {
                assert_eq!(found.stats.partial, None, "{damage}");
            }
        }
    }
}

#[tokio::test]
async fn what_arrived_between_two_snapshots_is_found_in_either_form() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scopes: Vec<Scope> = (0..3).map(|_| new_scope(org_id)).collect();
    let mut conn = connection(&test).await;
    let snapshot = async |conn: &mut Connection| {
        let tx = conn.tenant_snapshot(org_id).await.unwrap();
        Snapshot::current(&tx).await.unwrap()
    };
    let reader = Reader::new(1 << 20);
    let mut dice = Dice(9);
    let mut since = snapshot(&mut conn).await;
    for (query, most) in [("", 10_000), ("alpha level:>=warn", 10_000), ("n:3 OR beta", 20)] {
        let mut lines = random_lines(&mut dice, &scopes, 600);
        Form::Written.store(&test, &mut dice, &mut lines).await;
        let until = snapshot(&mut conn).await;
        // Not between the two.
        let mut later = random_lines(&mut dice, &scopes, 100);
        Form::Written.store(&test, &mut dice, &mut later).await;
        let ask = Ask {
            query: query.to_owned(),
            order: Order::OldestFirst,
            ..everything(&scopes)
        };
        let tx = conn.tenant_snapshot(org_id).await.unwrap();
        let arrived = reader
            .arrived(&tx, &ask.plan(), (&since, &until), most)
            .await
            .unwrap();
        drop(tx);
        let mut expected = expected(&lines, &ask);
        let missed = expected.len().saturating_sub(most);
        expected.drain(..missed);
        let seen: Vec<String> = arrived.lines.into_iter().map(|line| line.message).collect();
        assert_eq!((seen, arrived.missed), (expected, missed as u64), "{query}");
        since = snapshot(&mut conn).await;
    }
}

#[tokio::test]
async fn a_cursor_from_nowhere_is_harmless() {
    let test = TestDb::create().await;
    let org_id = OrgId::generate();
    let scope = new_scope(org_id);
    let lines = random_lines(&mut Dice(5), &[scope], 10);
    store(&test, &lines).await;
    let mut conn = connection(&test).await;
    for (at, key, count) in [
        (datetime!(-9999-01-01 00:00 UTC), 0, 0),
        (datetime!(9999-12-31 23:59:59.999999 UTC), i64::MAX, 10),
        (T0 + 2_000 * HOUR, 5, 10),
        (T0 - 2_000 * HOUR, 5, 0),
    ] {
        let mut plan = everything(&[scope]);
        plan.cursor = Some(domain::page::Cursor { at, key });
        assert_eq!(search(&mut conn, org_id, &plan).await.lines.len(), count, "{at}");
        plan.from = datetime!(-9999-01-01 00:00 UTC);
        plan.to = datetime!(9999-12-31 23:59:59 UTC);
        assert_eq!(search(&mut conn, org_id, &plan).await.lines.len(), count, "{at}");
    }
}

/// Runs one of the reader's statements as a plan would, and counts the rows.
async fn count_rows(
    tx: &TenantTx<'_>,
    sql: &str,
    org_id: OrgId,
    scope: &Scope,
    line: (OffsetDateTime, i64),
) -> usize {
    let (services, environments) = (vec![scope.service_id], vec![scope.environment_id]);
    let (ts, ids) = (vec![line.0], vec![line.1]);
    let (oldest, ends) = (vec![T0 - 1_000 * HOUR], vec![T0 + 1_000 * HOUR]);
    let levels: Vec<i16> = Level::ALL.map(Level::code).to_vec();
    let looked_at: Vec<i16> = vec![2, 3, 4, 5];
    let scan: [&(dyn ToSql + Sync); 9] = [
        &org_id,
        &services,
        &environments,
        &oldest,
        &ends,
        &ids,
        &levels,
        &looked_at,
        &100_i64,
    ];
    let lines: [&(dyn ToSql + Sync); 5] = [&org_id, &services, &environments, &ts, &ids];
    let params: &[&(dyn ToSql + Sync)] = if sql.contains("reader::rows") {
        &scan
    } else {
        &lines
    };
    tx.query(sql, params).await.unwrap().len()
}

/// Two organisations with one line each, and the second's scope and line.
async fn two_tenants(test: &TestDb) -> (OrgId, Scope, (OffsetDateTime, i64)) {
    let (own, foreign) = (OrgId::generate(), OrgId::generate());
    let scope = new_scope(foreign);
    let lines = [new_scope(own), scope].map(|scope| Stored::new(scope, T0, "canary"));
    store(test, &lines).await;
    let row = test
        .owner()
        .await
        .query_one("SELECT id FROM logs WHERE org_id = $1", &[&foreign])
        .await
        .unwrap();
    (own, scope, (T0, row.get(0)))
}

#[tokio::test]
async fn row_level_security_alone_hides_foreign_lines() {
    let test = TestDb::create().await;
    let (own, foreign_scope, line) = two_tenants(&test).await;
    let mut conn = connection(&test).await;
    for sql in [ROWS_SQL, LINES_SQL] {
        let scratch = sql.replace("org_id = $1 AND", "$1::uuid IS NOT NULL AND");
        assert_ne!(scratch, sql);
        let tx = conn.tenant_snapshot(own).await.unwrap();
        assert_eq!(count_rows(&tx, &scratch, own, &foreign_scope, line).await, 0);
        drop(tx);
        // The same statement does find the line for whom it belongs to.
        let tx = conn.tenant_snapshot(foreign_scope.org_id).await.unwrap();
        assert_eq!(
            count_rows(&tx, &scratch, foreign_scope.org_id, &foreign_scope, line).await,
            1
        );
    }
}

#[tokio::test]
async fn the_statements_alone_hide_foreign_lines() {
    let test = TestDb::create().await;
    let (own, foreign_scope, line) = two_tenants(&test).await;
    let owner = db::Db::new(&db::DbConfig::new(test.owner_url(), "test")).unwrap();
    let mut conn = owner.conn("test").await.unwrap();
    for sql in [ROWS_SQL, LINES_SQL] {
        // Row-level security does not apply to the owner of the test server.
        let tx = conn.tenant_snapshot(own).await.unwrap();
        assert_eq!(count_rows(&tx, sql, own, &foreign_scope, line).await, 0);
        assert_eq!(
            count_rows(&tx, sql, foreign_scope.org_id, &foreign_scope, line).await,
            1
        );
    }
    let tx = conn.tenant_snapshot(own).await.unwrap();
    let found = Reader::new(0)
        .search(&tx, &everything(&[foreign_scope]).plan())
        .await
        .unwrap();
    assert_eq!(found.lines.len(), 0);
}

/// Runs a statement about segments as a plan would, and counts the rows.
async fn count_segments(
    tx: &TenantTx<'_>,
    sql: &str,
    org_id: OrgId,
    scope: &Scope,
    places: &[tokio_postgres::Row],
) -> usize {
    let (services, environments) = (vec![scope.service_id], vec![scope.environment_id]);
    if sql.contains("reader::directory") {
        let (oldest, ends, ids) = (vec![T0 - HOUR], vec![T0 + HOUR], vec![i64::MAX]);
        let to = T0 + HOUR;
        let params: [&(dyn ToSql + Sync); 8] = [
            &org_id,
            &services,
            &environments,
            &oldest,
            &ends,
            &ids,
            &to,
            &100_i64,
        ];
        return tx.query(sql, &params).await.unwrap().len();
    }
    let mut found = 0;
    for row in places {
        let (max_ts, ids): (Vec<OffsetDateTime>, Vec<i64>) = (vec![row.get(0)], vec![row.get(1)]);
        let days: Vec<time::Date> = vec![row.get(2)];
        let hours: Vec<OffsetDateTime> = row.get::<_, Option<OffsetDateTime>>(3).into_iter().collect();
        let partition: &(dyn ToSql + Sync) = if sql.contains("fetch_fresh") {
            &hours
        } else {
            &days
        };
        let (columns, starts, lengths) = (vec![0_i16], vec![1_i32], vec![1_i32]);
        let params: [&(dyn ToSql + Sync); 9] = [
            &org_id,
            &services,
            &environments,
            &max_ts,
            &ids,
            partition,
            &columns,
            &starts,
            &lengths,
        ];
        found += tx.query(sql, &params).await.unwrap().len();
    }
    found
}

#[tokio::test]
async fn segments_of_others_are_hidden_by_the_statements_and_by_row_level_security_alone() {
    let test = TestDb::create().await;
    let own = OrgId::generate();
    let foreign = new_scope(OrgId::generate());
    let run = |name: &str| vec![Stored::new(foreign, T0, name); 100];
    write(&test, &run("merged")).await;
    crate::compactor::compact_all(&test).await;
    write(&test, &run("fresh")).await;

    let owner = db::Db::new(&db::DbConfig::new(test.owner_url(), "test")).unwrap();
    // Row-level security does not apply to the owner of the test server.
    let mut unbound = owner.conn("test").await.unwrap();
    let mut bound = connection(&test).await;
    // Where the segments lie, which a stranger would have to guess.
    let places = "SELECT max_ts, id, expires_on, NULL::timestamptz AS hour FROM log_segments
                  UNION ALL SELECT max_ts, id, expires_on, hour FROM log_segments_fresh";
    let places = test.owner().await.query(places, &[]).await.unwrap();
    assert_eq!(places.len(), 2);
    for (sql, rows) in [(DIRECTORY_SQL, 2), (FETCH_MERGED_SQL, 1), (FETCH_FRESH_SQL, 1)] {
        let tx = unbound.tenant_snapshot(own).await.unwrap();
        assert_eq!(count_segments(&tx, sql, own, &foreign, &places).await, 0, "{sql}");
        assert_eq!(
            count_segments(&tx, sql, foreign.org_id, &foreign, &places).await,
            rows,
            "{sql}"
        );
        drop(tx);
        let scratch = sql
            .replace("org_id = $1 AND", "$1::uuid IS NOT NULL AND")
            .replace("s.$1::uuid", "$1::uuid");
        assert_ne!(scratch, sql);
        let tx = bound.tenant_snapshot(own).await.unwrap();
        assert_eq!(
            count_segments(&tx, &scratch, own, &foreign, &places).await,
            0,
            "{scratch}"
        );
        drop(tx);
        let tx = bound.tenant_snapshot(foreign.org_id).await.unwrap();
        let found = count_segments(&tx, &scratch, foreign.org_id, &foreign, &places).await;
        assert_eq!(found, rows, "{scratch}");
    }
}

/// The nodes of a plan, and how many rows its index scans read.
fn nodes(plan: &serde_json::Value, found: &mut Vec<String>) -> f64 {
    let text = |name: &str| plan[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| plan[name].as_f64().unwrap_or_default();
    let node = text("Node Type");
    let mut read = 0.0;
    if node.starts_with("Index") {
        read += (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    }
    found.push(format!("{node} {}", text("Relation Name")));
    for child in plan["Plans"].as_array().into_iter().flatten() {
        read += nodes(child, found);
    }
    read
}

#[tokio::test]
async fn searches_use_the_index_and_never_scan_a_table() {
    let test = TestDb::create().await;
    let owner = test.owner().await;
    owner
        .execute(
            "SELECT make_log_partitions(date '2026-11-18', date '2026-11-25')",
            &[],
        )
        .await
        .unwrap();
    let (org_id, other) = (OrgId::generate(), OrgId::generate());
    let scopes: Vec<Scope> = (0..6)
        .map(|place| new_scope(if place < 4 { org_id } else { other }))
        .collect();
    let mut dice = Dice(6);
    let mut lines = random_lines(&mut dice, &scopes, 40_000);
    for line in &mut lines {
        line.ts += HOUR * (dice.below(24 * 4) as i32);
    }
    store(&test, &lines).await;
    owner.batch_execute("ANALYZE logs").await.unwrap();

    let mine: Vec<Scope> = scopes[..4].to_vec();
    let services: Vec<ServiceId> = mine.iter().map(|scope| scope.service_id).collect();
    let environments: Vec<EnvironmentId> = mine.iter().map(|scope| scope.environment_id).collect();
    let levels: Vec<i16> = Level::ALL.map(Level::code).to_vec();
    let looked_at: Vec<i16> = vec![2, 3, 4, 5];
    let (oldest, ends, ids) = (
        vec![T0 - HOUR * 48; 4],
        vec![T0 + HOUR * 200; 4],
        vec![i64::MIN; 4],
    );
    let scan: [&(dyn ToSql + Sync); 9] = [
        &org_id,
        &services,
        &environments,
        &oldest,
        &ends,
        &ids,
        &levels,
        &looked_at,
        &101_i64,
    ];
    let fetch: [&(dyn ToSql + Sync); 5] = [&org_id, &services, &environments, &ends, &ids];
    let mut conn = connection(&test).await;
    for mode in ["force_custom_plan", "force_generic_plan"] {
        for (sql, params) in [(ROWS_SQL, &scan[..]), (LINES_SQL, &fetch[..])] {
            let tx = conn.tenant_snapshot(org_id).await.unwrap();
            tx.execute(PLANNER_SQL, &[]).await.unwrap();
            tx.batch_execute(&format!("SET LOCAL plan_cache_mode = {mode}"))
                .await
                .unwrap();
            let row = tx
                .query_one(&format!("EXPLAIN (ANALYZE, FORMAT JSON) {sql}"), params)
                .await
                .unwrap();
            let plan: serde_json::Value = row.get(0);
            let mut found = Vec::new();
            let read = nodes(&plan[0]["Plan"], &mut found);
            let is = |kind: &str| found.iter().any(|node| node.starts_with(kind));
            assert!(is("Index"), "{found:?}");
            for slow in ["Seq Scan", "Bitmap", "Sort"] {
                assert!(!is(slow), "{mode}: {found:?}\n{plan:#}");
            }
            // The page of each scope, and the newest row of each of its partitions.
            assert!(read <= 4.0 * (101.0 + 9.0), "{mode}: {read} rows read\n{plan:#}");
        }
    }
}

#[tokio::test]
async fn a_histogram_counts_by_level_without_gaps_and_without_what_is_past_retention() {
    let test = TestDb::create().await;
    let owner = test.owner().await;
    let (org_id, foreign) = (OrgId::generate(), OrgId::generate());
    let scope = new_scope(org_id);
    let mut insert = Vec::new();
    for (org, minute, level, writer, count) in [
        (org_id, 0, 2, 1, 5_i64),
        (org_id, 0, 2, 2, 7),
        (org_id, 1, 4, 1, 1),
        (org_id, 14, 5, 1, 2),
        (org_id, 20, 2, 1, 100), // at the end, which is exclusive
        (org_id, -1, 2, 1, 100), // past retention
        (foreign, 0, 2, 1, 1_000),
    ] {
        insert.push((org, T0 + time::Duration::minutes(minute), level, writer, count));
    }
    for (org, minute, level, writer, count) in insert {
        let sql =
            "INSERT INTO log_counts (org_id, service_id, environment_id, minute, level, writer_id, count)
            VALUES ($1, $2, $3, $4, $5::int, $6, $7)";
        let params: [&(dyn ToSql + Sync); 7] = [
            &org,
            &scope.service_id,
            &scope.environment_id,
            &minute,
            &level,
            &writer,
            &count,
        ];
        owner.execute(sql, &params).await.unwrap();
    }
    let scopes = vec![SearchScope {
        service_id: scope.service_id,
        environment_id: scope.environment_id,
        oldest: T0 - time::Duration::seconds(30),
    }];
    let range = (T0 - HOUR, T0 + time::Duration::minutes(20));
    let plan = HistogramPlan::new(scopes.clone(), range, Vec::new(), time::Duration::minutes(10)).unwrap();
    let mut conn = connection(&test).await;
    let tx = conn.tenant_snapshot(org_id).await.unwrap();
    let buckets = reader::histogram(&tx, &plan).await.unwrap();
    assert_eq!(buckets.len(), 8);
    assert!(buckets[..6].iter().all(|bucket| bucket.counts == [0; 6]));
    assert_eq!(buckets[6].start, T0);
    assert_eq!(buckets[6].counts, [0, 0, 12, 0, 1, 0]);
    assert_eq!(buckets[7].counts, [0, 0, 0, 0, 0, 2]);

    let errors = HistogramPlan::new(scopes, range, vec![Level::Error], HOUR).unwrap();
    let buckets = reader::histogram(&tx, &errors).await.unwrap();
    let counts: Vec<_> = buckets.iter().map(|bucket| bucket.counts).collect();
    assert_eq!(counts, [[0; 6], [0, 0, 0, 0, 1, 0]]);
}
