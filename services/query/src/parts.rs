//! `GET /api/status`: how the five parts are, and where applications send their lines.

use std::time::Duration;

use actix_web::{get, web};
use futures_util::future::join_all;
use serde::Serialize;
use service_kit::access::Viewer;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::app::State;
use crate::gateway::{Gateway, Owner};

/// How long a part may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how long an answer is given again: pages ask often, and asking costs every part a query.
const FRESH: Duration = Duration::from_secs(2);

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Health {
    Ready,
    /// It runs, and lacks something that it needs.
    NotReady,
    /// It does not answer.
    Silent,
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

/// One of the five programs.
#[derive(Serialize, ToSchema)]
struct PartView {
    #[schema(example = "alerting")]
    name: &'static str,
    health: Health,
}

/// The platform as its users see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusView {
    parts: Vec<PartView>,
    /// Where applications send their lines, without a slash at the end.
    #[schema(example = "https://ingest.example.com")]
    ingest_url: String,
}

/// Says how the five parts are, at most two seconds old.
#[utoipa::path(
    operation_id = "show_status",
    tag = "status",
    responses(
        (status = 200, body = Data<StatusView>, example = json!({"data": {
            "parts": [{"name": "query", "health": "ready"}, {"name": "alerting", "health": "silent"}],
            "ingest_url": "https://ingest.example.com"
        }})),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 503, description = "The database is away", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/status")]
pub(crate) async fn show(
    _caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
) -> Result<web::Json<Data<StatusView>>, ApiError> {
    let report = state.parts.report(&kit).await;
    let parts = report
        .into_iter()
        .map(|(name, health)| PartView { name, health })
        .collect();
    Ok(web::Json(Data {
        data: StatusView {
            parts,
            ingest_url: state.ingest_public_url.clone(),
        },
    }))
}
