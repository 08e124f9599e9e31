//! Loki's query API: each route by GET, and by POST with a form, as Grafana sends long queries.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use service_kit::access::Viewer;
use service_kit::{ApiError, Kit};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::State;
use crate::loki::{self, Call, Params};

mod tail;

/// What Grafana asks for by this header is done where an answer has lines.
const ENCODING_FLAGS: &str = "X-Loki-Response-Encoding-Flags";

/// A route with its two methods, which differ in where parameters are.
macro_rules! route {
    (
        $(#[$doc:meta])+
        $path:tt = $run:path, ($get:ident $get_id:tt) ($post:ident $post_id:tt),
        params($($params:tt)*), example $example:tt
    ) => {
        $(#[$doc])+
        #[utoipa::path(
            operation_id = $get_id,
            tag = "loki",
            params($($params)*),
            responses(
                (status = 200, body = Object, example = json!($example)),
                (status = 400, description = "The query or a parameter makes no sense or is not supported; the text names it", content_type = "text/plain"),
                (status = 401, description = "No session and no personal access token", content_type = "text/plain"),
                (status = 429, description = "The organisation runs too many searches at once", content_type = "text/plain"),
                (status = 503, description = "The database is away or busy", content_type = "text/plain"),
            ),
            security(("session" = ["viewer"])),
        )]
        #[get($path)]
        async fn $get(
            caller: Result<Viewer, ApiError>,
            req: HttpRequest,
            payload: web::Payload,
            kit: web::Data<Kit>,
            state: web::Data<State>,
        ) -> HttpResponse {
            answer(caller, &req, payload, &kit, &state, $run).await
        }

        $(#[$doc])+
        /// The parameters come as a form, or in the address.
        #[utoipa::path(
            operation_id = $post_id,
            tag = "loki",
            params($($params)*),
            responses(
                (status = 200, body = Object, example = json!($example)),
                (status = 400, description = "The query or a parameter makes no sense or is not supported; the text names it", content_type = "text/plain"),
                (status = 401, description = "No session and no personal access token", content_type = "text/plain"),
                (status = 415, description = "The body is no form", content_type = "text/plain"),
                (status = 429, description = "The organisation runs too many searches at once", content_type = "text/plain"),
                (status = 503, description = "The database is away or busy", content_type = "text/plain"),
            ),
            security(("session" = ["viewer"])),
        )]
        #[post($path)]
        async fn $post(
            caller: Result<Viewer, ApiError>,
            req: HttpRequest,
            payload: web::Payload,
            kit: web::Data<Kit>,
            state: web::Data<State>,
        ) -> HttpResponse {
            answer(caller, &req, payload, &kit, &state, $run).await
        }
    };
}

route! {
    /// Numbers of a LogQL metric query at one moment. `vector(1)+vector(1)`, by which Grafana checks a data source, works.
    "/loki/api/v1/query" = loki::query, (query "loki_query") (query_form "loki_query_form"),
    params(
        ("query" = String, Query, description = "LogQL: a metric query", example = "sum by (level) (count_over_time({service_name=\"checkout\"}[5m]))"),
        ("time" = Option<String>, Query, description = "Unix time in seconds or nanoseconds, or RFC 3339; now when absent"),
    ),
    example {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [{"metric": {"level": "error"}, "value": [1_769_860_800, "3"]}],
            "stats": {"summary": {"totalLinesProcessed": 3, "execTime": 0.002}}
        }
    }
}

route! {
    /// Lines of a LogQL log query, or numbers of a metric query over time.
    "/loki/api/v1/query_range" = loki::query_range, (query_range "loki_query_range") (query_range_form "loki_query_range_form"),
    params(
        ("query" = String, Query, description = "LogQL", example = "{service_name=\"checkout\"} |= \"declined\" | json | amount > 100"),
        ("start" = Option<String>, Query, description = "Oldest time, inclusive; an hour before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time, exclusive; now when absent"),
        ("since" = Option<String>, Query, description = "How far start is before end, such as 2h"),
        ("limit" = Option<u32>, Query, description = "Lines, 1 to 5000; 100 when absent"),
        ("direction" = Option<String>, Query, description = "`backward`, newest first, which is the default, or `forward`"),
        ("step" = Option<String>, Query, description = "Between points of a metric query, such as 30s; a 250th of the range when absent"),
    ),
    example {
        "status": "success",
        "data": {
            "resultType": "streams",
            "result": [{
                "stream": {"environment": "production", "level": "error", "service_name": "checkout", "order": "4711"},
                "values": [["1769860798123456000", "payment for order 4711 failed: card_declined"]]
            }],
            "stats": {"summary": {"totalLinesProcessed": 4096, "execTime": 0.003}}
        }
    }
}

route! {
    /// The labels of streams: `environment`, `level` and `service_name`, if there are lines.
    "/loki/api/v1/labels" = loki::labels, (labels "loki_labels") (labels_form "loki_labels_form"),
    params(
        ("query" = Option<String>, Query, description = "A selector; all streams when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; six hours before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
    ),
    example {"status": "success", "data": ["environment", "level", "service_name"]}
}

route! {
    /// The values of a label of streams. Other labels have none here: they are found behind the selector.
    "/loki/api/v1/label/{name}/values" = loki::label_values, (label_values "loki_label_values") (label_values_form "loki_label_values_form"),
    params(
        ("name" = String, Path, description = "`service_name`, `environment` or `level`"),
        ("query" = Option<String>, Query, description = "A selector; all streams when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; six hours before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
    ),
    example {"status": "success", "data": ["checkout", "search"]}
}

route! {
    /// The streams that any of the selectors means.
    "/loki/api/v1/series" = loki::series, (series "loki_series") (series_form "loki_series_form"),
    params(
        ("match[]" = Option<Vec<String>>, Query, description = "Selectors; all streams when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; six hours before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
    ),
    example {
        "status": "success",
        "data": [{"environment": "production", "level": "error", "service_name": "checkout"}]
    }
}

route! {
    /// How much a query would read: lines from counters, bytes estimated from the newest lines.
    "/loki/api/v1/index/stats" = loki::index_stats, (index_stats "loki_index_stats") (index_stats_form "loki_index_stats_form"),
    params(
        ("query" = Option<String>, Query, description = "A selector; all streams when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; six hours before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
    ),
    example {"streams": 2, "chunks": 2, "entries": 1200, "bytes": 96_000}
}

route! {
    /// Estimated bytes per stream or label, the largest first.
    "/loki/api/v1/index/volume" = loki::volume, (volume "loki_volume") (volume_form "loki_volume_form"),
    params(
        ("query" = Option<String>, Query, description = "A selector; all streams when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; six hours before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 5000; 100 when absent"),
        ("targetLabels" = Option<String>, Query, description = "Comma-separated: by these labels only. Those of the selector when absent"),
        ("aggregateBy" = Option<String>, Query, description = "`series`, which is the default, or `labels`"),
    ),
    example {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [{"metric": {"service_name": "checkout"}, "value": [1_769_860_800, "96000"]}],
            "stats": {"summary": {}}
        }
    }
}

route! {
    /// Estimated bytes per stream or label over time.
    "/loki/api/v1/index/volume_range" = loki::volume_range, (volume_range "loki_volume_range") (volume_range_form "loki_volume_range_form"),
    params(
        ("query" = Option<String>, Query, description = "A selector; all streams when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; six hours before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
        ("step" = Option<String>, Query, description = "Between points, rounded up to whole minutes; a 250th of the range when absent"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 5000; 100 when absent"),
        ("targetLabels" = Option<String>, Query, description = "Comma-separated: by these labels only. Those of the selector when absent"),
        ("aggregateBy" = Option<String>, Query, description = "`series`, which is the default, or `labels`"),
    ),
    example {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [{"metric": {"service_name": "checkout"}, "values": [[1_769_860_800, "96000"]]}],
            "stats": {"summary": {}}
        }
    }
}

route! {
    /// The labels of streams, each with how many values it has.
    "/loki/api/v1/detected_labels" = loki::detected_labels, (detected_labels "loki_detected_labels") (detected_labels_form "loki_detected_labels_form"),
    params(
        ("query" = Option<String>, Query, description = "A selector; all streams when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; six hours before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
    ),
    example {"detectedLabels": [{"label": "service_name", "cardinality": 2}]}
}

route! {
    /// The other labels that the newest lines have: metadata, and what `| json` or `| logfmt` take from the message.
    "/loki/api/v1/detected_fields" = loki::detected_fields, (detected_fields "loki_detected_fields") (detected_fields_form "loki_detected_fields_form"),
    params(
        ("query" = Option<String>, Query, description = "A log query; all lines when absent"),
        ("start" = Option<String>, Query, description = "Oldest time; an hour before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
        ("line_limit" = Option<u32>, Query, description = "Lines to look at, 1 to 5000; 1000 when absent"),
        ("limit" = Option<u32>, Query, description = "Fields, 1 to 1000; 1000 when absent"),
    ),
    example {"fields": [{"label": "http_status", "type": "int", "cardinality": 4, "parsers": null}], "limit": 1000}
}

route! {
    /// What the lines of streams have in common, with `<_>` for what varies, and how many there were over time: most lines first.
    "/loki/api/v1/patterns" = loki::patterns, (patterns "loki_patterns") (patterns_form "loki_patterns_form"),
    params(
        ("query" = Option<String>, Query, description = "A selector; all streams when absent", example = "{service_name=\"checkout\"}"),
        ("start" = Option<String>, Query, description = "Oldest time; an hour before end when absent"),
        ("end" = Option<String>, Query, description = "Newest time; now when absent"),
        ("step" = Option<String>, Query, description = "Between points, rounded up to a multiple of five minutes"),
        ("limit" = Option<u32>, Query, description = "Patterns, 1 to 1000; 300 when absent"),
    ),
    example {
        "status": "success",
        "data": [{
            "pattern": "payment for order <_> failed: card_declined",
            "level": "error",
            "samples": [[1_769_860_800, 40], [1_769_861_100, 80]]
        }]
    }
}

route! {
    /// The version of Loki whose API this is.
    "/loki/api/v1/status/buildinfo" = loki::build_info, (build_info "loki_build_info") (build_info_form "loki_build_info_form"),
    params(),
    example {"version": "3.0.0", "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}
}

pub(super) fn configure(cfg: &mut ServiceConfig<'_>) {
    cfg.service(query).service(query_form);
    cfg.service(query_range).service(query_range_form);
    cfg.service(labels).service(labels_form);
    cfg.service(label_values).service(label_values_form);
    cfg.service(series).service(series_form);
    cfg.service(index_stats).service(index_stats_form);
    cfg.service(volume).service(volume_form);
    cfg.service(volume_range).service(volume_range_form);
    cfg.service(detected_labels).service(detected_labels_form);
    cfg.service(detected_fields).service(detected_fields_form);
    cfg.service(patterns).service(patterns_form);
    cfg.service(build_info).service(build_info_form);
    cfg.service(tail::follow);
}

/// Runs what a route stands for, and answers as Loki does: JSON, or a text that says what is wrong.
async fn answer<T: Serialize>(
    caller: Result<Viewer, ApiError>,
    req: &HttpRequest,
    payload: web::Payload,
    kit: &Kit,
    state: &State,
    run: impl AsyncFnOnce(Call<'_>) -> Result<T, ApiError>,
) -> HttpResponse {
    let result = async {
        let caller = caller?;
        let call = Call {
            kit,
            state,
            org_id: caller.org_id,
            params: Params::read(req, payload).await?,
            label: req.match_info().get("name").unwrap_or_default().to_owned(),
            categorized: wants_categories(req),
            now: kit.clock.now(),
        };
        run(call).await
    };
    match result.await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => refusal(&error),
    }
}

/// An error as Loki says it.
fn refusal(error: &ApiError) -> HttpResponse {
    error
        .begin_response()
        .content_type("text/plain; charset=utf-8")
        .body(format!("{error}\n"))
}

fn wants_categories(req: &HttpRequest) -> bool {
    let flags = req.headers().get_all(ENCODING_FLAGS);
    flags
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|flag| flag.trim() == "categorize-labels")
}
