//! Where deliveries may go: to the public internet and nowhere else, whatever a URL or a name server says (OWASP, "Server
//! Side Request Forgery"). Looked at when an endpoint is saved and again at every attempt; the connection is made to the
//! very address that was looked at, so a name that means another one a moment later gains nothing.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// The longest URL.
const LONGEST: usize = 500;
/// For a name server's answer.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Why nothing is sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// It is no URL that deliveries can go to, or one with a name and a password in it.
    #[error("it is not an address that deliveries can go to")]
    Malformed,
    /// Deliveries are not sent in clear text.
    #[error("it does not begin with https")]
    NotHttps,
    /// Another port than those that are allowed.
    #[error("its port is not one of those that are allowed")]
    Port,
    /// It lies in a network that is not public.
    #[error("it lies in a network that is not public")]
    Private,
    /// Nothing is known under its name.
    #[error("no address is known under its name")]
    Unknown,
}

/// How far deliveries reach.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The ports that an endpoint may have; without any, every port.
    pub ports: Vec<u16>,
    /// Whether it may be in clear text.
    pub plain: bool,
    /// Networks that are open to deliveries although they are not public.
    pub networks: Vec<IpNet>,
    /// Who says which addresses a name has.
    pub names: Names,
}

impl Default for Reach {
    fn default() -> Self {
        Self { ports: vec![443], plain: false, networks: Vec::new(), names: Names::System }
    }
}

impl Reach {
    /// A demo's: also this machine, at any port and in clear text.
    #[must_use]
    pub fn demo() -> Self {
        let networks = vec![
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
        ];
        Self { ports: Vec::new(), plain: true, networks, names: Names::System }
    }

    /// The URL, if deliveries may go there as far as it can be told without asking for its name.
    ///
    /// # Errors
    /// Why they may not.
    pub fn parse(&self, text: &str) -> Result<Url, BadAddress> {
        let text = text.trim();
        // What a parser would mend or drop is not what anybody meant.
        if text.len() > LONGEST || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(BadAddress::Malformed);
        }
        let url = Url::parse(text).map_err(|_| BadAddress::Malformed)?;
        match url.scheme() {
            "https" => {}
            "http" if self.plain => {}
            "http" => return Err(BadAddress::NotHttps),
            _ => return Err(BadAddress::Malformed),
        }
        let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        if authority.is_none_or(|authority| authority.contains('@')) || url.fragment().is_some() {
            return Err(BadAddress::Malformed);
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if port == 0 || !(self.ports.is_empty() || self.ports.contains(&port)) {
            return Err(BadAddress::Port);
        }
        // The parser has made one form of every way to write an address: decimal, octal, hexadecimal, with parts left out.
        match url.host() {
            None => Err(BadAddress::Malformed),
            Some(Host::Ipv4(ip)) => self.admit(ip.into()).map(|()| url),
            Some(Host::Ipv6(ip)) => self.admit(ip.into()).map(|()| url),
            Some(Host::Domain(name)) if self.networks.is_empty() && is_inside(name) => Err(BadAddress::Private),
            Some(Host::Domain(_)) => Ok(url),
        }
    }

    /// Whether deliveries may go there, with the name looked up.
    ///
    /// # Errors
    /// Why they may not.
    pub async fn check(&self, text: &str) -> Result<Url, BadAddress> {
        let url = self.parse(text)?;
        if let Some(Host::Domain(name)) = url.host() {
            self.addresses(name).await?;
        }
        Ok(url)
    }

    /// The addresses of a name, all of which deliveries may go to: a name with one outside and one inside is a trap, or a
    /// mistake.
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, BadAddress> {
        let found = tokio::time::timeout(LOOK_UP, self.names.look_up(name)).await;
        let found = found.map_err(|_| BadAddress::Unknown)?.map_err(|_| BadAddress::Unknown)?;
        if found.is_empty() {
            return Err(BadAddress::Unknown);
        }
        found.iter().try_for_each(|ip| self.admit(*ip))?;
        Ok(found)
    }

    fn admit(&self, ip: IpAddr) -> Result<(), BadAddress> {
        if is_public(ip) || self.networks.iter().any(|network| network.contains(&ip)) {
            Ok(())
        } else {
            Err(BadAddress::Private)
        }
    }
}

/// Who says which addresses a name has.
#[derive(Clone, Default)]
pub enum Names {
    /// The machine's own resolver.
    #[default]
    System,
    /// A test, which may change its mind.
    Given(Arc<Answers>),
}

/// What a test says of a name.
pub type Answers = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

impl Names {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match self {
            Self::System => Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()),
            Self::Given(answers) => Ok(answers(name)),
        }
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Given(_) => "Given",
        })
    }
}

/// Names that only mean something inside a network (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's `.internal`).
const INSIDE: [&str; 12] = [
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
];

fn is_inside(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    match name.rsplit_once('.') {
        Some((_, last)) => INSIDE.contains(&last) || last == "test",
        None => true,
    }
}

/// The parts of IPv4 that are not the public internet: IANA's registry of special-purpose addresses
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>), multicast, and the one address at which a cloud
/// speaks to its machines from the midst of the public ones (Azure's 168.63.129.16).
const NOT_PUBLIC_V4: [([u8; 4], u8); 18] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// The parts of IPv6's public range, `2000::/3`, that are none: protocols of the IETF's with Teredo, documentation, and
/// 6to4, which has an IPv4 address inside. All that is outside the range is refused with it: loopback, unique local, link
/// local, multicast, IPv4 in IPv6 and the prefixes of NAT64.
const NOT_PUBLIC_V6: [([u16; 8], u8); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !NOT_PUBLIC_V4.iter().any(|(network, length)| {
            Ipv4Net::new(Ipv4Addr::from(*network), *length).is_ok_and(|net| net.contains(&ip))
        }),
        IpAddr::V6(ip) => {
            ip.segments()[0] & 0xe000 == 0x2000
                && !NOT_PUBLIC_V6.iter().any(|(network, length)| {
                    Ipv6Net::new(Ipv6Addr::from(*network), *length).is_ok_and(|net| net.contains(&ip))
                })
        }
    }
}

#[cfg(test)]
mod tests;
