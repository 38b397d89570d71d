//! Row 41: every way to write an address that leads inside.

use super::*;

const INSIDE_FORMS: &[&str] = &[
    // This machine, however it is written.
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://ⓛocalhost/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:7f00:0001]/",
    // Networks of one's own.
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://012.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://3232235521/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:192.168.0.1]/",
    "https://intranet/",
    "https://printer.local/",
    "https://printer.local./",
    "https://db.internal/",
    "https://nas.lan/",
    "https://router.home.arpa/",
    "https://wiki.corp/",
    "https://x.test/",
    "https://x.onion/",
    "https://x.invalid/",
    // What clouds tell their machines.
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://metadata.google.internal/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    // Shared, link local, multicast, broadcast, for documentation and for measuring, reserved.
    "https://100.64.0.1/",
    "https://169.254.0.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    // IPv4 inside IPv6: 6to4, Teredo, NAT64.
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::a9fe:a9fe]/",
];

const MALFORMED: &[&str] = &[
    "",
    "hook",
    "//hooks.example.org/",
    "https://",
    "https:///",
    "ftp://hooks.example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "https://user@hooks.example.org/",
    "https://user:password@hooks.example.org/",
    "https://@hooks.example.org/",
    "https://hooks.example.org@127.0.0.1/",
    "https://127.0.0.1\\@hooks.example.org/",
    "https://hooks.example.org\\@127.0.0.1/",
    "https://hooks.example.org/#fragment",
    "https://hooks.exa mple.org/",
    "https://hooks.example.org/a\tb",
    "https://hooks.example.org/a\r\nHost: inside",
    "https://hooks.example.org/\0",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://0x7g.1/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://hooks.example.org:99999/",
];

#[test]
fn row_41_no_form_of_an_address_leads_inside() {
    let reach = Reach::default();
    assert!(INSIDE_FORMS.len() + MALFORMED.len() >= 100);
    for text in INSIDE_FORMS {
        assert_eq!(reach.parse(text), Err(BadAddress::Private), "{text}");
    }
    for text in MALFORMED {
        assert_eq!(reach.parse(text), Err(BadAddress::Malformed), "{text}");
    }
    assert_eq!(reach.parse(&format!("https://a.example.org/{}", "a".repeat(LONGEST))), Err(BadAddress::Malformed));
    assert_eq!(reach.parse("http://hooks.example.org/"), Err(BadAddress::NotHttps));
    for port in [0, 22, 80, 8443] {
        assert_eq!(reach.parse(&format!("https://hooks.example.org:{port}/")), Err(BadAddress::Port), "{port}");
    }
}

#[test]
fn what_is_public_can_be_reached() {
    let reach = Reach::default();
    for (text, host) in [
        ("https://hooks.example.org/octavo?store=1", "hooks.example.org"),
        ("https://hooks.example.org:443/", "hooks.example.org"),
        ("HTTPS://HOOKS.EXAMPLE.ORG/", "hooks.example.org"),
        ("https://hooks.example.org./", "hooks.example.org."),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://93.184.215.14/", "93.184.215.14"),
        ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]"),
        ("https://hooks.example.org/a@b", "hooks.example.org"),
        // Names that only begin like those inside.
        ("https://localhost.example.org/", "localhost.example.org"),
        ("https://127.0.0.1.example.org/", "127.0.0.1.example.org"),
    ] {
        assert_eq!(reach.parse(text).unwrap().host_str(), Some(host), "{text}");
    }
    let open = Reach { ports: vec![443, 8443], ..Reach::default() };
    assert!(open.parse("https://hooks.example.org:8443/").is_ok());
}

#[test]
fn a_network_of_ones_own_is_open_only_if_the_operator_says_so() {
    let reach = Reach { networks: vec!["10.1.0.0/16".parse().unwrap()], ..Reach::default() };
    assert!(reach.parse("https://10.1.2.3/").is_ok() && reach.parse("https://n8n.lan/").is_ok());
    for text in ["https://10.2.0.1/", "https://127.0.0.1/", "https://[::ffff:10.1.2.3]/"] {
        assert_eq!(reach.parse(text), Err(BadAddress::Private), "{text}");
    }
    let demo = Reach::demo();
    assert!(demo.parse("http://127.0.0.1:4000/hook").is_ok() && demo.parse("http://[::1]:4000/").is_ok());
    for text in ["http://10.0.0.1/", "http://169.254.169.254/", "http://[::ffff:127.0.0.1]/"] {
        assert_eq!(demo.parse(text), Err(BadAddress::Private), "{text}");
    }
}

#[tokio::test]
async fn a_name_is_refused_if_any_of_its_addresses_lies_inside() {
    let says = |ips: &[&str]| {
        let ips: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().unwrap()).collect();
        Reach { names: Names::Given(Arc::new(move |_| ips.clone())), ..Reach::default() }
    };
    let url = "https://hooks.example.org/";
    assert!(says(&["93.184.215.14", "2606:2800:21f::1"]).check(url).await.is_ok());
    for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"] {
        assert_eq!(says(&["93.184.215.14", inside]).check(url).await, Err(BadAddress::Private), "{inside}");
    }
    assert_eq!(says(&[]).check(url).await, Err(BadAddress::Unknown));
}
