//! Alerting: rule parameters, the evaluator, the incident state machine, notification targets and retries.
