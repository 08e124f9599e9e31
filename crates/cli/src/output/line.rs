//! One log line.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::style::{Painter, of_level};
use super::{fields, harmless};
use crate::args::{FormArgs, When};
use crate::config::Environment;
use crate::times::Clockface;

/// What of a line people read.
#[derive(Debug, Deserialize)]
struct Line {
    timestamp: String,
    level: String,
    message: String,
    #[serde(default)]
    meta: Option<Value>,
    #[serde(default)]
    trace_id: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    service: String,
    #[serde(default)]
    environment: String,
}

/// How lines are written.
#[derive(Clone, Debug)]
pub(crate) enum LineForm {
    /// As the server sent them.
    Json,
    Text(Painter, Clockface),
}

impl LineForm {
    pub(crate) fn new(form: FormArgs, color: When, environment: &Environment) -> Self {
        if super::style::is_json(form) {
            Self::Json
        } else {
            Self::Text(Painter::new(color, environment), Clockface::new(form.utc))
        }
    }

    /// Without a line feed at the end.
    pub(crate) fn write(&self, raw: &RawValue) -> anyhow::Result<String> {
        match self {
            Self::Json => Ok(harmless::json(raw.get())),
            Self::Text(painter, clockface) => {
                let line: Line =
                    serde_json::from_str(raw.get()).context("the server sent a line that is none")?;
                Ok(text(&line, *painter, clockface))
            }
        }
    }
}

fn text(line: &Line, painter: Painter, clockface: &Clockface) -> String {
    let level = harmless::inline(&line.level);
    let place = harmless::inline(&format!("{}/{}", line.service, line.environment));
    let mut out = format!(
        "{} {} {} {}",
        painter.dim(&harmless::inline(&clockface.show(&line.timestamp))),
        painter.paint(of_level(&line.level), &format!("{:5}", level.to_uppercase())),
        painter.bold(&place),
        harmless::block(&line.message),
    );
    let ids = [("trace_id", &line.trace_id), ("request_id", &line.request_id)];
    let ids = ids
        .into_iter()
        .filter_map(|(name, id)| Some((name.to_owned(), harmless::inline(id.as_deref()?))));
    let meta = line
        .meta
        .as_ref()
        .filter(|meta| !meta.is_null())
        .map(fields::flat);
    for (name, value) in meta.into_iter().flatten().chain(ids) {
        out.push(' ');
        out.push_str(&painter.dim(&format!("{name}={value}")));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(form: &LineForm, line: &Value) -> String {
        form.write(&serde_json::value::to_raw_value(line).unwrap())
            .unwrap()
    }

    fn line(message: &str) -> Value {
        json!({"id": "x", "timestamp": "2026-01-31T11:59:58.123456Z", "level": "error", "message": message, "meta": {"order": 4711},
               "trace_id": "t-1", "request_id": null, "service": "checkout", "environment": "production"})
    }

    #[test]
    fn people_read_time_level_place_message_and_fields() {
        let form = LineForm::Text(Painter::fixed(false), Clockface::utc());
        assert_eq!(
            written(&form, &line("payment failed")),
            "2026-01-31 11:59:58.123 ERROR checkout/production payment failed order=4711 trace_id=t-1"
        );
    }

    #[test]
    fn only_our_own_colours_reach_the_terminal() {
        let form = LineForm::Text(Painter::fixed(true), Clockface::utc());
        let text = written(&form, &line("\u{1b}[32mfine\u{1b}[0m\nERROR forged"));
        assert!(
            text.contains("\\x1b[32mfine\\x1b[0m\n    ERROR forged"),
            "{text:?}"
        );
        assert!(text.contains("\u{1b}[31mERROR\u{1b}[0m"), "{text:?}");
    }

    #[test]
    fn programs_get_what_the_server_sent() {
        let line = line("tab\tand \u{1b}");
        let text = written(&LineForm::Json, &line);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), line);
        assert_eq!(text.lines().count(), 1);
    }
}
