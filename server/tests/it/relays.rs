//! What goes over the wire to a relay: TLS where it is asked for, and nothing at all where it cannot be had.

use crate::support::{
    Authority, Encryption, GOOD_CARD, MailWay, Options, Program, Sink, Store, message_ids, on_both_databases,
};
use chrono::{TimeDelta, Utc};
use shop::{Clock, Shop};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A store whose clock stands still, and which does nothing by itself.
fn by_hand(mail: MailWay) -> Options {
    let clock = Clock::manual(Utc::now().naive_utc());
    Options { workers: false, webhooks: false, clock, mail, ..Options::default() }
}

/// Somebody on the way to a relay, who writes down every byte that a client says.
struct Wire {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    async fn to(sink: &Sink) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, relay, heard) = (listener.local_addr().unwrap().port(), sink.port(), Arc::default());
        let wire = Self { port, heard: Arc::clone(&heard) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(listen_in(client, relay, Arc::clone(&heard)));
            }
        });
        wire
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }

    /// What is secret, or nobody's business: the password as it would be said, addresses, and what the mail says.
    fn tells_nothing(&self) {
        let heard = self.heard();
        // PLAIN and LOGIN say it in base64 (RFC 4616).
        for secret in ["right", "AGFubgByaWdodA", "cmlnaHQ", "AUTH", "MAIL FROM", "RCPT", "ann@example.org", "receipt"]
        {
            assert!(!heard.contains(secret), "{secret} was said in clear text: {heard}");
        }
    }
}

async fn listen_in(client: TcpStream, relay: u16, heard: Arc<Mutex<Vec<u8>>>) {
    let Ok(relay) = TcpStream::connect(("127.0.0.1", relay)).await else { return };
    let ((mut from, mut answer), (mut back, mut to)) = (client.into_split(), relay.into_split());
    let forth = async {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            heard.lock().unwrap().extend_from_slice(&bytes[..count]);
            if to.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    };
    let (..) = tokio::join!(forth, tokio::io::copy(&mut back, &mut answer));
}

async fn send(shop: &Shop) {
    while shop.work_on_outbox().await.unwrap() > 0 {}
}

/// It arrives, and whoever listens in learns nothing.
async fn arrives_unheard(store: &Store, credentials: &str) {
    let sink = store.sink.as_ref().unwrap();
    let wire = Wire::to(sink).await;
    store.bought(&["the-first-book"], GOOD_CARD).await;
    let (authority, _) = sink.authority().unwrap();
    send(&store.with_relay(&sink.url_at(credentials, wire.port), Some(authority))).await;
    assert_eq!(store.count("outbox WHERE state = 'sent' AND attempts = 1").await, 1);
    assert_eq!(message_ids(&sink.taken()), store.texts("SELECT message_id AS value FROM outbox").await);
    assert!(!wire.heard().is_empty());
    wire.tells_nothing();
}

const PASSWORD: &str = "ann:right@";

on_both_databases!(
    mail_goes_under_tls_from_the_first_byte,
    by_hand(MailWay::Secure(Encryption::FromTheStart, PASSWORD)),
    async |store| {
        arrives_unheard(store, PASSWORD).await;
    }
);

on_both_databases!(
    mail_goes_under_tls_after_starttls,
    by_hand(MailWay::Secure(Encryption::StartTls, PASSWORD)),
    async |store| {
        arrives_unheard(store, PASSWORD).await;
    }
);

on_both_databases!(
    the_program_trusts_the_authority_that_the_operator_names,
    by_hand(MailWay::Secure(Encryption::StartTls, "")),
    async |store| {
        store.bought(&["the-first-book"], GOOD_CARD).await;
        let _program = Program::start(store, None).await;
        store.until("it is sent", async || store.count("outbox WHERE state = 'sent'").await == 1).await;
    }
);

/// No certificate but the right one is spoken to: not one of another authority, not one that nobody named, not one for
/// another relay.
async fn a_wrong_certificate_is_refused(store: &Store, encryption: Encryption) {
    let sink = store.sink.as_ref().unwrap();
    let (authority, _) = sink.authority().unwrap();
    let elsewhere = Authority::new("relay.example.org");
    let its_authority = elsewhere.pem.clone();
    let other_name = Sink::start_secure(encryption, true, elsewhere);
    store.bought(&["the-first-book"], GOOD_CARD).await;
    let cases = [(sink, Some(its_authority.as_str())), (sink, None), (&other_name, Some(its_authority.as_str()))];
    for (tries, (relay, trusted)) in (1..).zip(cases) {
        let wire = Wire::to(relay).await;
        send(&store.with_relay(&relay.url_at(PASSWORD, wire.port), trusted)).await;
        let row = format!("outbox WHERE state = 'queued' AND attempts = {tries} AND error LIKE '%ertificate%'");
        assert_eq!(store.count(&row).await, 1, "{:?}", store.texts("SELECT error AS value FROM outbox").await);
        wire.tells_nothing();
        store.shop.clock().advance(TimeDelta::minutes(10));
    }
    assert_eq!((sink.taken().len(), other_name.taken().len()), (0, 0));
    // It waits for the right one.
    send(&store.with_relay(&sink.url(PASSWORD), Some(authority))).await;
    assert_eq!((sink.taken().len(), store.count("outbox WHERE state = 'sent'").await), (1, 1));
}

on_both_databases!(
    a_wrong_certificate_from_the_first_byte_is_refused,
    by_hand(MailWay::Secure(Encryption::FromTheStart, PASSWORD)),
    async |store| a_wrong_certificate_is_refused(store, Encryption::FromTheStart).await
);

on_both_databases!(
    a_wrong_certificate_after_starttls_is_refused,
    by_hand(MailWay::Secure(Encryption::StartTls, PASSWORD)),
    async |store| a_wrong_certificate_is_refused(store, Encryption::StartTls).await
);

on_both_databases!(
    where_tls_is_required_and_not_offered_nothing_is_said,
    by_hand(MailWay::Sink(PASSWORD)),
    async |store| {
        let sink = store.sink.as_ref().unwrap();
        store.bought(&["the-first-book"], GOOD_CARD).await;
        let wire = Wire::to(sink).await;
        let url = format!("smtp://{PASSWORD}127.0.0.1:{}?tls=required", wire.port);
        send(&store.with_relay(&url, None)).await;
        assert_eq!(store.count("outbox WHERE state = 'queued' AND attempts = 1 AND error LIKE '%STARTTLS%'").await, 1);
        assert_eq!(sink.taken().len(), 0);
        assert!(wire.heard().starts_with("EHLO "), "{}", wire.heard());
        wire.tells_nothing();
        // One that expects TLS from the first byte has nothing to talk about with this relay either.
        store.shop.clock().advance(TimeDelta::minutes(10));
        let wire = Wire::to(sink).await;
        send(&store.with_relay(&format!("smtps://{PASSWORD}127.0.0.1:{}", wire.port), None)).await;
        assert_eq!(store.count("outbox WHERE state = 'queued' AND attempts = 2").await, 1);
        assert!(wire.heard().starts_with('\u{16}'), "no TLS hello: {}", wire.heard());
        wire.tells_nothing();
        assert_eq!(sink.taken().len(), 0);
    }
);
