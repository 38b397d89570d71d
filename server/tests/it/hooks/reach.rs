//! Row 41: where deliveries go, and where they never do. (The forms of addresses are in `shop::hooks`.)

use super::{BOOKS, standing};
use crate::support::{Authority, GOOD_CARD, Options, Program, Receiver, Store, by_hand, on_both_databases};
use chrono::TimeDelta;
use serde_json::{Value, json};
use shop::audit::Actor;
use shop::hooks::{BadAddress, DeliveryQuery, EventType, Names, NewEndpoint, NotSaved, Reach};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

const ONE: &[EventType] = &[EventType::OrderSucceeded];

/// What a name server says of each name, and how often it was asked.
type Known = HashMap<String, (Vec<IpAddr>, usize)>;

static ANSWERS: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

fn says(name: &str, ips: &[&str]) {
    let ips = ips.iter().map(|ip| ip.parse().unwrap()).collect();
    ANSWERS.lock().unwrap().entry(name.to_owned()).or_default().0 = ips;
}

fn asked(name: &str) -> usize {
    ANSWERS.lock().unwrap().get(name).map_or(0, |(_, asked)| *asked)
}

/// A store whose names are looked up there, and that reaches this machine.
fn with_names() -> Options {
    let names = Names::Given(Arc::new(|name| {
        let mut answers = ANSWERS.lock().unwrap();
        let (ips, asked) = answers.entry(name.to_owned()).or_default();
        *asked += 1;
        ips.clone()
    }));
    Options { reach: Reach { names, ..Reach::demo() }, ..standing() }
}

async fn last_error(store: &Store, endpoint: i64) -> String {
    let page = store.shop.webhook_deliveries(endpoint, DeliveryQuery::default()).await.unwrap();
    page.deliveries[0].error.clone().unwrap_or_default()
}

on_both_databases!(row_41_a_name_that_changes_its_mind_leads_nowhere, with_names(), async |store| {
    let receiver = Receiver::start().await;
    let name = format!("{:?}.example.org", store.backend).to_lowercase();
    let url = format!("http://{name}:{}/hook", receiver.address.port());
    let new = NewEndpoint { url: url.clone(), description: String::new(), events: ONE.to_vec() };
    let nobody = store.shop.add_webhook_endpoint(&Actor::Command, &new).await.unwrap();
    assert_eq!(nobody, Err(NotSaved::Address(BadAddress::Unknown)));
    says(&name, &["169.254.169.254"]);
    let inside = store.shop.add_webhook_endpoint(&Actor::Command, &new).await.unwrap();
    assert_eq!(inside, Err(NotSaved::Address(BadAddress::Private)));
    says(&name, &["127.0.0.1"]);
    let endpoint = store.endpoint(&url, ONE).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    let before = asked(&name);
    store.deliver_webhooks().await;
    // Asked once, and connected to what was said then; under its own name.
    assert_eq!((receiver.taken().len(), asked(&name) - before), (1, 1));
    assert_eq!(receiver.taken()[0].header("host"), format!("{name}:{}", receiver.address.port()));

    // The very next attempt finds another address, and is not made.
    for inside in [&["10.0.0.1"][..], &["169.254.169.254"], &["::ffff:127.0.0.1"], &["127.0.0.1", "192.168.0.1"]] {
        says(&name, inside);
        store.bought(&BOOKS, GOOD_CARD).await;
        store.deliver_webhooks().await;
        assert_eq!(receiver.taken().len(), 1, "{inside:?}");
        let error = last_error(store, endpoint).await;
        assert!(error.contains("not public"), "{inside:?}: {error}");
    }
    says(&name, &[]);
    store.shop.clock().advance(TimeDelta::seconds(10));
    store.deliver_webhooks().await;
    assert!(last_error(store, endpoint).await.contains("no address is known"));
    assert_eq!(receiver.taken().len(), 1);
});

on_both_databases!(
    row_41_what_was_saved_when_more_was_allowed_is_looked_at_again,
    Options { reach: Reach::default(), ..standing() },
    async |store| {
        let receiver = Receiver::start().await;
        for url in [receiver.url(), "https://127.0.0.1/".into(), "https://localhost/".into()] {
            let new = NewEndpoint { url: url.clone(), description: String::new(), events: ONE.to_vec() };
            let refused = store.shop.add_webhook_endpoint(&Actor::Command, &new).await.unwrap();
            assert!(matches!(refused, Err(NotSaved::Address(_))), "{url}: {refused:?}");
        }
        assert_eq!(store.count("webhook_endpoint").await, 0);
        let sql = "INSERT INTO webhook_endpoint (url, description, events, state, generation, secret_at, created_at, changed_at) \
                   VALUES ('URL', '', 'order.succeeded ', 'enabled', 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00')";
        store.execute(&sql.replace("URL", &receiver.url())).await;
        store.execute(&sql.replace("URL", &format!("https://{}/hook", receiver.address))).await;
        store.bought(&BOOKS, GOOD_CARD).await;
        store.deliver_webhooks().await;
        assert_eq!(receiver.taken().len(), 0);
        let why = store.texts("SELECT error AS value FROM webhook_attempt ORDER BY id").await;
        assert_eq!(why.len(), 2);
        assert!(why.iter().all(|why| why.starts_with("the address is not used")), "{why:?}");
    }
);

/// `end2end/webhooks/receiver.py`: takes webhooks over TLS, and ends with its input.
struct Secure {
    child: Child,
    said: BufReader<ChildStdout>,
    port: u16,
}

impl Secure {
    fn start(folder: &Path, authority: &Authority) -> Self {
        let python = std::env::var("TEST_MAIL_SINK").expect("TEST_MAIL_SINK: run scripts/host-tests.sh");
        let (certificate, key) = (folder.join("hook.pem"), folder.join("hook.key"));
        std::fs::write(&certificate, &authority.certificate).unwrap();
        std::fs::write(&key, &authority.key).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/webhooks/receiver.py");
        let mut command = Command::new(python);
        command.arg("-B").arg(script).arg("--certificate").arg(certificate).arg("--key").arg(key);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut secure = Self { child, said, port: 0 };
        secure.port = secure.line().strip_prefix("ready ").expect("a port").parse().unwrap();
        secure
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

on_both_databases!(a_delivery_over_tls_knows_whom_it_speaks_to, by_hand(), async |store| {
    let authority = Authority::new("localhost");
    let file = store.data.path().join("authority.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let mut receiver = Secure::start(store.data.path(), &authority);
    let named = format!("https://localhost:{}/hook", receiver.port);
    store.endpoint(&named, ONE).await;
    // The certificate is for the name, and not for this.
    let other = store.endpoint(&format!("https://127.0.0.1:{}/hook", receiver.port), ONE).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    // The machine's authorities are the test's, for the program that delivers.
    let settings = [("OCTAVO_DEMO", "1"), ("SSL_CERT_FILE", file.to_str().unwrap())];
    let _program = Program::start_with(store, None, &settings).await;
    store.until("both are tried", async || store.count("webhook_attempt").await >= 2).await;
    assert_eq!(store.count("webhook_attempt WHERE status = 204").await, 1);
    let taken: Value = serde_json::from_str(&receiver.line()).unwrap();
    assert_eq!((&taken["name"], &taken["host"]), (&json!("localhost"), &json!(format!("localhost:{}", receiver.port))));
    let error = last_error(store, other).await;
    assert!(error.starts_with("no connection: ") && error.contains("certificate"), "{error}");
});

on_both_databases!(an_answer_is_not_followed_and_not_read_to_its_end, standing(), async |store| {
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    receiver.answer(307, &[("location", &other.url())], &"x".repeat(5_000_000));
    let endpoint = store.endpoint(&receiver.url(), ONE).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    assert_eq!((receiver.taken().len(), other.taken().len()), (1, 0));
    assert!(last_error(store, endpoint).await.contains("redirects are not followed"));
    let kept = store.texts("SELECT CAST(LENGTH(answer) AS TEXT) AS value FROM webhook_attempt").await;
    assert_eq!(kept, ["2048"]);
    // Nobody there, and nothing that any database refuses to keep.
    let gone = store.endpoint("http://127.0.0.1:1/", ONE).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    receiver.answer(200, &[], "\0\u{1b}[31m&<script>");
    store.deliver_webhooks().await;
    assert!(last_error(store, gone).await.starts_with("no connection"));
    assert_eq!(store.count("webhook_attempt WHERE answer = '[31m&<script>'").await, 1);
});
