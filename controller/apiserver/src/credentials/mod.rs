//! What proves who is who: the authority behind the server's certificate, and the token of its clients.
//!
//! A directory keeps `ca.key` and `ca.crt`, the authority that clients trust, and `token.sha256`, by which the server
//! knows the token again without knowing it. Serving certificates are made at every start and kept nowhere.

mod authority;
mod private;
mod token;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use authority::Authority;
pub(crate) use authority::SERVER_NAME;
pub use private::write_private;
pub use token::Token;

const KEY: &str = "ca.key";
const CERTIFICATE: &str = "ca.crt";
const TOKEN: &str = "token.sha256";

/// Why the credentials in a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do about it.
        problem: String,
    },
}

/// The authority and the token kept in a directory.
#[derive(Debug, Clone)]
pub struct Credentials {
    directory: PathBuf,
    authority: Authority,
    token: Token,
}

impl Credentials {
    /// Reads the credentials in a directory. Where there are none, the directory, the authority and a token are made.
    ///
    /// A new token is known in plain ([`Token::secret`]) and not yet kept: hand it out first, usually with
    /// [`Server::kubeconfig`](crate::Server::kubeconfig) and [`write_private`], then call [`Self::keep_token`]. A start
    /// that fails in between leaves nothing behind that nobody has the token for.
    ///
    /// # Errors
    /// When a file cannot be read or written, or holds something else.
    pub fn open(directory: &Path) -> Result<Self, CredentialsError> {
        private::make_directory(directory).map_err(at(directory))?;
        let authority = authority(directory)?;
        let token = kept_token(&directory.join(TOKEN))?.unwrap_or_else(Token::generate);
        Ok(Self { directory: directory.to_owned(), authority, token })
    }

    /// Puts a new token in the place of the old one, which ends with [`Self::keep_token`] and the next start.
    pub fn renew_token(&mut self) {
        self.token = Token::generate();
    }

    /// Keeps a new token, as a salted hash. Does nothing for one that is kept already.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_token(&self) -> Result<(), CredentialsError> {
        if self.token.secret().is_none() {
            return Ok(());
        }
        let path = self.directory.join(TOKEN);
        write_private(&path, &format!("{}\n", self.token.hash())).map_err(at(&path))
    }

    /// For [`Config::authority`](crate::Config::authority).
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// For [`Config::token`](crate::Config::token).
    pub fn token(&self) -> &Token {
        &self.token
    }
}

fn authority(directory: &Path) -> Result<Authority, CredentialsError> {
    let (key_path, certificate_path) = (directory.join(KEY), directory.join(CERTIFICATE));
    let unusable = |error: io::Error| CredentialsError::Damaged {
        path: key_path.clone(),
        problem: format!(
            "{error}; restore it and {CERTIFICATE} from a backup, or remove both: a new authority is made then, which the \
             kubeconfigs written before do not trust"
        ),
    };
    let (key, certificate) = (read_private(&key_path)?, read_private(&certificate_path)?);
    match (key, certificate) {
        (None, Some(_)) => Err(unusable(io::Error::other("is missing, although its certificate is here"))),
        (None, None) => {
            let authority = Authority::generate().map_err(unusable)?;
            // The key first: without its certificate it is still the same authority.
            write_private(&key_path, authority.key_pem()).map_err(at(&key_path))?;
            write_private(&certificate_path, authority.certificate_pem()).map_err(at(&certificate_path))?;
            Ok(authority)
        }
        (Some(key), None) => {
            let authority = Authority::of_key(&key).map_err(unusable)?;
            write_private(&certificate_path, authority.certificate_pem()).map_err(at(&certificate_path))?;
            Ok(authority)
        }
        (Some(key), Some(certificate)) => Authority::of(&key, &certificate).map_err(unusable),
    }
}

fn kept_token(path: &Path) -> Result<Option<Token>, CredentialsError> {
    let Some(text) = read_private(path)? else {
        return Ok(None);
    };
    let token = Token::of_hash(text.trim()).ok_or_else(|| CredentialsError::Damaged {
        path: path.to_owned(),
        problem:
            "holds no hash of a token; restore it from a backup, or remove it: a new token is made then, which the \
                  kubeconfigs written before do not contain"
                .to_owned(),
    })?;
    Ok(Some(token))
}

/// The text of a file that only its owner may read, from now on at least.
fn read_private(path: &Path) -> Result<Option<String>, CredentialsError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            private::narrow(path).map_err(at(path))?;
            Ok(Some(text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> CredentialsError {
    move |source| CredentialsError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_in_plain_until_it_is_kept_and_accepted_after() {
        let folder = tempfile::tempdir().unwrap();
        let first = Credentials::open(folder.path()).unwrap();
        let secret = first.token().secret().unwrap().to_owned();
        assert!(!folder.path().join(TOKEN).exists(), "a start that fails now is as if it never was");
        first.keep_token().unwrap();

        let kept = fs::read_to_string(folder.path().join(TOKEN)).unwrap();
        assert!(!kept.contains(&secret));
        let second = Credentials::open(folder.path()).unwrap();
        assert!(second.token().secret().is_none());
        assert!(second.token().accepts(&secret));
        second.keep_token().unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(TOKEN)).unwrap(), kept);
    }

    #[test]
    fn a_new_token_ends_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::open(folder.path()).unwrap();
        credentials.keep_token().unwrap();
        let old = credentials.token().secret().unwrap().to_owned();
        credentials.renew_token();
        let new = credentials.token().secret().unwrap().to_owned();
        credentials.keep_token().unwrap();
        let reopened = Credentials::open(folder.path()).unwrap();
        assert!(reopened.token().accepts(&new) && !reopened.token().accepts(&old));
    }

    #[test]
    fn the_authority_stays_the_same_and_its_certificate_is_made_again_when_lost() {
        let folder = tempfile::tempdir().unwrap();
        let first = Credentials::open(folder.path()).unwrap();
        let again = Credentials::open(folder.path()).unwrap();
        assert_eq!(first.authority().certificate_pem(), again.authority().certificate_pem());
        assert_eq!(first.authority().key_pem(), again.authority().key_pem());
        fs::remove_file(folder.path().join(CERTIFICATE)).unwrap();
        assert_eq!(Credentials::open(folder.path()).unwrap().authority().key_pem(), first.authority().key_pem());
    }

    #[test]
    fn what_is_damaged_is_named_with_the_way_out() {
        for (file, content) in
            [(KEY, Some("nonsense")), (KEY, None), (CERTIFICATE, Some("nonsense")), (TOKEN, Some("x"))]
        {
            let folder = tempfile::tempdir().unwrap();
            Credentials::open(folder.path()).unwrap().keep_token().unwrap();
            match content {
                Some(content) => fs::write(folder.path().join(file), content).unwrap(),
                None => fs::remove_file(folder.path().join(file)).unwrap(),
            }
            let error = Credentials::open(folder.path()).unwrap_err().to_string();
            assert!(error.contains("from a backup") && error.contains("remove"), "{file}: {error}");
        }
    }

    #[test]
    fn the_certificate_of_another_key_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Credentials::open(one.path()).unwrap();
        Credentials::open(other.path()).unwrap();
        fs::copy(other.path().join(CERTIFICATE), one.path().join(CERTIFICATE)).unwrap();
        let error = Credentials::open(one.path()).unwrap_err().to_string();
        assert!(error.contains("is not the key of the certificate"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_may_read_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("data");
        Credentials::open(&directory).unwrap().keep_token().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        for file in [KEY, CERTIFICATE, TOKEN] {
            assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
            fs::set_permissions(directory.join(file), fs::Permissions::from_mode(0o644)).unwrap();
        }
        Credentials::open(&directory).unwrap();
        for file in [KEY, CERTIFICATE, TOKEN] {
            assert_eq!(mode(&directory.join(file)), 0o600, "{file} was open to others");
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = Credentials::open(folder.path()).unwrap();
        let text = format!("{credentials:?}");
        assert!(!text.contains(credentials.token().secret().unwrap()), "{text}");
        assert!(!text.contains("PRIVATE"), "{text}");
    }
}
