//! Fields by their names, and what fields lines have.

use domain::query::ast::Field;
use service_kit::ApiError;

/// Longest name of a field, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// Reads the name of a field.
pub(crate) fn parse(parameter: &'static str, name: &str) -> Result<Field, ApiError> {
    if name.len() > MAX_NAME_BYTES {
        let message = format!("has a name of more than {MAX_NAME_BYTES} bytes");
        return Err(ApiError::invalid(parameter, message));
    }
    match Field::named(name) {
        Some(Field::Ts | Field::Message) | None => {
            let message = "must name a field with few values: level, service, env, or one of the metadata such as http.status";
            Err(ApiError::invalid(parameter, message))
        }
        Some(field @ (Field::Level | Field::Text(_) | Field::Meta(_))) => Ok(field),
    }
}
