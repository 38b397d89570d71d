//! The program itself refuses to start with a wrong setting, says which, and leaves nothing behind: row 2.

use std::path::Path;
use std::process::{Command, Output};

const GOOD: [(&str, &str); 2] =
    [("STRIPE_SECRET_KEY", "sk_test_0123456789"), ("STRIPE_WEBHOOK_SECRET", "whsec_0123456789")];

/// Runs `octavo` in an empty folder with nothing but these variables; `None` unsets one of the good ones.
fn octavo(folder: &Path, arguments: &[&str], changes: &[(&str, Option<&str>)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_octavo"));
    command.args(arguments).current_dir(folder).env_clear().envs(GOOD);
    for (name, value) in changes {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().unwrap()
}

fn is_refused(arguments: &[&str], changes: &[(&str, Option<&str>)], name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = octavo(folder.path(), arguments, changes);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it started with {changes:?}");
    let line = said
        .lines()
        .find(|line| line.contains(name))
        .unwrap_or_else(|| panic!("{changes:?}: no line names {name}: {said}"));
    assert!(line.len() < 300 && !said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    assert!(!said.contains("0123456789"), "a secret was repeated: {said}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{changes:?} left {left:?}");
}

#[test]
fn row_2_without_a_webhook_secret_nothing_starts() {
    for value in [None, Some(""), Some(" "), Some("whsec_"), Some("0123456789"), Some("whsec_0123456789,"), Some(",")] {
        is_refused(&[], &[("STRIPE_WEBHOOK_SECRET", value)], "STRIPE_WEBHOOK_SECRET");
    }
    is_refused(&["serve"], &[("STRIPE_WEBHOOK_SECRET", None)], "STRIPE_WEBHOOK_SECRET");
}

#[test]
fn row_2_a_malformed_key_or_address_is_named() {
    for value in [
        None,
        Some(""),
        Some(" "),
        Some("pk_test_0123456789"),
        Some("sk_test_"),
        Some("0123456789"),
        Some("sk_test_0123456789 "),
    ] {
        is_refused(&[], &[("STRIPE_SECRET_KEY", value)], "STRIPE_SECRET_KEY");
    }
    for value in ["http://books.example.org", "nonsense", "https://h/path"] {
        is_refused(&[], &[("BASE_URL", Some(value))], "BASE_URL");
    }
    is_refused(&[], &[("STRIPE_API_BASE", Some("https://evil.example/"))], "STRIPE_API_BASE");
    is_refused(&[], &[("LISTEN_ADDR", Some("nowhere"))], "LISTEN_ADDR");
    is_refused(&[], &[("TRUSTED_PROXIES", Some("everybody"))], "TRUSTED_PROXIES");
    is_refused(&[], &[("SECRET_KEY", Some("short"))], "SECRET_KEY");
}

#[test]
fn an_unknown_database_url_is_an_error_and_makes_no_file() {
    for value in ["", "octavo.db", "mysql://h/db", "sqlite:octavo.db", "sqlite://", "file:octavo.db", "data/octavo.db"]
    {
        for arguments in [&[][..], &["serve"], &["migrate"], &["seed", "--demo"], &["doctor"]] {
            is_refused(arguments, &[("DATABASE_URL", Some(value))], "DATABASE_URL");
        }
    }
}

#[test]
fn a_database_out_of_reach_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let changes = [
        ("DATABASE_URL", Some("postgres://u:0123456789@127.0.0.1:1/db")),
        ("SECRET_KEY", Some("0123456789abcdef0123456789abcdef")),
    ];
    let output = octavo(folder.path(), &["migrate"], &changes);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot connect") && !said.contains("0123456789"), "{said}");
}

#[test]
fn migrating_makes_the_database_and_the_doctor_finds_it_well() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["migrate"], ["migrate"], ["doctor"]] {
        let output = octavo(folder.path(), &arguments, &[("DATABASE_URL", Some("sqlite://made/here.db"))]);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(folder.path().join("made/here.db").exists());
}
