//! Logging in: the throttle, the password, the session.

use actix_web::HttpRequest;
use db::audit_logs::Actor;
use db::users::{self, Account};
use db::{DbError, orgs};
use domain::email::Email;
use service_kit::{ApiError, Kit, context};

use crate::app::State;
use crate::audit::entry;
use crate::cookies;
use crate::metrics::{self, Outcome};
use crate::passwords::Verdict;
use crate::personal_tx::PersonalTx;
use crate::sign_in::{SignedIn, Visitor};
use crate::throttle::Attempt;

/// Lets somebody in. An unknown e-mail and a wrong password are the same to whoever asks: in words and in time.
pub(crate) async fn log_in(
    req: &HttpRequest,
    state: &State,
    kit: &Kit,
    email: &Email,
    password: &str,
) -> Result<SignedIn, ApiError> {
    let visitor = Visitor::of(req, kit);
    let place = state.passwords.reserve()?;

    let mut conn = kit.db.conn("identity.login").await?;
    let account = users::find_by_email(&conn, email).await?;
    let device = account
        .as_ref()
        .and_then(|account| cookies::known_device(req, &state.sealer, account.user_id).map(|d| (account, d)));
    let attempt = match device {
        Some((account, device)) => Attempt::from_known_device(account.user_id, device),
        None => Attempt::from_stranger(email, visitor.ip),
    };
    attempt
        .count(&mut conn)
        .await
        .inspect_err(metrics::login_refused)?;
    // Hashing takes a while, and others need the connection.
    drop(conn);

    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let verdict = place.verify(password, stored).await?;
    let (Some(account), false) = (account, verdict == Verdict::Wrong) else {
        metrics::login(Outcome::Wrong);
        return Err(ApiError::Unauthorized(
            "the e-mail or the password is wrong".into(),
        ));
    };
    let better_hash = match verdict {
        Verdict::RightButWeak => Some(place.hash(password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    drop(place);
    let signed_in = let_in(kit, &visitor, &attempt, account, better_hash).await?;
    metrics::login(Outcome::Ok);
    Ok(signed_in)
}

async fn let_in(
    kit: &Kit,
    visitor: &Visitor,
    attempt: &Attempt,
    account: Account,
    better_hash: Option<String>,
) -> Result<SignedIn, DbError> {
    let mut conn = kit.db.conn("identity.login").await?;
    let org = orgs::starting_org_all_orgs(&conn, account.user_id, account.last_org_id).await?;
    let org_id = org.as_ref().map(|org| org.org_id);
    let actor = Actor {
        user_id: Some(account.user_id),
        email: Some(account.email.clone()),
        token_id: None,
        ip: visitor.ip,
        request_id: context::current().map(|context| context.correlation_id),
    };
    let tx = PersonalTx::open(&mut conn, org_id).await?;
    let token = visitor.open_session(&tx, account.user_id, org_id).await?;
    if let Some(better) = better_hash {
        users::replace_password_hash(&tx, account.user_id, &account.password_hash, &better).await?;
    }
    attempt.forgive(&tx).await?;
    tx.audit(&actor, entry("user.login", account.user_id.0, None, None))
        .await?;
    tx.commit().await?;
    Ok(SignedIn::new(account, org, token))
}
