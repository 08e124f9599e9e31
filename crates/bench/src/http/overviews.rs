//! What sums up many lines: facets, patterns, and what changed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;

use super::{Answers, Gateway, Mix, Person};
use crate::questions::{RUNS, WARM_UP};
use crate::report::Report;

pub(super) async fn measure(gateway: &Gateway, report: &mut Report) -> anyhow::Result<()> {
    const SERVICE: &str = "ms, p50 (goal: 300)";
    const CHANGES: &str = "ms, p50 (goal: 1,000)";
    let (sender, token) = &gateway.orgs[0];
    let service = format!("service_id={}", sender.service_id);
    let window = |hours: i64| {
        let rfc3339 = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
        let (from, to) = (
            gateway.end - time::Duration::hours(hours),
            gateway.end + time::Duration::SECOND,
        );
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("from", &rfc3339(from));
        query.append_pair("to", &rfc3339(to));
        query.finish()
    };
    let (day, hour) = (window(24), window(1));
    report.section("overviews through the gateway");
    for (name, goal, path) in [
        (
            "facets of one service over 24 h: level, service and environment",
            SERVICE,
            format!("/api/logs/facets?{service}&{day}"),
        ),
        (
            "the same: four fields of the metadata",
            SERVICE,
            format!("/api/logs/facets?{service}&{day}&fields=http_status,region,host,user_id"),
        ),
        (
            "patterns of one service over 24 h",
            SERVICE,
            format!("/api/logs/patterns?{service}&{day}"),
        ),
        (
            "what changed in one service between two hours",
            CHANGES,
            format!("/api/logs/changes?{service}&{hour}"),
        ),
        (
            "what changed in the organisation between two hours",
            CHANGES,
            format!("/api/logs/changes?{hour}"),
        ),
    ] {
        let mix = Mix {
            token: Arc::clone(token),
            paths: Arc::new(vec![path]),
        };
        let person = Person::new(&gateway.base, mix, 0)?;
        let mut answers = Answers::new()?;
        for run in 0..RUNS + WARM_UP {
            let started = Instant::now();
            if !person.ask(0).await? {
                bail!("{name} was refused although nobody else asked");
            }
            if run >= WARM_UP {
                answers.times.record(started.elapsed().as_micros() as u64)?;
            }
        }
        report.add(name, answers.ms(0.5), goal);
        report.add("  p95", answers.ms(0.95), "ms");
    }
    Ok(())
}
