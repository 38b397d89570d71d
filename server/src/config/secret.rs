//! The key that the store's secrets are derived from.

use super::{ConfigError, Env, wrong};
use shop::SecretKey;
use shop::db::DatabaseUrl;
use std::path::Path;

/// `SECRET_KEY`; on SQLite, where one machine is all there is, one is made on the first start and kept in the data
/// folder. Several machines on PostgreSQL must be given the same one.
pub(super) fn secret_key(env: &Env<'_>, database: &DatabaseUrl, data_dir: &Path) -> Result<SecretKey, ConfigError> {
    let key = |bytes: Vec<u8>| SecretKey::new(bytes).map_err(|error| wrong("SECRET_KEY", error));
    if let Some(text) = env.get("SECRET_KEY")? {
        return key(text.into_bytes());
    }
    if matches!(database, DatabaseUrl::Postgres(_)) {
        return Err(wrong("SECRET_KEY", "is not set: at least 32 random characters, the same on every machine"));
    }
    let path = data_dir.join("secret.key");
    let failed = |error: std::io::Error| {
        wrong("SECRET_KEY", format_args!("is not set, and {} cannot be made: {error}", path.display()))
    };
    match std::fs::read(&path) {
        Ok(bytes) => key(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(data_dir).map_err(failed)?;
            write_new_key(&path).map_err(failed)?;
            key(std::fs::read(&path).map_err(failed)?)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Only the owner may read it; of two processes that start at once, one makes it.
fn write_new_key(path: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let result = options.open(path).and_then(|mut file| {
        file.write_all(shop::secrets::random_key().as_bytes())?;
        file.sync_all()
    });
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}
