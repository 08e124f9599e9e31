use std::time::{Duration, Instant};

use testkit::{Proxy, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(150);

/// A server that sends back what it gets, and says how many bytes those were.
async fn echo() -> (String, tokio::sync::watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let (seen, watched) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    seen.send_modify(|total| *total += read);
                    let _ = stream.write_all(&buffer[..read]).await;
                }
            });
        }
    });
    (addr, watched)
}

async fn say(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    hear(stream, text.len()).await
}

async fn hear(stream: &mut TcpStream, bytes: usize) -> std::io::Result<String> {
    let mut buffer = vec![0; bytes];
    stream.read_exact(&mut buffer).await?;
    Ok(String::from_utf8(buffer).unwrap())
}

#[tokio::test]
async fn what_passes_comes_back_and_delay_makes_it_late() {
    let (server, _) = echo().await;
    let proxy = Proxy::to(server).await;
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(say(&mut stream, "hello").await.unwrap(), "hello");
    proxy.delay(Duration::from_millis(50));
    let asked = Instant::now();
    assert_eq!(say(&mut stream, "later").await.unwrap(), "later");
    assert!(asked.elapsed() >= Duration::from_millis(100), "50 ms each way");
}

#[tokio::test]
async fn a_black_hole_is_silent_and_delivers_after_healing() {
    let (server, seen) = echo().await;
    let proxy = Proxy::to(server).await;
    let mut old = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(say(&mut old, "a").await.unwrap(), "a");
    proxy.blackhole();
    let mut new = TcpStream::connect(proxy.addr()).await.unwrap();
    assert!(timeout(QUIET, say(&mut old, "b")).await.is_err());
    assert!(timeout(QUIET, say(&mut new, "c")).await.is_err());
    assert_eq!(*seen.borrow(), 1);
    proxy.pass();
    assert_eq!(timeout(SOON, hear(&mut old, 1)).await.unwrap().unwrap(), "b");
    assert_eq!(timeout(SOON, hear(&mut new, 1)).await.unwrap().unwrap(), "c");
}

#[tokio::test]
async fn lost_answers_leave_the_server_with_the_request() {
    let (server, seen) = echo().await;
    let proxy = Proxy::to(server).await;
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    proxy.lose_answers();
    stream.write_all(b"commit").await.unwrap();
    eventually(SOON, "the server to get it", async || {
        if *seen.borrow() == 6 {
            Ok(())
        } else {
            Err(*seen.borrow())
        }
    })
    .await;
    assert!(timeout(QUIET, hear(&mut stream, 1)).await.is_err());
}

#[tokio::test]
async fn lost_requests_never_reach_the_server() {
    let (server, seen) = echo().await;
    let proxy = Proxy::to(server).await;
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    proxy.lose_requests();
    assert!(timeout(QUIET, say(&mut stream, "x")).await.is_err());
    assert_eq!(*seen.borrow(), 0);
}

#[tokio::test]
async fn a_cut_ends_old_connections_and_new_ones_until_healed() {
    let (server, _) = echo().await;
    let proxy = Proxy::to(server).await;
    let mut old = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(say(&mut old, "a").await.unwrap(), "a");
    proxy.cut();
    timeout(SOON, hear(&mut old, 1)).await.unwrap().unwrap_err();
    let new = async { say(&mut TcpStream::connect(proxy.addr()).await?, "b").await };
    timeout(SOON, new).await.unwrap().unwrap_err();
    proxy.pass();
    let mut healed = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(say(&mut healed, "c").await.unwrap(), "c");
}
