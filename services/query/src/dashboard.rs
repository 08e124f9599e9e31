//! The dashboard: its files, embedded in the program, and the page that every one of its addresses answers with.
//!
//! They are built by `make dashboard`. Without that this program still builds, and says so to a browser.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    CROSS_ORIGIN_OPENER_POLICY, HeaderName, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, Route, guard, web};
use rust_embed::{EmbeddedFile, RustEmbed};
use service_kit::ApiError;

/// Addresses of pages; the browser's router takes them apart. Paths of the API are not among them.
const PAGES: [&str; 23] = [
    "/",
    "/login",
    "/signup",
    "/invite",
    "/start",
    "/overview",
    "/logs",
    "/services",
    "/services/{id}",
    "/deployments",
    "/incidents",
    "/incidents/{id}",
    "/alerts",
    "/alerts/{id}",
    "/channels",
    "/routing",
    "/silences",
    "/notifications",
    "/explain",
    "/members",
    "/audit",
    "/diagnostics",
    "/account",
];

/// No third party, nothing inline, no frame around it. Text becomes markup only by Svelte's own policy, for its templates.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types svelte-trusted-html";
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// Names change with the content.
const FOREVER: &str = "public, max-age=31536000, immutable";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sightline</title></head>\
    <body><h1>Sightline</h1><p>This program was built without its dashboard. Run <code>make dashboard</code>, then build it \
    again.</p><p>The API works: <a href=\"/openapi.json\">/openapi.json</a></p></body></html>";

/// Each file, and beside it the same compressed, as `.br` and `.gz`.
#[derive(RustEmbed)]
#[folder = "dashboard/dist"]
#[allow_missing = true]
struct Files;

/// What browsers ask for.
pub(crate) fn routes() -> impl Iterator<Item = (&'static str, Route)> {
    let files = [
        ("/assets/{file}", read().to(asset)),
        ("/favicon.svg", read().to(icon)),
    ];
    PAGES.into_iter().map(|path| (path, read().to(page))).chain(files)
}

fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// What any page's address answers with: the program that shows it.
async fn page(req: HttpRequest) -> HttpResponse {
    let mut answer = match find(&req, "index.html") {
        Some(file) => respond(file, "text/html; charset=utf-8", "no-cache"),
        None => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .body(NOT_BUILT),
    };
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
        (PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in headers {
        answer
            .headers_mut()
            .insert(name, actix_web::http::header::HeaderValue::from_static(value));
    }
    answer
}

/// A script or a style; its name changes with its content.
async fn asset(req: HttpRequest, file: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let path = format!("assets/{file}");
    let kind = content_type(&path).ok_or(ApiError::NotFound { what: "this file" })?;
    find(&req, &path)
        .map(|found| respond(found, kind, FOREVER))
        .ok_or(ApiError::NotFound { what: "this file" })
}

async fn icon(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    find(&req, "favicon.svg")
        .map(|found| respond(found, "image/svg+xml", "public, max-age=86400"))
        .ok_or(ApiError::NotFound { what: "this file" })
}

/// A file in the best form that the browser takes, and the name of that form.
fn find(req: &HttpRequest, path: &str) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = req
        .headers()
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(accepted, coding))
        .find_map(|(coding, suffix)| Some((Files::get(&format!("{path}{suffix}"))?, Some(coding))))
        .or_else(|| Some((Files::get(path)?, None)))
}

/// Whether `Accept-Encoding` names a coding without refusing it.
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|part| {
        let mut parts = part.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        named && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn respond(
    (file, coding): (EmbeddedFile, Option<&'static str>),
    kind: &'static str,
    caching: &'static str,
) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::OK);
    answer
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((VARY, "accept-encoding"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(coding) = coding {
        answer.insert_header((CONTENT_ENCODING, coding));
    }
    answer.body(file.data.into_owned())
}

/// Of the kinds of file that a build makes.
fn content_type(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("gzip, deflate, br", true)]
    #[case("BR", true)]
    #[case("br;q=0.5", true)]
    #[case("br;q=0", false)]
    #[case("brotli", false)]
    #[case("", false)]
    fn a_compressed_form_is_sent_only_to_who_takes_it(#[case] header: &str, #[case] expected: bool) {
        assert_eq!(accepts(header, "br"), expected);
    }

    #[test]
    fn the_pages_are_those_that_the_browsers_router_knows() {
        let router = include_str!("../dashboard/src/App.svelte");
        let mut known: Vec<String> = router
            .lines()
            .filter_map(|line| line.trim().strip_prefix("'/")?.split_once("': { title:"))
            .map(|(path, _)| format!("/{}", path.replace(":id", "{id}")))
            .collect();
        // Leads on to another.
        known.push("/".to_owned());
        known.sort_unstable();
        let mut served = PAGES.map(str::to_owned);
        served.sort_unstable();
        assert_eq!(known, served);
    }

    #[test]
    fn the_policy_has_no_way_around_it() {
        assert!(POLICY.starts_with("default-src 'none';"));
        assert!(!POLICY.contains("unsafe") && !POLICY.contains('*') && !POLICY.contains("http"));
    }
}
