//! Alerting: rules, how they are evaluated, incidents, and what people are told.
//!
//! Everything that decides is here and pure: [`evaluator`] turns (rule version, facts, previous state, now) into (new
//! state, transition), [`replay`] walks over history with it and [`backtest`] tells what came of it, [`incident`] knows
//! which changes of an incident are legal, [`delivery`] knows what an answer of a receiver means and when to try again,
//! [`address`] knows where we never connect to. Reading facts, storing states and sending messages is the `alerting`
//! service's part.

pub mod address;
pub mod backtest;
pub mod channel;
pub mod delivery;
pub mod discord;
pub mod evaluator;
pub mod fingerprint;
pub mod history;
pub mod incident;
pub mod notification;
pub mod replay;
pub mod rule;
pub mod slack;
pub mod webhook;
