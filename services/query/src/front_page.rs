//! `GET /`: what a person sees who opens the gateway's address. Plain HTML, no script.

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, get, web};
use futures_util::future::join_all;
use service_kit::Kit;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::app::State;
use crate::gateway::{Gateway, Owner};

/// How long a part may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how long an answer is shown again: the page is public, and asking costs every part a query.
const FRESH: Duration = Duration::from_secs(2);

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Ready,
    NotReady,
    Silent,
}

impl Health {
    fn class(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady | Self::Silent => "trouble",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "running, but not ready",
            Self::Silent => "does not answer",
        }
    }
}

type Report = Vec<(&'static str, Health)>;

/// The five parts and how they were when last asked.
pub(crate) struct Parts {
    gateway: Gateway,
    seen: Mutex<Option<(Instant, Report)>>,
}

impl Parts {
    pub(crate) fn new(gateway: Gateway) -> Self {
        Self {
            gateway,
            seen: Mutex::default(),
        }
    }

    /// Asks the parts, at most every two seconds however many people look.
    async fn report(&self, kit: &Kit) -> Report {
        let mut seen = self.seen.lock().await;
        if let Some((at, report)) = &*seen
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let (own, others) = tokio::join!(
            own_health(kit),
            join_all(Owner::ALL.map(|owner| self.health(owner)))
        );
        let mut report = vec![("query", own)];
        report.extend(Owner::ALL.map(Owner::as_str).into_iter().zip(others));
        *seen = Some((Instant::now(), report.clone()));
        report
    }

    async fn health(&self, owner: Owner) -> Health {
        match self.gateway.is_ready(owner, PATIENCE).await {
            Ok(true) => Health::Ready,
            Ok(false) => Health::NotReady,
            Err(_) => Health::Silent,
        }
    }
}

async fn own_health(kit: &Kit) -> Health {
    match kit.db.check().await {
        Ok(()) => Health::Ready,
        Err(_) => Health::NotReady,
    }
}

/// Says what this is and how its five parts are.
#[utoipa::path(
    operation_id = "show_front_page",
    tag = "front page",
    responses((status = 200, description = "A page for people", content_type = "text/html", body = String,
        example = "<!doctype html>…")),
)]
#[get("/")]
pub(crate) async fn show(kit: web::Data<Kit>, state: web::Data<State>) -> HttpResponse {
    let report = state.parts.report(&kit).await;
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(page(&report))
}

/// Nothing but the style below may be used; its hash is held to it by a test.
const POLICY: &str = "default-src 'none'; style-src 'sha256-MDXqaMtEIWAvkkrZR+AGgfoyCLiB71DaFJUX3IBgUiw='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td { padding: .4rem 0; border-top: 1px solid #8884; }
.ready { color: light-dark(#176f2c, #5fd07a); }
.trouble { color: light-dark(#a3201d, #ff8a80); font-weight: 600; }
";

fn page(report: &Report) -> String {
    let mut rows = String::new();
    for (name, health) in report {
        let (class, words) = (health.class(), health.words());
        // Writing into a String does not fail.
        let _ = write!(rows, "<tr><td>{name}</td><td class=\"{class}\">{words}</td></tr>");
    }
    let all_ready = report.iter().all(|(_, health)| *health == Health::Ready);
    let summary = if all_ready {
        "All five parts are ready."
    } else {
        "Some parts are not ready."
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Sightline</title><style>{STYLE}</style></head><body><h1>Sightline</h1>\
         <p>Logs, deployments, alerts, incidents and pages of a team, in one place. This is its API.</p>\
         <p>{summary}</p><table>{rows}</table>\
         <p>The API of this part: <a href=\"/openapi.json\">/openapi.json</a>. Send logs to \
         <code>POST /api/v1/logs/ingest</code>, search them with <code>GET /api/logs/query</code>.</p>\
         </body></html>"
    )
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_exactly_the_style_of_the_page() {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
        assert!(
            POLICY.contains(&format!("'sha256-{hash}'")),
            "put {hash} into the policy"
        );
        assert!(!POLICY.contains("unsafe"));
    }

    #[test]
    fn a_part_in_trouble_is_named() {
        let page = page(&vec![("query", Health::Ready), ("alerting", Health::Silent)]);
        assert!(page.contains("<td>alerting</td><td class=\"trouble\">does not answer</td>"));
        assert!(page.contains("Some parts are not ready."));
    }
}
