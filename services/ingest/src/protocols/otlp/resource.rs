//! Where a resource belongs, by its attributes.

use domain::destination::Destination;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;

use crate::routing::Wish;

// Names of OpenTelemetry's semantic conventions.
const SERVICE: &str = "service.name";
const ENVIRONMENT: &str = "deployment.environment.name";
/// Until version 1.27 of the conventions.
const OLD_ENVIRONMENT: &str = "deployment.environment";

/// What is no text names nothing.
pub(super) fn wish_of(attributes: &[KeyValue]) -> Wish {
    let environment = text(attributes, ENVIRONMENT).or_else(|| text(attributes, OLD_ENVIRONMENT));
    Destination::of(text(attributes, SERVICE), environment)
}

/// Of several of one name the last counts, as in `meta`.
fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let attribute = attributes.iter().rfind(|attribute| attribute.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::AnyValue;

    use super::*;

    fn pair(key: &str, value: Any) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        }
    }

    #[rstest::rstest]
    #[case(&[], None)]
    #[case(&[("service.name", "a"), ("service.name", "b")], Some(r#"service "b""#))]
    #[case(&[("deployment.environment", "old")], Some(r#"environment "old""#))]
    #[case(&[("deployment.environment.name", "new"), ("deployment.environment", "old"), ("service.name", "a")],
        Some(r#"environment "new" of service "a""#))]
    #[case(&[("service.namespace", "n")], None)]
    fn a_resource_names_its_service_and_environment(
        #[case] attributes: &[(&str, &str)],
        #[case] expected: Option<&str>,
    ) {
        let attributes: Vec<KeyValue> = attributes
            .iter()
            .map(|(key, value)| pair(key, Any::StringValue((*value).to_owned())))
            .collect();
        let wish = wish_of(&attributes).unwrap();
        assert_eq!(wish.map(|wish| wish.to_string()).as_deref(), expected);
    }

    #[test]
    fn what_is_no_text_names_nothing() {
        assert_eq!(wish_of(&[pair("service.name", Any::IntValue(7))]), Ok(None));
    }
}
