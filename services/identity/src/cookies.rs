//! The two cookies: the session, and the mark of a device that has logged in before.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HOST;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{OrgId, UserId};
use service_kit::access::{SESSION_COOKIE, SESSION_MAX_AGE};
use service_kit::secrets::{self, SealError, SealedFor, Sealer};
use time::Duration;
use uuid::Uuid;

/// Tells an attempt of the owner from one of a stranger (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
pub(crate) const DEVICE_COOKIE: &str = "sightline_device";
/// Longer than browsers keep any cookie without its site being used again.
const DEVICE_MAX_AGE: Duration = Duration::days(365);

/// Names one device of one person; its login attempts are counted apart from those of strangers.
pub(crate) type DeviceNonce = [u8; 16];

pub(crate) fn session(req: &HttpRequest, token: String) -> Cookie<'static> {
    let max_age = Duration::try_from(SESSION_MAX_AGE).unwrap_or(Duration::WEEK);
    cookie(req, SESSION_COOKIE, token, max_age)
}

/// Tells the browser to forget the session.
pub(crate) fn no_session(req: &HttpRequest) -> Cookie<'static> {
    cookie(req, SESSION_COOKIE, String::new(), Duration::ZERO)
}

/// Marks this device as one from which this person has logged in.
pub(crate) fn device(
    req: &HttpRequest,
    sealer: &Sealer,
    user_id: UserId,
) -> Result<Cookie<'static>, SealError> {
    let nonce: DeviceNonce = secrets::random_bytes();
    let sealed = sealer.seal(&nonce, sealed_for(user_id))?;
    Ok(cookie(
        req,
        DEVICE_COOKIE,
        URL_SAFE_NO_PAD.encode(sealed),
        DEVICE_MAX_AGE,
    ))
}

/// The device that a request comes from, if this very person has logged in from it before.
pub(crate) fn known_device(req: &HttpRequest, sealer: &Sealer, user_id: UserId) -> Option<DeviceNonce> {
    let cookie = req.cookie(DEVICE_COOKIE)?;
    let sealed = URL_SAFE_NO_PAD.decode(cookie.value()).ok()?;
    sealer.open(&sealed, sealed_for(user_id)).ok()?.try_into().ok()
}

/// A person belongs to no tenant, and so does their device.
fn sealed_for(user_id: UserId) -> SealedFor<'static> {
    SealedFor {
        what: "device",
        org_id: OrgId(Uuid::nil()),
        row_id: user_id.0,
    }
}

fn cookie(req: &HttpRequest, name: &'static str, value: String, max_age: Duration) -> Cookie<'static> {
    let host = req.headers().get(HOST).and_then(|host| host.to_str().ok());
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        // On loopback there is no TLS, and no network to listen on.
        .secure(!host.is_some_and(is_loopback))
        .max_age(max_age)
        .finish()
}

/// Whether a Host header names this machine, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn sealer() -> Sealer {
        "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().unwrap()
    }

    #[rstest::rstest]
    #[case("localhost", true)]
    #[case("localhost:8080", true)]
    #[case("127.0.0.1:8082", true)]
    #[case("[::1]", true)]
    #[case("[::1]:8080", true)]
    #[case("localhost.evil.example", false)]
    #[case("127.0.0.1.evil.example:80", false)]
    #[case("sightline.example", false)]
    #[case("sightline.example:localhost", false)]
    #[case("", false)]
    fn only_this_machine_does_without_tls(#[case] host: &str, #[case] expected: bool) {
        assert_eq!(is_loopback(host), expected);
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let req = TestRequest::default()
            .insert_header((HOST, "sightline.example"))
            .to_http_request();
        assert_eq!(
            session(&req, "token".into()).to_string(),
            "sightline_session=token; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=604800"
        );
        let local = TestRequest::default()
            .insert_header((HOST, "localhost:8080"))
            .to_http_request();
        assert_eq!(
            no_session(&local).to_string(),
            "sightline_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
        );
    }

    #[test]
    fn a_device_is_known_to_its_own_person_only() {
        let (sealer, ada, eve) = (sealer(), UserId::generate(), UserId::generate());
        let plain = TestRequest::default().to_http_request();
        let cookie = device(&plain, &sealer, ada).unwrap();
        let req = TestRequest::default().cookie(cookie).to_http_request();
        assert!(known_device(&req, &sealer, ada).is_some());
        assert_eq!(known_device(&req, &sealer, eve), None);
        assert_eq!(known_device(&plain, &sealer, ada), None);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("AAAA")]
    #[case("not base64!")]
    fn a_made_up_device_is_a_stranger(#[case] value: &'static str) {
        let req = TestRequest::default()
            .cookie(Cookie::new(DEVICE_COOKIE, value))
            .to_http_request();
        assert_eq!(known_device(&req, &sealer(), UserId::generate()), None);
    }
}
