//! What a search is limited to, read from its parameters.

use db::scopes::NamedScope;
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::{Level, UnknownLevel};
use domain::words::{self, WordQuery};
use service_kit::ApiError;

/// Longest text of a search, in bytes.
const MAX_QUERY_BYTES: usize = 4_096;
/// More words than this match next to nothing, and cost time on every line.
const MAX_WORDS: usize = 64;

/// Reads the words to look for. Blank text looks for everything (`None`); text without any word would as well, which is
/// hardly what was meant.
pub(crate) fn words(text: Option<&str>) -> Result<Option<WordQuery>, ApiError> {
    let text = text.unwrap_or("").trim();
    if text.len() > MAX_QUERY_BYTES {
        return Err(ApiError::invalid(
            "q",
            format!("is longer than {MAX_QUERY_BYTES} bytes"),
        ));
    }
    let count = words::words(text).count();
    if count > MAX_WORDS {
        return Err(ApiError::invalid(
            "q",
            format!("has more than {MAX_WORDS} words; the rarest few are enough"),
        ));
    }
    if count == 0 && !text.is_empty() {
        return Err(ApiError::invalid(
            "q",
            "has no word to look for; a word has letters or digits",
        ));
    }
    Ok(Some(WordQuery::parse(text)).filter(|words| !words.is_empty()))
}

/// Reads a comma-separated list of levels; absent or blank means all.
pub(crate) fn levels(text: Option<&str>) -> Result<Vec<Level>, ApiError> {
    let text = text.unwrap_or("").trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut levels: Vec<Level> = text
        .split(',')
        .map(str::parse)
        .collect::<Result<_, UnknownLevel>>()
        .map_err(|error| {
            ApiError::invalid(
                "level",
                format!("is not understood: {error}, or several with commas"),
            )
        })?;
    levels.sort_unstable();
    levels.dedup();
    Ok(levels)
}

/// Which services and environments are meant, by id or by name; everything where nothing is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeFilter {
    pub(crate) service_id: Option<ServiceId>,
    pub(crate) service: Option<String>,
    pub(crate) environment_id: Option<EnvironmentId>,
    pub(crate) environment: Option<String>,
}

impl ScopeFilter {
    /// The scopes that are meant. What names nothing of this organisation is a 404, be it another's or nobody's.
    pub(crate) fn select(&self, mut scopes: Vec<NamedScope>) -> Result<Vec<NamedScope>, ApiError> {
        let (service, environment) = (named(self.service.as_deref()), named(self.environment.as_deref()));
        scopes.retain(|scope| {
            self.service_id.is_none_or(|id| id == scope.service_id)
                && service.is_none_or(|name| name == scope.service)
        });
        if scopes.is_empty() && (self.service_id.is_some() || service.is_some()) {
            return Err(ApiError::NotFound { what: "service" });
        }
        scopes.retain(|scope| {
            self.environment_id.is_none_or(|id| id == scope.environment_id)
                && environment.is_none_or(|name| name == scope.environment)
        });
        if scopes.is_empty() && (self.environment_id.is_some() || environment.is_some()) {
            return Err(ApiError::NotFound { what: "environment" });
        }
        Ok(scopes)
    }
}

/// A name that was given; forms send blank ones.
fn named(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn scope(service: &str, environment: &str) -> NamedScope {
        NamedScope {
            service_id: ServiceId::generate(),
            service: service.to_owned(),
            environment_id: EnvironmentId::generate(),
            environment: environment.to_owned(),
            oldest: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn selected(filter: &ScopeFilter, scopes: &[NamedScope]) -> Result<Vec<String>, &'static str> {
        match filter.select(scopes.to_vec()) {
            Ok(scopes) => Ok(scopes
                .iter()
                .map(|scope| format!("{}/{}", scope.service, scope.environment))
                .collect()),
            Err(ApiError::NotFound { what }) => Err(what),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn scopes_are_chosen_by_id_or_name_and_what_is_unknown_is_not_found() {
        let scopes = [
            scope("web", "production"),
            scope("web", "staging"),
            scope("db", "production"),
        ];
        let by_name = |service: &str, environment: &str| ScopeFilter {
            service: Some(service.to_owned()),
            environment: Some(environment.to_owned()),
            ..ScopeFilter::default()
        };
        assert_eq!(selected(&by_name("", ""), &scopes).unwrap().len(), 3);
        assert_eq!(
            selected(&by_name("web", ""), &scopes).unwrap(),
            ["web/production", "web/staging"]
        );
        assert_eq!(
            selected(&by_name("", "production"), &scopes).unwrap(),
            ["web/production", "db/production"]
        );
        assert_eq!(selected(&by_name("WEB", ""), &scopes), Err("service"));
        assert_eq!(selected(&by_name("db", "staging"), &scopes), Err("environment"));

        let by_id = |service_id, environment_id| ScopeFilter {
            service_id,
            environment_id,
            ..ScopeFilter::default()
        };
        let one = &scopes[1];
        assert_eq!(
            selected(&by_id(Some(one.service_id), Some(one.environment_id)), &scopes).unwrap(),
            ["web/staging"]
        );
        assert_eq!(
            selected(&by_id(Some(ServiceId::generate()), None), &scopes),
            Err("service")
        );
        assert_eq!(
            selected(&by_id(None, Some(EnvironmentId::generate())), &scopes),
            Err("environment")
        );
    }

    #[test]
    fn an_organisation_without_services_has_no_lines_and_no_error_unless_one_is_named() {
        assert_eq!(
            selected(&ScopeFilter::default(), &[]).unwrap(),
            Vec::<String>::new()
        );
        let named = ScopeFilter {
            service: Some("web".to_owned()),
            ..ScopeFilter::default()
        };
        assert_eq!(selected(&named, &[]), Err("service"));
    }

    #[rstest::rstest]
    #[case(None, true)]
    #[case(Some("   "), true)]
    #[case(Some("Überlauf \u{1}\u{2} 日本"), true)]
    #[case(Some("-> !!"), false)]
    #[case(Some("\u{0}"), false)]
    fn text_without_a_word_is_refused(#[case] text: Option<&str>, #[case] expected: bool) {
        assert_eq!(words(text).is_ok(), expected);
    }

    #[test]
    fn a_search_is_bounded_in_length_and_words() {
        assert!(words(Some(&"x".repeat(4_096))).is_ok());
        assert!(words(Some(&"x".repeat(4_097))).is_err());
        assert!(words(Some(&"x ".repeat(65))).is_err());
    }

    #[test]
    fn levels_are_read_from_a_list() {
        assert_eq!(levels(None).unwrap(), []);
        assert_eq!(
            levels(Some("fatal, ERROR,err")).unwrap(),
            [Level::Error, Level::Fatal]
        );
        assert!(levels(Some("error,")).is_err());
        assert!(levels(Some("loud")).is_err());
    }
}
