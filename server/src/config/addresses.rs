//! The settings that are addresses: of the store, of those whom it asks, and of the networks around it.

use super::{ConfigError, Env, wrong};
use ipnet::IpNet;
use shop::hooks::Reach;
use shop::payments::StripeKey;
use shop::tax::Vies;
use std::net::IpAddr;
use url::Url;

/// `url` without its trailing slash. Cookies and payments do not travel in clear text, except on this machine.
pub(super) fn base_url(url: &str) -> Result<String, ConfigError> {
    let parsed = Url::parse(url).map_err(|error| wrong("BASE_URL", error))?;
    let is_origin =
        parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none() && parsed.username().is_empty();
    match parsed.scheme() {
        "https" | "http" if !is_origin => {
            Err(wrong("BASE_URL", "must be scheme, host and port only, like https://books.example.org"))
        }
        "https" => Ok(parsed.as_str().trim_end_matches('/').to_owned()),
        "http" if is_loopback(&parsed) => Ok(parsed.as_str().trim_end_matches('/').to_owned()),
        _ => Err(wrong("BASE_URL", "must be https unless its host is loopback")),
    }
}

/// A live key is only ever sent to Stripe, a test key only to Stripe or to this machine.
pub(super) fn stripe_api_base(url: &str, key: &StripeKey) -> Result<Url, ConfigError> {
    let parsed = Url::parse(url).map_err(|error| wrong("STRIPE_API_BASE", error))?;
    let stripe = parsed.scheme() == "https" && parsed.host_str() == Some("api.stripe.com");
    if stripe || (is_loopback(&parsed) && !key.livemode()) {
        Ok(parsed)
    } else if key.livemode() {
        Err(wrong("STRIPE_API_BASE", "must be https://api.stripe.com/ with a live key"))
    } else {
        Err(wrong("STRIPE_API_BASE", "must be https://api.stripe.com/ or a sandbox on a loopback address"))
    }
}

/// Whether it is this machine's.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// How far the store's own webhooks reach: port 443 of the public internet, those of a demo that is for this machine only (`here`)
/// also to it, and whatever else the operator opens. In a demo that others can reach, everybody is its owner.
pub(super) fn reach(env: &Env<'_>, here: bool) -> Result<Reach, ConfigError> {
    let mut reach = if here { Reach::demo() } else { Reach::default() };
    if let Some(list) = env.filled::<String>("WEBHOOK_PORTS")? {
        let port = |text: &str| match text.trim().parse::<u16>() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(wrong("WEBHOOK_PORTS", format_args!("has {text:?}, which is no port"))),
        };
        reach.ports = list.split(',').map(port).collect::<Result<_, _>>()?;
    }
    reach.networks.extend(networks("WEBHOOK_NETWORKS", &env.get("WEBHOOK_NETWORKS")?.unwrap_or_default())?);
    Ok(reach)
}

/// The register's own address, or another one: https, or on this machine.
pub(super) fn vies(env: &Env<'_>) -> Result<Vies, ConfigError> {
    let Some(url) = env.filled::<Url>("VIES_API_BASE")? else { return Ok(Vies::default()) };
    if !(url.scheme() == "https" || is_loopback(&url)) || !url.path().ends_with('/') {
        return Err(wrong("VIES_API_BASE", "must be https unless its host is loopback, and end with a slash"));
    }
    Ok(Vies::at(&url))
}

/// The networks of a list with commas; an address is a network of one.
pub(super) fn networks(name: &str, list: &str) -> Result<Vec<IpNet>, ConfigError> {
    let parse = |text: &str| text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    list.split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            parse(text)
                .map_err(|_| wrong(name, format_args!("has {text:?}, which is no address or network (10.0.0.0/8)")))
        })
        .collect()
}
