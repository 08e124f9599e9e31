//! What alert rules cost: a thousand of them over two hundred scopes, while lines come in.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::Service;
use time::OffsetDateTime;

use crate::corpus::{self, Corpus, Line};
use crate::cpu;
use crate::load::{self, Pace, Request};
use crate::report::Report;
use crate::target::{Sender, Target};

const SCOPES: usize = 200;
const RULES_PER_SCOPE: usize = 5;
const LINES_PER_SECOND: f64 = 20_000.0;
/// Small bodies: each scope is heard of every second.
const LINES_PER_BODY: usize = 100;
const SECONDS: usize = 45;

pub(crate) async fn measure(end: OffsetDateTime, report: &mut Report) -> anyhow::Result<()> {
    let lines = LINES_PER_SECOND as usize * SECONDS;
    let corpus: Vec<Line> = Corpus::new(crate::SEED, lines, end).collect();
    report.section("1,000 rules over 200 scopes at 20,000 lines/s");
    let without = run(Target::start().await?, &corpus, 0).await?;
    let with = run(Target::start_alerting().await?, &corpus, RULES_PER_SCOPE).await?;
    report.add("lines/s", with.lines_per_second, "lines/s");
    report.add("alerting, of one core", with.alerting * 100.0, "%");
    report.add("PostgreSQL with rules, of one core", with.postgres * 100.0, "%");
    report.add("PostgreSQL without, of one core", without.postgres * 100.0, "%");
    report.add("evaluated in these seconds", with.evaluated as f64, "rules");
    report.add("largest memory of alerting", with.megabytes, "MB");
    Ok(())
}

struct Cost {
    lines_per_second: f64,
    /// CPU seconds a second.
    alerting: f64,
    postgres: f64,
    evaluated: i64,
    megabytes: f64,
}

async fn run(target: Target, corpus: &[Line], rules_per_scope: usize) -> anyhow::Result<Cost> {
    let senders = target.add_senders(SCOPES).await?;
    for sender in &senders {
        add_rules(&target, sender, rules_per_scope).await?;
    }
    let requests: Vec<Request> = corpus
        .chunks(LINES_PER_BODY)
        .enumerate()
        .map(|(number, lines)| Request {
            key: senders[number % senders.len()].key.clone(),
            body: corpus::native_body(lines),
            lines: lines.len(),
        })
        .collect();
    let base = target.stack.client(Service::Ingest).base().to_owned();
    let alerting = (rules_per_scope > 0).then(|| target.stack.process(Service::Alerting, 0).pid());
    let seconds = |pid: Option<u32>| pid.map_or(0.0, cpu::seconds_of_tree);
    let (before, own_before, started) = (target.cpu(), seconds(alerting), Instant::now());
    let outcome = load::run(
        &base,
        Arc::new(requests),
        4,
        Pace::LinesPerSecond(LINES_PER_SECOND),
    )
    .await?;
    let elapsed = started.elapsed().as_secs_f64();
    let spent = target.cpu().since(before);
    let sql = "SELECT count(*) FROM alert_rules WHERE last_evaluated_at > now() - make_interval(secs => $1)";
    let evaluated = target.owner.query_one(sql, &[&elapsed]).await?.get(0);
    Ok(Cost {
        lines_per_second: outcome.lines_per_second(),
        alerting: (seconds(alerting) - own_before) / elapsed,
        postgres: spent.postgres / elapsed,
        evaluated,
        megabytes: alerting.map_or(0.0, cpu::peak_megabytes),
    })
}

/// Rules as people have them: most are quiet, and each counts over some minutes.
async fn add_rules(target: &Target, sender: &Sender, count: usize) -> anyhow::Result<()> {
    let kinds: [(&str, Value); RULES_PER_SCOPE] = [
        (
            "error_count",
            json!({"threshold": 1_000_000, "window_seconds": 300}),
        ),
        ("error_count", json!({"threshold": 100_000, "window_seconds": 60})),
        (
            "error_rate",
            json!({"threshold_percent": 90, "window_seconds": 300, "min_lines": 100}),
        ),
        ("silence", json!({"window_seconds": 600})),
        (
            "deploy_regression",
            json!({"window_seconds": 600, "min_errors": 100, "factor": 2}),
        ),
    ];
    let sql =
        "INSERT INTO alert_rules (org_id, id, service_id, environment_id, name, type, params_json, severity)
        VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6, 'high')";
    for (number, (kind, params)) in kinds.iter().take(count).enumerate() {
        let name = format!("{} {number}", sender.service_id);
        target
            .owner
            .execute(
                sql,
                &[
                    &sender.org_id,
                    &sender.service_id,
                    &sender.environment_id,
                    &name,
                    kind,
                    params,
                ],
            )
            .await?;
    }
    Ok(())
}
