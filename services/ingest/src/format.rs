//! What a body says it is.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use service_kit::ApiError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `{"logs":[…]}`, an array of lines, or one line.
    Json,
    /// One JSON object a line of text.
    Ndjson,
}

impl Format {
    /// By `Content-Type`; without one it is JSON.
    pub(crate) fn of(req: &HttpRequest) -> Result<Self, ApiError> {
        let mut values = req.headers().get_all(CONTENT_TYPE);
        let (first, second) = (values.next(), values.next());
        let text = first.map_or(Ok(""), |value| value.to_str()).unwrap_or("?");
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let format = match parts.next().as_deref() {
            None | Some("" | "application/json") => Some(Self::Json),
            Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => Some(Self::Ndjson),
            Some(_) => None,
        };
        let readable = parts.all(|parameter| is_utf8_or_no_charset(&parameter));
        format
            .filter(|_| second.is_none() && readable)
            .ok_or_else(|| {
                ApiError::UnsupportedMediaType(
                    "send UTF-8 with the header Content-Type: application/json, or application/x-ndjson for one JSON \
                     object a line (curl needs -H 'Content-Type: application/json')"
                        .to_owned(),
                )
            })
    }
}

fn is_utf8_or_no_charset(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim() == "charset" => {
            matches!(value.trim().trim_matches('"'), "utf-8" | "utf8" | "us-ascii")
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[rstest::rstest]
    #[case(&[], Some(Format::Json))]
    #[case(&["application/json"], Some(Format::Json))]
    #[case(&["Application/JSON; charset=\"UTF-8\"; x=y"], Some(Format::Json))]
    #[case(&["application/x-ndjson"], Some(Format::Ndjson))]
    #[case(&["application/ndjson;charset=utf-8"], Some(Format::Ndjson))]
    #[case(&["application/jsonl"], Some(Format::Ndjson))]
    #[case(&["application/x-www-form-urlencoded"], None)]
    #[case(&["text/plain"], None)]
    #[case(&["application/json; charset=utf-16"], None)]
    #[case(&["application/json", "application/json"], None)]
    fn a_body_is_what_its_header_says(#[case] values: &[&str], #[case] expected: Option<Format>) {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((CONTENT_TYPE, *value));
        }
        assert_eq!(Format::of(&request.to_http_request()).ok(), expected);
    }
}
