//! The store's door: the real router behind the real accept loop.

use super::{MAIL_SECRET, WEBHOOK_SECRET};
use ipnet::IpNet;
use octavo::lanes::{Lanes, Welcome};
use octavo::router::{Settings, store};
use octavo::uploads::Uploads;
use octavo::{page_cache, serve};
use shop::Shop;
use std::time::Duration;
use stripe_sandbox::Running;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How a door differs from the usual one.
pub struct Door {
    pub webhook_secrets: String,
    pub mail_secrets: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The store's own address, if it is another one than that of its usual door.
    pub base_url: Option<String>,
    pub lanes: Lanes,
    /// How long an upload may take whatever its size.
    pub upload_grace: Duration,
    pub limits: serve::Limits,
    pub welcome: Welcome,
    /// Told to stop by `true`.
    pub stop: watch::Receiver<bool>,
}

impl Default for Door {
    fn default() -> Self {
        let (never, stop) = watch::channel(false);
        // A sender that is gone would be one that can never say so.
        std::mem::forget(never);
        Self {
            webhook_secrets: WEBHOOK_SECRET.to_owned(),
            mail_secrets: Some(MAIL_SECRET.to_owned()),
            trusted_proxies: Vec::new(),
            base_url: None,
            lanes: Lanes::default(),
            upload_grace: Duration::from_secs(60),
            limits: serve::Limits::default(),
            welcome: Welcome::default(),
            stop,
        }
    }
}

pub(super) fn open_door(listener: TcpListener, shop: &Shop, sandbox: &Running, door: Door) -> JoinHandle<()> {
    let Door {
        webhook_secrets,
        mail_secrets,
        trusted_proxies,
        base_url: _,
        lanes,
        upload_grace,
        limits,
        welcome,
        mut stop,
    } = door;
    let folder = tempfile::tempdir().unwrap();
    let leptos = leptos::config::LeptosOptions::builder().output_name("octavo").site_root("target/site").build();
    let mut uploads = Uploads::new(folder.path().to_owned(), 4);
    uploads.grace = upload_grace;
    let store = store(Settings {
        leptos,
        shop: shop.clone(),
        webhook_secrets: webhook_secrets.parse().unwrap(),
        mail_webhook_secrets: mail_secrets.map(|secrets| secrets.parse().unwrap()),
        trusted_proxies,
        payment_origins: vec![sandbox.url().to_owned()],
        // Tests change a book and look at once.
        page_cache: page_cache::Settings { recheck: Duration::ZERO, ..page_cache::Settings::default() },
        lanes,
        welcome,
        uploads,
    });
    tokio::spawn(async move {
        let told = async move { drop(stop.wait_for(|stop| *stop).await) };
        serve::serve(listener, store, limits, told).await;
        drop(folder);
    })
}
