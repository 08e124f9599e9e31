//! The OpenAPI document of a service. Its paths come from the handlers that are registered, so it lists exactly the
//! routes that exist; what is common to all services is added here.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};

use crate::access::SESSION_COOKIE;
use crate::error::{ErrorBody, ErrorContent, FieldError};

#[derive(OpenApi)]
#[openapi(components(schemas(ErrorBody, ErrorContent, FieldError)), modifiers(&Security))]
struct Common;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Default::default);
        // The scopes that an operation lists under `session` are the least role it needs; none: any signed-in user.
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
        let internal = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Internal-Secret")));
        let signature = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Hub-Signature-256")));
        components.add_security_scheme("session", session);
        components.add_security_scheme("api_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        components.add_security_scheme("internal", internal);
        components.add_security_scheme("signature", signature);
    }
}

/// The document that a service's own paths are merged into.
pub(crate) fn base(service: &str) -> Document {
    let mut document = Common::openapi();
    document.info.title = format!("Sightline {service}");
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    document.info.description = Some(
        "Success is {\"data\": …}; a failure is the schema ErrorBody. Lists take limit and cursor."
            .to_owned(),
    );
    document
}
