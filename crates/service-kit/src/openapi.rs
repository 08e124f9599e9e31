//! The OpenAPI document of a service. Its paths come from the handlers that are registered, so it lists exactly the
//! routes that exist; what is common to all services is added here.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};

use crate::access::SESSION_COOKIE;
use crate::error::{ErrorBody, ErrorContent, FieldError};

#[derive(OpenApi)]
#[openapi(components(schemas(ErrorBody, ErrorContent, FieldError)), modifiers(&Security))]
struct Common;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Default::default);
        // The scopes that an operation lists under `session` are the least role it needs; none: any signed-in user, by
        // session only.
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
        let internal = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Internal-Secret")));
        let signature = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Hub-Signature-256")));
        components.add_security_scheme("session", session);
        let mut token = Http::new(HttpAuthScheme::Bearer);
        token.description = Some(
            "A personal access token (slp_…) from POST /api/tokens. HTTP Basic works as well: any user, the token as the \
             password."
                .to_owned(),
        );
        components.add_security_scheme("token", SecurityScheme::Http(token));
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

/// Adds what the extractors of a role do for every route that names one: a personal access token does in place of the
/// session.
pub(crate) fn admit_tokens(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
        ];
        for operation in operations.into_iter().flatten() {
            let Some(security) = &mut operation.security else {
                continue;
            };
            let roles: Vec<String> = security.iter().flat_map(session_roles).collect();
            if !roles.is_empty() {
                security.push(SecurityRequirement::new("token", roles));
            }
        }
    }
}

/// The roles that a requirement names under `session`. Its fields are private, so it is read as it is printed.
fn session_roles(requirement: &SecurityRequirement) -> Vec<String> {
    let printed = serde_json::to_value(requirement).unwrap_or_default();
    serde_json::from_value(printed["session"].clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};

    use super::*;

    #[test]
    fn a_route_for_a_role_takes_tokens_and_one_for_sessions_does_not() {
        let security = |scopes: &[&str]| Some(vec![SecurityRequirement::new("session", scopes.to_vec())]);
        let operation = |security| OperationBuilder::new().securities(security).build();
        let mut document = base("test");
        document.paths = PathsBuilder::new()
            .path(
                "/role",
                PathItem::new(HttpMethod::Delete, operation(security(&["admin"]))),
            )
            .path(
                "/person",
                PathItem::new(HttpMethod::Get, operation(security(&[]))),
            )
            .path("/all", PathItem::new(HttpMethod::Get, operation(None)))
            .build();
        admit_tokens(&mut document);
        let found = serde_json::to_value(&document).unwrap();
        let found = |path: &str, method: &str| found["paths"][path][method]["security"].clone();
        let expected = serde_json::json!([{"session": ["admin"]}, {"token": ["admin"]}]);
        assert_eq!(found("/role", "delete"), expected);
        assert_eq!(found("/person", "get"), serde_json::json!([{"session": []}]));
        assert_eq!(found("/all", "get"), serde_json::Value::Null);
    }
}
