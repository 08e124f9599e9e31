//! The person who is signed in.

use actix_web::{HttpResponse, get, web};
use db::auth::{SessionUser, TokenUser};
use db::orgs::{self, Membership};
use domain::ids::{OrgId, UserId};
use domain::page::PageLimit;
use domain::role::Role;
use serde::Serialize;
use service_kit::access::Caller;
use service_kit::{ApiError, Data, Kit};
use utoipa::ToSchema;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) name: String,
}

/// An organisation, and the caller's role in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OrgView {
    pub(crate) id: OrgId,
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl From<Membership> for OrgView {
    fn from(membership: Membership) -> Self {
        Self {
            id: membership.org_id,
            name: membership.name,
            role: membership.role,
        }
    }
}

/// Who came in, and the organisation that is active; null when they belong to none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedInView {
    pub(crate) user: UserView,
    pub(crate) org: Option<OrgView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MeView {
    user: UserView,
    /// The active organisation, or the token's; null when none is.
    org: Option<OrgView>,
    /// All of the caller's organisations, oldest first; of a token, its own.
    orgs: Vec<OrgView>,
}

/// Who is signed in, and where. With a personal access token: whom it acts as, and as what; its role is the lower of its
/// own and its owner's.
#[utoipa::path(
    operation_id = "show_me",
    tag = "auth",
    security(("session" = []), ("token" = [])),
    responses((status = 200, body = Data<MeView>))
)]
#[get("/api/me")]
pub(crate) async fn show(caller: Caller, kit: web::Data<Kit>) -> Result<HttpResponse, ApiError> {
    let data = match caller {
        Caller::Session(user) => of_session(&kit, user).await?,
        Caller::Token(user) => of_token(&kit, user).await?,
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

async fn of_session(kit: &Kit, user: SessionUser) -> Result<MeView, ApiError> {
    let conn = kit.db.conn("identity.me").await?;
    let memberships = orgs::list_of_user_all_orgs(&conn, user.user_id, None, PageLimit::DEFAULT).await?;
    let all: Vec<OrgView> = memberships.into_iter().map(OrgView::from).collect();
    let active = user.membership.map(|(org_id, _role)| org_id);
    Ok(MeView {
        org: all.iter().find(|org| Some(org.id) == active).cloned(),
        orgs: all,
        user: UserView {
            id: user.user_id,
            email: user.email,
            name: user.name,
        },
    })
}

async fn of_token(kit: &Kit, user: TokenUser) -> Result<MeView, ApiError> {
    let conn = kit.db.conn("identity.me").await?;
    let membership = orgs::find_of_user_all_orgs(&conn, user.user_id, user.org_id).await?;
    let org = membership.map(|membership| OrgView {
        role: user.role,
        ..OrgView::from(membership)
    });
    Ok(MeView {
        orgs: org.iter().cloned().collect(),
        org,
        user: UserView {
            id: user.user_id,
            email: user.email,
            name: user.name,
        },
    })
}
