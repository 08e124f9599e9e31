//! What values the fields of matching lines have, and what fields there are.

use std::sync::Arc;

use actix_web::{get, web};
use db::scopes;
use domain::query::ast::Field;
use domain::query::fields::Seen;
use domain::query::pipe::{Stage, Top};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::access::Viewer;
use service_kit::body::QueryParamsOf;
use service_kit::{ApiError, Data, Kit};
use utoipa::{IntoParams, ToSchema};

use crate::answer::{SearchRefusals, StatsView};
use crate::app::State;
use crate::ask::LogFilter;
use crate::fields;
use crate::numbers::{self, json};

/// Lines that facets are counted over, the newest first: enough for shares that hold, in a tenth of a second.
const FACET_SAMPLE: u64 = 50_000;
const MAX_FIELDS: usize = 16;

/// Of which fields.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FacetParams {
    /// Comma-separated, at most 16: `level`, `service`, `env`, `trace_id`, `request_id`, or fields of the metadata. Absent:
    /// level, service and env.
    #[param(example = "level,http.status")]
    fields: Option<String>,
    /// Values of each field, 1 to 100; 10 when absent.
    values: Option<u16>,
}

/// The most frequent values of fields.
#[derive(Serialize, ToSchema)]
pub(crate) struct FacetsView {
    facets: Vec<FacetView>,
    /// Lines that were counted.
    lines: u64,
    /// Only the newest lines were counted; there may be more.
    is_sample: bool,
    stats: StatsView,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FacetView {
    #[schema(example = "http.status")]
    field: String,
    /// The most frequent first.
    values: Vec<FacetValue>,
    /// Lines that have one of these values, added up: a line with several counts several times.
    counted: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FacetValue {
    #[schema(example = "500")]
    value: String,
    count: u64,
}

/// Counts the values of fields over the newest 50,000 lines that match.
#[utoipa::path(
    operation_id = "count_log_facets",
    tag = "logs",
    params(LogFilter, FacetParams),
    responses(
        (status = 200, body = Data<FacetsView>),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/facets")]
pub(crate) async fn facets(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParamsOf<LogFilter, FacetParams>,
) -> Result<web::Json<Data<FacetsView>>, ApiError> {
    let QueryParamsOf(filter, params) = params;
    let ask = filter.read(kit.clock.now())?;
    let names = params.fields.filter(|names| !names.is_empty());
    let names: Vec<String> = names
        .as_deref()
        .unwrap_or("level,service,env")
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    if names.len() > MAX_FIELDS {
        return Err(ApiError::invalid(
            "fields",
            format!("names more than {MAX_FIELDS} fields"),
        ));
    }
    let limit @ 1..=100 = params.values.unwrap_or(10) else {
        return Err(ApiError::invalid("values", "must be 1 to 100"));
    };
    let stages = names
        .iter()
        .map(|name| {
            let field = fields::parse("fields", name)?;
            Ok(Stage::Top(Top { limit, field }))
        })
        .collect::<Result<Vec<Stage>, ApiError>>()?;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.facets").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let chosen = ask.choose(scopes::list(&tx).await?)?;
    let plan = ask.plan(&chosen, state.budget);
    let computed = numbers::compute(
        &state.reader,
        &tx,
        &plan,
        &Arc::new(chosen),
        &stages,
        FACET_SAMPLE,
    )
    .await?;
    tx.commit().await?;
    let facet = |(field, table): (String, &domain::query::aggregate::Table)| {
        let values: Vec<FacetValue> = table.rows.iter().filter_map(|row| value(row)).collect();
        FacetView {
            field,
            counted: values.iter().map(|value| value.count).sum(),
            values,
        }
    };
    Ok(web::Json(Data {
        data: FacetsView {
            facets: names.into_iter().zip(&computed.tables).map(facet).collect(),
            lines: computed.lines,
            is_sample: computed.is_sample,
            stats: StatsView::from(&computed.stats),
        },
    }))
}

/// A row is a value and a count.
fn value(row: &[domain::query::aggregate::Cell]) -> Option<FacetValue> {
    let [value, count] = row else { return None };
    let value = match json(value) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(FacetValue {
        value,
        count: json(count).as_u64()?,
    })
}

/// The fields of matching lines.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldsView {
    /// Known fields first, then those of the metadata by name.
    fields: Vec<FieldView>,
    /// Lines that were looked at.
    lines: u64,
    /// There are more fields than 500; the rarest are left out.
    is_cut: bool,
    stats: StatsView,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FieldView {
    /// As a query names it.
    #[schema(example = "http.status")]
    name: String,
    /// Of JSON: `boolean`, `number`, `string`, `null`.
    #[schema(example = json!(["number"]))]
    types: Vec<&'static str>,
    /// The share of the lines that have it, 0 to 1.
    #[schema(example = 0.8)]
    share: f64,
}

/// Lists the fields that the newest 2,000 matching lines have.
#[utoipa::path(
    operation_id = "list_log_fields",
    tag = "logs",
    params(LogFilter),
    responses(
        (status = 200, body = Data<FieldsView>),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/fields")]
pub(crate) async fn list_fields(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: service_kit::body::QueryParams<LogFilter>,
) -> Result<web::Json<Data<FieldsView>>, ApiError> {
    let ask = params.0.read(kit.clock.now())?;
    let _turn = state.admission.enter(caller.org_id).await?;
    let mut conn = kit.db.conn("query.fields").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let chosen = ask.choose(scopes::list(&tx).await?)?;
    let plan = ask.plan(&chosen, state.budget);
    let (seen, stats) = numbers::seen_fields(&state.reader, &tx, &plan, &Arc::new(chosen)).await?;
    tx.commit().await?;
    Ok(web::Json(Data {
        data: view(seen.most_frequent(), StatsView::from(&stats)),
    }))
}

fn view(seen: Seen, stats: StatsView) -> FieldsView {
    let share = |lines: u64| lines as f64 / seen.lines.max(1) as f64;
    let known = |name: &str, lines: u64| FieldView {
        name: name.to_owned(),
        types: vec!["string"],
        share: share(lines),
    };
    let known = [
        known("level", seen.lines),
        known("service", seen.lines),
        known("env", seen.lines),
        known("message", seen.lines),
        known("trace_id", seen.with_trace_id),
        known("request_id", seen.with_request_id),
    ];
    // A field of the metadata that is called like a known one is not reachable by that name.
    let own = seen
        .fields
        .iter()
        .filter(|(name, _)| matches!(Field::named(name), Some(Field::Meta(_))));
    let own = own.map(|(name, field)| FieldView {
        name: name.clone(),
        types: field.types.clone(),
        share: share(field.lines),
    });
    FieldsView {
        fields: known.into_iter().chain(own).collect(),
        lines: seen.lines,
        is_cut: seen.is_cut,
        stats,
    }
}
