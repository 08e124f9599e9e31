use std::sync::Mutex;

use super::*;

fn sockets(addresses: &[&str]) -> Vec<SocketAddr> {
    addresses
        .iter()
        .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
        .collect()
}

/// What a scripted name server says next.
pub(super) fn next_answer(answers: &Mutex<Vec<Vec<SocketAddr>>>) -> Vec<SocketAddr> {
    let mut answers = answers.lock().unwrap();
    match answers.len() {
        1 => answers[0].clone(),
        _ => answers.remove(0),
    }
}

#[rstest::rstest]
#[case("ftp://hooks.example/x", InvalidUrl::Scheme)]
#[case("file:///etc/passwd", InvalidUrl::Scheme)]
#[case("gopher://127.0.0.1:6379/_FLUSHALL", InvalidUrl::Scheme)]
#[case("javascript://x/%0aalert(1)", InvalidUrl::Scheme)]
#[case("//hooks.example/x", InvalidUrl::Scheme)]
#[case("https:hooks.example", InvalidUrl::Scheme)]
#[case("hooks.example/x", InvalidUrl::Scheme)]
#[case("", InvalidUrl::Scheme)]
#[case("https://user:pass@hooks.example/", InvalidUrl::UserInfo)]
#[case("https://hooks.example@127.0.0.1/", InvalidUrl::UserInfo)]
#[case("https://@hooks.example/", InvalidUrl::UserInfo)]
#[case("https://127.0.0.1#@hooks.example/", InvalidUrl::Fragment)]
#[case("https://hooks.example/\\@127.0.0.1", InvalidUrl::Characters)]
#[case("https:\\\\127.0.0.1/", InvalidUrl::Characters)]
#[case(" https://hooks.example/", InvalidUrl::Characters)]
#[case("https://hooks.example/\n", InvalidUrl::Characters)]
#[case("https://hooks.example\t/", InvalidUrl::Characters)]
#[case("https://hooks.example/\0", InvalidUrl::Characters)]
#[case("https://", InvalidUrl::Malformed)]
#[case("https:///x", InvalidUrl::Malformed)]
#[case("https://hooks.example:99999/", InvalidUrl::Malformed)]
#[case("https://[::1", InvalidUrl::Malformed)]
#[case("https://1.2.3.4.5/", InvalidUrl::Malformed)]
#[case("https://0x100000000/", InvalidUrl::Malformed)]
fn an_address_with_tricks_is_refused(#[case] text: &str, #[case] reason: InvalidUrl) {
    assert_eq!(ChannelUrl::parse(text).err(), Some(reason));
}

#[rstest::rstest]
#[case("https://127.0.0.1/")]
#[case("https://127.1/")]
#[case("https://127.0.0.1./")]
#[case("https://2130706433/")]
#[case("https://0x7f000001/")]
#[case("https://0x7f.1/")]
#[case("https://0177.0.0.1/")]
#[case("https://017700000001/")]
#[case("https://0/")]
#[case("https://[::1]/")]
#[case("https://[::ffff:127.0.0.1]/")]
#[case("https://[::ffff:7f00:1]/")]
#[case("https://[0:0:0:0:0:ffff:7f00:1]/")]
#[case("https://[64:ff9b::7f00:1]/")]
#[case("https://[2002:7f00:1::]/")]
#[case("https://１２７.0.0.1/")]
#[case("https://127。0。0。1/")]
#[case("https://%31%32%37.0.0.1/")]
#[case("https://169.254.169.254/latest/meta-data/")]
#[case("https://[fd00:ec2::254]/")]
fn a_literal_that_is_not_public_is_refused_in_every_spelling(#[case] text: &str) {
    let url = ChannelUrl::parse(text).unwrap();
    let refusal = Egress::default().check_without_lookup(&url);
    assert!(matches!(refusal, Err(Refusal::Literal(_))), "{text}: {refusal:?}");
}

#[rstest::rstest]
#[case("https://localhost/")]
#[case("https://LOCALHOST./")]
#[case("https://hooks.localhost:8443/")]
fn a_name_that_means_this_machine_is_refused_unless_it_is_allowed(#[case] text: &str) {
    let url = ChannelUrl::parse(text).unwrap();
    let refusal = Egress::default().check_without_lookup(&url);
    assert!(
        matches!(refusal, Err(Refusal::Resolved { .. })),
        "{text}: {refusal:?}"
    );
    let open = Egress::new(&["::1/128".parse().unwrap()]);
    assert_eq!(open.check_without_lookup(&url), Ok(()));
}

#[test]
fn public_https_passes_and_plain_http_does_not() {
    let egress = Egress::default();
    let check = |text| egress.check_without_lookup(&ChannelUrl::parse(text).unwrap());
    assert_eq!(check("https://1.1.1.1/x"), Ok(()));
    assert_eq!(check("HTTPS://1.1.1.1/x"), Ok(()));
    assert_eq!(check("http://1.1.1.1/x"), Err(Refusal::PlainHttp));
}

#[test]
fn the_operators_list_opens_networks_in_every_form_of_their_addresses() {
    let egress = Egress::new(&["127.0.0.0/8".parse().unwrap()]);
    let check = |text| egress.check_without_lookup(&ChannelUrl::parse(text).unwrap());
    assert_eq!(check("http://127.0.0.1:8080/x"), Ok(()));
    assert_eq!(check("http://[::ffff:127.0.0.1]:8080/x"), Ok(()));
    assert!(check("http://[::1]:8080/x").is_err());
    assert!(check("https://10.0.0.1/x").is_err());
}

#[test]
fn of_a_names_addresses_only_the_public_ones_are_kept() {
    let egress = Egress::default();
    let mixed = sockets(&["10.0.0.1", "1.1.1.1", "::1"]);
    assert_eq!(egress.pick("h", &mixed, true), Ok(sockets(&["1.1.1.1"])));
    assert!(matches!(
        egress.pick("h", &sockets(&["10.0.0.1"]), true),
        Err(Refusal::Resolved { .. })
    ));
    assert_eq!(
        egress.pick("h", &sockets(&["1.1.1.1"]), false),
        Err(Refusal::PlainHttp)
    );
}

#[tokio::test]
async fn a_name_server_that_changes_its_answer_leads_nowhere() {
    service_kit::telemetry::init();
    let sink = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = sink.local_addr().unwrap().port();
    // Public for whoever looks first, loopback from then on.
    let answers = Arc::new(Mutex::new(vec![sockets(&["1.1.1.1"]), sockets(&["127.0.0.1"])]));
    let resolver = GuardedResolver {
        egress: Egress::default(),
        lookup: Lookup::Scripted(answers.clone()),
        secure: true,
    };
    assert!(
        resolver
            .resolve("rebinding.example".parse().unwrap())
            .await
            .is_ok()
    );
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .dns_resolver(resolver)
        .build()
        .unwrap();
    let sent = client.post(format!("https://rebinding.example:{port}/")).send();
    let error = tokio::select! {
        result = sent => result.unwrap_err(),
        accepted = sink.accept() => panic!("connected to {accepted:?}"),
    };
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    assert!(
        causes.any(<dyn std::error::Error>::is::<Refusal>),
        "{error:?} is not a refusal"
    );
    assert_eq!(
        answers.lock().unwrap().len(),
        1,
        "the connection asked for itself"
    );
}

#[test]
fn a_hint_shows_the_host_and_little_else() {
    let url = ChannelUrl::parse("https://hooks.slack.com/services/T00/B00/abcdefghijkl").unwrap();
    assert_eq!(url.hint(), "hooks.slack.com …ijkl");
}
