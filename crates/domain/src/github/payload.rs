//! The part of a delivery that the rules read, picked out while the rest is skipped.
//!
//! GitHub sends up to 25 MiB; parsed as a whole that would be some 300 MB. What is picked is at most a few dozen short
//! values, so it is also what is stored, and what a replay reads again.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What is kept of one place in a delivery.
enum Keep {
    /// A text (cleaned of NUL and cut), a whole number or a truth value.
    Plain,
    /// A list of such.
    List,
    /// An object's members by name.
    Members(&'static [(&'static str, Keep)]),
}

/// Longest text that is kept, in characters: a commit message of a few screens.
const MAX_TEXT_CHARS: usize = 4_000;
/// Longest list that is kept: GitHub has some 70 kinds of events.
const MAX_LIST: usize = 100;

use Keep::{List, Members, Plain};

const REPOSITORY: Keep = Members(&[("id", Plain), ("full_name", Plain), ("default_branch", Plain)]);
const ACCOUNT: Keep = Members(&[("login", Plain)]);
const WORKFLOW_RUN: Keep = Members(&[
    ("id", Plain),
    ("name", Plain),
    ("run_attempt", Plain),
    ("event", Plain),
    ("status", Plain),
    ("conclusion", Plain),
    ("head_branch", Plain),
    ("head_sha", Plain),
    ("head_commit", Members(&[("message", Plain)])),
    ("head_repository", REPOSITORY),
    ("html_url", Plain),
    ("actor", ACCOUNT),
    ("triggering_actor", ACCOUNT),
    ("run_started_at", Plain),
    ("updated_at", Plain),
]);
const DEPLOYMENT: Keep = Members(&[
    ("id", Plain),
    ("environment", Plain),
    ("task", Plain),
    ("ref", Plain),
    ("sha", Plain),
    ("creator", ACCOUNT),
    ("created_at", Plain),
    ("updated_at", Plain),
]);
const DEPLOYMENT_STATUS: Keep = Members(&[
    ("state", Plain),
    ("environment", Plain),
    ("log_url", Plain),
    ("target_url", Plain),
    ("created_at", Plain),
    ("updated_at", Plain),
]);
const DELIVERY: Keep = Members(&[
    ("action", Plain),
    ("repository", REPOSITORY),
    ("sender", ACCOUNT),
    ("hook", Members(&[("events", List)])),
    ("workflow", Members(&[("name", Plain)])),
    ("workflow_run", WORKFLOW_RUN),
    ("deployment", DEPLOYMENT),
    ("deployment_status", DEPLOYMENT_STATUS),
]);

/// What was picked out of a delivery. Anything may be missing or of another kind than expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload(Value);

#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    #[error("the body is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the body is JSON but not an object")]
    NotAnObject,
}

impl Payload {
    /// Picks the fields out of a delivery's body.
    pub fn parse(body: &[u8]) -> Result<Self, PayloadError> {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let picked = Pick(&DELIVERY).deserialize(&mut deserializer)?;
        deserializer.end()?;
        match picked {
            Value::Object(_) => Ok(Self(picked)),
            _ => Err(PayloadError::NotAnObject),
        }
    }

    /// What an earlier [`Payload::parse`] picked and the database kept.
    pub fn from_stored(stored: Value) -> Self {
        Self(stored)
    }

    /// What to store. Free of NUL, which `jsonb` refuses.
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// The text at a JSON pointer such as `/workflow_run/name`; blank counts as missing.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        let text = self.0.pointer(pointer)?.as_str()?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// The whole, positive number at a JSON pointer.
    pub(super) fn number(&self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer)?.as_u64().filter(|number| *number > 0)
    }

    /// The texts in the list at a JSON pointer.
    pub(super) fn texts(&self, pointer: &str) -> Option<Vec<&str>> {
        let list = self.0.pointer(pointer)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).collect())
    }
}

/// Builds a value of what is to be kept, and skips everything else without building it. A place that holds another
/// kind than expected counts as null.
struct Pick<'a>(&'a Keep);

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Pick<'_> {
    fn plain(&self, value: impl Into<Value>) -> Value {
        match self.0 {
            Plain => value.into(),
            List | Members(_) => Value::Null,
        }
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(self.plain(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(self.plain(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(self.plain(value))
    }

    fn visit_f64<E>(self, _fraction: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        let kept = value.chars().filter(|&c| c != '\0').take(MAX_TEXT_CHARS);
        Ok(self.plain(kept.collect::<String>()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        if let List = self.0 {
            while kept.len() < MAX_LIST
                && let Some(item) = list.next_element_seed(Pick(&Plain))?
            {
                kept.push(item);
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(match self.0 {
            List => kept.into(),
            Plain | Members(_) => Value::Null,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let Members(members) = self.0 else {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut kept = serde_json::Map::new();
        while let Some(key) = object.next_key::<String>()? {
            match members.iter().find(|(name, _)| *name == key) {
                Some((name, keep)) => {
                    kept.insert((*name).to_owned(), object.next_value_seed(Pick(keep))?);
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(kept.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(json: &Value) -> Payload {
        Payload::parse(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn only_what_the_rules_read_is_kept() {
        let payload = parse(&json!({
            "action": "completed",
            "installation": {"id": 7},
            "workflow_run": {"id": 9, "jobs": [{"steps": [1, 2]}], "actor": {"login": "ann", "email": "a@b.c"}},
            "hook": {"events": ["push", {"x": 1}, "deployment"], "config": {"secret": "********"}},
        }));
        assert_eq!(
            payload.as_json(),
            &json!({
                "action": "completed",
                "workflow_run": {"id": 9, "actor": {"login": "ann"}},
                "hook": {"events": ["push", null, "deployment"]},
            })
        );
        assert_eq!(payload.number("/workflow_run/id"), Some(9));
        assert_eq!(payload.texts("/hook/events"), Some(vec!["push", "deployment"]));
    }

    #[test]
    fn a_place_that_holds_another_kind_counts_as_missing() {
        let payload = parse(&json!({
            "repository": "acme/shop", "workflow_run": [1], "sender": null, "action": {"a": 1}, "hook": {"events": "*"},
        }));
        assert_eq!(payload.text("/repository/full_name"), None);
        assert_eq!(payload.number("/workflow_run/id"), None);
        assert_eq!(payload.text("/action"), None);
        assert_eq!(payload.texts("/hook/events"), None);
    }

    #[rstest::rstest]
    #[case(json!(9), Some(9))]
    #[case(json!(u64::MAX), Some(u64::MAX))]
    #[case(json!(0), None)]
    #[case(json!(-1), None)]
    #[case(json!(1.5), None)]
    #[case(json!("9"), None)]
    fn a_number_is_whole_and_positive(#[case] id: Value, #[case] expected: Option<u64>) {
        assert_eq!(
            parse(&json!({"deployment": {"id": id}})).number("/deployment/id"),
            expected
        );
    }

    #[test]
    fn texts_lose_nul_and_are_cut() {
        let payload = parse(&json!({"action": format!("a\0b{}", "é".repeat(10_000))}));
        let text = payload.text("/action").unwrap();
        assert!(text.starts_with("abé"));
        assert_eq!(text.chars().count(), MAX_TEXT_CHARS);
    }

    #[test]
    fn the_last_of_two_members_of_one_name_counts_as_in_any_browser() {
        let payload = Payload::parse(br#"{"action": "one", "action": "two"}"#).unwrap();
        assert_eq!(payload.text("/action"), Some("two"));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("{")]
    #[case("{} {}")]
    #[case("payload=%7B%7D")]
    #[case("{\"action\": \"\\ud800\"}")]
    #[case("[]")]
    #[case("null")]
    #[case("\u{feff}{}")]
    fn what_is_not_one_json_object_is_refused(#[case] body: &str) {
        assert!(Payload::parse(body.as_bytes()).is_err());
    }

    #[test]
    fn a_deep_or_huge_body_neither_overflows_nor_is_kept() {
        let deep = format!("{{\"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Payload::parse(deep.as_bytes()).unwrap().as_json(), &json!({}));
        let kept = format!("{{\"action\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Payload::parse(kept.as_bytes()).unwrap().text("/action"), None);
        let wide = format!("{{\"hook\": {{\"events\": [{}1]}}}}", "1,".repeat(1_000_000));
        let kept = Payload::parse(wide.as_bytes()).unwrap();
        assert_eq!(
            kept.as_json()["hook"]["events"].as_array().unwrap().len(),
            MAX_LIST
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let names = prop::sample::select(vec![
            "action",
            "repository",
            "workflow_run",
            "hook",
            "events",
            "id",
            "name",
            "head_commit",
            "message",
            "other",
        ]);
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn picking_twice_picks_the_same(json in any_json()) {
            if let Ok(once) = Payload::parse(json.to_string().as_bytes()) {
                prop_assert_eq!(&parse(once.as_json()), &once);
                prop_assert!(!once.as_json().to_string().contains("\\u0000"));
            }
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Payload::parse(&bytes);
        }
    }
}
