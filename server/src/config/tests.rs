//! A wrong setting is named, and nothing starts.

use super::*;
use std::collections::HashMap;

fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut vars: HashMap<&str, &str> = HashMap::from([
        ("STRIPE_SECRET_KEY", "sk_test_0123456789"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_0123456789"),
        ("SECRET_KEY", "0123456789abcdef0123456789abcdef"),
    ]);
    for (name, value) in changes {
        if *value == "<unset>" {
            vars.remove(name);
        } else {
            vars.insert(name, value);
        }
    }
    let lookup = |name: &str| vars.get(name).map(|value| (*value).to_owned());
    Config::read(&Env::new(&lookup), Path::new("does-not-exist.toml"))
}

#[test]
fn the_defaults_are_a_store_on_this_machine() {
    let config = read(&[]).unwrap();
    assert_eq!(format!("{:?}", config.database), "sqlite://data/octavo.db");
    assert_eq!(config.base_url, "http://127.0.0.1:3000");
    assert_eq!(config.stripe_api_base.as_str(), "https://api.stripe.com/");
    assert_eq!(config.store.currency.code(), "USD");
}

/// Row 2 of the threats, and its like: a wrong setting is named, nothing starts, no secret is repeated.
#[test]
fn row_2_a_wrong_setting_is_named_and_refused() {
    for (changes, name) in [
        (&[("STRIPE_WEBHOOK_SECRET", "<unset>")][..], "STRIPE_WEBHOOK_SECRET"),
        (&[("STRIPE_WEBHOOK_SECRET", "")], "STRIPE_WEBHOOK_SECRET"),
        (&[("STRIPE_WEBHOOK_SECRET", " ")], "STRIPE_WEBHOOK_SECRET"),
        (&[("STRIPE_WEBHOOK_SECRET", "whsec_0123456789,")], "STRIPE_WEBHOOK_SECRET"),
        (&[("STRIPE_WEBHOOK_SECRET", "sk_test_0123456789")], "STRIPE_WEBHOOK_SECRET"),
        (&[("STRIPE_SECRET_KEY", "<unset>")], "STRIPE_SECRET_KEY"),
        (&[("STRIPE_SECRET_KEY", "pk_test_0123456789")], "STRIPE_SECRET_KEY"),
        (&[("STRIPE_SECRET_KEY", "sk_live_0123456789"), ("OCTAVO_DEMO", "1")], "OCTAVO_DEMO"),
        (
            &[("STRIPE_SECRET_KEY", "sk_live_0123456789"), ("STRIPE_API_BASE", "http://127.0.0.1:12111/")],
            "STRIPE_API_BASE",
        ),
        (&[("STRIPE_API_BASE", "https://evil.example/")], "STRIPE_API_BASE"),
        (&[("DATABASE_URL", "mysql://h/db")], "DATABASE_URL"),
        (&[("DATABASE_URL", "octavo.db")], "DATABASE_URL"),
        (&[("DATABASE_URL", "postgres://h/db"), ("SECRET_KEY", "<unset>")], "SECRET_KEY"),
        (&[("SECRET_KEY", "short")], "SECRET_KEY"),
        (&[("BASE_URL", "http://books.example.org")], "BASE_URL"),
        (&[("BASE_URL", "https://books.example.org/shop")], "BASE_URL"),
        (&[("BASE_URL", "ftp://books.example.org")], "BASE_URL"),
        (&[("LISTEN_ADDR", "nowhere")], "LISTEN_ADDR"),
        (&[("TRUSTED_PROXIES", "10.0.0.0/8, proxy")], "TRUSTED_PROXIES"),
        (&[("SMTP_URL", "mail.example.org")], "SMTP_URL"),
        (&[("SMTP_URL", "file://")], "SMTP_URL"),
        (&[("SMTP_URL", "smtp://ann:0123456789@mail.example.org"), ("MAIL_FROM", "a@example.org")], "SMTP_URL"),
        (&[("SMTP_URL", "smtps://ann:0123456789@mail.example.org")], "MAIL_FROM"),
        (&[("SMTP_URL", "smtp://127.0.0.1"), ("MAIL_FROM", "Octavo Books")], "MAIL_FROM"),
        (&[("SMTP_URL", "smtp://127.0.0.1"), ("MAIL_FROM", "a@example.org"), ("OWNER_EMAIL", "me")], "OWNER_EMAIL"),
        (&[("SMTP_URL", "smtps://127.0.0.1"), ("MAIL_FROM", "a@example.org"), ("SMTP_CA", "ca.pem")], "SMTP_CA"),
        (&[("SMTP_URL", "smtps://127.0.0.1"), ("MAIL_FROM", "a@example.org"), ("SMTP_CA_FILE", "no")], "SMTP_CA_FILE"),
        (&[("MAIL_WEBHOOK_SECRET", "whsec_0123456789")], "MAIL_WEBHOOK_SECRET"),
        (&[("DOWNLOADS", "redirect")], "DOWNLOADS"),
        (&[("DOWNLOADS", "sometimes")], "DOWNLOADS"),
        (&[("S3_ENDPOINT", "https://s3.example.org")], "S3_BUCKET"),
        (&[("S3_SECRET_ACCESS_KEY", "0123456789")], "S3_BUCKET"),
        (&[("S3_BUCKET", "My Books"), ("S3_REGION", "eu-central-1")], "S3_BUCKET"),
        (&[("S3_BUCKET", "books")], "S3_REGION"),
        (&[("S3_BUCKET", "books"), ("S3_REGION", "eu/central")], "S3_REGION"),
        (&[("S3_BUCKET", "books"), ("S3_ENDPOINT", "https://s3.example.org/books")], "S3_ENDPOINT"),
        (&[("S3_BUCKET", "books"), ("S3_ENDPOINT", "http://s3.example.org")], "S3_ENDPOINT"),
        (&[("S3_BUCKET", "books"), ("S3_ENDPOINT", "http://minio:9000"), ("DOWNLOADS", "redirect")], "S3_ENDPOINT"),
        (&[("S3_BUCKET", "books"), ("S3_REGION", "eu-central-1"), ("S3_PATH_STYLE", "maybe")], "S3_PATH_STYLE"),
        (
            &[("S3_BUCKET", "books"), ("S3_ENDPOINT", "http://127.0.0.1:9000"), ("S3_PATH_STYLE", "false")],
            "S3_PATH_STYLE",
        ),
        (&[("S3_BUCKET", "books"), ("S3_REGION", "eu-central-1")], "S3_ACCESS_KEY_ID"),
        (
            &[("S3_BUCKET", "books"), ("S3_REGION", "eu-central-1"), ("S3_ACCESS_KEY_ID", "0123456789")],
            "S3_SECRET_ACCESS_KEY",
        ),
        (&[("SECRET_KEY_FILE", "/does/not/exist"), ("SECRET_KEY", "<unset>")], "SECRET_KEY_FILE"),
        (&[("SECRET_KEY_FILE", "/does/not/exist")], "SECRET_KEY"),
    ] {
        let error = read(changes).unwrap_err();
        assert_eq!(error.name, name, "{changes:?}: {error}");
        assert!(!error.problem.contains("0123456789"), "a secret was repeated: {error}");
    }
}

#[test]
fn files_are_where_the_settings_say() {
    assert_eq!(read(&[("DATA_DIR", "somewhere")]).unwrap().files, Place::Folder("somewhere/files".into()));
    let bucket = |changes: &[(&str, &str)]| {
        let keys = [("S3_BUCKET", "books"), ("S3_ACCESS_KEY_ID", "key"), ("S3_SECRET_ACCESS_KEY", "0123456789")];
        let place = read(&[&keys, changes].concat()).unwrap().files;
        assert!(!format!("{place:?}").contains("0123456789"));
        let Place::S3(bucket) = place else { panic!("{place:?}") };
        bucket
    };
    let amazons = bucket(&[("S3_REGION", "eu-central-1"), ("DOWNLOADS", "redirect")]);
    assert_eq!(amazons.endpoint.as_str(), "https://s3.eu-central-1.amazonaws.com/");
    assert!(!amazons.path_style && amazons.redirect);
    for endpoint in ["http://minio:9000/", "http://10.0.0.7:9000/", "http://127.0.0.1:9000/", "https://s3.example.org/"]
    {
        let own = bucket(&[("S3_ENDPOINT", endpoint)]);
        assert_eq!((own.endpoint.as_str(), own.region.as_str()), (endpoint, "us-east-1"));
        assert!(own.path_style && !own.redirect);
    }
}

#[test]
fn mail_goes_where_the_settings_say() {
    assert!(read(&[]).unwrap().mail.is_none());
    assert!(read(&[("SMTP_URL", ""), ("MAIL_FROM", "a@example.org")]).unwrap().mail.is_none());
    let mail = |changes: &[(&str, &str)]| read(changes).unwrap().mail.expect("a way for mail");
    let relay = ("SMTP_URL", "smtps://ann:0123456789@mail.example.org");
    let sent = mail(&[relay, ("MAIL_FROM", "Ann's Books <books@example.org>")]);
    assert!(matches!(&sent.way, Way::Smtp(_, None)) && !format!("{sent:?}").contains("0123456789"));
    assert_eq!((sent.from.address(), sent.owner.as_str()), ("books@example.org", "books@example.org"));
    let sent = mail(&[relay, ("MAIL_FROM", "books@example.org"), ("OWNER_EMAIL", "ann@example.org")]);
    assert_eq!(sent.owner.as_str(), "ann@example.org");
    let demo = mail(&[("OCTAVO_DEMO", "1"), ("DATA_DIR", "somewhere")]);
    assert!(matches!(demo.way, Way::File(path) if path == Path::new("somewhere/mailbox")));
    let folder = mail(&[("SMTP_URL", "file:///var/mail/octavo"), ("MAIL_FROM", "a@example.org")]);
    assert!(matches!(folder.way, Way::File(path) if path == Path::new("/var/mail/octavo")));
}

#[test]
fn a_relays_own_authority_is_for_encrypted_mail_only() {
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &ca).unwrap();
    let read = |url: &str| {
        read(&[("SMTP_URL", url), ("MAIL_FROM", "a@example.org"), ("SMTP_CA_FILE", path.to_str().unwrap())])
    };
    for url in ["smtps://127.0.0.1", "smtp://relay.example.org?tls=required"] {
        assert!(matches!(read(url).unwrap().mail.unwrap().way, Way::Smtp(_, Some(_))), "{url}");
    }
    for url in ["smtp://127.0.0.1", "smtp://relay.example.org?tls=opportunistic", "file:///var/mail/octavo"] {
        assert_eq!(read(url).unwrap_err().name, "SMTP_CA", "{url}");
    }
}

#[test]
fn an_https_address_and_a_loopback_one_are_fine() {
    assert_eq!(read(&[("BASE_URL", "https://books.example.org/")]).unwrap().base_url, "https://books.example.org");
    for loopback in ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:3000"] {
        assert_eq!(read(&[("BASE_URL", loopback)]).unwrap().base_url, loopback);
    }
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "sk_test_fromafile00\n").unwrap();
    assert!(read(&[("STRIPE_SECRET_KEY", "<unset>"), ("STRIPE_SECRET_KEY_FILE", path.to_str().unwrap())]).is_ok());
}

#[test]
fn a_key_is_made_once_and_kept_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    let changes = [("SECRET_KEY", "<unset>"), ("DATA_DIR", dir.to_str().unwrap())];
    read(&changes).unwrap();
    let first = std::fs::read(dir.join("secret.key")).unwrap();
    read(&changes).unwrap();
    assert_eq!(std::fs::read(dir.join("secret.key")).unwrap(), first);
    assert!(first.len() >= 32);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(dir.join("secret.key")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_store_table_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Leptos.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        store::read(&path)
    };
    assert_eq!(read("[store]\ncurrency = \"EUR\"\ntoken_uses = 5\n").unwrap().policy().token_uses, 5);
    assert!(read("[store]\ncolour = \"red\"\n").unwrap_err().problem.contains("colour"));
    assert!(read("[store]\ncurrency = \"XXX\"\n").is_err());
    assert!(read("[store]\ntoken_uses = 0\n").unwrap_err().problem.contains("token_uses"));
}

/// The installed store reads `Leptos.toml`, cargo-leptos reads `Cargo.toml`: they must say the same.
#[test]
fn leptos_toml_agrees_with_cargo_toml() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = |file: &str| -> toml::Table { std::fs::read_to_string(root.join(file)).unwrap().parse().unwrap() };
    let options = |table: &toml::Table| table["workspace"]["metadata"]["leptos"][0].as_table().unwrap().clone();
    let (cargo, leptos) = (options(&table("Cargo.toml")), options(&table("Leptos.toml")));
    for (key, value) in &leptos {
        assert_eq!(Some(value), cargo.get(key), "{key}");
    }
    for key in ["output-name", "site-root", "site-pkg-dir", "site-addr", "hash-files"] {
        assert!(leptos.contains_key(key), "{key}");
    }
    assert!(store::read(&root.join("Leptos.toml")).is_ok());
}
