//! Elasticsearch's bulk API, and as much of the rest as shippers ask for before they send: Beats, Logstash, Fluent Bit,
//! Vector, the OpenTelemetry Collector, and Elastic's own clients.
//!
//! Templates, policies and pipelines are answered as if they were there, since nothing here needs them.

use std::borrow::Cow;
use std::time::Instant;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, get, route, web};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::{ApiError, Kit};
use uuid::Uuid;

use crate::app::State;
use crate::encoding::Encoding;
use crate::intake::{self, Arrival, Stored};
use crate::keys::IngestKey;
use crate::metrics;
use crate::protocols::elasticsearch::{self, Action, Item, Items};
use crate::unpack::RejectedLine;

/// Clients refuse to talk to anything that does not say this.
const PRODUCT: (&str, &str) = ("X-Elastic-Product", "Elasticsearch");
/// What we speak is that of every 8.x; Beats refuse a server that is older than they are.
const VERSION: &str = "8.19.0";

/// Documents one of the paths that take the same.
macro_rules! bulk_route {
    ($name:ident, $path:literal, |$path_arguments:ident: $type:ty| $index:expr $(, $index_parameter:literal)?) => {
        /// Stores the documents of a bulk request.
        ///
        /// `create` and `index` store a line; `update` and `delete` are refused by item, since logs are only added. The answer
        /// comes after the commit, and says of each item whether it is stored. Any index name is taken, and kept in `meta`.
        #[utoipa::path(
            method(post, put),
            path = $path,
            tag = "elasticsearch",
            security(("api_key" = ["logs:write"])),
            params(
                $(($index_parameter = String, Path, description = "The index of items that name none"),)?
                ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send a request again"),
                ("Content-Encoding" = Option<String>, Header, description = "gzip or zstd"),
            ),
            request_body(description = "Pairs of lines: an action and a document",
                content((String = "application/x-ndjson"))),
            responses(
                (status = 200, description = "took, errors, items"),
                (status = 400, description = "Nothing was stored: the body is no bulk request"),
                (status = 401, description = "The key is missing, malformed, unknown, revoked or expired"),
                (status = 403, description = "The key lacks the scope logs:write"),
                (status = 413, description = "Too many bytes or items"),
                (status = 415, description = "Another Content-Encoding"),
                (status = 429, description = "The key's lines of this minute are used up; see Retry-After"),
                (status = 503, description = "Overloaded, or the database is away; see Retry-After"),
            )
        )]
        #[route($path, method = "POST", method = "PUT")]
        pub(super) async fn $name(
            key: Result<IngestKey, ApiError>,
            req: HttpRequest,
            payload: web::Payload,
            $path_arguments: $type,
            kit: web::Data<Kit>,
            state: web::Data<State>,
        ) -> HttpResponse {
            let started = Instant::now();
            let result = async {
                let arrival = Arrival::admit(key?, &req, payload, &kit, &state)?;
                store(arrival, $index).await
            };
            match result.await {
                Ok(stored) => answer(&stored, started),
                Err(error) => {
                    metrics::refused(&error);
                    failure(&error)
                }
            }
        }
    };
}

bulk_route!(bulk, "/_bulk", |_path: ()| None);
bulk_route!(
    bulk_into,
    "/{index}/_bulk",
    |path: web::Path<String>| Some(path.into_inner()),
    "index"
);

async fn store(arrival: Arrival<'_>, index: Option<String>) -> Result<Stored<Items>, ApiError> {
    let encoding = Encoding::of(arrival.req())?;
    intake::store(arrival, encoding, move |body, max_lines| {
        elasticsearch::bulk(body, index.as_deref(), max_lines)
    })
    .await
}

/// The answer to a bulk request. Written from borrowed parts, since it has as many items as the request had.
#[derive(Serialize)]
struct BulkAnswer<'a> {
    took: u64,
    errors: bool,
    items: Vec<ItemAnswer<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ItemAnswer<'a> {
    Create(ItemResult<'a>),
    Index(ItemResult<'a>),
    Update(ItemResult<'a>),
    Delete(ItemResult<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum ItemResult<'a> {
    Stored {
        #[serde(rename = "_index")]
        index: &'a str,
        #[serde(rename = "_id")]
        id: Cow<'a, str>,
        #[serde(rename = "_version")]
        version: u8,
        result: &'static str,
        #[serde(rename = "_shards")]
        shards: Shards,
        #[serde(rename = "_seq_no")]
        seq_no: u8,
        #[serde(rename = "_primary_term")]
        primary_term: u8,
        status: u16,
    },
    Refused {
        #[serde(rename = "_index")]
        index: &'a str,
        #[serde(rename = "_id")]
        id: Option<&'a str>,
        status: u16,
        error: Problem,
    },
}

#[derive(Serialize)]
struct Shards {
    total: u8,
    successful: u8,
    failed: u8,
}

#[derive(Serialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    reason: String,
}

fn answer(stored: &Stored<Items>, started: Instant) -> HttpResponse {
    // Both are in the order of the records.
    let mut rejected = stored.rejected.iter().peekable();
    let mut errors = false;
    let items = stored.outline.iter().map(|item| {
        let problem = match item.record {
            None => Some(never_taken(item.action)),
            Some(record) => rejected.next_if(|line| line.index == record).map(not_stored),
        };
        errors |= problem.is_some();
        item_answer(item, problem)
    });
    let items = items.collect();
    let took = started.elapsed().as_millis() as u64;
    HttpResponse::Ok()
        .insert_header(PRODUCT)
        .json(BulkAnswer { took, errors, items })
}

fn not_stored(line: &RejectedLine) -> Problem {
    Problem {
        kind: "document_parsing_exception",
        reason: format!("{} {}", line.field, line.reason).trim().to_owned(),
    }
}

fn never_taken(action: Action) -> Problem {
    Problem {
        kind: "illegal_argument_exception",
        reason: format!(
            "{} is not taken: logs are only added, with create or index",
            action.as_str()
        ),
    }
}

fn item_answer(item: &Item, problem: Option<Problem>) -> ItemAnswer<'_> {
    let Item {
        action, index, id, ..
    } = item;
    let id = id.as_deref();
    let result = match problem {
        Some(error) => ItemResult::Refused {
            index,
            id,
            status: 400,
            error,
        },
        None => ItemResult::Stored {
            index,
            id: id.map_or_else(|| Uuid::new_v4().simple().to_string().into(), Cow::Borrowed),
            version: 1,
            result: "created",
            shards: Shards {
                total: 1,
                successful: 1,
                failed: 0,
            },
            seq_no: 0,
            primary_term: 1,
            status: 201,
        },
    };
    match action {
        Action::Create => ItemAnswer::Create(result),
        Action::Index => ItemAnswer::Index(result),
        Action::Update => ItemAnswer::Update(result),
        Action::Delete => ItemAnswer::Delete(result),
    }
}

fn failure(error: &ApiError) -> HttpResponse {
    let status = error.status_code();
    let kind = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "security_exception",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "es_rejected_execution_exception",
        StatusCode::PAYLOAD_TOO_LARGE => "content_too_long_exception",
        StatusCode::INTERNAL_SERVER_ERROR => "exception",
        _ => "illegal_argument_exception",
    };
    let reason = error.to_string();
    let cause = json!({"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}]});
    error
        .begin_response()
        .insert_header(PRODUCT)
        .json(json!({"error": cause, "status": status.as_u16()}))
}

/// Answers a shipper's question before it sends, if its key is good.
fn known(key: Result<IngestKey, ApiError>, answer: Value) -> HttpResponse {
    match key {
        Ok(_) => HttpResponse::Ok().insert_header(PRODUCT).json(answer),
        Err(error) => failure(&error),
    }
}

/// Says that this is Elasticsearch, as far as shippers are concerned.
#[utoipa::path(
    method(get, head),
    path = "/",
    tag = "elasticsearch",
    security(("api_key" = ["logs:write"])),
    responses(
        (status = 200, description = "name, version, tagline"),
        (status = 401, description = "The key is missing, malformed, unknown, revoked or expired"),
        (status = 403, description = "The key lacks the scope logs:write"),
        (status = 503, description = "The database is away; see Retry-After"),
    )
)]
#[route("/", method = "GET", method = "HEAD")]
pub(super) async fn root(key: Result<IngestKey, ApiError>) -> HttpResponse {
    let version = json!({"number": VERSION, "build_flavor": "default", "build_type": "docker", "build_hash": "sightline",
        "build_date": "2025-01-01T00:00:00.000Z", "build_snapshot": false, "lucene_version": "9.12.0",
        "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"});
    let answer = json!({"name": "sightline", "cluster_name": "sightline", "cluster_uuid": "c2lnaHRsaW5lLWluZ2VzdA",
        "version": version, "tagline": "You Know, for Search"});
    known(key, answer)
}

/// Says that the licence is the free one, which is what Beats and Logstash ask for.
#[utoipa::path(
    operation_id = "elasticsearch_license",
    tag = "elasticsearch",
    security(("api_key" = ["logs:write"])),
    responses(
        (status = 200, description = "An active basic license"),
        (status = 401, description = "The key is missing, malformed, unknown, revoked or expired"),
        (status = 403, description = "The key lacks the scope logs:write"),
        (status = 503, description = "The database is away; see Retry-After"),
    )
)]
#[get("/_license")]
pub(super) async fn license(key: Result<IngestKey, ApiError>) -> HttpResponse {
    let answer = json!({"license": {"status": "active", "uid": "00000000-0000-0000-0000-000000000000", "type": "basic",
        "issue_date": "2025-01-01T00:00:00.000Z", "issue_date_in_millis": 1_735_689_600_000_u64, "max_nodes": 1000,
        "issued_to": "sightline", "issuer": "elasticsearch", "start_date_in_millis": -1}});
    known(key, answer)
}

/// Says that the cluster is green, which is what Vector asks for.
#[utoipa::path(
    operation_id = "elasticsearch_health",
    tag = "elasticsearch",
    security(("api_key" = ["logs:write"])),
    responses(
        (status = 200, description = "A green cluster of one node"),
        (status = 401, description = "The key is missing, malformed, unknown, revoked or expired"),
        (status = 403, description = "The key lacks the scope logs:write"),
        (status = 503, description = "The database is away; see Retry-After"),
    )
)]
#[get("/_cluster/health")]
pub(super) async fn health(key: Result<IngestKey, ApiError>) -> HttpResponse {
    let answer = json!({"cluster_name": "sightline", "status": "green", "timed_out": false, "number_of_nodes": 1,
        "number_of_data_nodes": 1, "active_primary_shards": 1, "active_shards": 1, "unassigned_shards": 0});
    known(key, answer)
}

/// Documents a thing that shippers look for, and set up when it is missing.
macro_rules! set_up_route {
    ($name:ident, $path:literal) => {
        /// Is there already, and may be set up again, which changes nothing: logs need no templates, policies or pipelines.
        #[utoipa::path(
            method(get, head, put),
            path = $path,
            tag = "elasticsearch",
            security(("api_key" = ["logs:write"])),
            params(("name" = String, Path, description = "Any name")),
            responses(
                (status = 200, description = "It is there"),
                (status = 401, description = "The key is missing, malformed, unknown, revoked or expired"),
                (status = 403, description = "The key lacks the scope logs:write"),
                (status = 503, description = "The database is away; see Retry-After"),
            )
        )]
        #[route($path, method = "GET", method = "HEAD", method = "PUT")]
        pub(super) async fn $name(key: Result<IngestKey, ApiError>, req: HttpRequest) -> HttpResponse {
            let answer = match *req.method() {
                Method::PUT => json!({"acknowledged": true}),
                _ => json!({}),
            };
            known(key, answer)
        }
    };
}

set_up_route!(index_template, "/_index_template/{name}");
set_up_route!(component_template, "/_component_template/{name}");
set_up_route!(template, "/_template/{name}");
set_up_route!(policy, "/_ilm/policy/{name}");
set_up_route!(pipeline, "/_ingest/pipeline/{name}");
set_up_route!(data_stream, "/_data_stream/{name}");
