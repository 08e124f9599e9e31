//! Building trees in normal form, and folding what is known of a line into them.

use super::ast::{Expr, Test, TextField};
use super::evaluate::text_matches;

impl Expr {
    /// How deep a tree may be: each `And`, `Or` and `Not` on the way down is a level.
    pub const MAX_DEPTH: usize = 32;
    /// How many tests a tree may have.
    pub const MAX_TESTS: usize = 64;

    /// The tree that matches no line: `NOT *`.
    pub fn nothing() -> Self {
        Self::Not(Box::new(Self::All))
    }

    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Not(inner) if **inner == Self::All)
    }

    /// Lines that match each of them; every line if there are none.
    pub fn and(members: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for member in members {
            match member {
                Self::All => {}
                Self::And(inner) => flat.extend(inner),
                member if member.is_nothing() => return member,
                member @ (Self::Or(_) | Self::Not(_) | Self::Test(_)) => flat.push(member),
            }
        }
        match flat.len() {
            0 => Self::All,
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// Lines that match one of them; no line if there are none.
    pub fn or(members: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for member in members {
            match member {
                Self::All => return Self::All,
                Self::Or(inner) => flat.extend(inner),
                member if member.is_nothing() => {}
                member @ (Self::And(_) | Self::Not(_) | Self::Test(_)) => flat.push(member),
            }
        }
        match flat.len() {
            0 => Self::nothing(),
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// Lines that do not match it.
    #[expect(
        clippy::should_implement_trait,
        reason = "one of three constructors; `!expr` would read as a bool"
    )]
    pub fn not(member: Self) -> Self {
        match member {
            Self::Not(inner) => *inner,
            member @ (Self::All | Self::And(_) | Self::Or(_) | Self::Test(_)) => Self::Not(Box::new(member)),
        }
    }

    /// The same tree in normal form, with each test replaced by what `replace` makes of it.
    pub fn map_tests(&self, replace: &mut impl FnMut(&Test) -> Self) -> Self {
        match self {
            Self::All => Self::All,
            Self::And(members) => Self::and(members.iter().map(|member| member.map_tests(replace))),
            Self::Or(members) => Self::or(members.iter().map(|member| member.map_tests(replace))),
            Self::Not(member) => Self::not(member.map_tests(replace)),
            Self::Test(test) => replace(test),
        }
    }

    /// What is left to test of lines of one service and environment, by their names: it has no test of either.
    /// `service:a error OR service:b` is `error` for service `a`, everything for `b`, and nothing for `c`.
    pub fn for_scope(&self, service: &str, environment: &str) -> Self {
        self.map_tests(&mut |test| {
            let known = match test {
                Test::Text(TextField::Service, wanted) => text_matches(wanted, service),
                Test::Text(TextField::Environment, wanted) => text_matches(wanted, environment),
                Test::Text(TextField::TraceId | TextField::RequestId, _)
                | Test::Message(_)
                | Test::Level(_)
                | Test::Ts(_)
                | Test::Meta(..)
                | Test::Has(_) => return Self::Test(test.clone()),
            };
            if known { Self::All } else { Self::nothing() }
        })
    }

    /// How many levels of `And`, `Or` and `Not` there are.
    pub fn depth(&self) -> usize {
        match self {
            Self::All | Self::Test(_) => 0,
            Self::And(members) | Self::Or(members) => {
                1 + members.iter().map(Self::depth).max().unwrap_or_default()
            }
            Self::Not(member) => 1 + member.depth(),
        }
    }

    /// Each test, from left to right.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All => Vec::new(),
            Self::And(members) | Self::Or(members) => members.iter().flat_map(Self::tests).collect(),
            Self::Not(member) => member.tests(),
            Self::Test(test) => vec![test],
        }
    }
}
