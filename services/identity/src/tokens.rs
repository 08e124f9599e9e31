//! Making and ending personal access tokens. A raw token exists only here and in one answer.

use std::time::Duration;

use db::TenantTx;
use db::audit_logs;
use db::personal_access_tokens::{self, NewPersonalToken, PersonalToken};
use domain::ids::PersonalTokenId;
use domain::name::Name;
use domain::personal_token;
use domain::role::Role;
use domain::token::TokenHash;
use service_kit::access::{Credential, Member};
use service_kit::{ApiError, secrets};

use crate::audit::{entry, seen};
use crate::quotas::LIVE_TOKENS_PER_MEMBER;
use crate::routes::tokens::TokenView;

/// What a new token is for.
pub(crate) struct TokenPlan<'a> {
    pub(crate) name: &'a Name,
    pub(crate) role: Role,
    /// For ever when absent.
    pub(crate) lifetime: Option<Duration>,
}

/// A token and its raw form, to be shown once.
pub(crate) struct MintedToken {
    pub(crate) token: PersonalToken,
    pub(crate) raw: String,
}

pub(crate) async fn create(
    tx: &TenantTx<'_>,
    caller: &Member,
    plan: &TokenPlan<'_>,
) -> Result<MintedToken, ApiError> {
    if !caller.role.at_least(plan.role) {
        let message = format!("must be at most your own, which is {}", caller.role);
        return Err(ApiError::invalid("role", message));
    }
    LIVE_TOKENS_PER_MEMBER.admit(personal_access_tokens::count_live(tx, caller.user_id).await?)?;
    let raw = personal_token::mint(secrets::random_byte);
    let token = NewPersonalToken {
        user_id: caller.user_id,
        name: plan.name.as_str(),
        role: plan.role,
        token_prefix: raw.get(..personal_token::SHOWN_CHARS).unwrap_or_default(),
        hash: TokenHash::of(&raw),
        lifetime: plan.lifetime,
    };
    let token = match personal_access_tokens::create(tx, &token).await {
        // Removed from the organisation at this very moment.
        Err(error) if error.violates_foreign_key() => return Err(ApiError::NotFound { what: "member" }),
        created => created?,
    };
    let after = seen(&TokenView::of(token.clone(), caller));
    let created = entry("personal_token.create", token.id.0, None, after);
    audit_logs::add(tx, &caller.actor, created).await?;
    Ok(MintedToken { token, raw })
}

/// Ends a token from the next request on. Nothing happens to one that is revoked already.
pub(crate) async fn revoke(tx: &TenantTx<'_>, caller: &Member, id: PersonalTokenId) -> Result<(), ApiError> {
    const NOT_FOUND: ApiError = ApiError::NotFound {
        what: "personal access token",
    };
    let token = personal_access_tokens::lock(tx, id).await?.ok_or(NOT_FOUND)?;
    may_revoke(caller, &token)?;
    if token.revoked_at.is_some() {
        return Ok(());
    }
    personal_access_tokens::revoke(tx, id).await?;
    let before = seen(&TokenView::of(token, caller));
    let revoked = entry("personal_token.revoke", id.0, before, None);
    Ok(audit_logs::add(tx, &caller.actor, revoked).await?)
}

/// An admin may end any token of the organisation, everybody else their own. A token that leaked must not end the others
/// of its owner, so one that is no admin's ends itself only.
fn may_revoke(caller: &Member, token: &PersonalToken) -> Result<(), ApiError> {
    if caller.role.at_least(Role::Admin) {
        return Ok(());
    }
    if caller.user_id != token.user_id {
        // Nor do they see it in a list.
        return Err(ApiError::NotFound {
            what: "personal access token",
        });
    }
    match caller.credential {
        Credential::PersonalToken(own) if own != token.id => Err(ApiError::Refused(
            "a personal access token can revoke itself only; log in to revoke another".into(),
        )),
        Credential::PersonalToken(_) | Credential::Session(_) => Ok(()),
    }
}
