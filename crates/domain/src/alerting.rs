//! Alerting: rules, how they are evaluated, incidents, and what people are told.
//!
//! Everything that decides is here and pure: [`evaluator`] turns (rule version, facts, previous state, now) into (new
//! state, transition), [`replay`] walks over history with it and [`backtest`] tells what came of it, [`incident`] knows
//! which changes of an incident are legal, [`routing`] knows who is told and what holds it back, [`delivery`] knows what an
//! answer of a receiver means and when to try again, [`address`] knows where we never connect to. Reading facts, storing
//! states and sending messages is the `alerting` service's part.

pub mod address;
pub mod alertmanager;
pub mod backtest;
pub mod channel;
pub mod delivery;
pub mod discord;
pub mod evaluator;
pub mod fingerprint;
pub mod history;
pub mod incident;
pub mod labels;
pub mod mail;
pub mod maintenance;
pub mod matcher;
pub mod notification;
pub mod ntfy;
pub mod opsgenie;
pub mod pagerduty;
pub mod replay;
pub mod routing;
pub mod rule;
pub mod slack;
pub mod teams;
pub mod telegram;
pub mod webhook;
