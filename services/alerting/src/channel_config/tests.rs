use super::*;

const KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn first_path(error: &ApiError) -> String {
    match error {
        ApiError::Validation { details, .. } => details[0].path.clone(),
        other => panic!("{other:?}"),
    }
}

/// A good configuration of each kind, with a canary in every secret.
fn good(kind: ChannelType) -> Value {
    match kind {
        ChannelType::Slack | ChannelType::Discord | ChannelType::Teams => {
            json!({"webhook_url": "https://hooks.example/canary"})
        }
        ChannelType::SlackBot => json!({"token": "xoxb-canary-canary", "channel": "C0123456789"}),
        ChannelType::Email => json!({"to": ["ada@example.com", "grace@example.com"]}),
        ChannelType::Pagerduty => json!({"routing_key": "canarycanarycanarycanarycanary00"}),
        ChannelType::Opsgenie => {
            json!({"api_key": "canary-canary-canary", "api_url": "https://api.eu.opsgenie.com"})
        }
        ChannelType::Telegram => json!({"bot_token": "123456:canary-canary", "chat_id": "-1001234567890"}),
        ChannelType::Ntfy => json!({"topic": "canary-ops", "token": "tk_canarycanary"}),
        ChannelType::Webhook => json!({"url": "https://hooks.example/canary"}),
    }
}

#[test]
fn a_sealed_configuration_of_each_kind_opens_for_its_own_channel_only() {
    let sealer: Sealer = KEYS.parse().unwrap();
    let (org, id) = (OrgId::generate(), ChannelId::generate());
    for kind in ChannelType::ALL {
        let given = ChannelConfig::parse(kind, &good(kind), None).unwrap();
        let sealed = given.config.seal(&sealer, org, id).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("canary"));
        let opened = ChannelConfig::open(&sealer, org, id, kind, &sealed).unwrap();
        assert_eq!(opened.plain(), given.config.plain(), "{kind}");
        let elsewhere = ChannelConfig::open(&sealer, org, ChannelId::generate(), kind, &sealed);
        assert!(matches!(
            elsewhere,
            Err(UnreadableConfig::Sealed(SealError::Damaged))
        ));
    }
}

#[test]
fn a_hint_shows_little() {
    for kind in ChannelType::ALL {
        let hint = ChannelConfig::parse(kind, &good(kind), None)
            .unwrap()
            .config
            .hint();
        assert!(
            !hint.contains("canary-c") && !hint.contains("canaryc") && !hint.contains("/canary"),
            "{kind}: {hint}"
        );
        assert!(!hint.is_empty());
    }
}

#[test]
fn a_webhook_keeps_its_secrets_unless_it_gets_another() {
    let parse = |config, before| ChannelConfig::parse(ChannelType::Webhook, &config, before).unwrap();
    let first = parse(json!({"url": "https://a.example/"}), None);
    let signing = |config: &ChannelConfig| match config {
        ChannelConfig::Webhook { signing, .. } => signing.clone(),
        _ => panic!("another type"),
    };
    let moved = parse(json!({"url": "https://b.example/"}), Some(&first.config));
    assert_eq!(
        signing(&moved.config).current.reveal(),
        signing(&first.config).current.reveal()
    );
    assert!(moved.made_secret.is_none());
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let changed = parse(
        json!({"url": "https://b.example/", "secret": own}),
        Some(&first.config),
    );
    assert_eq!(signing(&changed.config).current.reveal(), own);
}

#[test]
fn a_rotated_secret_is_sealed_with_the_one_before() {
    let sealer: Sealer = KEYS.parse().unwrap();
    let (org, id) = (OrgId::generate(), ChannelId::generate());
    let ChannelConfig::Webhook { url, signing } =
        ChannelConfig::parse(ChannelType::Webhook, &good(ChannelType::Webhook), None)
            .unwrap()
            .config
    else {
        panic!("another type")
    };
    let until = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let rotated = ChannelConfig::Webhook {
        url,
        signing: signing.rotated(until),
    };
    let sealed = rotated.seal(&sealer, org, id).unwrap();
    match ChannelConfig::open(&sealer, org, id, ChannelType::Webhook, &sealed).unwrap() {
        ChannelConfig::Webhook { signing: opened, .. } => {
            let (previous, ends) = opened.previous.unwrap();
            assert_eq!((previous.reveal(), ends), (signing.current.reveal(), until));
            assert_ne!(opened.current.reveal(), signing.current.reveal());
        }
        _ => panic!("another type"),
    }
}

#[rstest::rstest]
#[case(ChannelType::Slack, json!("https://secret.example/x"), "config")]
#[case(ChannelType::Slack, json!({}), "config.webhook_url")]
#[case(ChannelType::Slack, json!({"webhook_url": 5}), "config.webhook_url")]
#[case(ChannelType::Slack, json!({"url": "https://secret.example/x"}), "config.url")]
#[case(ChannelType::Discord, json!({"webhook_url": "ftp://secret.example/x"}), "config.webhook_url")]
#[case(ChannelType::Webhook, json!({"url": "https://a.example/", "secret": "secret.example"}), "config.secret")]
#[case(ChannelType::Webhook, json!({"url": "https://a.example/", "previous": {}}), "config.previous")]
#[case(ChannelType::SlackBot, json!({"token": "xoxp-secret.example", "channel": "C0123456789"}), "config.token")]
#[case(ChannelType::SlackBot, json!({"token": "xoxb-12345678", "channel": "#secret.example"}), "config.channel")]
#[case(ChannelType::Email, json!({"to": []}), "config.to")]
#[case(ChannelType::Email, json!({"to": ["a@secret.example", "b"]}), "config.to[1]")]
#[case(ChannelType::Email, json!({"to": ["a@secret.example,b@secret.example"]}), "config.to[0]")]
#[case(ChannelType::Email, json!({"to": ["<a@secret.example>"]}), "config.to[0]")]
#[case(ChannelType::Pagerduty, json!({"routing_key": "secret.example"}), "config.routing_key")]
#[case(ChannelType::Opsgenie, json!({"api_key": "12345678", "api_url": "https://x.example/?secret.example"}), "config.api_url")]
#[case(ChannelType::Telegram, json!({"bot_token": "123456:../../secret.example", "chat_id": "1"}), "config.bot_token")]
#[case(ChannelType::Telegram, json!({"bot_token": "123456:abcdefgh", "chat_id": "secret.example"}), "config.chat_id")]
#[case(ChannelType::Ntfy, json!({"topic": "secret.example/x"}), "config.topic")]
#[case(ChannelType::Ntfy, json!({"topic": "ops", "server_url": "https://u:secret.example@x/"}), "config.server_url")]
fn a_mistake_is_named_and_its_value_never_repeated(
    #[case] kind: ChannelType,
    #[case] config: Value,
    #[case] path: &str,
) {
    let Err(error) = ChannelConfig::parse(kind, &config, None) else {
        panic!("must be refused")
    };
    assert_eq!(first_path(&error), path);
    assert!(!format!("{error:?}").contains("secret.example"), "{error:?}");
}
