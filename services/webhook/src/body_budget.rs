//! Reading webhook bodies: each bounded in length and time, all together bounded in memory.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use service_kit::ApiError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// GitHub gives up on an answer after 10 s, so a body that is not here by then has no reader.
const DEADLINE: Duration = Duration::from_secs(10);

/// How much may be read. What a body may hold is taken as its bytes arrive, not as it announces them: a sender that
/// only promises a long body keeps nobody else out.
pub(crate) struct BodyBudget {
    max_body_bytes: usize,
    free_bytes: Arc<Semaphore>,
}

/// A whole body. Its share of the budget comes back when it is dropped.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    pub(crate) fn new(max_body_bytes: usize, max_inflight_bytes: usize) -> Self {
        Self {
            max_body_bytes,
            free_bytes: Arc::new(Semaphore::new(max_inflight_bytes.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Reads a body as it is, refusing it as soon as it is too long, too slow, or more than there is room for.
    pub(crate) async fn read(&self, payload: Payload) -> Result<Body, ApiError> {
        tokio::time::timeout(DEADLINE, self.read_all(payload))
            .await
            .unwrap_or_else(|_elapsed| {
                let message = format!("the body did not arrive within {} s", DEADLINE.as_secs());
                Err(ApiError::invalid("", message))
            })
    }

    async fn read_all(&self, mut payload: Payload) -> Result<Body, ApiError> {
        let (mut body, mut share) = (BytesMut::new(), None);
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|error| ApiError::invalid("", format!("the body broke off: {error}")))?;
            if body.len() + chunk.len() > self.max_body_bytes {
                let message = format!("the body is longer than {} bytes", self.max_body_bytes);
                return Err(ApiError::PayloadTooLarge(message));
            }
            self.take(chunk.len(), &mut share)?;
            body.extend_from_slice(&chunk);
        }
        Ok(Body {
            bytes: body.freeze(),
            _share: share,
        })
    }

    fn take(&self, bytes: usize, share: &mut Option<OwnedSemaphorePermit>) -> Result<(), ApiError> {
        let busy = || ApiError::Busy {
            message: "too many webhook bodies are being read; try again in 2 s".into(),
            retry_after_s: 2,
        };
        let bytes = u32::try_from(bytes).map_err(|_longer_than_any_body| busy())?;
        let more = self
            .free_bytes
            .clone()
            .try_acquire_many_owned(bytes)
            .map_err(|_none_free| busy())?;
        match share {
            Some(share) => share.merge(more),
            None => *share = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_comes_back_when_its_body_is_dropped() {
        let budget = BodyBudget::new(100, 10);
        let mut share = None;
        budget.take(6, &mut share).unwrap();
        budget.take(4, &mut share).unwrap();
        let mut other = None;
        assert!(matches!(budget.take(1, &mut other), Err(ApiError::Busy { .. })));
        drop(share);
        assert!(budget.take(10, &mut other).is_ok());
    }
}
