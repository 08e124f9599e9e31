//! `tail`.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testkit::{Service, eventually};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::world::World;

const A_WHILE: Duration = Duration::from_secs(30);

struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    /// Connected: lines are sent until the first of them is seen.
    async fn open(world: &World) -> Self {
        let mut child = world
            .command(&["tail", "NOT level:debug"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut tail = Self { child, lines };
        loop {
            world.send(&[], "connected?\n").await;
            if timeout(Duration::from_secs(1), tail.lines.next_line())
                .await
                .is_ok()
            {
                return tail;
            }
        }
    }

    /// The next message that is no probe.
    async fn next(&mut self) -> String {
        loop {
            let line = timeout(A_WHILE, self.lines.next_line())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            let message = line["message"].as_str().unwrap();
            if message != "connected?" {
                return message.to_owned();
            }
        }
    }
}

#[tokio::test]
async fn new_lines_that_match_are_shown_until_ctrl_c() {
    let world = World::with_login().await;
    let mut tail = Tail::open(&world).await;
    world.send(&["--level", "debug"], "not this\n").await;
    world.send(&["--level", "error"], "this\n").await;
    assert_eq!(tail.next().await, "this");
    let pid = Pid::from_raw(i32::try_from(tail.child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = timeout(A_WHILE, tail.child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap()),
        (Some(0), String::new())
    );
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_and_no_line_is_lost() {
    let world = World::with_login().await;
    let mut tail = Tail::open(&world).await;
    let gateway = world.stack.process(Service::Query, 0);
    gateway.kill();
    world.send(&[], "while it was down\n").await;
    gateway.start().await;
    assert_eq!(tail.next().await, "while it was down");
    world.send(&[], "afterwards\n").await;
    assert_eq!(tail.next().await, "afterwards");
}

#[tokio::test]
async fn what_was_piped_in_before_ctrl_c_is_stored() {
    let world = World::with_login().await;
    let mut child = world.command(&["send"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"before\n").await.unwrap();
    eventually(
        A_WHILE,
        "the line to be stored while the pipe is open",
        async || {
            let found = world.run(&["logs"]).await.messages();
            if found == ["before"] {
                Ok(())
            } else {
                Err(format!("{found:?}"))
            }
        },
    )
    .await;
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = timeout(A_WHILE, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    drop(stdin);
}
