use std::time::Duration;

use testkit::eventually;

#[tokio::test]
async fn the_value_of_the_first_success_comes_back() {
    let mut polls = 0;
    let value = eventually(Duration::from_secs(5), "the third poll", async || {
        polls += 1;
        if polls == 3 { Ok("there") } else { Err(polls) }
    })
    .await;
    assert_eq!(value, "there");
}

#[tokio::test]
#[should_panic(expected = "waited 100ms for a miracle; last seen: 7 of 8")]
async fn the_deadline_says_what_was_awaited_and_how_things_stood() {
    eventually(Duration::from_millis(100), "a miracle", async || {
        Err::<(), _>("7 of 8")
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "the poll hung")]
async fn a_poll_that_hangs_is_cut_off() {
    eventually(Duration::from_millis(100), "an answer", async || {
        std::future::pending::<()>().await;
        Ok::<(), &str>(())
    })
    .await;
}
