//! Signing up: a person, their organisation, and a first service, all or nothing.

use actix_web::HttpRequest;
use db::audit_logs::{self, Actor};
use db::users::{self, NewUser};
use domain::email::Email;
use domain::ids::{OrgId, UserId};
use domain::name::Name;
use domain::role::Role;
use serde_json::json;
use service_kit::{ApiError, Kit, context};

use crate::app::State;
use crate::audit::entry;
use crate::metrics::{self, Outcome};
use crate::organisations;
use crate::routes::me::{OrgView, UserView};
use crate::sign_in::{SignedIn, Visitor};
use crate::throttle::Attempt;

/// What somebody brings to sign up.
pub(crate) struct Application {
    pub(crate) email: Email,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) org_name: Name,
}

pub(crate) async fn sign_up(
    req: &HttpRequest,
    state: &State,
    kit: &Kit,
    application: &Application,
) -> Result<SignedIn, ApiError> {
    let visitor = Visitor::of(req, kit);
    let place = state.passwords.reserve()?;
    let attempt = Attempt::signup(visitor.ip);
    let mut conn = kit.db.conn("identity.signup").await?;
    attempt
        .count(&mut conn)
        .await
        .inspect_err(metrics::signup_refused)?;
    // Hashing takes a while, and others need the connection.
    drop(conn);
    let password_hash = place.hash(&application.password).await?;
    drop(place);
    let signed_in = write(kit, &visitor, &attempt, application, &password_hash)
        .await
        .inspect_err(metrics::signup_refused)?;
    metrics::signup(Outcome::Ok);
    Ok(signed_in)
}

async fn write(
    kit: &Kit,
    visitor: &Visitor,
    attempt: &Attempt,
    application: &Application,
    password_hash: &str,
) -> Result<SignedIn, ApiError> {
    let Application {
        email,
        name,
        org_name,
        ..
    } = application;
    let (user_id, org_id) = (UserId::generate(), OrgId::generate());
    let actor = Actor {
        user_id: Some(user_id),
        email: Some(email.as_str().to_owned()),
        token_id: None,
        ip: visitor.ip,
        request_id: context::current().map(|context| context.correlation_id),
    };
    let user = NewUser {
        id: user_id,
        email,
        name,
        password_hash,
    };
    let mut conn = kit.db.conn("identity.signup").await?;
    let tx = conn.tenant(org_id).await?;
    if let Err(error) = users::create(&tx, &user).await {
        return Err(if error.violates_unique(users::EMAIL_KEY) {
            ApiError::Conflict("this e-mail has an account already; log in instead".into())
        } else {
            error.into()
        });
    }
    organisations::found(&tx, org_name, user_id, &actor).await?;
    let after = Some(json!({"email": email, "name": name}));
    audit_logs::add(&tx, &actor, entry("user.signup", user_id.0, None, after)).await?;
    let token = visitor.open_session(&tx, user_id, Some(org_id)).await?;
    attempt.forgive(&tx).await?;
    tx.commit().await?;
    Ok(SignedIn {
        user: UserView {
            id: user_id,
            email: email.as_str().to_owned(),
            name: name.clone(),
        },
        org: Some(OrgView {
            id: org_id,
            name: org_name.as_str().to_owned(),
            role: Role::Admin,
        }),
        token,
    })
}
