//! Identity as its callers see it: a real server on a port of its own, a database per test.

#![expect(clippy::unwrap_used, reason = "tests: a failure is a panic, in helpers too")]

mod app;
mod audit;
mod csrf;
mod failure;
mod input;
mod invites;
mod keys;
mod login;
mod members;
mod orgs;
mod overload;
mod services;
mod sessions;
mod signup;
mod tenancy;
mod throttle;
mod tokens;
