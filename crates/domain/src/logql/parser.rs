//! From the text of a query to what it means. Recursive descent, bounded in depth and size; the first thing wrong from
//! the left is what is reported.

mod log;
mod metric;

use super::ast::Query;
use super::error::{Fault, ParseError};
use super::lexer::{Lexeme, Token, lex};
use super::matcher::{self, MatchOp, Matcher};
use super::selector::Selector;

/// Of a query, in bytes.
pub const MAX_QUERY_BYTES: usize = 65_536;
/// Of parentheses and functions within one another.
const MAX_DEPTH: usize = 32;
/// Operators, filters, stages and matchers of one query.
const MAX_PARTS: usize = 200;
/// Each may cost up to two megabytes.
const MAX_REGEXES: usize = 20;

/// Reads a query.
pub fn parse(query: &str) -> Result<Query, ParseError> {
    Parser::read(query, Parser::query)
}

/// Reads a selector alone, such as clients send as `match[]`.
pub fn parse_selector(query: &str) -> Result<Selector, ParseError> {
    Parser::read(query, Parser::selector)
}

type Parsed<T> = Result<T, Fault>;

struct Parser {
    /// The last one is the end, or what could not be read.
    lexemes: Vec<Lexeme>,
    next: usize,
    depth: usize,
    parts: usize,
    regexes: usize,
}

impl Parser {
    fn read<T>(query: &str, what: impl FnOnce(&mut Self) -> Parsed<T>) -> Result<T, ParseError> {
        let read = || {
            if query.len() > MAX_QUERY_BYTES {
                let message = format!("the query is longer than {MAX_QUERY_BYTES} bytes");
                return Err(Fault::new(0, message));
            }
            let mut parser = Self {
                lexemes: lex(query),
                next: 0,
                depth: 0,
                parts: 0,
                regexes: 0,
            };
            let value = what(&mut parser)?;
            parser.end()?;
            Ok(value)
        };
        read().map_err(|fault: Fault| fault.locate(query))
    }

    fn query(&mut self) -> Parsed<Query> {
        let first = self
            .lexemes
            .iter()
            .find(|lexeme| lexeme.token != Token::Sign("("));
        if first.is_some_and(|lexeme| lexeme.token == Token::Sign("{")) {
            return self.log_query().map(Query::Log);
        }
        self.metric(0).map(Query::Metric)
    }

    fn end(&mut self) -> Parsed<()> {
        match self.peek() {
            Token::End => Ok(()),
            Token::Sign("{") => {
                Err(self.fault("only one selector may stand in a log query; join the matchers by commas"))
            }
            Token::Word(word) if matches!(word.as_str(), "or" | "and" | "unless") => {
                let message = format!(
                    "`{word}` joins metric queries only; use `|~ \"a|b\"` or `|= \"a\" or \"b\"` to search for either text"
                );
                Err(self.fault(message))
            }
            Token::Word(word) if word == "offset" => {
                Err(self
                    .fault("`offset` stands right behind its range: `count_over_time({...} [5m] offset 1h)`"))
            }
            _ => Err(self.unexpected("the end of the query")),
        }
    }

    // --- tokens ---

    fn lexeme(&self, ahead: usize) -> &Lexeme {
        let last = self.lexemes.len() - 1;
        &self.lexemes[(self.next + ahead).min(last)]
    }

    fn peek(&self) -> &Token {
        &self.lexeme(0).token
    }

    /// Where the next token begins.
    fn at(&self) -> usize {
        self.lexeme(0).at
    }

    fn advance(&mut self) {
        self.next += 1;
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(next) if *next == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(next) if next == word)
    }

    /// Takes a sign if it is next.
    fn eat(&mut self, sign: &str) -> bool {
        let is_next = self.is(sign);
        if is_next {
            self.advance();
        }
        is_next
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let is_next = self.is_word(word);
        if is_next {
            self.advance();
        }
        is_next
    }

    fn expect(&mut self, sign: &'static str) -> Parsed<()> {
        if self.eat(sign) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{sign}`")))
        }
    }

    fn word(&mut self, what: &str) -> Parsed<String> {
        match self.peek() {
            Token::Word(word) => {
                let word = word.clone();
                self.advance();
                Ok(word)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn text(&mut self, what: &str) -> Parsed<String> {
        match self.peek() {
            Token::Text(text) => {
                let text = text.clone();
                self.advance();
                Ok(text)
            }
            Token::Word(word) if word == "ip" => {
                Err(self.fault("`ip()` is not supported; match the address with `=~` or `|~`"))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    // --- errors and bounds ---

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.at(), message)
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        match self.peek() {
            Token::Bad(reason) => self.fault(reason.clone()),
            token => self.fault(format!("expected {wanted}, found {}", token.name())),
        }
    }

    /// Runs a part that may hold parts of its own kind.
    fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault(format!("the query nests deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let value = part(self);
        self.depth -= 1;
        value
    }

    fn count_part(&mut self) -> Parsed<()> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(self.fault(format!("the query has more than {MAX_PARTS} parts")));
        }
        Ok(())
    }

    fn count_regex(&mut self) -> Parsed<()> {
        self.regexes += 1;
        if self.regexes > MAX_REGEXES {
            let message =
                format!("the query has more than {MAX_REGEXES} regular expressions; join some with |");
            return Err(self.fault(message));
        }
        Ok(())
    }

    // --- what both kinds of query have ---

    fn selector(&mut self) -> Parsed<Selector> {
        if !self.eat("{") {
            return Err(self.unexpected("a selector such as {service=\"api\"}"));
        }
        let mut matchers = Vec::new();
        while !self.eat("}") {
            if !matchers.is_empty() && !self.eat(",") {
                return Err(self.unexpected("`,` or `}`"));
            }
            // As in Prometheus, a comma may stand at the end.
            if !matchers.is_empty() && self.eat("}") {
                break;
            }
            let label = self.word("the name of a label or `}`")?;
            let op = self.match_op()?;
            matchers.push(self.matcher(label, op)?);
        }
        Ok(Selector::new(matchers))
    }

    fn match_op(&mut self) -> Parsed<MatchOp> {
        let op = MatchOp::ALL.into_iter().find(|op| self.eat(op.as_str()));
        op.ok_or_else(|| self.unexpected("`=`, `!=`, `=~` or `!~`"))
    }

    /// The value behind the operator.
    fn matcher(&mut self, label: String, op: MatchOp) -> Parsed<Matcher> {
        self.count_part()?;
        let at = self.at();
        let value = self.text("a text in quotes")?;
        match op {
            MatchOp::Regex | MatchOp::NotRegex => self.count_regex()?,
            MatchOp::Equal | MatchOp::NotEqual => {}
        }
        Matcher::new(label, op, value).map_err(|message| Fault::new(at, message))
    }

    fn regex_of_text(&mut self, at: usize, pattern: &str) -> Parsed<regex::Regex> {
        self.count_regex()?;
        matcher::compile(pattern, true).map_err(|message| Fault::new(at, message))
    }
}
