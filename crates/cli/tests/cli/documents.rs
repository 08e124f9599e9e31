//! Completions and manual pages, which need no server.

use std::process::Command;

fn printed(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sightline"))
        .env_clear()
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        for command in ["login", "logs", "tail", "stats", "export", "send"] {
            assert!(script.contains(command), "{shell} lacks {command}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_all_and_one_for_each_command() {
    assert!(printed(&["man"]).contains(".TH sightline 1"));
    let folder = tempfile::tempdir().unwrap();
    printed(&["man", "--dir", folder.path().to_str().unwrap()]);
    let page = std::fs::read_to_string(folder.path().join("sightline-logs.1")).unwrap();
    assert!(page.contains("since"), "{page}");
}

#[test]
fn help_and_pages_never_show_the_environment() {
    let output = Command::new(env!("CARGO_BIN_EXE_sightline"))
        .env_clear()
        .env("SIGHTLINE_TOKEN", "slp_canary")
        .args(["login", "--help"])
        .output()
        .unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("canary"));
}
