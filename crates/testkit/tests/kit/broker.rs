use testkit::TestBroker;

#[tokio::test]
async fn a_vhost_is_private_and_goes_with_its_test() {
    let (one, other) = tokio::join!(TestBroker::create(), TestBroker::create());
    assert_ne!(one.amqp_url(), other.amqp_url());
    assert!(one.amqp_url().ends_with(one.vhost()));
    assert_eq!(one.queue_names().await, Vec::<String>::new());
    drop(one);
    assert_eq!(other.queue_names().await, Vec::<String>::new());
}
