use proptest::prelude::*;

use super::*;
use crate::query::{self, Query};
use crate::words;

fn key(message: &str) -> TemplateId {
    let mut key = LineKey::default();
    words::for_each_word(message.as_bytes(), |word| key.word(word, words::hash(word.lower)));
    key.finish()
}

fn text(message: &str) -> String {
    Template::of(message.as_bytes()).text
}

fn assigned(miner: &mut Miner, message: &str) -> TemplateId {
    let slot = miner.assign(key(message), message.as_bytes());
    miner.template(slot).unwrap().id
}

#[rstest::rstest]
#[case(
    "payment for order 4711 failed: card_declined",
    "payment for order <*> failed: card_declined"
)]
#[case("GET /users/42/orders took 13.5ms", "GET /users/<*>/orders took <*>")]
#[case("from 10.0.0.1:8080 to [fe80::1]", "from <*> to [<*>]")]
#[case("id=4bf92f35-77b3-beef-a3ce-929d0e0e4736 done", "id=<*> done")]
#[case("2026-11-24T10:00:00.123+02:00 started", "<*> started")]
#[case("at 10:30, 12 left", "at <*>, <*> left")]
#[case("commit deadbeef fetched", "commit <*> fetched")]
#[case("bad face", "bad face")]
#[case(r#"relation "users" does not exist"#, r#"relation "<*>" does not exist"#)]
#[case(r#"user="Jane \"J\" Doe" left"#, r#"user="<*>" left"#)]
#[case("KeyError: 'name' in it", "KeyError: '<*>' in it")]
#[case("the users' carts don't open", "the users' carts don't open")]
#[case(r#"{"event":"login","user": "jane"}"#, r#"{"event":"<*>","user": "<*>"}"#)]
#[case(r#"5" disk failed"#, r#"<*>" disk failed"#)]
#[case("Traceback:\n  File \"a.py\"", "Traceback:…")]
#[case("überlauf in Zeile ४२", "überlauf in Zeile <*>")]
#[case("----", "----")]
fn variables_are_masked(#[case] message: &str, #[case] expected: &str) {
    assert_eq!(text(message), expected);
}

#[rstest::rstest]
#[case("order 1 of 2", "order 17 of 230ms")]
#[case("order 1 of 2", "Order #9a7f of [12]")]
#[case(
    "id=4bf92f35-77b3-4da6-a3ce-929d0e0e4736 ok",
    "id=abcdefab-cdef-abcd-efab-cdefabcdefab ok"
)]
#[case(r#"say "a" now"#, r#"say "b c d" now"#)]
#[case("failed\n at line 3", "failed\n in another place")]
fn lines_of_one_template_have_one_id(#[case] one: &str, #[case] other: &str) {
    assert_eq!(key(one), key(other));
}

#[test]
fn the_id_of_a_template_never_changes() {
    // Stored: whoever changes how it is made makes every pattern of every service new.
    let id = key("payment for order 4711 failed: card_declined");
    assert_eq!(id.to_string(), "7bbe86d97c2d991b");
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!("ABCDEF0123456789".parse::<TemplateId>().is_err());
    assert!("+bcdef0123456789".parse::<TemplateId>().is_err());
}

#[test]
fn words_that_vary_become_a_variable_once_there_are_many() {
    let mut miner = Miner::default();
    let names = [
        "ada", "bob", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim",
    ];
    let ids: Vec<TemplateId> = names
        .iter()
        .map(|name| assigned(&mut miner, &format!("user {name} logged in")))
        .collect();
    let general = key("user 42 logged in");
    assert_eq!(ids[MAX_VARIANTS..], [general; 3], "further ones share");
    assert_eq!(
        ids[0],
        key("user ada logged in"),
        "the first ones are spelled out"
    );
    let slot = miner.assign(key("user kim logged in"), b"user kim logged in");
    let template = miner.template(slot).unwrap();
    assert_eq!(template.text, "user <*> logged in");
    assert!(template.is_general);
    // Two variables, one after the other.
    for name in names {
        for city in [
            "rome", "oslo", "bern", "wien", "kyiv", "riga", "bonn", "lyon", "turin",
        ] {
            assigned(&mut miner, &format!("session of {name} opened from {city} now"));
        }
    }
    let id = assigned(&mut miner, "session of zoe opened from nowhere now");
    assert_eq!(id, key("session of 1 opened from 2 now"));
    // Short ones keep their words.
    let verbs = names.map(|name| assigned(&mut miner, &format!("cache {name}")));
    assert!(verbs.iter().all(|id| *id != key("cache 1")));
}

#[test]
fn what_was_learned_is_known_again() {
    let mut miner = Miner::default();
    for number in 0..20 {
        assigned(&mut miner, &format!("user {} logged in", word(number)));
    }
    let known = miner
        .slots()
        .filter_map(|slot| miner.template(slot))
        .map(|known| Known {
            id: known.id,
            tokens: known.tokens.clone(),
            is_general: known.is_general,
        });
    let mut again = Miner::new(known.collect::<Vec<_>>());
    for number in 0..40 {
        let line = format!("user {} logged in", word(number));
        assert_eq!(assigned(&mut again, &line), assigned(&mut miner, &line), "{line}");
    }
}

/// A word without digits for each number.
fn word(number: usize) -> String {
    let sign = |shift: u32| char::from(b'g' + (number >> shift & 15) as u8);
    [sign(8), sign(4), sign(0)].iter().collect()
}

#[test]
fn templates_are_bounded_and_what_is_over_is_told() {
    let mut miner = Miner::default();
    let mut others = 0;
    for number in 0..4_000 {
        // Any two of them differ in two words.
        let line = format!("{} {} here", word(number), word(number ^ 0xABC));
        others += usize::from(assigned(&mut miner, &line) == TemplateId::OTHER);
    }
    assert!(miner.len() <= MAX_TEMPLATES + 1, "{}", miner.len());
    assert!(others > 1_900, "{others}");
    assert!(miner.size() < 4 << 20, "{} bytes", miner.size());
    let known = format!("{} {} here", word(0), word(0xABC));
    assert_eq!(assigned(&mut miner, &known), key(&known), "what is known stays");
}

#[test]
fn lines_that_are_all_different_do_not_grow_the_miner() {
    let mut miner = Miner::default();
    for number in 0..12_000_usize {
        let line = format!("{} {} {} x", word(number), word(number >> 4), word(number >> 8));
        miner.assign(key(&line), line.as_bytes());
    }
    assert!(miner.size() < 8 << 20, "{} bytes", miner.size());
}

#[test]
fn a_word_that_touches_a_variable_is_not_searched() {
    let query = finding(&format!("{PLACEHOLDER}a failed 'b{PLACEHOLDER} at once"), None);
    assert_eq!(query, r#"failed "at once""#);
}

#[test]
fn a_sign_that_a_space_would_take_is_not_looked_for() {
    let query = finding(&text("a\u{2028}\u{c4a} failed"), None);
    assert_eq!(query, "a failed");
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-f0-9 =:\"'/.\\-\n]{0,40}",
        "(user|order|[a-z]{1,5}|[0-9]{1,4}|\"[a-z ]{0,6}\"|'[a-z]+'|[a-f0-9]{8})( (user|order|[a-z]{1,5}|[0-9]{1,4}|\"[a-z ]{0,6}\"|k=[a-z0-9]+)){0,8}",
        "\\PC{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_key_of_a_line_is_the_id_of_its_template(message in message()) {
        prop_assert_eq!(key(&message), Template::of(message.as_bytes()).id);
    }

    #[test]
    fn the_query_of_a_template_finds_the_line(message in message(), bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        let _ = Template::of(&bytes); // whatever the bytes
        let found = finding(&text(&message), Some("shop"));
        let query = Query::parse(&found).unwrap();
        let line = query::Line {
            ts: time::OffsetDateTime::UNIX_EPOCH,
            level: crate::level::Level::Info,
            message: &message,
            meta: None,
            trace_id: None,
            request_id: None,
            service: "shop",
            environment: "",
        };
        prop_assert!(query::matches(&query.filter, &line), "{:?} of {:?}", found, message);
    }

    #[test]
    fn every_line_counts_once_and_plain_templates_do_not_depend_on_order(
        messages in prop::collection::vec(message(), 0..60),
    ) {
        let count = |messages: &mut dyn Iterator<Item = &String>| {
            let mut miner = Miner::default();
            let mut counts = std::collections::BTreeMap::<TemplateId, usize>::new();
            for message in messages {
                *counts.entry(assigned(&mut miner, message)).or_default() += 1;
            }
            let is_general = miner.slots().any(|slot| miner.template(slot).unwrap().is_general);
            (counts, is_general)
        };
        let (there, any_general) = count(&mut messages.iter());
        let (back, any_general_back) = count(&mut messages.iter().rev());
        prop_assert_eq!(there.values().sum::<usize>(), messages.len());
        prop_assert_eq!(back.values().sum::<usize>(), messages.len());
        if !any_general && !any_general_back {
            prop_assert_eq!(there, back);
        }
    }
}

#[test]
fn a_word_in_which_known_templates_differ_makes_no_new_one() {
    let known = |message: &str| {
        let template = Template::of(message.as_bytes());
        Known {
            id: template.id,
            tokens: template.tokens,
            is_general: false,
        }
    };
    let earlier: Vec<Known> = [
        "user alice was not found in tenant",
        "user bob was not found in tenant",
        "connection to postgres refused",
        "cannot open file",
        "cannot open socket",
        "quite another thing",
    ]
    .map(known)
    .into();
    let form_of = |message: &str| form_of(&known(message), &earlier).map(|first| place_of(first, &earlier));
    assert_eq!(form_of("user carol was not found in tenant"), Some(0));
    assert_eq!(form_of("cannot open device"), Some(3));
    assert_eq!(
        form_of("connection to redis refused"),
        None,
        "one that differs may be another problem"
    );
    assert_eq!(
        form_of("user alice was not found in group"),
        None,
        "another word than the one that varies"
    );
    assert_eq!(form_of("user carol was locked out of tenant"), None);
    let mut general = known("user 7 was not found in tenant");
    general.is_general = true;
    assert_eq!(
        super::form_of(&general, &earlier).map(|first| place_of(first, &earlier)),
        Some(0)
    );
    assert_eq!(super::form_of(&general, []), None);
}

/// The place of a template among others.
fn place_of(id: TemplateId, among: &[Known]) -> usize {
    among.iter().position(|one| one.id == id).unwrap()
}
