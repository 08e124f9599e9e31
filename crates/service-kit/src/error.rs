//! The one error type at the edge. Causes are logged once, here, and never sent.

use std::error::Error;

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use db::{DbError, causes};
use domain::role::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context;

type Cause = Box<dyn Error + Send + Sync>;

/// What a request may fail with. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: something that the caller sent; each detail names a field and what would be right.
    #[error("{message}")]
    Validation {
        message: String,
        details: Vec<FieldError>,
    },
    /// 401, with the reason, since "unknown", "revoked" and "expired" have different remedies.
    #[error("{0}")]
    Unauthorized(String),
    #[error("this needs the {needs} role; ask an admin of the organisation")]
    Forbidden { needs: Role },
    /// 403 for another reason than a role.
    #[error("{0}")]
    Refused(String),
    /// 404, also for another tenant's id.
    #[error("{what} not found")]
    NotFound { what: &'static str },
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    PayloadTooLarge(String),
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// 429: the caller's own limit.
    #[error("{message}")]
    RateLimited { message: String, retry_after_s: u64 },
    /// 503: ours, and passing.
    #[error("temporarily unavailable; try again in {retry_after_s} s")]
    Unavailable { retry_after_s: u64, source: Cause },
    /// 503 with a reason that the caller may know.
    #[error("{message}")]
    Busy { message: String, retry_after_s: u64 },
    #[error("internal error; report the correlation id")]
    Internal(#[source] Cause),
}

/// One wrong field: `path` is where it stands in the request, such as `params.threshold`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    pub path: String,
    pub message: String,
}

impl ApiError {
    /// A single wrong field.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        let summary = if path.is_empty() {
            message.clone()
        } else {
            format!("{path} {message}")
        };
        Self::Validation {
            message: summary,
            details: vec![FieldError { path, message }],
        }
    }

    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Validation { .. } => "VALIDATION_ERROR",
            Self::Unauthorized(_) => "UNAUTHORIZED",
            Self::Forbidden { .. } | Self::Refused(_) => "FORBIDDEN",
            Self::NotFound { .. } => "NOT_FOUND",
            Self::Conflict(_) => "CONFLICT",
            Self::PayloadTooLarge(_) => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType(_) => "UNSUPPORTED_MEDIA_TYPE",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Unavailable { .. } | Self::Busy { .. } => "UNAVAILABLE",
            Self::Internal(_) => "INTERNAL_ERROR",
        }
    }

    /// When to try again, if that may help: the seconds of `Retry-After`.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_s, .. }
            | Self::Unavailable { retry_after_s, .. }
            | Self::Busy { retry_after_s, .. } => Some(*retry_after_s),
            Self::Validation { .. }
            | Self::Unauthorized(_)
            | Self::Forbidden { .. }
            | Self::Refused(_)
            | Self::NotFound { .. }
            | Self::Conflict(_)
            | Self::PayloadTooLarge(_)
            | Self::UnsupportedMediaType(_)
            | Self::Internal(_) => None,
        }
    }

    /// The status and headers of an answer whose body is another protocol's. Logs the error, as
    /// [`ResponseError::error_response`] does.
    pub fn begin_response(&self) -> HttpResponseBuilder {
        self.log();
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_s() {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if matches!(self, Self::Unauthorized(_)) {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        response
    }

    /// Logs the error, for an answer that actix does not send.
    pub fn log(&self) {
        match self {
            Self::Internal(cause) => tracing::error!(error = causes::chain(&**cause), "request failed"),
            Self::Unavailable { source, .. } => {
                tracing::warn!(error = causes::chain(&**source), "request put off");
            }
            other => tracing::debug!(code = other.code(), "request refused: {other}"),
        }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if error.is_unavailable() {
            Self::Unavailable {
                retry_after_s: 1,
                source: error.into(),
            }
        } else {
            Self::Internal(error.into())
        }
    }
}

/// The envelope of every failure.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    pub error: ErrorContent,
    /// The `X-Request-Id` of this request, for support.
    pub correlation_id: String,
}

#[derive(Serialize, ToSchema)]
pub struct ErrorContent {
    /// One of VALIDATION_ERROR, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, PAYLOAD_TOO_LARGE,
    /// UNSUPPORTED_MEDIA_TYPE, RATE_LIMITED, UNAVAILABLE, INTERNAL_ERROR.
    pub code: &'static str,
    pub message: String,
    pub details: Vec<FieldError>,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Validation { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PayloadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } | Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.begin_response();
        let details = match self {
            Self::Validation { details, .. } => details.clone(),
            _ => Vec::new(),
        };
        response.json(ErrorBody {
            error: ErrorContent {
                code: self.code(),
                message: self.to_string(),
                details,
            },
            correlation_id: context::correlation_id(),
        })
    }
}
