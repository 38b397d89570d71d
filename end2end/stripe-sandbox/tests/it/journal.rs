//! The state file: nothing answered is lost, a torn line is dropped, what is not ours is refused.

use std::io::Write as _;
use std::path::Path;

use stripe_sandbox::{Config, Sandbox, StartError};

use crate::helpers::{VISA, create, get, id, send, start_with};

fn config(file: &Path) -> Config {
    Config { state_file: Some(file.to_owned()), ..Config::default() }
}

#[tokio::test]
async fn everything_answered_is_there_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.jsonl");
    let sandbox = start_with(config(&file)).await;
    let session = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    let refund = send(&sandbox, "/v1/refunds", &[("charge", &charge(&sandbox).await)]).await.body;
    let customer = send(&sandbox, "/v1/customers", &[("email", "a@example.com")]).await.body;
    let crashed = folder.path().join("crashed.jsonl");
    // What a crash would leave, and half a line more.
    std::fs::copy(&file, &crashed).unwrap();
    std::fs::OpenOptions::new().append(true).open(&crashed).unwrap().write_all(b"{\"table\":\"sess").unwrap();
    let again = start_with(config(&crashed)).await;
    for path in [
        format!("/v1/checkout/sessions/{}", id(&session)),
        format!("/v1/refunds/{}", id(&refund)),
        format!("/v1/customers/{}", id(&customer)),
    ] {
        assert_eq!(get(&again, &path).await.body, get(&sandbox, &path).await.body, "{path}");
    }
    assert_eq!(again.events(), sandbox.events());
    again.shutdown().await;
    let third = start_with(config(&crashed)).await;
    assert_eq!(third.events(), sandbox.events());
}

async fn charge(sandbox: &stripe_sandbox::Running) -> String {
    id(&get(sandbox, "/v1/charges").await.body["data"][0]).to_owned()
}

#[tokio::test]
async fn a_change_appends_and_a_start_tidies_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.jsonl");
    let size = || std::fs::metadata(&file).unwrap().len();
    let sandbox = start_with(config(&file)).await;
    let customer = send(&sandbox, "/v1/customers", &[("name", "0")]).await.body;
    let path = format!("/v1/customers/{}", id(&customer));
    for n in 1..50 {
        let before = size();
        assert_eq!(send(&sandbox, &path, &[("name", &n.to_string())]).await.status, 200);
        assert!(size() > before && size() < before + 4_000, "{before} {}", size());
    }
    sandbox.shutdown().await;
    let grown = size();
    let again = start_with(config(&file)).await;
    assert_eq!(get(&again, &path).await.body["name"], "49");
    again.shutdown().await;
    // One customer and fifty events are left of fifty customers and fifty events.
    assert!(size() < grown, "{} {grown}", size());
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for text in
        ["hello\n", "{\"journal\":\"stripe-sandbox\",\"version\":1}\nbroken\n{\"table\":\"tasks\",\"gone\":\"x\"}\n"]
    {
        let file = folder.path().join("other");
        std::fs::write(&file, text).unwrap();
        assert!(matches!(Sandbox::start(config(&file)).await, Err(StartError::State(..))), "{text}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    let old = folder.path().join("old");
    std::fs::write(&old, "{\"sessions\":[]}").unwrap();
    start_with(config(&old)).await.shutdown().await;
    assert_eq!(std::fs::read_to_string(folder.path().join("old.old")).unwrap(), "{\"sessions\":[]}");
}

#[tokio::test]
async fn records_are_bounded() {
    let sandbox = start_with(Config { most_records: 5, ..Config::default() }).await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(id(&create(&sandbox, &[]).await).to_owned());
    }
    assert_eq!(sandbox.session_ids(), ids[3..]);
    assert_eq!(get(&sandbox, &format!("/v1/checkout/sessions/{}", ids[0])).await.status, 404);
}
