//! The settings of files: a folder, or a bucket of an S3-compatible store; and how downloads leave it.

use super::{ConfigError, Env, is_loopback, wrong};
use shop::files::{Bucket, Place};
use std::net::IpAddr;
use std::path::Path;
use url::Url;

/// The settings that mean nothing without a bucket.
const OF_A_BUCKET: [&str; 5] =
    ["S3_ENDPOINT", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_PATH_STYLE"];

/// Without `S3_BUCKET`, the folder `files` in `DATA_DIR`.
pub(super) fn read(env: &Env<'_>, data_dir: &Path) -> Result<Place, ConfigError> {
    let redirect = match env.filled::<String>("DOWNLOADS")?.as_deref() {
        None | Some("stream") => false,
        Some("redirect") => true,
        Some(_) => return Err(wrong("DOWNLOADS", "must be stream or redirect")),
    };
    if let Some(bucket) = bucket(env, redirect)? {
        return Ok(Place::S3(bucket));
    }
    if redirect {
        return Err(wrong("DOWNLOADS", "can be redirect only with S3_BUCKET: files of a folder go through the store"));
    }
    for name in OF_A_BUCKET {
        if env.filled::<String>(name)?.is_some() {
            return Err(wrong("S3_BUCKET", format_args!("is not set, but {name} is")));
        }
    }
    Ok(folder(data_dir))
}

/// Where files are without a bucket.
pub(super) fn folder(data_dir: &Path) -> Place {
    Place::Folder(data_dir.join("files"))
}

fn bucket(env: &Env<'_>, redirect: bool) -> Result<Option<Bucket>, ConfigError> {
    let Some(name) = env.filled::<String>("S3_BUCKET")? else { return Ok(None) };
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let ends = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    if !(3..=63).contains(&bytes.len())
        || !bytes.iter().copied().all(allowed)
        || !ends(bytes.first())
        || !ends(bytes.last())
    {
        return Err(wrong("S3_BUCKET", "must be 3 to 63 lower-case letters, digits, points and hyphens"));
    }
    let endpoint = env.filled::<Url>("S3_ENDPOINT")?;
    let region = match (env.filled::<String>("S3_REGION")?, &endpoint) {
        (Some(region), _) if region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => region,
        (Some(_), _) => return Err(wrong("S3_REGION", "must be letters, digits and hyphens, like eu-central-1")),
        (None, Some(_)) => "us-east-1".to_owned(),
        (None, None) => return Err(wrong("S3_REGION", "is not set: the bucket's region, or S3_ENDPOINT, is needed")),
    };
    // A bucket of a store of one's own is a path; one of Amazon's is a host.
    let path_style = match env.filled::<String>("S3_PATH_STYLE")?.as_deref() {
        None => endpoint.is_some(),
        Some("true" | "1" | "yes") => true,
        Some("false" | "0" | "no") => false,
        Some(_) => return Err(wrong("S3_PATH_STYLE", "must be true or false")),
    };
    let endpoint = match endpoint {
        Some(endpoint) => checked(endpoint, redirect)?,
        None => format!("https://s3.{region}.amazonaws.com").parse().map_err(|error| wrong("S3_REGION", error))?,
    };
    if !path_style && endpoint.domain().is_none() {
        return Err(wrong(
            "S3_PATH_STYLE",
            "must be true: S3_ENDPOINT is an IP address, which takes no bucket in front",
        ));
    }
    Ok(Some(Bucket {
        name,
        region,
        endpoint,
        path_style,
        access_key_id: env
            .required("S3_ACCESS_KEY_ID", "the key that may read and write the bucket")?
            .trim()
            .to_owned(),
        secret_access_key: env.required("S3_SECRET_ACCESS_KEY", "the secret of S3_ACCESS_KEY_ID")?.trim().to_owned(),
        redirect,
    }))
}

/// Books do not travel in clear text, except on this machine and between machines of one's own; and never to readers.
fn checked(endpoint: Url, redirect: bool) -> Result<Url, ConfigError> {
    let plain = endpoint.username().is_empty()
        && endpoint.password().is_none()
        && endpoint.query().is_none()
        && endpoint.fragment().is_none()
        && endpoint.path() == "/";
    match endpoint.scheme() {
        "https" | "http" if !plain => {
            Err(wrong("S3_ENDPOINT", "must be scheme, host and port only, like https://s3.example.org"))
        }
        "https" => Ok(endpoint),
        "http" if is_loopback(&endpoint) => Ok(endpoint),
        "http" if redirect => Err(wrong("S3_ENDPOINT", "must be https with DOWNLOADS=redirect: readers are led there")),
        "http" if is_ours(&endpoint) => Ok(endpoint),
        _ => Err(wrong(
            "S3_ENDPOINT",
            "must be https, unless its host is this machine or a neighbour in a private network",
        )),
    }
}

/// A private address, or a name without a point, as machines have in a network of their own.
fn is_ours(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_private(),
        Some(url::Host::Ipv6(ip)) => ip.is_unique_local(),
        Some(url::Host::Domain(name)) => !name.contains('.') && name.parse::<IpAddr>().is_err(),
        None => false,
    }
}
