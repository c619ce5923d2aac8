//! The agency's signing key: a file with the seed of an Ed25519 key that only its owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use thiserror::Error;

/// Longest key file that is read, in bytes: 64 digits and white space around them.
const KEY_LEN_BYTES_MAX: u64 = 128;

/// The signing key cannot be used; nothing was signed or overwritten.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file could not be read or made.
    #[error("cannot {what} the signing key {}: {cause}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
    /// There is no folder to make the file in.
    #[error(
        "the signing key {} cannot be made, its folder is not there: make it first",
        path.display()
    )]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error(
        "the signing key {} can be read by others (mode {mode:03o}), run chmod 600",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a seed.
    #[error("the signing key {} does not hold 64 hexadecimal digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no random bytes.
    #[error("cannot make a signing key: {cause}")]
    Randomness {
        /// Why not.
        cause: getrandom::Error,
    },
}

/// Reads the signing key at `path`, or makes one with mode 0600 where there is none.
///
/// # Errors
///
/// Returns [`KeyError`]; an existing file is never changed.
pub fn load_or_create(path: &Path) -> Result<SigningKey, KeyError> {
    let file_error = |what| move |cause| KeyError::File { what, path: path.to_owned(), cause };
    match File::open(path) {
        Ok(file) => read(&file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            if folder.is_some_and(|it| !it.exists()) {
                return Err(KeyError::NoFolder { path: path.to_owned() });
            }
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|cause| KeyError::Randomness { cause })?;
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(file_error("make"))?;
            let text = format!("{}\n", hex::encode(seed));
            file.write_all(text.as_bytes()).map_err(file_error("write"))?;
            file.sync_all().map_err(file_error("write"))?;
            Ok(SigningKey::from_bytes(&seed))
        }
        Err(error) => Err(file_error("read")(error)),
    }
}

/// The public half as 64 hexadecimal digits, as a hub's configuration names it.
#[must_use]
pub fn public_hex(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().as_bytes())
}

fn read(file: &File, path: &Path) -> Result<SigningKey, KeyError> {
    let file_error = |cause| KeyError::File { what: "read", path: path.to_owned(), cause };
    let mode = file.metadata().map_err(file_error)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(KEY_LEN_BYTES_MAX).read_to_string(&mut text).map_err(file_error)?;
    let malformed = |_cause| KeyError::Malformed { path: path.to_owned() };
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim(), &mut seed).map_err(malformed)?;
    Ok(SigningKey::from_bytes(&seed))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agency.key");
        let key = load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_create(&path).unwrap().to_bytes(), key.to_bytes());
        assert_eq!(public_hex(&key).len(), 64);
    }

    #[test]
    fn a_key_without_a_folder_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let error = load_or_create(&directory.path().join("no/agency.key")).unwrap_err();
        assert!(error.to_string().contains("its folder is not there"), "{error}");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agency.key");
        load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load_or_create(&path).unwrap_err();
        assert!(matches!(error, KeyError::Exposed { mode: 0o640, .. }), "{error}");
    }

    #[test]
    fn a_damaged_key_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agency.key");
        load_or_create(&path).unwrap();
        fs::write(&path, "abc").unwrap();
        assert!(matches!(load_or_create(&path), Err(KeyError::Malformed { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "abc");
    }
}
