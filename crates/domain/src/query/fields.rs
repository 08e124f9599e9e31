//! What fields lines have.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::query::Line;

/// Longest name of a field that is told, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// Different fields that are told: the most frequent ones.
const MAX_FIELDS: usize = 500;
/// Different fields that are counted meanwhile. When there are more, the rarer half is forgotten.
const MAX_COUNTED: usize = 10_000;
/// Levels of objects that are looked into.
const MAX_DEPTH: usize = 8;

/// What was seen of the metadata of some lines.
#[derive(Debug, Default)]
pub struct Seen {
    pub lines: u64,
    pub with_trace_id: u64,
    pub with_request_id: u64,
    /// By path.
    pub fields: BTreeMap<String, SeenField>,
    /// There were more.
    pub is_cut: bool,
}

#[derive(Debug, Default)]
pub struct SeenField {
    pub lines: u64,
    /// Of JSON, each once: `boolean`, `number`, `string`, `null`.
    pub types: Vec<&'static str>,
}

impl Seen {
    pub fn add(&mut self, line: &Line<'_>) {
        self.lines += 1;
        self.with_trace_id += u64::from(line.trace_id.is_some());
        self.with_request_id += u64::from(line.request_id.is_some());
        let mut paths = BTreeMap::new();
        if let Some(meta) = line.meta {
            collect(meta, &mut String::new(), 0, &mut paths);
        }
        for (path, kind) in paths {
            if self.fields.len() >= MAX_COUNTED && !self.fields.contains_key(&path) {
                self.keep(MAX_COUNTED / 2);
            }
            let field = self.fields.entry(path).or_default();
            field.lines += 1;
            if !field.types.contains(&kind) {
                field.types.push(kind);
            }
        }
    }

    /// What is told of it.
    pub fn most_frequent(mut self) -> Self {
        self.keep(MAX_FIELDS);
        self
    }

    /// Lets go of all but the most frequent; of equally frequent ones those that come first by name stay.
    fn keep(&mut self, most: usize) {
        if self.fields.len() <= most {
            return;
        }
        self.is_cut = true;
        let mut fields: Vec<_> = std::mem::take(&mut self.fields).into_iter().collect();
        fields.sort_by_key(|(_, field)| std::cmp::Reverse(field.lines));
        fields.truncate(most);
        self.fields = fields.into_iter().collect();
    }
}

/// The paths that have values, and of what type the last of each is.
fn collect(value: &Value, path: &mut String, depth: usize, into: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Object(map) if depth < MAX_DEPTH => {
            for (name, value) in map {
                let length = path.len();
                if depth > 0 {
                    path.push('.');
                }
                path.push_str(name);
                collect(value, path, depth + 1, into);
                path.truncate(length);
            }
            return;
        }
        Value::Array(items) => {
            return items
                .iter()
                .take(16)
                .for_each(|item| collect(item, path, depth, into));
        }
        Value::Object(_) => return,
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
    };
    if path.len() <= MAX_NAME_BYTES {
        into.insert(path.clone(), kind);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::level::Level;

    #[test]
    fn fields_are_told_by_path_with_their_types_and_their_share() {
        let mut seen = Seen::default();
        for meta in [
            json!({"http": {"status": 500, "path": "/a"}, "tags": ["a", 1]}),
            json!({"http": {"status": "500"}}),
            json!({}),
        ] {
            seen.add(&Line {
                ts: OffsetDateTime::UNIX_EPOCH,
                level: Level::Info,
                message: "",
                meta: Some(&meta),
                trace_id: None,
                request_id: Some("r"),
                service: "",
                environment: "",
            });
        }
        assert_eq!((seen.lines, seen.with_trace_id, seen.with_request_id), (3, 0, 3));
        let fields: Vec<_> = seen
            .fields
            .iter()
            .map(|(path, field)| (path.as_str(), field.lines, field.types.clone()))
            .collect();
        assert_eq!(
            fields,
            [
                ("http.path", 1, vec!["string"]),
                ("http.status", 2, vec!["number", "string"]),
                ("tags", 1, vec!["number"]),
            ]
        );
    }

    fn seen_in(metas: &[Value]) -> Seen {
        let mut seen = Seen::default();
        for meta in metas {
            seen.add(&Line {
                ts: OffsetDateTime::UNIX_EPOCH,
                level: Level::Info,
                message: "",
                meta: Some(meta),
                trace_id: None,
                request_id: None,
                service: "",
                environment: "",
            });
        }
        seen
    }

    #[test]
    fn of_endless_fields_the_most_frequent_are_told() {
        // By name, what all lines have comes last.
        let wide = |line: usize| {
            let own = (0..600).map(|n| (format!("k{line}.{n}"), json!(n)));
            Value::Object(own.chain([("zone".to_owned(), json!("eu"))]).collect())
        };
        let lines: Vec<Value> = (0..40).map(wide).collect();
        let seen = seen_in(&lines);
        assert!(seen.fields.len() <= MAX_COUNTED);
        let told = seen.most_frequent();
        assert!(told.is_cut);
        assert_eq!((told.fields.len(), told.fields["zone"].lines), (MAX_FIELDS, 40));
    }

    #[test]
    fn few_fields_are_all_told() {
        let told = seen_in(&[json!({"b": 1}), json!({"a": 1})]).most_frequent();
        assert!(!told.is_cut);
        assert_eq!(told.fields.keys().collect::<Vec<_>>(), ["a", "b"]);
    }
}
