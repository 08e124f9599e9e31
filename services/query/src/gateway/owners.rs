//! Which service owns which path.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use service_kit::ApiError;

/// A service behind the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Identity,
    Ingest,
    Alerting,
    Webhook,
}

impl Owner {
    pub(crate) const ALL: [Self; 4] = [Self::Identity, Self::Ingest, Self::Alerting, Self::Webhook];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Ingest => "ingest",
            Self::Alerting => "alerting",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first entry that the path equals or lies below decides; `*` is any one segment. Only what is listed is
/// forwarded: the routes between our own services (`/api/v1/internal/…`, `/api/v1/rules/evaluate`) are not.
const OWNERS: &[(&str, Owner)] = &[
    ("/api/services/*/github", Owner::Webhook),
    ("/api/services", Owner::Identity),
    ("/api/auth", Owner::Identity),
    ("/api/me", Owner::Identity),
    ("/api/orgs", Owner::Identity),
    ("/api/members", Owner::Identity),
    ("/api/invites", Owner::Identity),
    ("/api/keys", Owner::Identity),
    ("/api/sessions", Owner::Identity),
    ("/api/tokens", Owner::Identity),
    ("/api/audit", Owner::Identity),
    ("/api/alerts", Owner::Alerting),
    ("/api/v1/heartbeats", Owner::Alerting),
    ("/api/incidents", Owner::Alerting),
    ("/api/channels", Owner::Alerting),
    ("/api/notifications", Owner::Alerting),
    ("/api/silences", Owner::Alerting),
    ("/api/maintenance-windows", Owner::Alerting),
    ("/api/routing", Owner::Alerting),
    ("/api/explain", Owner::Alerting),
    ("/api/acknowledge", Owner::Alerting),
    ("/api/v1/alertmanager", Owner::Alerting),
    ("/api/deployments", Owner::Webhook),
    ("/api/webhooks", Owner::Webhook),
    ("/api/v1/logs/ingest", Owner::Ingest),
    ("/api/v1/webhooks", Owner::Webhook),
    ("/api/v1/deployments", Owner::Webhook),
];

/// The owner of a path as it stands in the request line; `None` when there is none. A path that could mean another one
/// to whoever reads it next is refused.
pub(super) fn of_path(path: &str) -> Result<Option<Owner>, ApiError> {
    let segments: Vec<Cow<'_, str>> = path
        .split('/')
        .skip(1)
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
        .collect();
    let odd = path.contains(|character: char| character == '\\' || character.is_ascii_control());
    if odd || segments.iter().any(|segment| wanders(segment)) {
        return Err(ApiError::invalid(
            "path",
            "has a segment . or .. or a backslash; send the address that it leads to",
        ));
    }
    let owner = OWNERS.iter().find(|(prefix, _)| lies_below(&segments, prefix));
    Ok(owner.map(|(_, owner)| *owner))
}

/// Whether a decoded segment holds a step of a path, also behind an encoded slash.
fn wanders(segment: &str) -> bool {
    segment.split(['/', '\\']).any(|part| part == "." || part == "..")
}

fn lies_below(segments: &[Cow<'_, str>], prefix: &str) -> bool {
    let mut segments = segments.iter();
    prefix.split('/').skip(1).all(|wanted| {
        segments
            .next()
            .is_some_and(|segment| wanted == "*" || wanted == segment)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rstest::rstest]
    #[case("/api/auth/login", Some(Owner::Identity))]
    #[case("/api/me", Some(Owner::Identity))]
    #[case("/api/me/", Some(Owner::Identity))]
    #[case("/api/services", Some(Owner::Identity))]
    #[case("/api/services/6d6e2a0c/keys", Some(Owner::Identity))]
    #[case("/api/services/6d6e2a0c/github", Some(Owner::Webhook))]
    #[case("/api/services/6d6e2a0c/githubs", Some(Owner::Identity))]
    #[case("/api/services/6d6e2a0c%2Fgithub", Some(Owner::Identity))]
    #[case("/api/services/6d6e2a0c/%67ithub", Some(Owner::Webhook))]
    #[case("/api/tokens/6d6e2a0c", Some(Owner::Identity))]
    #[case("/api/incidents/1/notes", Some(Owner::Alerting))]
    #[case("/api/acknowledge/abc", Some(Owner::Alerting))]
    #[case("/api/v1/alertmanager", Some(Owner::Alerting))]
    #[case("/api/v1/logs/ingest", Some(Owner::Ingest))]
    #[case("/api/v1/webhooks/github/1", Some(Owner::Webhook))]
    #[case("/api/v1/deployments", Some(Owner::Webhook))]
    #[case("/api/v1/heartbeats/slh_x", Some(Owner::Alerting))]
    #[case("/api/webhooks/deliveries", Some(Owner::Webhook))]
    #[case("/api/v1/internal/logs/cleanup", None)]
    #[case("/api/v1/%69nternal/logs/cleanup", None)]
    #[case("/api/v1/rules/evaluate", None)]
    #[case("/api/v1", None)]
    #[case("/api/authx", None)]
    #[case("/api//auth", None)]
    #[case("//api/auth", None)]
    #[case("/api%2Fauth", None)]
    #[case("/api/logs/query", None)]
    #[case("/api/", None)]
    #[case("/", None)]
    #[case("", None)]
    fn a_path_belongs_to_one_owner(#[case] path: &str, #[case] expected: Option<Owner>) {
        assert_eq!(of_path(path).unwrap(), expected);
    }

    #[rstest::rstest]
    #[case("/api/auth/../v1/internal/logs/cleanup")]
    #[case("/api/auth/%2e%2E/v1/internal/logs/cleanup")]
    #[case("/api/auth/.%2e/v1/internal")]
    #[case("/api/auth/..%2fv1%2Finternal")]
    #[case("/api/auth/x%2f..%5cv1")]
    #[case("/api/auth/.")]
    #[case("/api/auth\\..\\v1\\internal")]
    #[case("/api/auth/\t../v1/internal")]
    fn a_path_that_wanders_is_refused(#[case] path: &str) {
        assert!(of_path(path).is_err());
    }

    proptest! {
        /// What the URL library makes of a path that we let through has the same owner.
        #[test]
        fn the_owner_is_the_same_for_whoever_reads_the_path_next(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "/", "api", "auth", "services", "github", "v1", "internal", "..", ".", "%2e", "%2F", "%5c", "\\",
                    "%25", "%", "x", ";", "\t", "webhooks", "é", "\"",
                ]),
                0..12,
            ),
        ) {
            let path = format!("/api/{}", parts.concat());
            if let Ok(owner) = of_path(&path) {
                let mut url = url::Url::parse("http://owner:1/").unwrap();
                url.set_path(&path);
                prop_assert_eq!(of_path(url.path()).unwrap(), owner, "{} became {}", path, url.path());
            }
        }
    }
}
