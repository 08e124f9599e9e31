//! Which labels a metric query names. Metadata are labels of its series only if they are named: every line has its own
//! `trace_id`, and a series for each would be none.

use std::collections::BTreeSet;

use super::ast::{Grouping, LabelFilter, LabelPick, MetricExpr, RangeAggregation, Stage};

/// The labels named anywhere in the query, and for `x_extracted` also `x`.
pub(super) fn of(expr: &MetricExpr) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    of_expr(expr, &mut |name| {
        if let Some(original) = name.strip_suffix("_extracted") {
            names.insert(original.to_owned());
        }
        names.insert(name.to_owned());
    });
    names
}

fn of_expr(expr: &MetricExpr, visit: &mut impl FnMut(&str)) {
    match expr {
        MetricExpr::Number(_) | MetricExpr::Vector(_) => {}
        MetricExpr::Range(range) => of_range(range, visit),
        MetricExpr::Aggregate(aggregation) => {
            of_grouping(aggregation.grouping.as_ref(), visit);
            of_expr(&aggregation.inner, visit);
        }
        MetricExpr::Binary { left, right, .. } => {
            of_expr(left, visit);
            of_expr(right, visit);
        }
    }
}

fn of_range(range: &RangeAggregation, visit: &mut impl FnMut(&str)) {
    range
        .pipeline
        .stages
        .iter()
        .for_each(|stage| of_stage(stage, visit));
    if let Some(unwrap) = &range.unwrap {
        visit(&unwrap.label);
        unwrap.filters.iter().for_each(|filter| of_filter(filter, visit));
    }
    of_grouping(range.grouping.as_ref(), visit);
}

/// What `without` names would only be taken away again.
fn of_grouping(grouping: Option<&Grouping>, visit: &mut impl FnMut(&str)) {
    if let Some(Grouping {
        without: false,
        labels,
    }) = grouping
    {
        for label in labels {
            visit(label);
        }
    }
}

fn of_stage(stage: &Stage, visit: &mut impl FnMut(&str)) {
    match stage {
        Stage::Line(_) | Stage::Json(_) | Stage::Logfmt(_) | Stage::Decolorize => {}
        Stage::Label(filter) => of_filter(filter, visit),
        Stage::Drop(picks) | Stage::Keep(picks) => picks.iter().for_each(|pick| match pick {
            LabelPick::Name(name) => visit(name),
            LabelPick::Match(matcher) => visit(matcher.label()),
        }),
    }
}

fn of_filter(filter: &LabelFilter, visit: &mut impl FnMut(&str)) {
    match filter {
        LabelFilter::Match(matcher) => visit(matcher.label()),
        LabelFilter::Compare { label, .. } => visit(label),
        LabelFilter::And(left, right) | LabelFilter::Or(left, right) => {
            of_filter(left, visit);
            of_filter(right, visit);
        }
    }
}
