//! Cross-site request forgery: an unsafe request that carries our cookie must come from our own pages.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, ORIGIN};

use crate::ApiError;

/// Refuses a cross-site request. Browsers send `Sec-Fetch-Site` (and `Origin` with every unsafe method); a program
/// sends neither, and cannot be tricked into sending our cookie.
pub fn require_same_origin(req: &HttpRequest) -> Result<(), ApiError> {
    if req.method().is_safe() {
        return Ok(());
    }
    require_own_pages(req)
}

/// The same for a request by a safe method that opens more than one answer: a websocket, which pages of any site may open.
pub fn require_own_pages(req: &HttpRequest) -> Result<(), ApiError> {
    let header = |name: &str| req.headers().get(name).map(|value| value.to_str().unwrap_or(""));
    if is_same_origin(
        header("sec-fetch-site"),
        header(ORIGIN.as_str()),
        header(HOST.as_str()),
    ) {
        Ok(())
    } else {
        Err(ApiError::Refused(
            "this request came from another site; send it from Sightline's own pages".into(),
        ))
    }
}

fn is_same_origin(fetch_site: Option<&str>, origin: Option<&str>, host: Option<&str>) -> bool {
    match (fetch_site, origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let origin_host = origin.split_once("://").map(|(_scheme, rest)| rest);
            origin_host.is_some() && origin_host == host
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Some("same-origin"), None, None, true)]
    #[case(Some("none"), None, None, true)]
    #[case(Some("cross-site"), Some("http://a"), Some("a"), false)]
    #[case(Some("same-site"), None, None, false)]
    #[case(None, Some("http://localhost:8080"), Some("localhost:8080"), true)]
    #[case(None, Some("http://evil.example"), Some("localhost:8080"), false)]
    #[case(None, Some("null"), Some("localhost:8080"), false)]
    #[case(None, Some("http://localhost:8080"), None, false)]
    #[case(None, None, Some("localhost:8080"), true)]
    fn the_browsers_own_word_decides(
        #[case] fetch_site: Option<&str>,
        #[case] origin: Option<&str>,
        #[case] host: Option<&str>,
        #[case] expected: bool,
    ) {
        assert_eq!(is_same_origin(fetch_site, origin, host), expected);
    }
}
