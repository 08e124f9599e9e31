//! Addresses of pages of the dashboard, for messages.

use domain::ids::IncidentId;
use url::Url;

pub(crate) fn incident(public_url: &Url, id: IncidentId) -> String {
    format!("{}/incidents/{id}", public_url.as_str().trim_end_matches('/'))
}
