//! How many of each thing there may be. Far above what people need: they keep a runaway script from filling the tables
//! and the sweep. They are counted and not locked, so that requests at the same moment may pass one by a few.

use service_kit::ApiError;

const RULES_PER_ORG: i64 = 1_000;
const CHANNELS_PER_ORG: i64 = 100;
const ROUTES_PER_ORG: i64 = 200;
const LIVE_SILENCES_PER_ORG: i64 = 1_000;
const WINDOWS_PER_ORG: i64 = 200;
const OPEN_ALERTS_PER_ORG: i64 = 10_000;

/// Says whether one more rule may be made when there are `existing`.
pub(crate) fn admit_rule(existing: i64) -> Result<(), ApiError> {
    admit(existing, RULES_PER_ORG, "alert rules")
}

/// Says whether one more channel may be made when there are `existing`.
pub(crate) fn admit_channel(existing: i64) -> Result<(), ApiError> {
    admit(existing, CHANNELS_PER_ORG, "channels")
}

/// Says whether one more route may be made when there are `existing`.
pub(crate) fn admit_route(existing: i64) -> Result<(), ApiError> {
    admit(existing, ROUTES_PER_ORG, "routes")
}

/// Says whether one more silence may be made when there are `existing` that are not over.
pub(crate) fn admit_silence(existing: i64) -> Result<(), ApiError> {
    admit(existing, LIVE_SILENCES_PER_ORG, "silences that are not over")
}

/// Says whether one more maintenance window may be made when there are `existing`.
pub(crate) fn admit_window(existing: i64) -> Result<(), ApiError> {
    admit(existing, WINDOWS_PER_ORG, "maintenance windows")
}

/// Says whether an Alertmanager may report on when `existing` of its alerts are not over.
pub(crate) fn admit_alerts(existing: i64) -> Result<(), ApiError> {
    admit(
        existing,
        OPEN_ALERTS_PER_ORG,
        "alerts from outside that are not over",
    )
}

fn admit(existing: i64, most: i64, things: &str) -> Result<(), ApiError> {
    if existing < most {
        Ok(())
    } else {
        Err(ApiError::Conflict(format!(
            "there are {most} {things} already, the most that an organisation may have; delete one that is no longer used"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_fits_and_the_next_is_refused_with_a_remedy() {
        assert!(admit_channel(CHANNELS_PER_ORG - 1).is_ok());
        let refusal = admit_channel(CHANNELS_PER_ORG).unwrap_err().to_string();
        assert!(
            refusal.contains("100 channels") && refusal.contains("delete one"),
            "{refusal}"
        );
    }
}
