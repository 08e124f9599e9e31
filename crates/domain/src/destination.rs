//! Where log lines say that they belong, by name. Whether they may go there is their key's to say.

use crate::name::{InvalidName, Name};

/// What is named. What is not is the key's own: its service, and the environment of the name that its environment has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    Service(Name),
    Environment(Name),
    Both { service: Name, environment: Name },
}

/// Which of the two names is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidDestination {
    #[error("the name of the service {0}")]
    Service(InvalidName),
    #[error("the name of the environment {0}")]
    Environment(InvalidName),
}

/// What OpenTelemetry's SDKs say where nobody named the service, alone or with `:` and the name of the program (semantic
/// conventions, `service.name`).
const UNNAMED: &str = "unknown_service";

impl Destination {
    /// `None` when neither is named.
    pub fn of(service: Option<&str>, environment: Option<&str>) -> Result<Option<Self>, InvalidDestination> {
        let service = service
            .filter(|name| !is_unnamed(name))
            .map(str::parse)
            .transpose();
        let environment = environment.map(str::parse).transpose();
        let service = service.map_err(InvalidDestination::Service)?;
        let environment = environment.map_err(InvalidDestination::Environment)?;
        Ok(match (service, environment) {
            (None, None) => None,
            (Some(service), None) => Some(Self::Service(service)),
            (None, Some(environment)) => Some(Self::Environment(environment)),
            (Some(service), Some(environment)) => Some(Self::Both { service, environment }),
        })
    }

    pub fn service(&self) -> Option<&Name> {
        match self {
            Self::Service(service) | Self::Both { service, .. } => Some(service),
            Self::Environment(_) => None,
        }
    }

    pub fn environment(&self) -> Option<&Name> {
        match self {
            Self::Environment(environment) | Self::Both { environment, .. } => Some(environment),
            Self::Service(_) => None,
        }
    }
}

fn is_unnamed(service: &str) -> bool {
    let rest = service.trim().strip_prefix(UNNAMED);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(service) => write!(f, "service {:?}", service.as_str()),
            Self::Environment(environment) => write!(f, "environment {:?}", environment.as_str()),
            Self::Both { service, environment } => {
                write!(
                    f,
                    "environment {:?} of service {:?}",
                    environment.as_str(),
                    service.as_str()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(service: Option<&str>, environment: Option<&str>) -> Result<Option<String>, InvalidDestination> {
        Ok(Destination::of(service, environment)?.map(|destination| destination.to_string()))
    }

    #[rstest::rstest]
    #[case(None, None, None)]
    #[case(Some("shop"), None, Some(r#"service "shop""#))]
    #[case(Some(" shop "), Some("qa"), Some(r#"environment "qa" of service "shop""#))]
    #[case(None, Some("qa"), Some(r#"environment "qa""#))]
    #[case(Some("unknown_service"), None, None)]
    #[case(Some("unknown_service:java"), Some("qa"), Some(r#"environment "qa""#))]
    #[case(Some("unknown_service_2"), None, Some(r#"service "unknown_service_2""#))]
    fn lines_go_where_they_say(
        #[case] service: Option<&str>,
        #[case] environment: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(shown(service, environment), Ok(expected.map(str::to_owned)));
    }

    #[rstest::rstest]
    #[case(Some(""), None, InvalidDestination::Service(InvalidName::Blank))]
    #[case(
        Some("a\nb"),
        Some("qa"),
        InvalidDestination::Service(InvalidName::ControlCharacter)
    )]
    #[case(Some("shop"), Some(" "), InvalidDestination::Environment(InvalidName::Blank))]
    fn what_is_no_name_names_nothing(
        #[case] service: Option<&str>,
        #[case] environment: Option<&str>,
        #[case] reason: InvalidDestination,
    ) {
        assert_eq!(shown(service, environment), Err(reason));
    }
}
