//! Requests that bring a personal access token in place of a session: scripts, Grafana, the command line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use db::auth::{self, TokenUser};
use db::{Db, DbError, causes};
use domain::ids::PersonalTokenId;
use domain::token::TokenHash;
use domain::{api_key, personal_token};

use super::{credentials, kit};
use crate::server::Kit;
use crate::{ApiError, origin};

/// A token as a request carries it, unchecked.
#[derive(Debug, PartialEq, Eq)]
struct Given<'a> {
    raw: Cow<'a, str>,
    /// A browser that was told a Basic password sends it by itself from then on, as it does with cookies.
    may_be_remembered: bool,
}

/// Whose token a request brings, if it brings one: `Authorization: Bearer`, or Basic with any user and the token as the
/// password. Anything without the prefix of our tokens is none of them, such as the password of a proxy in front.
pub(super) async fn user_of(req: &HttpRequest) -> Result<Option<TokenUser>, ApiError> {
    let Some(given) = authorization(req).and_then(given) else {
        return Ok(None);
    };
    if !personal_token::is_well_formed(&given.raw) {
        return Err(ApiError::Unauthorized(
            "the personal access token is malformed; check that it was copied whole".into(),
        ));
    }
    if given.may_be_remembered {
        origin::require_same_origin(req)?;
    }
    let kit = kit(req)?;
    let conn = kit.db.conn("auth.personal_token").await?;
    let found = auth::find_personal_token(&conn, TokenHash::of(&given.raw)).await?;
    drop(conn);
    let user = check(found)?;
    if user.use_is_unnoted {
        kit.token_uses.note(kit, user.token_id);
    }
    Ok(Some(user))
}

/// Says whether a token that was looked up may be used, and why not.
fn check(found: Option<TokenUser>) -> Result<TokenUser, ApiError> {
    let refuse = |message: &str| Err(ApiError::Unauthorized(message.to_owned()));
    match found {
        None => refuse(
            "the personal access token is unknown, or its owner left the organisation; make a new one in the settings",
        ),
        Some(user) if user.revoked => {
            refuse("the personal access token was revoked; make a new one in the settings")
        }
        Some(user) if user.expired => {
            refuse("the personal access token has expired; make a new one in the settings")
        }
        Some(user) => Ok(user),
    }
}

/// Whether a request brings an API key where a person is asked for: the likeliest mistake.
pub(super) fn is_api_key_instead(req: &HttpRequest) -> bool {
    let secret = authorization(req).and_then(credentials);
    secret.is_some_and(|secret| secret.starts_with(api_key::PREFIX))
}

fn authorization(req: &HttpRequest) -> Option<&str> {
    req.headers().get(AUTHORIZATION)?.to_str().ok()
}

fn given(header: &str) -> Option<Given<'_>> {
    let (scheme, _secret) = header.trim().split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    if !is_basic && !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let raw = credentials(header)?;
    raw.starts_with(personal_token::PREFIX).then_some(Given {
        raw,
        may_be_remembered: is_basic,
    })
}

/// Notes when tokens were last used: off the request's path, and not twice at a time for one token.
#[derive(Clone, Debug, Default)]
pub struct TokenUses {
    being_noted: Arc<Mutex<HashSet<PersonalTokenId>>>,
}

impl TokenUses {
    fn note(&self, kit: &Kit, id: PersonalTokenId) {
        if !self.lock().insert(id) {
            return;
        }
        let (db, uses) = (kit.db.clone(), self.clone());
        kit.tasks.spawn(async move {
            if let Err(error) = touch(&db, id).await {
                tracing::debug!(error = causes::chain(&error), "a token's use was not noted");
            }
            uses.lock().remove(&id);
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<PersonalTokenId>> {
        self.being_noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn touch(db: &Db, id: PersonalTokenId) -> Result<(), DbError> {
    let conn = db.conn("auth.touch_personal_token").await?;
    auth::touch_personal_token(&conn, id).await
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn token() -> String {
        personal_token::mint(|| 7)
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[rstest::rstest]
    #[case(format!("Bearer {}", token()), false)]
    #[case(format!(" bearer   {} ", token()), false)]
    #[case(basic(&format!("grafana:{}", token())), true)]
    #[case(basic(&format!(":{}", token())), true)]
    fn a_token_is_found_where_clients_put_it(#[case] header: String, #[case] may_be_remembered: bool) {
        let raw = Cow::Owned(token());
        assert_eq!(
            given(&header),
            Some(Given {
                raw,
                may_be_remembered
            })
        );
    }

    #[rstest::rstest]
    #[case("")]
    #[case("Bearer")]
    #[case(&token())]
    #[case(&format!("Splunk {}", token()))]
    #[case(&format!("Bearer {}", api_key::mint(|| 7)))]
    #[case("Bearer sls_x")]
    #[case("Basic ???")]
    #[case(&basic("proxy:password"))]
    #[case(&basic(&format!("{}:", token())))]
    fn what_is_no_token_leaves_the_session_to_decide(#[case] header: &str) {
        assert_eq!(given(header), None);
    }
}
