//! Opening a session, and what the browser is given for it.

use std::net::IpAddr;

use actix_web::http::header::{CACHE_CONTROL, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use db::sessions::{self, NewSession};
use db::users::Account;
use db::{DbError, Transaction, orgs::Membership};
use domain::ids::{OrgId, UserId};
use domain::token::{self, TokenHash};
use service_kit::access::{self, SESSION_MAX_AGE, SESSION_PREFIX};
use service_kit::{ApiError, Data, Kit, client_ip, secrets};

use crate::app::State;
use crate::cookies;
use crate::quotas::SESSIONS_PER_USER;
use crate::routes::me::{OrgView, SignedInView, UserView};

/// Where a request to come in is from.
pub(crate) struct Visitor {
    pub(crate) ip: Option<IpAddr>,
    user_agent: Option<String>,
    /// The session that the browser already had; a new one takes its place.
    earlier: Option<TokenHash>,
}

impl Visitor {
    /// Of a user agent, what tells devices apart.
    const USER_AGENT_CHARS: usize = 300;

    pub(crate) fn of(req: &HttpRequest, kit: &Kit) -> Self {
        let user_agent = req.headers().get(USER_AGENT).map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.chars()
                .filter(|c| !c.is_control())
                .take(Self::USER_AGENT_CHARS)
                .collect()
        });
        Self {
            ip: client_ip::client_ip(req, &kit.trusted_proxies),
            user_agent,
            earlier: access::session_token(req),
        }
    }

    /// Opens a session with a token of its own, and returns the token.
    pub(crate) async fn open_session(
        &self,
        tx: &Transaction<'_>,
        user_id: UserId,
        org_id: Option<OrgId>,
    ) -> Result<String, DbError> {
        if let Some(earlier) = self.earlier {
            sessions::end_by_token(tx, earlier).await?;
        }
        let token = token::mint(SESSION_PREFIX, secrets::random_byte);
        let session = NewSession {
            user_id,
            token: TokenHash::of(&token),
            active_org_id: org_id,
            max_age: SESSION_MAX_AGE,
            ip: self.ip,
            user_agent: self.user_agent.as_deref(),
        };
        sessions::create(tx, &session).await?;
        sessions::end_oldest(tx, user_id, SESSIONS_PER_USER).await?;
        Ok(token)
    }
}

/// Somebody who has just come in.
pub(crate) struct SignedIn {
    pub(crate) user: UserView,
    pub(crate) org: Option<OrgView>,
    pub(crate) token: String,
}

impl SignedIn {
    pub(crate) fn new(account: Account, org: Option<Membership>, token: String) -> Self {
        Self {
            user: UserView {
                id: account.user_id,
                email: account.email,
                name: account.name,
            },
            org: org.map(OrgView::from),
            token,
        }
    }

    /// The answer: who they are, the session, and the mark of this device.
    pub(crate) fn answer(
        self,
        req: &HttpRequest,
        state: &State,
        mut response: HttpResponseBuilder,
    ) -> Result<HttpResponse, ApiError> {
        let Self { user, org, token } = self;
        let device = cookies::device(req, &state.sealer, user.id).map_err(ApiError::internal)?;
        Ok(response
            .cookie(cookies::session(req, token))
            .cookie(device)
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(Data {
                data: SignedInView { user, org },
            }))
    }
}
